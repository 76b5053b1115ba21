"""A shop with its people and products, for tests of the API over HTTP."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

from tests.support.examples import input_type
from tests.support.identity import Asking, Chain
from tests.support.live import watching
from tests.support.stocktake_answers import stocktake_answers

T = TypeVar("T")

ON_STOCK_ROOTS = (
    *("openStock", "receive", "sell", "returnSale", "adjust", "consume", "produce"),
    *("returnToSupplier", "reverse"),
)
"""Mutations that record one movement."""
ON_SCANS = (
    *("openScanSession", "addScans", "correctScan", "removeScan"),
    *("commitScanSession", "cancelScanSession"),
)
ON_TRANSFERS = (
    *("requestReplenishment", "approveReplenishment", "rejectReplenishment"),
    *("withdrawReplenishment", "createTransfer", "shipTransfer", "receiveTransfer"),
    "cancelTransfer",
)
MOVEMENT = """
  id kind channel reason note document occurredAt recordedAt store { id } actor { name }
  lines {
    product { name } quantity onHandAfter seq unitCost
    from { store { id } bin } to { store { id } bin }
  }
  reverses { id } reversedBy { id } sale { id }
"""
PRODUCT = """
  id sku name spec unit kind price imageUrl archivedAt reorderPoint overstockPoint
  category { id name parentId path } barcodes { code packQuantity }
"""
APPROVAL = """
  id state kind reason note receiptNo occurredAt value store { id } decisionNote
  lines { product { name } quantity amount }
  requestedBy { name } decidedBy { name } approvers { name }
"""
PROBLEM = """... on Problem { __typename code message }"""
ON_STOCK = f"""
  ... on Movement {{ {MOVEMENT} }} {PROBLEM}
  ... on OutOfStock {{ shortages {{ product {{ name }} requested available }} }}
  ... on UnknownProduct {{ products: asked }}
  ... on UnknownStore {{ asked }} ... on UnknownMovement {{ asked }}
  ... on InvalidQuantity {{ product {{ name }} quantity }}
  ... on VersionConflict {{ product {{ name }} expected version available }}
  ... on ReturnExceedsSale {{ product {{ name }} sold returned requested }}
  ... on UnknownBatch {{ product {{ name }} number }}
  ... on BatchExpired {{ product {{ name }} expiredOn }}
  ... on KeyReused {{ key }} ... on WrongState {{ wrong: reason }}
  ... on SecondPersonNeeded {{ limit approval {{ {APPROVAL} }} }}
"""
ON_APPROVAL = f"""
  ... on Approval {{ {APPROVAL} movement {{ {MOVEMENT} }} }} {PROBLEM}
  ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
ON_PRODUCT = f"""
  ... on Product {{ {PRODUCT} }} {PROBLEM}
  ... on UnknownProduct {{ products: asked }}
  ... on UnknownStore {{ asked }} ... on UnknownCategory {{ asked }}
  ... on InvalidQuantity {{ product {{ name }} quantity }}
  ... on AlreadyTaken {{ field value path owner: product {{ id }} }} ... on KeyReused {{ key }}
  ... on WrongState {{ wrong: reason }}
"""
ON_RULE = f"""
  ... on ChannelRule {{ channel store {{ id }} product {{ name }} daysLeft buffer quota paused }}
  {PROBLEM} ... on InvalidQuantity {{ quantity }} ... on KeyReused {{ key }}
"""
ON_LINK = f"""
  ... on ChannelLink {{ id channel appId webhook endedAt listings {{
    product {{ name }} sku item state pushed attempts error
  }} }}
  {PROBLEM} ... on AlreadyTaken {{ field }} ... on WrongState {{ wrong: reason }}
"""
ON_RECIPE = f"""
  ... on Product {{ {PRODUCT} recipe {{
    version yields consumeOn components {{ product {{ name }} quantity loss optional }}
  }} }}
  {PROBLEM}
  ... on UnknownProduct {{ products: asked }} ... on InvalidQuantity {{ quantity }}
  ... on Indivisible {{ parts {{ product {{ name }} quantity nearest finerUnit }} }}
  ... on RecipeCycle {{ way {{ name }} }}
  ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
SHORT = "... on OutOfStock { shortages { product { name } requested available } }"
ON_PASS = f"""
  ... on Pass {{ id customer uses used state channel consumeOn expiresOn store {{ id }}
    redemptions {{ uses store {{ id }} movement {{ lines {{ quantity }} }} }} }}
  {PROBLEM} ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
