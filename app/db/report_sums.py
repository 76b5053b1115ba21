"""Sums of stock that are kept for each level, category and store, so that the overview does not
read all levels.

Sums of a store are of one moment. A reader subtracts what the levels that have changed since then
added to them, and adds what these levels hold now, so its figures are always those of the present.
The same changes tell which levels to sum again.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Uuid,
    and_,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among, table_of
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.expiry_reports import HELD, B, H, batch_value
from app.db.stock_values import OF_PRODUCT, L, P
from app.db.tables import (
    CategorySums,
    Change,
    Level,
    LevelSums,
    Product,
    ProductUpdate,
    Store,
    StoreSums,
)
from app.db.tables.report_sums import NO_CATEGORY

K, T, C, U, S, Z = (
    table.__table__.c
    for table in (LevelSums, CategorySums, Change, ProductUpdate, StoreSums, Store)
)
NEAR_DAYS = 30
"""Goods that expire within this many days are at risk."""
MOST_PRODUCTS = 200
"""Sums before this many changes of products are not used: each product is in every store."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ON_HAND = L.shelf + L.reserved + L.quarantine


class Sums(NamedTuple):
    """Stock of a level, category or store. Values are in 1/10000 yuan; `products`, `low` and `out`
    are numbers of levels."""

    value: int = 0
    products: int = 0
    low: int = 0
    out: int = 0
    at_risk: int = 0


class Moment(NamedTuple):
    """The moment for which the sums of a store are kept, and the store's day then."""

    store_id: UUID
    day: date
    at: datetime


NAMES = Sums._fields
MOMENT = column("store_id", Uuid()), column("day", Date()), column("at", DateTime(True))
TODAY = store_day(Z.timezone, func.now())


def _is_current(tenant: UUID) -> Any:
    """SQL: whether kept sums, joined with their store, are of its present day."""
    newest = (
        select(U.at)
        .where(U.tenant_id == tenant)
        .order_by(U.at.desc())
        .offset(MOST_PRODUCTS)
        .limit(1)
        .scalar_subquery()
    )
    return and_(S.day == TODAY, S.timezone == Z.timezone, S.at > func.coalesce(newest, NEVER))


OF_STORE = and_(Z.tenant_id == S.tenant_id, Z.id == S.store_id)


def with_moments(query: Any, tenant: UUID) -> Any:
    """The query of stores, and the moment of each one's sums; null without sums of its present
    day."""
    current = and_(OF_STORE, _is_current(tenant))
    return query.outerjoin_from(Store, StoreSums, current).add_columns(S.at)


