"""Channel limits: what a channel may sell of the shared stock, by the rules in force.

The counter has no limits: its customers have the goods in their hands.
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
ORDERS, LINES = Order.__table__.c, OrderLine.__table__.c


class OfferColumns(NamedTuple):
    """SQL: the columns of a product that a channel offers in a store. No rule applies without a
    channel."""

    tenant_id: Any
    store_id: Any
    product_id: Any
    channel: Any


def _scalar(query: Any, of: OfferColumns) -> Any:
    """SQL: the query as a value, correlated with the tables of the offer's columns."""
    tables = [value.table for value in of if getattr(value, "table", None) is not None]
    return query.correlate(*tables).scalar_subquery()


def rule_value(name: str, of: OfferColumns) -> Any:
    """SQL: this column of the most specific rule that sets it; null when no rule does."""
    rule = ChannelRule.__table__.alias().c
    value = (
        select(rule[name])
        .where(_applies(rule, of), rule[name].is_not(None))
        .order_by(rule.product_id.is_(None), rule.store_id.is_(None))
        .limit(literal_column("1"))
    )
    return _scalar(value, of)


def _applies(rule: Any, of: OfferColumns) -> Any:
    return and_(
        rule.tenant_id == of.tenant_id,
        rule.channel == of.channel,
        or_(rule.product_id == of.product_id, rule.product_id.is_(None)),
        or_(rule.store_id == of.store_id, rule.store_id.is_(None)),
    )


def _zone(of: OfferColumns) -> Any:
    store = Store.__table__.alias().c
    where = store.tenant_id == of.tenant_id, store.id == of.store_id
    return _scalar(select(store.timezone).where(*where), of)


def _today(of: OfferColumns) -> Any:
    return store_day(_zone(of), func.now())


def sold_today(of: OfferColumns) -> Any:
    """SQL: base units the channel sold, or reserves for orders, since the store's day began.

    Orders that were cancelled or not paid in time do not count; returned goods do.
    """
    since = first_id(day_began(_today(of), _zone(of)))
    held = or_(ORDERS.state != "HELD", ORDERS.expires_at > func.now())
    ordered = (
        select(func.coalesce(func.sum(LINES.quantity), 0))
        .join_from(
            Order.__table__,
            OrderLine.__table__,
            and_(LINES.tenant_id == ORDERS.tenant_id, LINES.order_id == ORDERS.id),
        )
        .where(ORDERS.tenant_id == of.tenant_id, ORDERS.store_id == of.store_id, ORDERS.id >= since)
        .where(ORDERS.channel == of.channel, LINES.product_id == of.product_id)
        .where(ORDERS.state != "CANCELLED", ORDERS.state != "EXPIRED", held)
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
    return _scalar(ordered, of) + _scalar(sold, of)


def remaining(of: OfferColumns) -> Any:
    """SQL: base units the channel may still sell today by its rules; null for no limit."""
    quota = rule_value("quota", of)
    left = func.greatest(quota - sold_today(of), 0)
    return case((rule_value("paused", of), 0), (quota.is_not(None), left))


def on_offer(level: Any, channel: Any) -> Any:
    """SQL: base units of the level that the channel can sell: the goods that are fresh enough for
    it, less the buffer kept for the counter. 0 if the level's row is missing."""
    of = OfferColumns(level.tenant_id, level.store_id, level.product_id, channel)
    days = rule_value("days_left", of)
    fresh = (
        select(func.coalesce(func.sum(H.shelf), 0))
        .where(H.tenant_id == of.tenant_id, H.store_id == of.store_id)
        .where(H.product_id == of.product_id, H.expires_on >= _today(of) + days)
    )
    freshest = func.least(free(level), _scalar(fresh, of))
    limited = and_(level.tracks_batches, days.is_not(None))
    held = case((limited, freshest), else_=free(level))
    return func.greatest(held - func.coalesce(rule_value("buffer", of), 0), 0)


class ChannelLimit(NamedTuple):
    """The limits of a channel at a level.

    A batch must have `days_left` days left, `buffer` base units are kept for the counter, and
    the channel may still sell `remaining` base units, None for no limit.
    """

    days_left: int
    buffer: int
    remaining: int | None


def _limiting() -> Statement:
    L = Level.__table__.c
    offers = rows("offers", L.store_id, L.product_id, column("channel", Text()))
    of = OfferColumns(bindparam("tenant", type_=Uuid()), *offers.c)
    rule = ChannelRule.__table__.alias().c
    ruled = select(rule.id).where(_applies(rule, of)).exists()
    limit = (
        func.coalesce(rule_value("days_left", of), 0),
        func.coalesce(rule_value("buffer", of), 0),
        remaining(of),
    )
    return Statement(select(*offers.c, *limit).select_from(offers).where(ruled))


LIMITS = _limiting()


async def limits(
    unit: Unit, subjects: Collection[tuple[UUID, UUID, str]]
) -> dict[tuple[Pair, str], ChannelLimit]:
    """The limits of channels at levels (store, product, channel) that a rule applies to.

    Read under the levels' locks.
    """
    names = ["store_id", "product_id", "channel"]
    offers = arrays("offers", names, list(subjects))
    records = await LIMITS.fetch(unit.raw, tenant=unit.tenant, **offers)
    return {((row[0], row[1]), row[2]): ChannelLimit(*row[3:]) for row in records}
