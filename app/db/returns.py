"""Goods that came back from sales and orders, read from the ledger."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.tables import Entry, Movement, Need, Order, OrderLine, Pass, Product

SALE, BACK, UNDO = (aliased(Movement) for _ in range(3))
OWN = aliased(OrderLine)
STANDS = ~(
    select(UNDO.id)
    .where(UNDO.tenant_id == BACK.tenant_id, UNDO.reverses_id == BACK.id)
    .correlate(BACK)
    .exists()
)
"""Whether a return was not reversed."""

REFUNDED = and_(Pass.state == "REFUNDED", Pass.used < Pass.uses)
"""Whether unused uses of a pass were paid back, which counts as a return to the order that sold
it."""

UNPACKED = Entry.from_bin == "kitchen"
"""Whether goods came back inside a whole bundle."""

OF_SALE = and_(BACK.tenant_id == SALE.tenant_id, BACK.sale_id == SALE.id)
OF_BACK = and_(Entry.tenant_id == BACK.tenant_id, Entry.movement_id == BACK.id)


class ReturnedGoods(NamedTuple):
    """Base units of a product and batch that came back from a sale, and the order of the sale.

    `unpacked` came back inside a whole bundle, `quantity` by itself.
    """

    sale_id: UUID
    order_id: UUID | None
    product_id: UUID
    batch_id: UUID | None
    quantity: int
    unpacked: int


async def returned_goods(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> list[ReturnedGoods]:
    """The goods that came back from the sales with these ids, or from the orders with these ids."""
    query = (
        select(
            SALE.id,
            SALE.document_id,
            Entry.product_id,
            Entry.batch_id,
            _total(Entry.quantity, ~UNPACKED),
            _total(Entry.quantity, UNPACKED),
        )
        .join(BACK, OF_SALE)
        .join(Entry, OF_BACK)
        .where(SALE.tenant_id == tenant, or_(among(SALE.id, ids), among(SALE.document_id, ids)))
        .where(STANDS)
        .group_by(SALE.id, SALE.document_id, Entry.product_id, Entry.batch_id)
        .order_by(SALE.id, Entry.product_id, Entry.batch_id.nulls_last())
    )
    rows: Any = await session.execute(query)
    return [ReturnedGoods._make((*row[:-2], *map(int, row[-2:]))) for row in rows]


def _total(column: Any, where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column).filter(where), 0)


class RefundedPass(NamedTuple):
    """Uses of a pass that were paid back to the order that sold it, and the line of the order."""

    order_id: UUID
    line: int
    uses: int


async def refunded_passes(
    session: AnySession, tenant: UUID, orders: Collection[UUID]
) -> list[RefundedPass]:
    """The refunded passes of those of the orders that were handed over."""
    order = and_(Order.tenant_id == Pass.tenant_id, Order.id == Pass.order_id)
    query = (
        select(Pass.order_id, Pass.order_line, Pass.uses - Pass.used)
        .join(Order, order)
        .where(Pass.tenant_id == tenant, among(Pass.order_id, orders), REFUNDED)
        .where(Order.state == "FULFILLED")
    )
    rows: Any = await session.execute(query)
    return [RefundedPass._make(row) for row in rows]


OF_ORDER = and_(
    SALE.tenant_id == Order.tenant_id,
    SALE.document_id == Order.id,
    SALE.kind == "FULFILMENT",
)
ITS_PASSES = and_(Pass.tenant_id == Order.tenant_id, Pass.order_id == Order.id, REFUNDED)
FULFILLED = Order.state == "FULFILLED"
RETURNED = or_(
    select(BACK.id).join(SALE, OF_SALE).where(OF_ORDER, STANDS).correlate(Order).exists(),
    select(Pass.id).where(ITS_PASSES).correlate(Order).exists(),
)
"""SQL: whether anything came back of an order that was handed over."""


def in_return_state(state: str) -> ColumnElement[bool]:
    """SQL: whether an order that was handed over is RETURNED, PARTLY_RETURNED, or neither."""
    refunded = (
        select(func.coalesce(func.sum(Pass.uses - Pass.used), 0))
        .where(ITS_PASSES, Pass.product_id == OrderLine.product_id)
        .correlate(Order, OrderLine)
        .scalar_subquery()
    )
    came_back = (
        select(_total(Entry.quantity, ~UNPACKED))
        .join(BACK, OF_BACK)
        .join(SALE, OF_SALE)
        .where(OF_ORDER, STANDS)
    )
    mine = came_back.where(Entry.product_id == OrderLine.product_id)
    returned = mine.correlate(Order, OrderLine).scalar_subquery()
    kept = (
        select(OrderLine.product_id)
        .where(OrderLine.tenant_id == Order.tenant_id, OrderLine.order_id == Order.id)
        .group_by(OrderLine.product_id, OrderLine.recipe_id)
        .having(
            func.sum(OrderLine.quantity) > returned + refunded * func.max(OrderLine.scale),
            ~_all_parts_back(came_back),
        )
        .correlate(Order)
        .exists()
    )
    if state == "FULFILLED":
        return and_(FULFILLED, ~RETURNED)
    return and_(FULFILLED, RETURNED, kept if state == "PARTLY_RETURNED" else ~kept)


def _all_parts_back(came_back: Select[Any]) -> ColumnElement[bool]:
    """SQL: whether a line of an order is a bundle all of whose parts came back, in addition to
    those that the order sold by themselves. `came_back` selects from the returned entries of the
    order."""
    inside = came_back.with_only_columns(func.coalesce(func.sum(Entry.quantity), 0))
    parts = inside.where(Entry.product_id == Need.product_id).correlate(Order, Need)
    own = (
        select(func.coalesce(func.sum(OWN.quantity), 0))
        .where(OWN.tenant_id == Order.tenant_id, OWN.order_id == Order.id)
        .where(OWN.product_id == Need.product_id)
        .correlate(Order, Need)
        .scalar_subquery()
    )
    taken = Need.quantity * func.sum(OrderLine.quantity)
    kept_part = (
        select(Need.product_id)
        .where(Need.tenant_id == Order.tenant_id, Need.recipe_id == OrderLine.recipe_id)
        .where(taken > (parts.scalar_subquery() - own) * func.max(OrderLine.scale))
        .correlate(Order, OrderLine)
        .exists()
    )
    is_bundle = (
        select(Product.id)
        .where(Product.tenant_id == Order.tenant_id, Product.id == OrderLine.product_id)
        .where(Product.kind == "BUNDLE")
        .correlate(Order, OrderLine)
        .exists()
    )
    return and_(is_bundle, ~kept_part)
