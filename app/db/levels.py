"""The level rows: opened once, then locked in order by whoever changes them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
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
TENANT = bindparam("tenant", type_=Uuid())
L, R = Level.__table__.c, Request.__table__.c


def wanted_levels() -> FromClause:
    """The levels an argument names, as a table: see `want`."""
    return rows("wanted", L.store_id, L.product_id)


_wanted = wanted_levels()
_theirs = and_(
    L.tenant_id == TENANT,
    L.store_id == _wanted.c.store_id,
    L.product_id == _wanted.c.product_id,
)


def _opening() -> Statement:
    found = (
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
        )
        .select_from(_wanted)
        .join(Store, and_(Store.tenant_id == TENANT, Store.id == _wanted.c.store_id))
        .join(Product, and_(Product.tenant_id == TENANT, Product.id == _wanted.c.product_id))
        .order_by(Store.id, Product.id)
        # A new threshold waits until this row has the old one, and then finds the row.
        .with_for_update(of=Product, read=True)
    )
    copied = ["scale", "reorder_point", "overstock_point", "tracks_batches", "container"]
    names = ["tenant_id", "store_id", "product_id", *copied, "recipe_id"]
    return Statement(
        insert(Level)
        .from_select(names, found)
        .on_conflict_do_nothing()
        .returning(Level.store_id, Level.product_id)
    )


def _looking() -> Statement:
    return Statement(select(L.store_id, L.product_id).join_from(_wanted, Level, _theirs))


LOOK, OPEN = _looking(), _opening()


def want(pairs: Iterable[Pair]) -> dict[str, list[Any]]:
    """The arguments of `wanted_levels`."""
    return arrays("wanted", ["store_id", "product_id"], list(pairs))


async def open_levels(unit: Unit, pairs: set[Pair]) -> set[Pair]:
    """Makes the level rows of products never seen in a store; gives the pairs that exist now."""
    there = {(s, p) for s, p in await LOOK.fetch(unit.raw, tenant=unit.tenant, **want(pairs))}
    if missing := pairs - there:
        for store, product in await OPEN.fetch(unit.raw, tenant=unit.tenant, **want(missing)):
            unit.changed(store, product)
            there.add((store, product))
    return there


class Bins(NamedTuple):
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


def _claiming() -> Statement:
    names = ["actor_id", "key", "fingerprint", "result_id"]
    asked = rows("asked", R.actor_id, R.key, R.fingerprint, R.result_id)
    claimed = (
        insert(Request)
        .from_select(
            ["tenant_id", *names],
            select(TENANT, *(asked.c[name] for name in names)).order_by(
                asked.c.actor_id, asked.c.key
            ),
        )
        .on_conflict_do_nothing()
        .returning(R.actor_id, R.key)
        .cte("claimed")
    )
    values = [L[name] for name in Bins._fields]
    locked = (
        select(L.store_id, L.product_id, *values)
        .join_from(_wanted, Level, _theirs)
        # The keys are claimed before any level is locked: one lock order everywhere.
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


class Claim(NamedTuple):
    actor_id: UUID
    key: UUID
    fingerprint: bytes
    result_id: UUID


async def claim_and_lock(
    unit: Unit, claims: Sequence[Claim], pairs: set[Pair]
) -> tuple[set[tuple[UUID, UUID]], dict[Pair, Bins]]:
    """Claims the keys, then locks the levels in (store, product) order; one round trip.

    Returns the (actor, key) pairs won, and the levels that exist with their present values.
    """
    arguments: dict[str, Any] = arrays("asked", list(Claim._fields), claims)
    arguments |= want(pairs)
    found: list[asyncpg.Record] = await CLAIM_AND_LOCK.fetch(
        unit.raw, tenant=unit.tenant, **arguments
    )
    won: set[tuple[UUID, UUID]] = set()
    levels: dict[Pair, Bins] = {}
    for first, second, *values in found:
        if values[0] is None:
            won.add((first, second))
        else:
            levels[first, second] = Bins(*values)
    return won, levels
