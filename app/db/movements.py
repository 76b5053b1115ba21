"""The ledger's rows: `post` writes them once, and nothing changes them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from app.db import rollups
from app.db.core.statement import Statement, arrays, rows
from app.db.core.table import row_class
from app.db.core.unit import Unit
from app.db.rollups import FlowSums, RollUpKey
from app.db.tables import Entry, Level, Movement, Request

TENANT = bindparam("tenant", type_=Uuid())
L, M, E, R = (t.__table__.c for t in (Level, Movement, Entry, Request))

ClaimKey = tuple[UUID, UUID]
"""The owner of a key, and the key."""


class MovementHead(NamedTuple):
    """A movement without its entries, as it is written."""

    id: UUID
    kind: str
    store_id: UUID
    actor_id: UUID
    key: UUID
    channel: str | None
    reason: str | None
    note: str | None
    document: str | None
    sale_id: UUID | None
    reverses_id: UUID | None
    document_id: UUID | None
    occurred_at: datetime
    dated: bool
    business_date: date
    timezone: str
    till_id: UUID | None
    receipt_key: UUID | None


class EntryRow(NamedTuple):
    """One entry as it is written; see `tables.Entry`."""

    movement_id: UUID
    line: int
    product_id: UUID
    from_store: UUID
    from_bin: str
    to_store: UUID
    to_bin: str
    quantity: int
    scale: int
    unit_cost: int | None
    from_seq: int | None
    from_after: int | None
    to_seq: int | None
    to_after: int | None
    batch_id: UUID | None
    batch_named: bool | None
    cost: int | None
    recipe_id: UUID | None
    own_cost: bool | None
    price: int | None
    discount: int | None
    amount: int | None
    came_expired: bool | None
    zone: str | None


class LevelRow(NamedTuple):
    """The state of a level after a `post`; `received_at` None keeps the present value."""

    store_id: UUID
    product_id: UUID
    shelf: int
    reserved: int
    quarantine: int
    transit: int
    version: int
    value: int
    unit_cost: int | None
    held_until: datetime | None
    received_at: datetime | None


HEAD, ENTRY, STATE = map(list, (MovementHead._fields, EntryRow._fields, LevelRow._fields))


def _writing() -> Statement:
    state = rows("level", *(L[name] for name in STATE))
    changes: dict[Any, Any] = {name: state.c[name] for name in STATE[2:-1]}
    changes["shown"] = true()
    # A receipt that is recorded late does not set an earlier time.
    changes["received_at"] = func.greatest(state.c.received_at, L.received_at)
    levels = (
        update(Level)
        .values(changes)
        .where(
            L.tenant_id == TENANT,
            L.store_id == state.c.store_id,
            L.product_id == state.c.product_id,
        )
        .cte("levelled")
    )
    refused = rows("refused", R.actor_id, R.key)
    # I5: a refusal leaves no claim, so the same key may try again.
    unclaimed = (
        delete(Request)
        .where(R.tenant_id == TENANT, R.actor_id == refused.c.actor_id, R.key == refused.c.key)
        .cte("unclaimed")
    )
    moved = rows("movement", *(M[name] for name in HEAD))
    movements = (
        insert(Movement)
        .from_select(["tenant_id", *HEAD], select(TENANT, *(moved.c[name] for name in HEAD)))
        .cte("moved")
    )
    entered = rows("entry", *(E[name] for name in ENTRY))
    entries = (
        insert(Entry)
        .from_select(["tenant_id", *ENTRY], select(TENANT, *(entered.c[n] for n in ENTRY)))
        .cte("entered")
    )
    written = (levels, unclaimed, movements, entries, rollups.addition())
    return Statement(select(func.now()).add_cte(*written))


WRITE = _writing()


def movement_row(
    tenant: UUID,
    head: MovementHead,
    recorded_at: datetime,
    entries: Sequence[EntryRow] | None = None,
) -> Movement:
    """The movement's row, which belongs to no session, with the entries that were written."""
    columns = dict(zip(HEAD, head, strict=True))
    movement = row_class(Movement)(tenant_id=tenant, recorded_at=recorded_at, **columns)
    movement.written = entries
    return movement


