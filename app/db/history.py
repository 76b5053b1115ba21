"""Stock as of any past moment, computed from the ledger, and facts that explain a level."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, bindparam, case, func, select, true, union_all

from app.db.checkpoints import (
    AT,
    END,
    KNOWN_AT,
    Range,
    balances_in,
    bases_of,
    bind_ranges,
    ranges,
    unread_of,
)
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession, with_one_plan
from app.db.core.statement import among
from app.db.days import day_began, first_id, store_day
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import (
    Alert,
    Entry,
    Level,
    Movement,
    Product,
    PurchaseLine,
    PurchaseOrder,
    Stocktake,
    StocktakeLine,
    Store,
    Transfer,
    TransferLine,
)
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS

E, M, L = (table.__table__.c for table in (Entry, Movement, Level))
TENANT = bindparam("tenant", type_=E.tenant_id.type)
THEIRS = and_(M.tenant_id == E.tenant_id, M.id == E.movement_id)


class Balance(NamedTuple):
    """Base units in one bin of a level, of one batch, and their value in 1/10000 yuan."""

    store_id: UUID
    product_id: UUID
    batch_id: UUID | None
    bin: str
    quantity: int
    value: int


def sides_of(keys: Any) -> Any:
    """SQL: for each entry of these ranges, the quantity it takes from one bin and adds to another.

    A move inside one level has its position in the `from` columns.
    """
    inside = and_(E.from_seq.is_not(None), E.to_store == E.from_store)
    sides = (
        (E.from_store, E.from_bin, -1, E.from_seq, E.from_seq.is_not(None)),
        (E.from_store, E.to_bin, 1, E.from_seq, and_(inside, E.to_seq.is_(None))),
        (E.to_store, E.to_bin, 1, E.to_seq, E.to_seq.is_not(None)),
    )
    return union_all(
        *(
            select(
                keys.c.store_id,
                keys.c.product_id,
                E.batch_id,
                bin.label("bin"),
                (sign * E.quantity).label("quantity"),
                (sign * func.coalesce(E.cost, 0)).label("cost"),
                M.id,
                M.kind,
                M.occurred_at,
                M.recorded_at,
            )
            .select_from(keys)
            .join(
                Entry.__table__,
                and_(
                    E.tenant_id == TENANT,
                    store == keys.c.store_id,
                    E.product_id == keys.c.product_id,
                    positioned,
                    seq > keys.c.after_seq,
                    seq <= keys.c.until_seq,
                    bin.in_(PHYSICAL_BINS),
                ),
            )
            .join(Movement.__table__, THEIRS)
            for store, bin, sign, seq, positioned in sides
        )
    ).subquery("sides")


SIDES = sides_of(ranges())


def place_of(sides: Any) -> tuple[Any, ...]:
    """SQL: the columns of a bin and batch of a level."""
    return sides.c.store_id, sides.c.product_id, sides.c.batch_id, sides.c.bin


def sums_of(sides: Any) -> tuple[Any, ...]:
    """SQL: the base units and the value that these sides add up to."""
    amounts = sides.c.quantity, sides.c.cost
    return tuple(func.sum(amount).cast(BigInteger) for amount in amounts)


def _balances() -> Any:
    """SQL: the balances of the latest usable checkpoint of each key, and the sums of the later
    entries."""
    bases = bases_of(level_keys())
    kept = balances_in(bases)
    place = bases.c.store_id, bases.c.product_id, kept.c.batch_id, kept.c.bin
    of_bases = select(*place, kept.c.quantity, kept.c.value).join_from(bases, kept, true())
    later = sides_of(unread_of(bases).cte("since"))
    known = later.c.occurred_at <= AT, later.c.recorded_at <= KNOWN_AT
    of_later = select(*place_of(later), *sums_of(later)).where(*known)
    return select(union_all(of_bases, of_later.group_by(*place_of(later))).subquery("held"))


BALANCES = _balances()


async def balances(
    session: AnySession, tenant: UUID, pairs: Collection[Pair], at: datetime, known_at: datetime
) -> list[Balance]:
    """What these levels held at a moment, by the movements recorded until `known_at`.

    One bin and batch of a level may have two rows: one of a checkpoint, and one of what was moved
    since.
    """
    arguments = {"tenant": tenant, "at": at, "known_at": known_at, **bind_levels(pairs)}
    held = await with_one_plan(session).execute(BALANCES, arguments)
    return [Balance(*row) for row in held]


def balance_of(store: UUID, product: UUID, kept: Mapping[str, Any]) -> Balance:
    """A balance from its JSON in a checkpoint."""
    batch = kept["batch_id"]
    place = store, product, batch and UUID(batch), kept["bin"]
    return Balance(*place, kept["quantity"], kept["value"])


class Part(NamedTuple):
    """The sum of one bin and batch over a part of a level's history, and the first and last moments
    at which its entries happened and were recorded."""

    balance: Balance
    first_at: datetime
    last_at: datetime
    first_known: datetime
    last_known: datetime


PARTS = select(
    *place_of(SIDES),
    *sums_of(SIDES),
    func.min(SIDES.c.occurred_at),
    func.max(SIDES.c.occurred_at),
    func.min(SIDES.c.recorded_at),
    func.max(SIDES.c.recorded_at),
).group_by(*place_of(SIDES))


async def parts(session: AnySession, tenant: UUID, ranges: Collection[Range]) -> list[Part]:
    """The sums of these parts of the history; each level has one range."""
    arguments = {"tenant": tenant, **bind_ranges(ranges)}
    summed: Any = await session.execute(PARTS, arguments)
    return [Part(Balance(*row[:6]), *row[6:]) for row in summed]


async def level_pairs(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    products: Collection[UUID] | None,
    span: Span,
) -> list[tuple[UUID, UUID, int]]:
    """A page of the levels of these stores: store, product, and the scale of its unit."""
    query: Any = select(Level.store_id, Level.product_id, Level.scale).where(
        Level.tenant_id == tenant, among(Level.store_id, stores)
    )
    if products is not None:
        query = query.where(among(Level.product_id, products))
    rows = await span.execute(session, query, Level.store_id, Level.product_id)
    return [tuple(row) for row in rows]


class KindTotal(NamedTuple):
    """How movements of one kind changed a level's on-hand, in base units."""

    kind: str
    movements: int
    quantity: int


