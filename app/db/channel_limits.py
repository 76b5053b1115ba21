"""Rations: what a channel may sell of the one stock, by the rules that are in force.

The counter has none: it sells what its customer holds in her hand.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
)

from app.db.core.statement import Statement, arrays, rows
from app.db.core.unit import Unit
from app.db.days import day_began, first_id, store_day
from app.db.levels import Pair
from app.db.reservations import free
from app.db.tables import BatchLevel, ChannelRule, Entry, Level, Movement, Order, OrderLine, Store

H, M, E = BatchLevel.__table__.c, Movement.__table__.c, Entry.__table__.c
O, W = Order.__table__.c, OrderLine.__table__.c  # noqa: E741


class Subject(NamedTuple):
    """SQL: a product in a store, as a channel sees it; no channel, no rules."""

    tenant_id: Any
    store_id: Any
    product_id: Any
    channel: Any


def _asked(query: Any, of: Subject) -> Any:
    """The query as a value, whoever asks it about a subject, however deep inside."""
    tables = [value.table for value in of if getattr(value, "table", None) is not None]
    return query.correlate(*tables).scalar_subquery()


def told(name: str, of: Subject) -> Any:
    """SQL: what the most specific rule says that says anything of it; null when none does."""
    rule = ChannelRule.__table__.alias().c
    said = (
        select(rule[name])
        .where(_about(rule, of), rule[name].is_not(None))
        .order_by(rule.product_id.is_(None), rule.store_id.is_(None))
        .limit(literal_column("1"))
    )
    return _asked(said, of)


def _about(rule: Any, of: Subject) -> Any:
    return and_(
        rule.tenant_id == of.tenant_id,
        rule.channel == of.channel,
        or_(rule.product_id == of.product_id, rule.product_id.is_(None)),
        or_(rule.store_id == of.store_id, rule.store_id.is_(None)),
    )


def _zone(of: Subject) -> Any:
    store = Store.__table__.alias().c
    where = store.tenant_id == of.tenant_id, store.id == of.store_id
    return _asked(select(store.timezone).where(*where), of)


def _today(of: Subject) -> Any:
    return store_day(_zone(of), func.now())


def sold_today(of: Subject) -> Any:
    """SQL: base units the channel sold, or holds for orders, since the store's day began.

    What was cancelled or not paid in time counts no more; what comes back does.
    """
    since = first_id(day_began(_today(of), _zone(of)))
    held = or_(O.state != "HELD", O.expires_at > func.now())
    ordered = (
        select(func.coalesce(func.sum(W.quantity), 0))
        .join_from(
            Order.__table__,
            OrderLine.__table__,
            and_(W.tenant_id == O.tenant_id, W.order_id == O.id),
        )
        .where(O.tenant_id == of.tenant_id, O.store_id == of.store_id, O.id >= since)
        .where(O.channel == of.channel, W.product_id == of.product_id)
        .where(O.state != "CANCELLED", O.state != "EXPIRED", held)
    )
    sold = (
        select(func.coalesce(func.sum(E.quantity), 0))
        .join_from(
            Movement.__table__,
            Entry.__table__,
            and_(E.tenant_id == M.tenant_id, E.movement_id == M.id),
        )
        .where(M.tenant_id == of.tenant_id, M.store_id == of.store_id, M.id >= since)
        .where(M.channel == of.channel, M.document_id.is_(None))
        .where(E.product_id == of.product_id, E.to_bin == "customer")
    )
    return _asked(ordered, of) + _asked(sold, of)


def ration(of: Subject) -> Any:
    """SQL: the most the channel may sell now, whatever there is; null when nothing says."""
    quota = told("quota", of)
    left = func.greatest(quota - sold_today(of), 0)
    return case((told("paused", of), 0), (quota.is_not(None), left))


def on_offer(level: Any, channel: Any) -> Any:
    """SQL: base units of the level that the channel can sell: what is fresh enough for it, but
    for what is kept for the counter. `level` may be absent."""
    of = Subject(level.tenant_id, level.store_id, level.product_id, channel)
    days = told("days_left", of)
    fresh = (
        select(func.coalesce(func.sum(H.shelf), 0))
        .where(H.tenant_id == of.tenant_id, H.store_id == of.store_id)
        .where(H.product_id == of.product_id, H.expires_on >= _today(of) + days)
    )
    held = case(
        (and_(level.tracks_batches, days.is_not(None)), func.least(free(level), _asked(fresh, of))),
        else_=free(level),
    )
    return func.greatest(held - func.coalesce(told("buffer", of), 0), 0)


class Bound(NamedTuple):
    """What binds a channel at a level: days a batch must have left, base units kept for the
    counter, and the most it may sell, None for no bound."""

    days_left: int
    buffer: int
    ration: int | None


def _binding() -> Statement:
    L = Level.__table__.c
    asked = rows("asked", L.store_id, L.product_id, column("channel", Text()))
    of = Subject(bindparam("tenant", type_=Uuid()), *asked.c)
    rule = ChannelRule.__table__.alias().c
    ruled = select(rule.id).where(_about(rule, of)).exists()
    bound = (
        func.coalesce(told("days_left", of), 0),
        func.coalesce(told("buffer", of), 0),
        ration(of),
    )
    return Statement(select(*asked.c, *bound).select_from(asked).where(ruled))


BINDING = _binding()


async def bounds(
    unit: Unit, asked: Collection[tuple[UUID, UUID, str]]
) -> dict[tuple[Pair, str], Bound]:
    """What binds these channels at these levels, where anything does; read under their locks."""
    names = ["store_id", "product_id", "channel"]
    found = await BINDING.fetch(unit.raw, tenant=unit.tenant, **arrays("asked", names, list(asked)))
    return {((row[0], row[1]), row[2]): Bound(*row[3:]) for row in found}
