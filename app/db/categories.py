"""Reads of the tree of categories."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Category


async def categories_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Category]:
    return (
        await session.scalars(
            select(Category).where(Category.tenant_id == tenant, among(Category.id, ids))
        )
    ).all()


async def categories(session: AnySession, tenant: UUID) -> Sequence[Category]:
    return (
        await session.scalars(
            select(Category)
            .where(Category.tenant_id == tenant)
            .order_by(Category.name, Category.id)
        )
    ).all()


async def locked_categories(unit: Unit) -> dict[UUID, Category]:
    """All categories by id; only one unit of the tenant at a time changes the tree."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"categories {unit.tenant}", 0))
    await unit.session.execute(select(lock))
    # Read after the lock: the unit that held it before may have moved categories.
    rows = await unit.session.scalars(
        select(Category)
        .where(Category.tenant_id == unit.tenant)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def subtree(tenant: UUID, *ids: UUID) -> Select[Any]:
    """The ids of these categories and of all below them."""
    below = (
        select(Category.id)
        .where(Category.tenant_id == tenant, among(Category.id, ids))
        .cte(recursive=True)
    )
    below = below.union(
        select(Category.id).where(Category.tenant_id == tenant, Category.parent_id == below.c.id)
    )
    return select(below.c.id)


def above(tenant: Any, ids: Select[Any]) -> Select[Any]:
    """The ids of these categories and of all above them."""
    own = Category.tenant_id == tenant
    chain = (
        select(Category.id, Category.parent_id)
        .where(own, Category.id.in_(ids))
        .cte("chain", recursive=True)
    )
    chain = chain.union(
        select(Category.id, Category.parent_id).where(own, Category.id == chain.c.parent_id)
    )
    return select(chain.c.id)


async def category_parents(session: AnySession, tenant: UUID) -> dict[UUID, UUID | None]:
    """The category above each category; None at the top."""
    query = select(Category.id, Category.parent_id).where(Category.tenant_id == tenant)
    return {id: parent for id, parent in await session.execute(query)}


async def paths(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The names from the top of the tree down to each of these categories."""
    own = Category.tenant_id == tenant
    above = (
        select(
            Category.id.label("leaf"),
            Category.parent_id,
            Category.name,
            literal(0).label("steps"),
        )
        .where(own, among(Category.id, ids))
        .cte("above", recursive=True)
    )
    above = above.union_all(
        select(above.c.leaf, Category.parent_id, Category.name, above.c.steps + 1).where(
            own, Category.id == above.c.parent_id
        )
    )
    names = func.array_agg(aggregate_order_by(above.c.name, above.c.steps.desc()))
    rows: Any = await session.execute(select(above.c.leaf, names).group_by(above.c.leaf))
    return {leaf: list(path) for leaf, path in rows}


def upwards(tenant: UUID, category: UUID | None) -> Any:
    """SQL: the category and those above it, each with the number of steps up to it."""
    above = (
        select(Category.id, Category.parent_id, literal(0).label("steps"))
        .where(Category.tenant_id == tenant, Category.id == category)
        .cte("above", recursive=True)
    )
    return above.union(
        select(Category.id, Category.parent_id, above.c.steps + 1).where(
            Category.tenant_id == tenant, Category.id == above.c.parent_id
        )
    )
