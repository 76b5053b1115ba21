"""Which column of a shop's spreadsheet holds which field, by its header."""

from collections.abc import Mapping, Sequence
from enum import Enum

from app.domain.rules.spelling import search_key


class ImportKind(Enum):
    """The content of a file. The value lists its fields; the first ones identify the row's
    product."""

    PRODUCTS = "SKU BARCODE NAME SPEC UNIT CATEGORY PRICE REORDER_POINT SHELF_LIFE_DAYS"
    OPENING_STOCK = "SKU BARCODE QUANTITY COST BATCH_NO PRODUCED_ON EXPIRES_ON"
    PRICES = "SKU BARCODE PRICE"
    THRESHOLDS = "SKU BARCODE REORDER_POINT"

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.value.split())


class ImportField(Enum):
    """A field that a column may hold. The value is its Chinese and English name, used as header in
    templates."""

    SKU = ("货号", "SKU")
    BARCODE = ("条码", "Barcode")
    NAME = ("商品名称", "Name")
    SPEC = ("规格", "Specification")
    UNIT = ("单位", "Unit")
    CATEGORY = ("分类", "Category")
    PRICE = ("售价", "Price")
    COST = ("进价", "Cost")
    QUANTITY = ("数量", "Quantity")
    REORDER_POINT = ("最低库存", "Reorder point")
    SHELF_LIFE_DAYS = ("保质期（天）", "Shelf life in days")
    BATCH_NO = ("批号", "Batch number")
    PRODUCED_ON = ("生产日期", "Production date")
    EXPIRES_ON = ("到期日", "Expiry date")


NAMES: dict[str, tuple[str, str]] = {each.name: each.value for each in ImportField}

HEADERS = {
    "SKU": "货号 编码 商品编码 商品货号 商品编号 产品编码 编号 自编码 款号 "
    "sku code itemcode itemno",
    "BARCODE": "条码 条形码 商品条码 国际条码 商品条形码 barcode ean gtin upc",
    "NAME": "品名 商品名称 名称 商品名 商品 产品名称 品名规格 name productname product item title",
    "SPEC": "规格 规格型号 型号 商品规格 包装规格 spec specification size",
    "UNIT": "单位 计量单位 基本单位 销售单位 库存单位 unit uom",
    "CATEGORY": "分类 类别 商品分类 品类 商品类别 大类 category",
    "PRICE": "售价 零售价 销售价 单价 零售单价 门店售价 价格 标价 price retailprice sellingprice",
    "COST": "进价 成本 成本价 进货价 采购价 单位成本 进货单价 cost unitcost purchaseprice",
    "QUANTITY": "库存 数量 库存数量 现有库存 库存量 期初数量 期初库存 当前库存 实盘数 "
    "quantity qty stock onhand openingstock",
    "REORDER_POINT": "最低库存 库存下限 最低阈值 安全库存 预警库存 库存预警 最小库存 "
    "reorderpoint minstock minimumstock",
    "SHELF_LIFE_DAYS": "保质期 保质期天 保质天数 保质期天数 有效期天数 shelflife shelflifedays",
    "BATCH_NO": "批号 批次 批次号 生产批号 batch batchno batchnumber lot lotno",
    "PRODUCED_ON": "生产日期 制造日期 producedon productiondate",
    "EXPIRES_ON": "到期日 到期日期 有效期 有效期至 失效日期 过期日期 保质期至 expireson expiry "
    "expirydate bestbefore",
}
KNOWN = {word: field for field, words in HEADERS.items() for word in words.split()}
UNITS_IN_HEADERS = ("元", "rmb", "cny", "必填")
SEARCHED_ROWS = 10
"""How many rows at the top of a sheet are searched for its headers: a title often comes first."""


def header_key(text: str) -> str:
    """The spelling in which headers are compared: without spaces, signs and units."""
    key = search_key(text).replace("*", "").replace("_", "").replace("￥", "").replace("¥", "")
    for unit in UNITS_IN_HEADERS:
        key = key.removesuffix(unit) or key
    return key


def header_row(rows: Sequence[Sequence[object]], own: Mapping[str, str]) -> int | None:
    """The index of the row with the most known headers; None if no row has one.

    `own` has the shop's own headers, as `header_key` spells them.
    """
    known = {*own, *KNOWN}
    scores = [
        sum(isinstance(each, str) and header_key(each) in known for each in row)
        for row in rows[:SEARCHED_ROWS]
    ]
    best = max(scores, default=0)
    return scores.index(best) if best else None


def columns_of(
    headers: Sequence[object], fields: Sequence[str], own: Mapping[str, str]
) -> dict[str, int]:
    """The column of each field, the first that names it; the shop's own headers come first."""
    keys = [header_key(each) if isinstance(each, str) else "" for each in headers]
    columns: dict[str, int] = {}
    for names in (own, KNOWN):
        for place, key in enumerate(keys):
            field = names.get(key)
            if field is not None and field in fields and (names is own or key not in own):
                columns.setdefault(field, place)
    return columns
