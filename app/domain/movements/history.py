"""Stock as of any moment on two axes, and the movements that explain a level."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.db import history as rows
from app.db import positions
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.unit import clock
from app.db.history import Balance, KindTotal
from app.db.levels import Pair
from app.domain.rules.kinds import ON_HAND_BINS

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PastLevel:
    """What a level held at a moment, in base units by bin; `batches` are on-hand quantities."""

    tenant_id: UUID
    store_id: UUID
    product_id: UUID
    scale: int
    bins: Mapping[str, int]
    value: int
    batches: Mapping[UUID, int]

    @property
    def on_hand(self) -> int:
        return sum(self.bins.get(bin, 0) for bin in ON_HAND_BINS)


async def past_levels(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    products: Collection[UUID] | None,
    at: datetime,
    known_at: datetime | None,
    span: Span,
) -> list[PastLevel]:
    """A page of levels as they were at `at`, by what was recorded until `known_at`."""
    levels = await rows.level_pairs(session, tenant, stores, products, span)
    pairs = [(store, product) for store, product, _ in levels]
    balances = await rows.balances(session, tenant, pairs, at, known_at or clock())
    grouped: dict[Pair, list[Balance]] = {pair: [] for pair in pairs}
    for balance in balances:
        grouped[balance.store_id, balance.product_id].append(balance)
    return [
        _past_level(tenant, store, product, scale, grouped[store, product])
        for store, product, scale in levels
    ]


def _past_level(
    tenant: UUID, store: UUID, product: UUID, scale: int, balances: Sequence[Balance]
) -> PastLevel:
    bins: dict[str, int] = {}
    batches: dict[UUID, int] = {}
    for each in balances:
        bins[each.bin] = bins.get(each.bin, 0) + each.quantity
        if each.batch_id is not None and each.bin in ON_HAND_BINS:
            batches[each.batch_id] = batches.get(each.batch_id, 0) + each.quantity
    held = {batch: quantity for batch, quantity in batches.items() if quantity}
    value = sum(each.value for each in balances)
    return PastLevel(tenant, store, product, scale, bins, value, held)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a level came from `before` to `now` on hand since a moment, in base units."""

    tenant_id: UUID
    store_id: UUID
    product_id: UUID
    scale: int
    since: datetime | None
    before: int
    now: int
    totals: Sequence[KindTotal]


async def explain(
    session: AnySession, tenant: UUID, pair: Pair, scale: int, since: datetime | None
) -> Explanation:
    """The movements since a moment, by default since the beginning, which sum to the level.

    The session is a snapshot: the level and its entries are of one moment.
    """
    store, product = pair
    totals = await rows.totals_since(session, tenant, pair, since or LONG_AGO)
    position = (await positions.positions(session, tenant, store, [product])).get(product)
    now = position.on_hand if position else 0
    before = now - sum(each.quantity for each in totals)
    return Explanation(tenant, store, product, scale, since, before, now, totals)