def entry_rows(movement: Movement) -> list[Entry] | None:
    """The entries of a movement that this process has just written; None for any other."""
    if movement.written is None:
        return None
    plain, tenant = row_class(Entry), movement.tenant_id
    return [
        plain(tenant_id=tenant, **dict(zip(ENTRY, entry, strict=True)))
        for entry in movement.written
    ]


async def write(
    unit: Unit,
    levels: Sequence[LevelRow],
    movements: Sequence[MovementHead],
    entries: Sequence[EntryRow],
    flows: Iterable[tuple[RollUpKey, FlowSums]],
    refused: Sequence[tuple[UUID, UUID]],
) -> datetime:
    """Writes accepted movements with their levels and roll-ups; drops the claims of refused keys.

    Returns the moment at which the movements are recorded.
    """
    [(recorded_at,)] = await WRITE.fetch(
        unit.raw,
        tenant=unit.tenant,
        **arrays("level", STATE, levels),
        **arrays("movement", HEAD, movements),
        **arrays("entry", ENTRY, entries),
        **arrays("rollup", rollups.COLUMNS, [(*key, *sums) for key, sums in flows]),
        **arrays("refused", ["actor_id", "key"], refused),
    )
    return recorded_at


def _answering() -> Statement:
    keys = rows("keys", R.actor_id, R.key)
    mine = and_(R.tenant_id == TENANT, R.actor_id == keys.c.actor_id, R.key == keys.c.key)
    return Statement(
        select(R.actor_id, R.key, R.fingerprint, M.recorded_at, *(M[name] for name in HEAD))
        .join_from(keys, Request, mine)
        .join(Movement, and_(M.tenant_id == TENANT, M.id == R.result_id))
    )


ANSWERED = _answering()


Answered = dict[ClaimKey, tuple[bytes, Movement]]


async def answered(unit: Unit, keys: Sequence[ClaimKey]) -> Answered:
    """The movements that these keys made before, each with the fingerprint of its input."""
    records = await ANSWERED.fetch(
        unit.raw, tenant=unit.tenant, **arrays("keys", ["actor_id", "key"], keys)
    )
    answers: Answered = {}
    for claimant, key, fingerprint, recorded_at, *values in records:
        head = MovementHead(*values)
        answers[claimant, key] = fingerprint, movement_row(unit.tenant, head, recorded_at)
    return answers


BY_RECEIPT = Statement(
    select(M.receipt_key, M.id).where(
        M.tenant_id == TENANT,
        M.receipt_key == func.any(bindparam("keys", type_=ARRAY(Uuid()))),
    )
)


async def sales_by_receipt(unit: Unit, keys: Sequence[UUID]) -> dict[UUID, UUID]:
    """The sales with these receipt keys: key to movement."""
    records = await BY_RECEIPT.fetch(unit.raw, tenant=unit.tenant, keys=keys)
    return {key: movement for key, movement in records}


def _by_product() -> Counter[UUID]:
    return Counter()


def _by_batch() -> dict[UUID, Counter[UUID]]:
    return defaultdict(_by_product)


def _no_prices() -> dict[UUID, int | None]:
    return {}


def _nothing_used() -> list[tuple[UUID, UUID | None, int, int]]:
    return []