async def current_moments(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> list[Moment]:
    """The moments of those of these stores that have sums of the present day."""
    query = (
        select(S.store_id, S.day, S.at)
        .join_from(StoreSums.__table__, Store.__table__, OF_STORE)
        .where(S.tenant_id == tenant, among(S.store_id, stores), _is_current(tenant))
    )
    return [Moment(*row) for row in await session.execute(query)]


def _changed(tenant: UUID, moments: Sequence[Moment]) -> Any:
    """SQL: the levels that may differ from their sums, with the day of the sums."""
    of, first = table_of("moments", MOMENT, moments), min(each.at for each in moments)
    touched = (
        select(of.c.store_id, func.unnest(C.product_ids).label("product_id"), of.c.day)
        .join_from(of, Change.__table__, and_(C.store_id == of.c.store_id, C.at >= of.c.at))
        # The bound tells PostgreSQL how few changes there are.
        .where(C.tenant_id == tenant, C.at >= first)
    )
    updated = (
        select(of.c.store_id, U.product_id, of.c.day)
        .join_from(of, ProductUpdate.__table__, U.at >= of.c.at)
        .where(U.tenant_id == tenant, U.at >= first)
    )
    return union(touched, updated).cte("changed")


def _figures(tenant: UUID, scope: Any) -> Any:
    """SQL: the sums of each level of the scope: a table of levels or stores, with their days."""
    counted = and_(L.shown, or_(P.archived_at.is_(None), ON_HAND + L.transit > 0))
    soon = (
        select(func.sum(batch_value()))
        .where(H.tenant_id == L.tenant_id, H.store_id == L.store_id, H.product_id == L.product_id)
        .where(HELD > 0, H.expires_on < date.max, H.expires_on <= scope.c.day + NEAR_DAYS)
        .where(B.tenant_id == H.tenant_id, B.id == H.batch_id)
        .correlate(Level.__table__, Product.__table__, scope)
        .scalar_subquery()
    )

    def number(condition: Any) -> Any:
        return case((and_(counted, condition), 1), else_=0)

    level = L.store_id == scope.c.store_id
    if "product_id" in scope.c:
        level = and_(level, L.product_id == scope.c.product_id)
    columns = (
        case((counted, L.value), else_=0),
        number(ON_HAND > 0),
        number(L.status == "LOW"),
        number(and_(L.status == "OUT", L.reorder_point > 0)),
        case((L.tracks_batches, func.coalesce(soon, 0)), else_=0),
    )
    return (
        select(
            L.store_id,
            L.product_id,
            func.coalesce(P.category_id, NO_CATEGORY).label("category_id"),
            *(
                cast(each, BigInteger).label(name)
                for name, each in zip(NAMES, columns, strict=True)
            ),
        )
        .join_from(scope, Level.__table__, level)
        .join(Product.__table__, OF_PRODUCT)
        .where(L.tenant_id == tenant)
    )


def sums_now(tenant: UUID, moments: Sequence[Moment]) -> Any:
    """SQL: whether a row is of a store, its store or category, and its present `Sums`: those of
    these moments, and what has changed since."""
    of, changed = table_of("kept", MOMENT, moments), _changed(tenant, moments)
    now = _figures(tenant, changed).subquery("now")
    same = and_(K.store_id == changed.c.store_id, K.product_id == changed.c.product_id)
    parts = union_all(
        select(T.store_id, T.category_id, *(T[name] for name in NAMES))
        .join_from(of, CategorySums.__table__, T.store_id == of.c.store_id)
        .where(T.tenant_id == tenant),
        select(K.store_id, K.category_id, *(-K[name] for name in NAMES))
        .join_from(changed, LevelSums.__table__, same)
        .where(K.tenant_id == tenant),
        select(now.c.store_id, now.c.category_id, *(now.c[name] for name in NAMES)),
    ).subquery("parts")
    store, category = parts.c.store_id, parts.c.category_id
    by_store = func.grouping(category) == 1
    return select(
        by_store,
        case((by_store, store), else_=func.nullif(category, NO_CATEGORY)),
        *(cast(func.sum(parts.c[name]), BigInteger) for name in NAMES),
    ).group_by(func.grouping_sets(store, category))


class Stores(NamedTuple):
    """Stores that are `due`: without sums of the present day, or with a level that has changed
    since. The sums of the others are those of now."""

    due: list[UUID]
    others: list[UUID]


async def stores_of(session: AnySession, tenant: UUID) -> Stores:
    """The stores of the tenant."""
    query = select(Z.id).where(Z.tenant_id == tenant).order_by(Z.id)
    stores = list(await session.scalars(query))
    moments = await current_moments(session, tenant, stores)
    changed: set[UUID] = set()
    if moments:
        query = select(_changed(tenant, moments).c.store_id).distinct()
        changed.update(await planned_each_time(session).scalars(query))
    others = {each.store_id for each in moments} - changed
    return Stores([store for store in stores if store not in others], sorted(others))


async def still_current(unit: Unit, stores: Collection[UUID], at: datetime) -> None:
    """Record that the sums of these stores, none of whose levels has changed, are of `at` as
    well."""
    unchanged = StoreSums.tenant_id == unit.tenant, among(StoreSums.store_id, stores)
    await unit.session.execute(update(StoreSums).where(*unchanged, StoreSums.at < at).values(at=at))


async def keep_sums(unit: Unit, store: UUID, at: datetime) -> None:
    """Keep the store's present sums: of the levels that have changed, of all for a new day.

    All transactions that stamped their changes before `at` must have ended.
    """
    session, tenant = unit.session, unit.tenant
    new = {"tenant_id": tenant, "store_id": store, "day": date.min, "timezone": "", "at": NEVER}
    await session.execute(insert(StoreSums).values(new).on_conflict_do_nothing())
    query = (
        select(S.day, S.at, _is_current(tenant), TODAY, Z.timezone)
        .join_from(StoreSums.__table__, Store.__table__, OF_STORE)
        .where(S.tenant_id == tenant, S.store_id == store)
        .with_for_update(of=StoreSums.__table__)
    )
    day, before, is_current, today, timezone = (await session.execute(query)).one()
    whole = table_of("store", MOMENT, [Moment(store, today, at)])
    scope = _changed(tenant, [Moment(store, day, before)]) if is_current else whole
    await session.execute(_written(tenant, _figures(tenant, scope)))
    await _add_up(unit, store)
    mark = {"day": today, "timezone": timezone, "at": at}
    of_store = StoreSums.tenant_id == tenant, StoreSums.store_id == store
    await session.execute(update(StoreSums).where(*of_store).values(mark))


def _written(tenant: UUID, figures: Any) -> Any:
    """SQL: writes the sums of levels that differ from those kept."""
    part = figures.subquery("figures")
    names = ("store_id", "product_id", "category_id", *NAMES)
    rows = select(literal(tenant, Uuid()), *(part.c[name] for name in names))
    new = insert(LevelSums).from_select(["tenant_id", *names], rows)
    values = {name: new.excluded[name] for name in names[2:]}
    return new.on_conflict_do_update(
        index_elements=["tenant_id", "store_id", "product_id"],
        set_=values,
        where=or_(*(K[name] != value for name, value in values.items())),
    )


async def _add_up(unit: Unit, store: UUID) -> None:
    """Replace the store's sums by category with those of its levels."""
    of_store = T.tenant_id == unit.tenant, T.store_id == store
    await unit.session.execute(delete(CategorySums).where(*of_store))
    sums = (
        select(K.tenant_id, K.store_id, K.category_id, *(func.sum(K[name]) for name in NAMES))
        .where(K.tenant_id == unit.tenant, K.store_id == store)
        .group_by(K.tenant_id, K.store_id, K.category_id)
    )
    names = ["tenant_id", "store_id", "category_id", *NAMES]
    await unit.session.execute(insert(CategorySums).from_select(names, sums))