ON_REDEMPTION = f"""
  ... on Redemption {{ id uses ofPass {{ id used state }} movement {{ {MOVEMENT} }} }}
  {PROBLEM} {SHORT} ... on WrongState {{ wrong: reason }} ... on NotEnoughUses {{ left requested }}
"""
ON_ORDER = f"""
  ... on Order {{ id state channel total contact note expiresAt pickupAt extended payment token
    lines {{ product {{ name }} quantity price }}
    movements {{ {MOVEMENT} }} placedBy {{ name }}
  }}
  {PROBLEM} {SHORT} ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
ON_WRITE_OFF = f"""
  ... on WriteOff {{ id state reason note photoUrls value decisionNote
    lines {{ product {{ name }} batch {{ number }} from quantity cost }}
    movements {{ kind }} requestedBy {{ name }} decidedBy {{ name }}
  }}
  {PROBLEM} ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
ON_TRANSFER = f"""
  ... on Transfer {{ id state fromStore {{ id }} toStore {{ id }} reason note endedAt
    lines {{
      product {{ name }} requested approved shipped received damaged lost returned inTransit reason
    }}
    requestedBy {{ name }} approvedBy {{ name }} shippedBy {{ name }}
    returnOf {{ id }} returns {{ id state toStore {{ id }} }}
    movements {{ kind }}
  }}
  {PROBLEM} {SHORT} ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
  ... on ExceedsTransfer {{ excesses {{ product {{ name }} requested allowed }} }}
  ... on ReasonNeeded {{ products {{ name }} }} ... on UnknownTransfer {{ asked }}
"""
ON_SALE = f"""
  ... on Movement {{ {MOVEMENT} }} {PROBLEM} {SHORT}
  ... on UnknownStore {{ asked }} ... on Unreadable {{ reason }}
"""
ON_SUPPLIER = f"""
  ... on Supplier {{ id name contact phone note leadDays archivedAt }} {PROBLEM}
  ... on UnknownSupplier {{ asked }} ... on AlreadyTaken {{ field value }}
"""
PURCHASE = """
  id number state expectedOn overdue note reason orderedBy { name } endedAt
  supplier { name phone note } store { id }
  lines { product { name } ordered received missing over unitCost }
"""
ON_PURCHASE = f"""
  ... on PurchaseOrder {{ {PURCHASE} receipts {{ {MOVEMENT} }} }} {PROBLEM}
  ... on WrongState {{ wrong: reason }} ... on KeyReused {{ key }}
"""
ON_DELIVERY = f"""
  {ON_PURCHASE} ... on UnknownProduct {{ products: asked }}
  ... on DeliveryExceedsOrder {{ deliveries {{ product {{ name }} ordered received requested }} }}
"""
ON_CATEGORY = f"""
  ... on Category {{ id name parentId path }} {PROBLEM}
  ... on AlreadyTaken {{ field value }} ... on WrongState {{ wrong: reason }}
"""
ANSWERS = {
    "createCategory": ON_CATEGORY,
    "updateCategory": ON_CATEGORY,
    **dict.fromkeys(ON_STOCK_ROOTS, ON_STOCK),
    **dict.fromkeys(("createProduct", "updateProduct", "archiveProduct"), ON_PRODUCT),
    **dict.fromkeys(("addBarcode", "setReorderPoint", "setExpiryWarning"), ON_PRODUCT),
    **dict.fromkeys(("removeBarcode", "setBarcodePack"), ON_PRODUCT),
    **dict.fromkeys(("setUnits", "setChannelFreshness"), ON_PRODUCT),
    **dict.fromkeys(("setChannelBuffer", "setChannelQuota", "setChannelPause"), ON_RULE),
    **dict.fromkeys(("connectChannel", "disconnectChannel", "retryChannel"), ON_LINK),
    **dict.fromkeys(("setListing", "removeListing"), ON_LINK),
    "setRecipe": ON_RECIPE,
    "setAssortment": f"... on ChangedAssortment {{ products {{ id name }} }} {PROBLEM}",
    "setMarkdown": f"... on BatchLevel {{ shelf markdown {{ percent until }} }} {PROBLEM}",
    "updateStore": f"... on Store {{ scaleLabels }} {PROBLEM}",
    "sellPass": f"{ON_PASS} {SHORT}",
    "redeem": ON_REDEMPTION,
    "refundPass": ON_PASS,
    "reverseRedemption": f"{ON_REDEMPTION.rpartition('... on NotEnoughUses')[0]}",
    "reversePurchaseReceipt": ON_PURCHASE,
    "revealContact": f"... on RevealedContact {{ contact }} {PROBLEM}",
    "eraseCustomer": f"... on ErasedCustomer {{ orders passes }} {PROBLEM}",
    **dict.fromkeys(
        ("placeOrder", "payOrder", "fulfilOrder", "cancelOrder", "extendHold"), ON_ORDER
    ),
    "returnOrder": f"... on Movement {{ {MOVEMENT} }} {PROBLEM} {SHORT} "
    "... on ReturnExceedsSale { product { name } sold returned } "
    "... on WrongState { wrong: reason }",
    **dict.fromkeys(ON_TRANSFERS, ON_TRANSFER),
    "reverseTransferReceipt": ON_TRANSFER.partition("  ... on ExceedsTransfer")[0],
    "syncSales": f"results {{ key outcome {{ {ON_SALE} }} }}",
    **dict.fromkeys(
        ("acknowledgeAlert", "resolveAlert", "snoozeAlert"),
        "... on Alert { id state acknowledgedBy { name } resolvedBy { name } snoozedUntil } "
        f"{PROBLEM}",
    ),
    "removeAlertRule": f"""... on AlertRuleSettings {{
        settings {{ rule days store {{ id }} product {{ name }} }}
    }} {PROBLEM}""",
    "setAlertRule": f"... on AlertSetting {{ rule enabled days fewerThan hours }} {PROBLEM}",
    **stocktake_answers(PROBLEM, SHORT),
    **dict.fromkeys(
        ON_SCANS, f"... on ScanSession {{ id state scans {{ nodes {{ id }} }} }} {PROBLEM}"
    ),
    "requestWriteOff": f"{ON_WRITE_OFF} {SHORT}",
    "rejectWriteOff": ON_WRITE_OFF,
    "approveWriteOff": f"{ON_WRITE_OFF} ... on OverLimit {{ limit costs: value }}",
    "approveMovement": f"{ON_APPROVAL} {SHORT} ... on OverLimit {{ limit costs: value }}",
    "rejectMovement": ON_APPROVAL,
    "setWriteOffLimit": f"... on WriteOffLimit {{ role amount }} {PROBLEM}",
    **dict.fromkeys(("createSupplier", "updateSupplier", "archiveSupplier"), ON_SUPPLIER),
    "createPurchaseOrder": f"{ON_PURCHASE} ... on AlreadyTaken {{ field value }}",
    **dict.fromkeys(
        ("updatePurchaseOrder", "cancelPurchaseOrder", "closePurchaseOrder"), ON_PURCHASE
    ),
    "receivePurchaseOrder": ON_DELIVERY,
    "setSoldOut": "... on SoldOutMark { soldOutUntil level { available } }"
    f" {PROBLEM} ... on KeyReused {{ key }}",
}