@dataclass
class History:
    """What became of a movement: reversed, or returned in part (base units by product).

    `sold` went to a customer; `used` went to the kitchen for it: product, batch, base units and
    cost. `parts` is the share of `sold` inside bundles, `unpacked` the share of `returned` that
    came back with a whole bundle. `batches` has the quantities of each batch that were sold and
    have not come back, by product, and `costs` their cost in 1/10000 yuan. `paid` is the amount
    paid at the sale in fen; `amounts` and `discounts` are the parts of it that were not paid back
    yet, which goods returned out of a bundle make negative. `prices` has the price of each product
    that had one, None if it had several. `document_id` is the document that the movement belongs
    to.
    """

    kind: str
    document_id: UUID | None = None
    sold: Counter[UUID] = field(default_factory=_by_product)
    returned: Counter[UUID] = field(default_factory=_by_product)
    batches: dict[UUID, Counter[UUID]] = field(default_factory=_by_batch)
    costs: Counter[UUID] = field(default_factory=_by_product)
    paid: Counter[UUID] = field(default_factory=_by_product)
    amounts: Counter[UUID] = field(default_factory=_by_product)
    discounts: Counter[UUID] = field(default_factory=_by_product)
    prices: dict[UUID, int | None] = field(default_factory=_no_prices)
    used: list[tuple[UUID, UUID | None, int, int]] = field(default_factory=_nothing_used)
    parts: Counter[UUID] = field(default_factory=_by_product)
    unpacked: Counter[UUID] = field(default_factory=_by_product)
    reversed: bool = False

    def add_sold(
        self,
        product: UUID,
        batch: UUID | None,
        quantity: int,
        cost: int,
        price: int | None,
        discount: int,
        amount: int | None,
    ) -> None:
        self.sold[product] += quantity
        self.costs[product] += cost
        if amount is not None:
            self.prices[product] = price if self.prices.get(product, price) == price else None
            self.discounts[product] += discount
            self.paid[product] += amount
            self.amounts[product] += amount
        if batch is not None:
            self.batches[product][batch] += quantity

    def take_back(
        self,
        bin: str,
        product: UUID,
        batch: UUID | None,
        quantity: int,
        cost: int,
        price: int | None,
        discount: int,
        amount: int | None,
    ) -> None:
        """Add goods that came back; those from the kitchen were in a whole bundle."""
        self.returned[product] += quantity
        if bin == "kitchen":
            self.unpacked[product] += quantity
        self.costs[product] -= cost
        self.discounts[product] -= discount
        self.amounts[product] -= amount or 0
        if batch is not None:
            self.batches[product][batch] -= quantity


IDS = bindparam("ids", type_=ARRAY(Uuid()))


def _total(column: Any) -> Any:
    return func.coalesce(func.sum(column), literal_column("0")).cast(L.shelf.type)


MOVED_TOTALS = (
    _total(E.quantity),
    _total(E.cost),
    # One price, or none when there were several.
    case((func.min(E.price) == func.max(E.price), func.min(E.price))),
    _total(E.discount),
    func.sum(E.amount).cast(L.shelf.type),
)


def _moving() -> Statement:
    return Statement(
        select(M.id, M.kind, M.document_id, E.to_bin, E.product_id, E.batch_id, *MOVED_TOTALS)
        .join_from(Movement, Entry, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
        .where(M.tenant_id == TENANT, M.id == func.any(IDS))
        .group_by(M.id, M.kind, M.document_id, E.to_bin, E.product_id, E.batch_id)
    )


def _following() -> Statement:
    undo = Movement.__table__.alias("undo")
    undone = (
        select(undo.c.id).where(undo.c.tenant_id == TENANT, undo.c.reverses_id == M.id).exists()
    )
    return Statement(
        select(M.sale_id, M.reverses_id, E.from_bin, E.product_id, E.batch_id, *MOVED_TOTALS)
        .join_from(Movement, Entry, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
        .where(M.tenant_id == TENANT)
        .where(((M.sale_id == func.any(IDS)) & ~undone) | (M.reverses_id == func.any(IDS)))
        .group_by(M.sale_id, M.reverses_id, E.from_bin, E.product_id, E.batch_id)
    )


MOVED, FOLLOWED = _moving(), _following()


async def histories(unit: Unit, ids: Collection[UUID]) -> dict[UUID, History]:
    """The history of each of these movements, with later returns and reversals; read under the
    level locks."""
    histories: dict[UUID, History] = {}
    for movement, kind, document, bin, *moved in await MOVED.fetch(
        unit.raw, tenant=unit.tenant, ids=list(ids)
    ):
        history = histories.setdefault(movement, History(kind, document))
        if bin == "customer":
            history.add_sold(*moved)
        elif bin == "kitchen":
            history.used.append((moved[0], moved[1], moved[2], moved[3]))
    for sale, reverses, *moved in await FOLLOWED.fetch(unit.raw, tenant=unit.tenant, ids=list(ids)):
        if reverses in histories:
            histories[reverses].reversed = True
        else:
            histories[sale].take_back(*moved)
    return histories
