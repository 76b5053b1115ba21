"""Canaries: values that stand nowhere but in one place of the seeded data, and who may see them."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from app.domain.access import Can, Role, Scope

TENANTS = STORES = (0, 1)
STOCK, MARGIN = 20_000_000, 2_000_000
QUANTITIES = [
    "approval",
    "order",
    "transfer",
    "purchase",
    "write_off",
    "alert",
    "recipe",
    "reorder",
    "buffer",
    "overstock",
]
OF_CHAIN = {"recipe", "overstock"}
VALUED = {"order", "transfer", "write_off", "approval"}
COSTS = ("8076.01", "11609.14", "12377.09", "13481.58")
"""The unit cost in each store: no product of one with a quantity, and no sum of two products, comes
near one of another."""

GRANTS: dict[str, tuple[Can, ...]] = {
    "stock": (Can.SEE_STOCK,),
    "cost": (Can.SEE_COST,),
    "movement": (Can.SEE_STOCK,),
    "batch": (Can.SEE_STOCK, Can.SEE_WRITE_OFFS),
    "supplier": (Can.SEE_SUPPLIERS,),
    "order": (Can.SEE_ORDERS, Can.SEE_STOCK, Can.SEE_REPORTS),
    "order_text": (Can.SEE_ORDERS,),
    "contact": (),
    "sealed": (),
    "customer_text": (Can.SEE_ORDERS,),
    "transfer": (Can.SEE_TRANSFERS, Can.SEE_STOCK),
    "transfer_text": (Can.SEE_TRANSFERS,),
    "purchase": (Can.SEE_PURCHASES, Can.SEE_STOCK),
    "purchase_text": (Can.SEE_PURCHASES,),
    "write_off": (Can.SEE_WRITE_OFFS, Can.SEE_STOCK),
    # Its movements repeat the reason and note.
    "write_off_text": (Can.SEE_WRITE_OFFS, Can.SEE_STOCK),
    "approval": (Can.SEE_APPROVALS,),
    "approval_text": (Can.SEE_APPROVALS,),
    "stocktake_text": (Can.SEE_STOCKTAKES,),
    "alert": (Can.SEE_ALERTS, Can.SEE_STOCK, Can.SEE_REPORTS),
    "pass_text": (Can.SEE_PASSES,),
    "recipe": (Can.SEE_CATALOG,),
    "reorder": (Can.SEE_STOCK,),
    "overstock": (Can.SEE_CATALOG,),
    "buffer": (Can.EDIT_CHANNELS,),
    "barcode": (Can.SEE_CATALOG,),
    "channel": (Can.CONNECT_CHANNELS, Can.SEE_HEALTH),
    "staff": (
        *(Can.SEE_STOCK, Can.SEE_ORDERS, Can.SEE_TRANSFERS, Can.SEE_WRITE_OFFS),
        *(Can.SEE_PURCHASES, Can.SEE_ALERTS, Can.SEE_PASSES, Can.CONNECT_CHANNELS),
        *(Can.SEE_STOCKTAKES, Can.SEE_APPROVALS),
    ),
}
"""The permissions of which each lets its holder see a secret in the store it belongs to.

A secret without a store belongs to the chain: the permission in any store is enough.
"""

OF_ROOT: dict[str, dict[str, Can]] = {
    "replenishmentSuggestions": dict.fromkeys(("stock", "transfer", "alert"), Can.SEE_TRANSFERS),
    # Who scanned is shown to those who scan.
    **{key: {"staff": Can.RECEIVE} for key in ("scanSession", "scanSessions", "scanSessionFeed")},
    # It repeats the code that was scanned.
    "scan": {"barcode": Can.SEE_STOCK},
    "channelPreview": {"stock": Can.EDIT_CHANNELS},
    **dict.fromkeys(
        ("createPurchaseOrder", "updatePurchaseOrder"),
        dict.fromkeys(("purchase", "purchase_text"), Can.PURCHASE),
    ),
    "receivePurchaseOrder": dict.fromkeys(("purchase", "purchase_text"), Can.RECEIVE),
    **{key: {"supplier": Can.EDIT_SUPPLIERS} for key in ("updateSupplier", "archiveSupplier")},
    "payOrder": dict.fromkeys(("order", "order_text"), Can.RUN_ORDERS),
}
"""What a root's own permission opens in its rows."""

UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:\+[\d:]+|Z)?")
NUMBERS = re.compile(r"(?<![\w.-])(?:\d{6,}(?:\.\d+)?|\d{4,5}\.\d{2,4})(?![\w-])")
TEXTS = re.compile(r"canary[0-9a-z]+|139\d{8}")
CURSORS = re.compile(r'[cC]ursor": ?"([\w+/=-]+)"')


@dataclass(frozen=True)
class Canary:
    """A secret of these stores (none: of the chain), spelled `text` or between two numbers."""

    secret: str
    tenant: int
    stores: tuple[int, ...] = ()
    text: str = ""
    low: float = 0
    high: float = 0


@dataclass(frozen=True)
class Reader:
    """One who asks: with a token or as a guest, and with which rights where.

    `tenant` is 0 or 1, or None for guests; `permits` are orders whose token they have.
    """

    name: str
    token: str | None = None
    tenant: int | None = None
    scope: Scope | None = None
    knows: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        """Whether they have the budget of staff and API keys."""
        return self.scope is not None and self.scope.role is not Role.CUSTOMER

    def reaches(self, can: Can, tenant: int, stores: Iterable[UUID | None]) -> bool:
        """Whether the matrix grants them the permission in this tenant, in one of the stores."""
        if can.value.anybody:
            return True
        if self.scope is None or self.tenant != tenant:
            return False
        return self.scope.sees(can, [store for store in stores if store is not None])


def slot(secret: str, tenant: int, store: int) -> int:
    """The quantity that stands for this secret in this store."""
    return 100_000 + (QUANTITIES.index(secret) * 4 + 2 * tenant + store) * 2_000


def stock_of(tenant: int, store: int) -> int:
    return STOCK + (2 * tenant + store) * 5_000_000


def cost_of(tenant: int, store: int) -> str:
    return COSTS[2 * tenant + store]


def numbers() -> list[Canary]:
    """The canaries of all quantities and costs."""
    return [each for tenant in TENANTS for store in STORES for each in numbers_of(tenant, store)]


def numbers_of(tenant: int, store: int) -> Iterator[Canary]:
    stock, cost = stock_of(tenant, store), float(cost_of(tenant, store))
    yield near(Canary("stock", tenant, (store,)), stock, MARGIN / stock)
    yield near(Canary("cost", tenant, (store,)), stock * cost, MARGIN / stock)
    # The receiver of a transfer sees the cost of what comes.
    yield near(Canary("cost", tenant, STORES), cost, 0.02)
    for secret in QUANTITIES:
        if secret in OF_CHAIN and store != STORES[0]:
            continue
        exact = slot(secret, tenant, store)
        moved = secret == "transfer"
        stores = STORES if moved else () if secret in OF_CHAIN else (store,)
        yield near(Canary(secret, tenant, stores), exact, 0.005)
        value = exact * float(cost_of(tenant, 1 - store if moved else store))
        if secret in VALUED:
            yield near(Canary("cost", tenant, stores), value, 0.015 if moved else 0.0005)


def near(canary: Canary, value: float, margin: float) -> Canary:
    """The canary of a number, which later movements may change by a part of it."""
    return replace(canary, low=value * (1 - margin), high=value * (1 + margin))


def readable(answer: str) -> str:
    """The answer without ids and times, and with cursors as what they hide."""
    hidden = []
    for cursor in CURSORS.findall(answer):
        try:
            hidden.append(base64.b64decode(cursor + "==", altchars=b"-_").decode(errors="ignore"))
        except (binascii.Error, ValueError):
            hidden.append(cursor)
    text = MOMENTS.sub(" ", UUIDS.sub(" ", " ".join([answer, *hidden])))
    return text.replace("\\u0000", " ")


def seen(canaries: Iterable[Canary], answer: str) -> set[Canary]:
    """The canaries that stand in the text of an answer."""
    text = readable(answer)
    texts = set(TEXTS.findall(text))
    values = {float(number) for number in NUMBERS.findall(text)}
    return {
        each
        for each in canaries
        if (each.text in texts if each.text else any(each.low <= n <= each.high for n in values))
    }
