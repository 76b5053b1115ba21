"""Suggestions of alerts, from the stock in all stores that the reader may see."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from app.db.alert_facts import AlertFacts, alert_facts
from app.db.alert_suggestions import (
    Seller,
    StockRow,
    best_sellers,
    latest_suppliers,
    stock_of_products,
)
from app.db.core.snapshot import AnySession
from app.db.writeoffs import requested_of_batches
from app.domain.rules.alert_suggestions import (
    Situation,
    StoreStock,
    SuggestionKind,
    SuggestionTerms,
    suggest,
    suggestion_texts,
)
from app.domain.rules.replenishment import PERIOD_DAYS
from app.domain.rules.units import written


@dataclass(frozen=True, slots=True)
class SuggestionFacts:
    """An alert, with the product that has to be restocked or sold in each store. `written_off` is
    what open write-offs of an expired batch have, in base units."""

    alert: AlertFacts
    product_id: UUID
    stock: list[StockRow]
    supplier_id: UUID | None
    sellers: list[Seller]
    written_off: int


async def suggestion_facts(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, SuggestionFacts]:
    """The facts of these alerts that are about a product, by alert."""
    alerts = [
        (alert, product)
        for alert in (await alert_facts(session, tenant, ids)).values()
        if (product := alert.cause_id or alert.product_id) is not None
    ]
    products = {product for _, product in alerts}
    stock: dict[UUID, list[StockRow]] = defaultdict(list)
    for row in await stock_of_products(session, tenant, products, PERIOD_DAYS):
        stock[row.product_id].append(row)
    suppliers = await latest_suppliers(session, tenant, products)
    slow = {alert.store_id for alert, _ in alerts if alert.rule == "SLOW_MOVING"}
    sellers = await best_sellers(session, tenant, slow) if slow else {}
    expired = {alert.store_id for alert, _ in alerts if alert.rule == "EXPIRED"}
    requested = await requested_of_batches(session, tenant, expired) if expired else {}
    return {
        alert.id: SuggestionFacts(
            alert,
            product,
            stock[product],
            suppliers.get(product),
            sellers.get(alert.store_id, []),
            requested.get((alert.store_id, alert.batch_id), 0) if alert.batch_id else 0,
        )
        for alert, product in alerts
    }


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    """A suggestion for the product that an alert is about, or for the ingredient that a dish
    lacks. `quantity` is in base units of `scale`; `beside_id` is what to sell it together with."""

    kind: SuggestionKind
    product_id: UUID
    quantity: int | None
    scale: int
    discount_percent: int | None
    store_id: UUID | None
    supplier_id: UUID | None
    beside_id: UUID | None
    texts: tuple[str, str]


def suggest_for(facts: SuggestionFacts, sees: Callable[[UUID], bool]) -> SuggestionRow | None:
    """What to do about an alert; `sees` is whether the reader may see the stock of a store."""
    alert = facts.alert
    rows = {row.store_id: row for row in facts.stock}
    here = rows.get(alert.store_id)
    if here is None or alert.resolved:
        return None
    beside = _beside(facts)
    situation = Situation(
        rule=alert.rule,
        quantity=alert.now - facts.written_off if alert.rule == "EXPIRED" else alert.now,
        scale=here.scale,
        days=alert.days,
        here=_stock(here),
        others=[_stock(row) for id, row in rows.items() if id != here.store_id and sees(id)],
        beside=beside and beside.product_id,
        tracked=alert.tracks_batches,
        for_sale=alert.for_sale,
    )
    suggestion = suggest(situation)
    if suggestion is None or (alert.markdown or 0) >= (suggestion.percent or 100):
        return None
    terms = SuggestionTerms(
        quantity=written(suggestion.quantity, here.scale),
        unit=here.unit,
        percent=suggestion.percent or 0,
        store=rows[suggestion.store_id].store if suggestion.store_id else "",
        product=beside.name if beside else "",
        goods=alert.cause if alert.cause_id else "",
        restocks=alert.rule not in ("SLOW_MOVING", "NEAR_EXPIRY"),
    )
    return SuggestionRow(
        suggestion.kind,
        facts.product_id,
        suggestion.quantity or None,
        here.scale,
        suggestion.percent,
        suggestion.store_id,
        facts.supplier_id if suggestion.kind is SuggestionKind.REORDER else None,
        suggestion.product_id,
        suggestion_texts(suggestion.kind, terms),
    )


def _stock(row: StockRow) -> StoreStock:
    return StoreStock(
        row.store_id, row.free, row.coming, row.sold, row.lead_days, row.reorder_point
    )


def _beside(facts: SuggestionFacts) -> Seller | None:
    """The best seller of the product's category, else of the store."""
    others = [seller for seller in facts.sellers if seller.product_id != facts.product_id]
    category = facts.alert.category_id
    alike = [seller for seller in others if seller.category_id == category]
    return next(iter(alike or others), None)