ON_HAND = func.sum(case((SIDES.c.bin.in_(ON_HAND_BINS), SIDES.c.quantity), else_=0))
TOTALS = (
    select(
        SIDES.c.kind, func.count(func.distinct(SIDES.c.id)), ON_HAND.cast(BigInteger).label("sum")
    )
    .where(SIDES.c.recorded_at > bindparam("since", type_=M.recorded_at.type))
    .group_by(SIDES.c.kind)
    .having(ON_HAND != 0)
    .order_by(func.abs(ON_HAND).desc(), SIDES.c.kind)
)


async def totals_since(
    session: AnySession, tenant: UUID, pair: Pair, since: datetime
) -> list[KindTotal]:
    """How the level's on-hand changed since, by kind, the largest change first."""
    parameters = {"tenant": tenant, "since": since, **bind_ranges([Range(*pair, 0, END)])}
    return [KindTotal(*row) for row in await session.execute(TOTALS, parameters)]


class CountCandidate(NamedTuple):
    """A level that should be counted: when it was last counted, and whether a discrepancy is
    open."""

    level: Level
    has_discrepancy: bool


NEVER_DAYS = 365
"""The days since the last count that a level without a count is given."""


async def count_candidates(
    session: AnySession, tenant: UUID, store: UUID, limit: int
) -> Sequence[CountCandidate]:
    """The levels of the store that should be counted next: open discrepancies first, then by
    value times days since the last count. Products in an open stocktake are left out."""
    discrepancy = (
        select(Alert.id)
        .where(Alert.tenant_id == Level.tenant_id, Alert.store_id == Level.store_id)
        .where(Alert.product_id == Level.product_id, Alert.rule == "DISCREPANCY")
        .where(Alert.state != "RESOLVED")
        .exists()
    )
    counting = (
        select(StocktakeLine.id)
        .join(
            Stocktake,
            and_(
                Stocktake.tenant_id == StocktakeLine.tenant_id,
                Stocktake.id == StocktakeLine.stocktake_id,
            ),
        )
        .where(StocktakeLine.tenant_id == Level.tenant_id, Stocktake.store_id == Level.store_id)
        .where(StocktakeLine.product_id == Level.product_id)
        .where(Stocktake.state.in_(("OPEN", "REVIEW", "CLOSING")))
        .exists()
    )
    age = func.coalesce(
        func.extract("epoch", func.now() - Level.counted_at) / 86_400, float(NEVER_DAYS)
    )
    of_product = and_(Product.tenant_id == Level.tenant_id, Product.id == Level.product_id)
    query = (
        select(Level, discrepancy.label("discrepancy"))
        .join(Product, of_product)
        .where(Level.tenant_id == tenant, Level.store_id == store, Product.kind == "GOODS")
        .where(Product.archived_at.is_(None), ~counting)
        .where((Level.shelf + Level.reserved + Level.quarantine > 0) | discrepancy)
        .order_by(discrepancy.desc(), (Level.value * age).desc(), Level.product_id)
        .limit(limit)
    )
    return [CountCandidate(*row) for row in await session.execute(query)]


