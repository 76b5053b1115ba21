"""Losses by the person who recorded them. Roll-ups name no person: the entries are read, which an
index of their own finds, for losses are few."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, func, literal_column, select
from sqlalchemy.orm import aliased

from app.db.categories import subtree
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.export_history import first_id
from app.db.flow_reports import FlowFilter, Grouped, LossSums
from app.db.tables import Entry, Movement, Product

E, M, Undone = Entry, Movement, aliased(Movement)
IS_LOSS = "entries.to_bin in ('waste', 'variance') or entries.from_bin in ('waste', 'variance')"
"""The condition of the index, as it is written there."""


async def losses_by_person(
    session: AnySession, tenant: UUID, filter: FlowFilter, _: str, limit: int
) -> Grouped[LossSums]:
    """Losses by the id of a member of staff or an API key, the largest first.

    A reversal counts on its own day, and against the person whose movement it undoes. If the filter
    has keys all people are read: they are few.
    """
    reverses = M.reverses_id.is_not(None)
    target = case((reverses, E.from_bin), else_=E.to_bin)
    source = case((reverses, E.to_bin), else_=E.from_bin)
    lost_at = case((reverses, E.from_store), else_=E.to_store)
    found_at = case((reverses, E.to_store), else_=E.from_store)
    cost = func.coalesce(E.cost, 0) * case((reverses, -1), else_=1)
    sums = [
        func.coalesce(func.sum(cost).filter(condition), 0)
        for condition in (target == "waste", target == "variance", source == "variance")
    ]
    person = func.coalesce(Undone.actor_id, M.actor_id)
    loss = sums[0] + sums[1] - sums[2]
    query = (
        select(
            person,
            *(cast(each, BigInteger) for each in sums),
            *(cast(func.sum(each).over(), BigInteger) for each in sums),
        )
        .join_from(E, M, and_(M.tenant_id == E.tenant_id, M.id == E.movement_id))
        .outerjoin(Undone, and_(Undone.tenant_id == M.tenant_id, Undone.id == M.reverses_id))
        .where(E.tenant_id == tenant, literal_column(f"({IS_LOSS})"))
        .where(E.movement_id >= first_id(filter.days[0]), M.business_date.between(*filter.days))
        .where(among(case((source == "variance", found_at), else_=lost_at), filter.stores))
        .group_by(person)
        .order_by(loss.desc(), person)
        .limit(limit if filter.keys is None else None)
    )
    if filter.category_id is not None:
        below = subtree(tenant, filter.category_id)
        inside = select(Product.id).where(
            Product.tenant_id == tenant, Product.category_id.in_(below)
        )
        query = query.where(E.product_id.in_(inside))
    rows: Any = (await planned_each_time(session).execute(query)).all()
    total = LossSums(*rows[0][4:]) if rows else LossSums()
    return Grouped([(row[0], LossSums(*row[1:4])) for row in rows], total)
