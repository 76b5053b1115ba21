"""Stocktakes: read by stores, changed under their own lock; their lines, counts and rules."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    String,
    Uuid,
    and_,
    bindparam,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.categories import subtree
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.table import Table
from app.db.core.unit import Unit
from app.db.tables import (
    Level,
    Product,
    Stocktake,
    StocktakeCount,
    StocktakeLine,
    StocktakeRules,
    StocktakeVariance,
    Store,
)

S, L, C = Stocktake, StocktakeLine, StocktakeCount
OPEN = S.state.in_(
    [literal_column(f"'{state}'", String()) for state in ("OPEN", "REVIEW", "CLOSING")]
)
"""Literals instead of parameters, so that every plan can use the index of open stocktakes."""


async def stocktakes_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Stocktake]:
    return (await session.scalars(select(S).where(S.tenant_id == tenant, among(S.id, ids)))).all()


async def open_stocktakes(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Stocktake]:
    """A page of the stocktakes that are not ended in these stores, the oldest first."""
    query = select(S).where(S.tenant_id == tenant, among(S.store_id, stores), OPEN)
    if after is not None:
        query = query.where(S.id > after)
    return (await session.scalars(query.order_by(S.id).limit(limit))).all()


class StocktakeFilter(NamedTuple):
    stores: Collection[UUID]
    state: str | None = None


async def stocktakes(
    session: AnySession, tenant: UUID, filter: StocktakeFilter, span: Span
) -> Sequence[Stocktake]:
    """A page of stocktakes, the newest first."""
    query = select(S).where(S.tenant_id == tenant, among(S.store_id, filter.stores))
    if filter.state is not None:
        query = query.where(S.state == filter.state)
    return await span.scalars(session, query, S.id, newest=True)


async def locked_stocktake(unit: Unit, id: UUID) -> Stocktake | None:
    query = select(S).where(S.tenant_id == unit.tenant, S.id == id)
    return await unit.session.scalar(query.with_for_update())


async def shared_stocktakes(unit: Unit, ids: Collection[UUID]) -> Sequence[Stocktake]:
    """These stocktakes, locked in the order of their ids so that their states do not change until
    the unit ends; others can count meanwhile."""
    query = select(S).where(S.tenant_id == unit.tenant, among(S.id, ids)).order_by(S.id)
    return (await unit.session.scalars(query.with_for_update(read=True))).all()


async def zones_of(unit: Unit, store: UUID) -> list[str]:
    """The zones that the store has now."""
    query = select(Store.zones).where(Store.tenant_id == unit.tenant, Store.id == store)
    return await unit.session.scalar(query) or []


async def lock_scopes(unit: Unit, store: UUID) -> None:
    """Wait for other units that add products to stocktakes of the store, and make later ones
    wait."""
    query = select(Store.id).where(Store.tenant_id == unit.tenant, Store.id == store)
    await unit.session.execute(query.with_for_update(key_share=True))


async def add_lines(unit: Unit, row: Stocktake, products: Collection[UUID]) -> None:
    """Adds the lines of a new stocktake, by the products' names.

    A stocktake of categories, or of everything, covers the products that the store has ever had.
    """
    theirs = and_(
        Level.tenant_id == Product.tenant_id,
        Level.store_id == row.store_id,
        Level.product_id == Product.id,
    )
    held = Level.shelf + Level.reserved + Level.quarantine > 0
    chosen = among(Product.id, products)
    if row.everything or row.category_ids:
        kept = and_(Level.shown, or_(Product.archived_at.is_(None), held))
        if not row.everything:
            kept = and_(kept, Product.category_id.in_(subtree(row.tenant_id, *row.category_ids)))
        chosen = or_(chosen, kept)
    scope = (
        select(literal(unit.tenant), literal(row.id), Product.id, Product.scale)
        .outerjoin(Level, theirs)
        .where(Product.tenant_id == unit.tenant, Product.kind == "GOODS", chosen)
        .order_by(Product.pinyin, Product.id)
    )
    names = ["tenant_id", "stocktake_id", "product_id", "scale"]
    await unit.session.execute(insert(L).from_select(names, scope))


async def covered_categories(unit: Unit, row: Stocktake) -> set[UUID]:
    """The categories that the stocktake covers, and all below them."""
    if not row.category_ids:
        return set()
    return set((await unit.session.scalars(subtree(unit.tenant, *row.category_ids))).all())


async def overlapping(unit: Unit, row: Stocktake) -> UUID | None:
    """Another open stocktake of the store with a product of this one."""
    other = L.__table__.alias("other")
    query = (
        select(S.id)
        .join(L, and_(L.tenant_id == S.tenant_id, L.stocktake_id == S.id))
        .join(
            other,
            and_(
                other.c.tenant_id == S.tenant_id,
                other.c.stocktake_id == row.id,
                other.c.product_id == L.product_id,
            ),
        )
        .where(S.tenant_id == unit.tenant, S.store_id == row.store_id, S.id != row.id, OPEN)
        .limit(1)
    )
    return await unit.session.scalar(query)


async def lines_of(
    session: AnySession,
    tenant: UUID,
    stocktakes: Collection[UUID],
    products: Collection[UUID] | None = None,
) -> Sequence[StocktakeLine]:
    """The lines of these stocktakes, in their order; of these products only, if given."""
    query = select(L).where(L.tenant_id == tenant, among(L.stocktake_id, stocktakes))
    if products is not None:
        query = query.where(among(L.product_id, products))
    return (await session.scalars(query.order_by(L.stocktake_id, L.id))).all()


async def all_products(session: AnySession, row: Stocktake) -> list[UUID]:
    """The products of the stocktake's lines, in their order."""
    query = select(L.product_id).where(L.tenant_id == row.tenant_id, L.stocktake_id == row.id)
    return list(await session.scalars(query.order_by(L.id)))