async def chosen_today(session: AnySession, tenant: UUID, store: UUID, most: int) -> int:
    """The number of products, at most `most`, in stocktakes that were opened today by the store's
    clock. Cancelled and reversed stocktakes do not count."""
    S, N = Stocktake, StocktakeLine
    zone = select(Store.timezone).where(Store.tenant_id == tenant, Store.id == store)
    timezone = zone.scalar_subquery()
    today = day_began(store_day(timezone, func.now()), timezone)
    products = (
        select(N.product_id)
        .distinct()
        .join(S, and_(S.tenant_id == N.tenant_id, S.id == N.stocktake_id))
        .where(S.tenant_id == tenant, S.store_id == store, S.id >= first_id(today))
        .where(S.state.not_in(("CANCELLED", "REVERSED")))
        .limit(most)
        .subquery("products")
    )
    return await session.scalar(select(func.count()).select_from(products)) or 0


EVIDENCE = ("RECEIPT", "SALE", "SHIPMENT", "TRANSFER_RECEIPT", "WRITE_OFF")


async def facts(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID], since: datetime
) -> Sequence[Any]:
    """Receipts, dated sales and write-offs of these products in the store since a moment.

    Rows: product, kind, movement, base units, day, and how late it was recorded.
    """
    here = (Entry.from_store == store) | (Entry.to_store == store)
    query = (
        select(
            Entry.product_id,
            Movement.kind,
            Movement.id,
            func.sum(Entry.quantity).cast(BigInteger),
            func.date(Movement.occurred_at),
            func.max(Movement.recorded_at - Movement.occurred_at),
        )
        .join(Movement, and_(Movement.tenant_id == tenant, Movement.id == Entry.movement_id))
        .where(Entry.tenant_id == tenant, among(Entry.product_id, products), here)
        .where(Movement.kind.in_(EVIDENCE), Movement.recorded_at > since)
        .where((Movement.kind != "SALE") | Movement.dated)
        .group_by(Entry.product_id, Movement.kind, Movement.id, Movement.occurred_at)
        .order_by(Movement.id)
    )
    return (await session.execute(query)).all()


async def short_products(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID], since: datetime
) -> set[UUID]:
    """Those of these products of which a delivery to the store, that ended since a moment, was
    short: a purchase order that was closed before all of it came, or a transfer with a loss."""
    P, PL, T, TL = PurchaseOrder, PurchaseLine, Transfer, TransferLine
    ordered = (
        select(PL.product_id)
        .join(P, and_(P.tenant_id == PL.tenant_id, P.id == PL.purchase_id))
        .where(PL.tenant_id == tenant, among(PL.product_id, products), P.store_id == store)
        .where(P.state == "CLOSED", P.ended_at > since, PL.received < PL.ordered)
    )
    shipped = (
        select(TL.product_id)
        .join(T, and_(T.tenant_id == TL.tenant_id, T.id == TL.transfer_id))
        .where(TL.tenant_id == tenant, among(TL.product_id, products), T.to_store == store)
        .where(T.ended_at > since, TL.lost > 0)
    )
    short = union_all(ordered, shipped).subquery("short")
    return set(await session.scalars(select(short.c.product_id)))
