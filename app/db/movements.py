"""The ledger's rows: written once by `post`, read for ever."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from app.db.core.statement import Statement, arrays, rows
from app.db.core.unit import Unit
from app.db.tables import Entry, Level, Movement, Request

TENANT = bindparam("tenant", type_=Uuid())
L, M, E, R = (t.__table__.c for t in (Level, Movement, Entry, Request))

MOVEMENT = [str(c.name) for c in M if c.name not in ("tenant_id", "recorded_at")]
NEW_MOVEMENT = Movement.__mapper__.class_manager.new_instance
ENTRY = [c.name for c in E if c.name != "tenant_id"]
STATE = [
    "store_id",
    "product_id",
    "shelf",
    "reserved",
    "quarantine",
    "transit",
    "version",
    "value",
    "unit_cost",
    "held_until",
    "received_at",
]


def _writing() -> Statement:
    state = rows("level", *(L[name] for name in STATE))
    changes: dict[Any, Any] = {name: state.c[name] for name in STATE[2:-1]}
    changes["received_at"] = func.coalesce(state.c.received_at, L.received_at)
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
    moved = rows("movement", *(M[name] for name in MOVEMENT))
    movements = (
        insert(Movement)
        .from_select(
            ["tenant_id", *MOVEMENT], select(TENANT, *(moved.c[name] for name in MOVEMENT))
        )
        .cte("moved")
    )
    entered = rows("entry", *(E[name] for name in ENTRY))
    entries = (
        insert(Entry)
        .from_select(["tenant_id", *ENTRY], select(TENANT, *(entered.c[n] for n in ENTRY)))
        .cte("entered")
    )
    return Statement(select(func.now()).add_cte(levels, unclaimed, movements, entries))


WRITE = _writing()


def movement_row(tenant: UUID, head: Sequence[Any], recorded_at: datetime) -> Movement:
    """A row that no session holds; setting its columns one by one would cost as much as a sale."""
    movement: Any = NEW_MOVEMENT()
    values = movement.__dict__
    values.update(zip(MOVEMENT, head, strict=True))
    values["tenant_id"], values["recorded_at"] = tenant, recorded_at
    return movement


async def write(
    unit: Unit,
    levels: list[tuple[Any, ...]],
    movements: list[tuple[Any, ...]],
    entries: list[tuple[Any, ...]],
    refused: list[tuple[UUID, UUID]],
) -> datetime:
    """Writes what was decided under the locks; gives the moment it is recorded at."""
    [(recorded_at,)] = await WRITE.fetch(
        unit.raw,
        tenant=unit.tenant,
        **arrays("level", STATE, levels),
        **arrays("movement", MOVEMENT, movements),
        **arrays("entry", ENTRY, entries),
        **arrays("refused", ["actor_id", "key"], refused),
    )
    return recorded_at


def _answering() -> Statement:
    asked = rows("asked", R.actor_id, R.key)
    mine = and_(R.tenant_id == TENANT, R.actor_id == asked.c.actor_id, R.key == asked.c.key)
    return Statement(
        select(R.fingerprint, M.recorded_at, *(M[name] for name in MOVEMENT))
        .join_from(asked, Request, mine)
        .join(Movement, and_(M.tenant_id == TENANT, M.id == R.result_id))
    )


ANSWERED = _answering()


async def answered(
    unit: Unit, keys: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], tuple[bytes, Movement]]:
    """What these keys did before: the fingerprint of their input, and the movement."""
    found = await ANSWERED.fetch(
        unit.raw, tenant=unit.tenant, **arrays("asked", ["actor_id", "key"], list(keys))
    )
    told = {}
    for fingerprint, recorded_at, *head in found:
        movement = movement_row(unit.tenant, head, recorded_at)
        told[movement.actor_id, movement.key] = fingerprint, movement
    return told


@dataclass
class History:
    """What became of a movement: undone, or returned in part (base units a product).

    `moved` is what went to a customer; `batches` what of each batch did and did not come back,
    `costs` what that is worth. `document` says that a document of its own stands behind it.
    """

    kind: str
    document: bool = False
    moved: Counter[UUID] = field(default_factory=Counter)
    returned: Counter[UUID] = field(default_factory=Counter)
    batches: dict[UUID, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    costs: Counter[UUID] = field(default_factory=Counter)
    reversed: bool = False

    def move(self, product: UUID, batch: UUID | None, quantity: int, cost: int) -> None:
        self.moved[product] += quantity
        self.costs[product] += cost
        if batch is not None:
            self.batches[product][batch] += quantity

    def take_back(self, product: UUID, batch: UUID | None, quantity: int, cost: int) -> None:
        self.returned[product] += quantity
        self.costs[product] -= cost
        if batch is not None:
            self.batches[product][batch] -= quantity


IDS = bindparam("ids", type_=ARRAY(Uuid()))


def _total(column: Any) -> Any:
    return func.coalesce(func.sum(column), literal_column("0")).cast(L.shelf.type)


def _told() -> Statement:
    # What a dish took went to the kitchen: only what a customer got can come back.
    sold = E.to_bin == literal_column("'customer'")
    moved = (_total(E.quantity), _total(E.cost))
    return Statement(
        select(M.id, M.kind, M.document_id, sold, E.product_id, E.batch_id, *moved)
        .join_from(Movement, Entry, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
        .where(M.tenant_id == TENANT, M.id == func.any(IDS))
        .group_by(M.id, M.kind, M.document_id, sold, E.product_id, E.batch_id)
    )


def _followed() -> Statement:
    undo = Movement.__table__.alias("undo")
    undone = (
        select(undo.c.id).where(undo.c.tenant_id == TENANT, undo.c.reverses_id == M.id).exists()
    )
    moved = (_total(E.quantity), _total(E.cost))
    return Statement(
        select(M.sale_id, M.reverses_id, E.product_id, E.batch_id, *moved)
        .join_from(Movement, Entry, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
        .where(M.tenant_id == TENANT)
        .where(((M.sale_id == func.any(IDS)) & ~undone) | (M.reverses_id == func.any(IDS)))
        .group_by(M.sale_id, M.reverses_id, E.product_id, E.batch_id)
    )


TOLD, FOLLOWED = _told(), _followed()


async def histories(unit: Unit, ids: Collection[UUID]) -> dict[UUID, History]:
    """What these movements moved, and what later ones took back; read under the level locks."""
    found: dict[UUID, History] = {}
    for movement, kind, document, sold, *moved in await TOLD.fetch(
        unit.raw, tenant=unit.tenant, ids=list(ids)
    ):
        history = found.setdefault(movement, History(kind, document is not None))
        if sold:
            history.move(*moved)
    for sale, reverses, *moved in await FOLLOWED.fetch(unit.raw, tenant=unit.tenant, ids=list(ids)):
        if reverses in found:
            found[reverses].reversed = True
        else:
            found[sale].take_back(*moved)
    return found