async def listed_products(unit: Unit, row: Stocktake, products: Collection[UUID]) -> set[UUID]:
    """Those of these products that the stocktake has lines of."""
    query = select(L.product_id).where(L.tenant_id == unit.tenant, L.stocktake_id == row.id)
    return set((await unit.session.scalars(query.where(among(L.product_id, products)))).all())


async def line_by_id(session: AnySession, tenant: UUID, id: UUID) -> StocktakeLine | None:
    return await session.scalar(select(L).where(L.tenant_id == tenant, L.id == id))


async def counts_of(
    session: AnySession,
    tenant: UUID,
    stocktakes: Collection[UUID],
    products: Collection[UUID] | None = None,
) -> Sequence[StocktakeCount]:
    """The counts of these stocktakes, replaced ones too, the oldest first."""
    query = select(C).where(C.tenant_id == tenant, among(C.stocktake_id, stocktakes))
    if products is not None:
        query = query.where(among(C.product_id, products))
    return (await session.scalars(query.order_by(C.stocktake_id, C.id))).all()


async def variances_of(
    session: AnySession,
    tenant: UUID,
    stocktakes: Collection[UUID],
    products: Collection[UUID] | None = None,
) -> Sequence[StocktakeVariance]:
    V = StocktakeVariance
    query = select(V).where(V.tenant_id == tenant, among(V.stocktake_id, stocktakes))
    if products is not None:
        query = query.where(among(V.product_id, products))
    return (await session.scalars(query.order_by(V.product_id, V.part))).all()


class CountRow(NamedTuple):
    """A count as it is written; see `tables.StocktakeCount`."""

    id: UUID
    product_id: UUID
    zone: str
    batch_id: UUID | None
    batch_no: str | None
    expires_on: date | None
    quantity: int
    scale: int
    began_seq: int
    seq: int
    counted_by: UUID
    counted_at: datetime
    checks: bool


def insertion(table: type[Table], names: Sequence[str]) -> Statement:
    """Writes rows of a stocktake with these columns, which `arrays` binds as `new`."""
    columns: Any = table.__table__.c
    new = rows("new", *(columns[name] for name in names))
    head = (bindparam(name, type_=Uuid()) for name in ("tenant", "stocktake"))
    values = select(*head, *(new.c[name] for name in names))
    return Statement(insert(table).from_select(["tenant_id", "stocktake_id", *names], values))


PUT_COUNTS = insertion(C, CountRow._fields)


async def put_counts(unit: Unit, row: Stocktake, counts: Sequence[CountRow]) -> None:
    new = arrays("new", list(CountRow._fields), counts)
    await PUT_COUNTS.fetch(unit.raw, tenant=unit.tenant, stocktake=row.id, **new)


async def replace_counts(
    unit: Unit, row: Stocktake, products: Collection[UUID], zone: str, by: UUID
) -> dict[UUID, bool]:
    """Mark the person's own counts of these products in the zone as replaced. For a product that
    they had not counted there, mark the counts of others.

    Returns the products with replaced counts, each with whether the counts were another person's.
    """
    theirs = (
        C.tenant_id == unit.tenant,
        C.stocktake_id == row.id,
        among(C.product_id, products),
        C.zone == zone,
        C.replaced_by.is_(None),
    )
    open_counts = await unit.session.execute(
        select(C.id, C.product_id, C.counted_by).where(*theirs).with_for_update()
    )
    counts = [(id, product, counter == by) for id, product, counter in open_counts]
    own = {product for _, product, mine in counts if mine}
    ended = [(id, product) for id, product, mine in counts if mine or product not in own]
    if ended:
        ids = [id for id, _ in ended]
        await unit.session.execute(
            update(C)
            .where(C.tenant_id == unit.tenant, among(C.id, ids))
            .values(replaced_by=by)
            .execution_options(synchronize_session=False)
        )
    return {product: product not in own for _, product in ended}


async def forget_confirmations(unit: Unit, row: Stocktake, products: Collection[UUID]) -> None:
    """Clear the confirmed positions of these products, which are counted again."""
    await unit.session.execute(
        update(L)
        .where(L.tenant_id == unit.tenant, L.stocktake_id == row.id)
        .where(among(L.product_id, products), L.confirmed_seq.is_not(None))
        .values(confirmed_seq=None, confirmed_by=None)
        .execution_options(synchronize_session=False)
    )


async def rules(session: AnySession, tenant: UUID) -> StocktakeRules | None:
    return await session.scalar(select(StocktakeRules).where(StocktakeRules.tenant_id == tenant))


async def put_rules(unit: Unit, **columns: Any) -> None:
    put = insert(StocktakeRules).values(tenant_id=unit.tenant, **columns)
    await unit.session.execute(
        put.on_conflict_do_update(index_elements=["tenant_id"], set_=columns)
    )