def mutation(name: str) -> str:
    return (
        f"mutation($input: {input_type(name)}!) {{ {name}(input: $input) {{ {ANSWERS[name]} }} }}"
    )


LEVELS = """
query($stores: [UUID!], $search: String, $status: LevelStatus, $category: UUID,
      $sort: LevelSort, $first: Int, $after: String) {
  levels(storeIds: $stores, search: $search, status: $status, categoryId: $category,
         sort: $sort, first: $first, after: $after) {
    nodes {
      store { id } product { id name } onHand available reserved quarantined incoming
      reorderPoint status version lastReceivedAt label { label remaining text }
    }
    edges { cursor node { version } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
FIND_LEVEL = """
query($store: UUID!, $product: UUID!) {
  product(id: $product) { level(storeId: $store) {
    onHand available quarantined reorderPoint status version
  } }
}
"""


@dataclass
class Desk:
    """An owner, a manager and a cashier of a store; products are created when first named."""

    chain: Chain
    manager: str
    cashier: str
    products: dict[str, str] = field(default_factory=dict)

    @property
    def asking(self) -> Asking:
        return self.chain.asking

    @property
    def owner(self) -> str:
        return self.chain.token

    @property
    def store(self) -> str:
        return str(self.chain.store)

    def who(self, name: str) -> str:
        """The cashier stands at the till; the owner does everything else."""
        return self.cashier if name in ("sell", "sellPass", "redeem") else self.owner

    async def do(self, name: str, /, *, by: str | None = None, **input: Any) -> Any:
        """The answer of a mutation, with a new key unless one is given."""
        values = {"key": str(uuid4()), **input}
        return await self.asking(mutation(name), by or self.who(name), input=values)

    async def code(self, name: str, /, *, by: str | None = None, **input: Any) -> str:
        """The code of the error that a mutation ends in."""
        values = {"key": str(uuid4()), **input}
        return await self.asking.code(mutation(name), by or self.who(name), input=values)

    async def ask(self, text: str, by: str | None = None, **variables: Any) -> Any:
        return await self.asking(text, by or self.owner, **variables)

    async def product(self, name: str, /, **more: Any) -> str:
        """The id of the product with this name."""
        if name not in self.products:
            given = {"sku": f"{name}-{uuid4().hex[:8]}", "unit": "袋", **more}
            product = await self.do("createProduct", name=name, **given)
            assert "code" not in product, product
            self.products[name] = product["id"]
        return self.products[name]

    async def line(self, name: str, quantity: object = None, **more: Any) -> dict[str, Any]:
        line = {"productId": await self.product(name), **more}
        return line if quantity is None else {**line, "quantity": str(quantity)}

    async def post(self, name: str, *lines: tuple[Any, ...], **more: Any) -> Any:
        """A movement in the store: `await desk.post("sell", ("米", 3))`."""
        by = more.pop("by", None)
        input = {"lines": [await self.line(*line) for line in lines], **more}
        if name != "returnSale":
            input.setdefault("storeId", self.store)
        return await self.do(name, by=by, **input)

    async def receive(self, name: str, quantity: object, **more: Any) -> Any:
        return await self.post("receive", (name, quantity), **more)

    async def level(self, name: str) -> Any:
        answer = await self.ask(FIND_LEVEL, store=self.store, product=await self.product(name))
        return answer["level"]


async def a_desk(chain: Chain) -> Desk:
    _, manager = await chain.hired(role="MANAGER", name="王店长")
    _, cashier = await chain.hired()
    return Desk(chain, manager["accessToken"], cashier["accessToken"])


async def verify_change(desk: Desk, action: Awaitable[T], announced: bool = True) -> T:
    """Awaits the action; a terminal's old snapshot and the changes must equal a fresh snapshot.

    `announced`: whether the action changes the feed; a refused one does not.
    """
    base_url, store = str(desk.asking.http.base_url), desk.chain.store
    async with watching(base_url, desk.owner, store) as terminal:
        before = terminal.revision
        answer = await action
        async with watching(base_url, desk.owner, store) as fresh:
            await terminal.reach(fresh.revision, 1)
            assert terminal.levels == fresh.levels
        assert (terminal.revision > before) is announced, answer
    return answer


def unnamed(value: Any, *names: str | UUID) -> str:
    """The answer as text with these ids replaced, to compare the rest."""
    text = repr(value)
    for name in names:
        text = text.replace(str(name), "?")
    return text
