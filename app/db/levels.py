"""Level rows: created once per product and store, then locked in order by each change."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    FromClause,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.core.statement import Statement, arrays, rows
from app.db.core.unit import Unit
from app.db.tables import Level, Product, Request, Store

Pair = tuple[UUID, UUID]
"""The key of a level: a store and a product."""

TENANT = bindparam("tenant", type_=Uuid())
SHOWN = bindparam("shown", type_=Boolean())
L, P, R, S = (table.__table__.c for table in (Level, Product, Request, Store))


def level_keys() -> FromClause:
    """A table of (store, product) keys that `bind_levels` binds as an argument."""
    return rows("level_keys", L.store_id, L.product_id)


_keys = level_keys()
_of_keys = and_(
    L.tenant_id == TENANT,
    L.store_id == _keys.c.store_id,
    L.product_id == _keys.c.product_id,
)


def _opening() -> Statement:
    levels = (
        select(
            Store.tenant_id,
            Store.id,
            Product.id,
            Product.scale,
            Product.reorder_point,
            Product.overstock_point,
            Product.tracks_batches,
            Product.container,
            Product.recipe_id,
            SHOWN,
        )
        .select_from(_keys)
        .join(Store, and_(Store.tenant_id == TENANT, Store.id == _keys.c.store_id))
        .join(Product, and_(Product.tenant_id == TENANT, Product.id == _keys.c.product_id))
        .order_by(Store.id, Product.id)
        # The lock makes a change of the product's threshold wait until this row exists, so that it
        # is set here too.
        .with_for_update(of=Product, read=True)
    )
    copied = ["scale", "reorder_point", "overstock_point", "tracks_batches", "container"]
    names = ["tenant_id", "store_id", "product_id", *copied, "recipe_id", "shown"]
    return Statement(
        insert(Level)
        .from_select(names, levels)
        .on_conflict_do_update(
            index_elements=["tenant_id", "store_id", "product_id"],
            set_={"shown": L.shown | SHOWN},
        )
        .returning(Level.store_id, Level.product_id)
    )


def _existing() -> Statement:
    return Statement(select(L.store_id, L.product_id, L.shown).join_from(_keys, Level, _of_keys))


EXISTING, OPEN = _existing(), _opening()


def bind_levels(pairs: Iterable[Pair]) -> dict[str, list[Any]]:
    """The arguments of a statement with `level_keys`."""
    return arrays("level_keys", ["store_id", "product_id"], list(pairs))


async def open_levels(unit: Unit, pairs: set[Pair], shown: bool = False) -> set[Pair]:
    """Creates the level rows that are missing. Returns the pairs that exist now.

    Rows that are not `shown` can be locked, but no read returns them, so that a request that is
    refused afterwards leaves no visible level.
    """
    records = await EXISTING.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    existing = {(store, product) for store, product, seen in records if seen or not shown}
    if missing := pairs - existing:
        values = {"tenant": unit.tenant, "shown": shown, **bind_levels(missing)}
        for store, product in await OPEN.fetch(unit.raw, **values):
            if shown:
                unit.changed(store, product)
            existing.add((store, product))
    return existing


class LevelState(NamedTuple):
    """What a level row holds when it is locked; bins in base units, costs in 1/10000 yuan.

    `price` is the product's, in fen per unit; `timezone` the store's.
    """

    shelf: int
    reserved: int
    quarantine: int
    transit: int
    version: int
    scale: int
    tracks_batches: bool
    container: int | None
    recipe_id: UUID | None
    sold_out_until: datetime | None
    value: int
    unit_cost: int | None
    held_until: datetime | None
    reorder_point: int
    counted_at: datetime | None
    counted_until: datetime | None
    price: int | None
    timezone: str


class Claim(NamedTuple):
    """A key to claim for a result, with the hash of the client's input."""

    actor_id: UUID
    key: UUID
    fingerprint: bytes
    result_id: UUID


def _claiming() -> Statement:
    names = Claim._fields
    claims = rows("claims", *(R[name] for name in names))
    claimed = (
        insert(Request)
        .from_select(
            ["tenant_id", *names],
            select(TENANT, *(claims.c[name] for name in names)).order_by(
                claims.c.actor_id, claims.c.key
            ),
        )
        .on_conflict_do_nothing()
        .returning(R.actor_id, R.key)
        .cte("claimed")
    )
    values = [*(L[name] for name in LevelState._fields[:-2]), P.price, S.timezone]
    locked = (
        select(L.store_id, L.product_id, *values)
        .join_from(_keys, Level, _of_keys)
        .join(Product, and_(P.tenant_id == TENANT, P.id == L.product_id))
        .join(Store, and_(S.tenant_id == TENANT, S.id == L.store_id))
        # This condition makes PostgreSQL claim the keys before it locks a level: the lock order of
        # all units.
        .where(select(func.count()).select_from(claimed).scalar_subquery() >= literal_column("0"))
        .order_by(L.store_id, L.product_id)
        .with_for_update(of=Level)
        .cte("locked")
    )
    empty = [cast(null(), c.type).label(c.name) for c in values]
    return Statement(
        union_all(
            select(claimed.c.actor_id, claimed.c.key, *empty),
            select(*locked.c),
        )
    )


CLAIM_AND_LOCK = _claiming()


async def claim_and_lock(
    unit: Unit, claims: Sequence[Claim], pairs: set[Pair]
) -> tuple[set[tuple[UUID, UUID]], dict[Pair, LevelState]]:
    """Claims the keys, then locks the levels in (store, product) order; one round trip.

    Returns the (actor, key) pairs that were not claimed before, and the levels that exist.
    """
    claimed = arrays("claims", list(Claim._fields), claims)
    records = await CLAIM_AND_LOCK.fetch(
        unit.raw, tenant=unit.tenant, **claimed, **bind_levels(pairs)
    )
    won: set[tuple[UUID, UUID]] = set()
    levels: dict[Pair, LevelState] = {}
    for first, second, *values in records:
        if values[0] is None:
            won.add((first, second))
        else:
            levels[first, second] = LevelState(*values)
    return won, levels
