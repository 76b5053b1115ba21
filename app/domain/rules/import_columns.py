"""Which column of a shop's spreadsheet holds which field, by its header."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from typing import NamedTuple

from app.domain.rules.spelling import search_key


class ImportKind(Enum):
    """The content of a file. The value lists its fields; the first ones identify the row."""

    PRODUCTS = "SKU BARCODE NAME SPEC UNIT CATEGORY PRICE REORDER_POINT SHELF_LIFE_DAYS"
    OPENING_STOCK = "SKU BARCODE QUANTITY COST BATCH_NO PRODUCED_ON EXPIRES_ON"
    PRICES = "SKU BARCODE PRICE"
    THRESHOLDS = "SKU BARCODE REORDER_POINT"
    SUPPLIERS = "SUPPLIER CONTACT PHONE LEAD_DAYS NOTE"
    RECIPES = "SKU DISH YIELDS INGREDIENT_SKU INGREDIENT AMOUNT UNIT LOSS"

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
    SUPPLIER = ("供应商", "Supplier")
    CONTACT = ("联系人", "Contact")
    PHONE = ("电话", "Phone")
    LEAD_DAYS = ("交期（天）", "Lead time in days")
    NOTE = ("备注", "Note")
    DISH = ("菜品", "Dish")
    YIELDS = ("产出", "Yield")
    INGREDIENT_SKU = ("原料货号", "SKU of the ingredient")
    INGREDIENT = ("原料", "Ingredient")
    AMOUNT = ("用量", "Amount")
    LOSS = ("损耗率（%）", "Loss in percent")


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
OF_KIND = {
    ImportKind.SUPPLIERS: {
        "SUPPLIER": "供应商 供应商名称 供货商 供货商名称 厂商 厂家 名称 公司 公司名称 单位名称 "
        "name supplier suppliername vendor vendorname",
        "CONTACT": "联系人 联系人姓名 业务员 contact contactname contactperson",
        "PHONE": "电话 联系电话 电话号码 手机 手机号 手机号码 联系方式 "
        "phone phonenumber tel telephone mobile",
        "LEAD_DAYS": "交期 交期天 交货期 交货天数 供货周期 到货天数 在途天数 送货天数 采购周期 "
        "提前期 leadtime leaddays leadtimeindays",
        "NOTE": "备注 说明 note notes remark remarks",
    },
    ImportKind.RECIPES: {
        "SKU": "菜品编码 菜品编号 菜品货号 成品编码 成品编号 成品货号 dishsku productsku",
        "DISH": "菜品 菜品名称 菜名 成品 成品名称 产品 产品名称 品名 商品 商品名称 名称 "
        "dish dishname product productname name",
        "YIELDS": "产出 产量 产出数量 出品量 份数 yield yields",
        "INGREDIENT_SKU": "原料编码 原料编号 原料货号 配料编码 物料编码 食材编码 "
        "ingredientsku skuoftheingredient",
        "INGREDIENT": "原料 原料名称 原材料 配料 配料名称 食材 食材名称 物料 物料名称 组成 "
        "ingredient ingredientname component",
        "AMOUNT": "用量 数量 净用量 标准用量 使用量 单份用量 amount quantity qty",
        "LOSS": "损耗 损耗% 损耗率 损耗率% loss lossinpercent wastage",
    },
}
"""Words that mean something else in a file of this kind."""


def _by_word(words: Mapping[str, str]) -> dict[str, str]:
    return {word: field for field, several in words.items() for word in several.split()}


def _known(kind: ImportKind) -> dict[str, str]:
    templates = {header_key(name): field for field in kind.fields for name in NAMES[field]}
    return _by_word(HEADERS) | templates | _by_word(OF_KIND.get(kind, {}))


PER_UNIT = re.compile(r"[(（]元[/／][^)）]*[)）]")
"""The unit of a price in its header: 售价（元/袋）."""
UNITS_IN_HEADERS = ("元", "rmb", "cny", "必填")
SEARCHED_ROWS = 10
"""How many rows at the top of a sheet are searched for its headers: a title often comes first."""


def header_key(text: str) -> str:
    """The spelling in which headers are compared: without spaces, signs and units."""
    key = (
        search_key(PER_UNIT.sub("", text))
        .replace("*", "")
        .replace("_", "")
        .replace("￥", "")
        .replace("¥", "")
    )
    for unit in UNITS_IN_HEADERS:
        key = key.removesuffix(unit) or key
    return key


KNOWN = {kind: _known(kind) for kind in ImportKind}
"""The field that each known header names, by kind of file."""


class Headers(NamedTuple):
    """The headers of a sheet, one for each column, and the index of the last row that has some."""

    texts: list[str]
    last_row: int


def headers_of(
    rows: Sequence[Sequence[object]], kind: ImportKind, own: Mapping[str, str]
) -> Headers | None:
    """The row with the most known headers, together with a second row of headers below or above
    it; None if no row has one.

    `own` has the shop's own headers, as `header_key` spells them.
    """
    known = {*own, *KNOWN[kind]}
    texts = [[_text(each) for each in row] for row in rows[: SEARCHED_ROWS + 1]]
    scores = [sum(header_key(each) in known for each in row) for row in texts[:SEARCHED_ROWS]]
    best = max(scores, default=0)
    if not best:
        return None
    place = scores.index(best)
    below = place + 1
    if below < len(texts) and _is_second_row(rows[below], texts[below], known):
        return Headers(_joined(texts[place], texts[below], known), below)
    if place and _completes(texts[place - 1], texts[place], known):
        return Headers(_joined(texts[place - 1], texts[place], known), place)
    return Headers(texts[place], place)


def _text(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else ""


def _is_second_row(cells: Sequence[object], texts: Sequence[str], known: Collection[str]) -> bool:
    """Whether the row below headers has headers too: only texts without digits, and one is known.
    Goods have a code or a number."""
    filled = [each for each in cells if each != ""]
    words = [each for each in texts if each]
    has_digits = any(each.isdigit() for word in words for each in word)
    return (
        len(words) == len(filled)
        and not has_digits
        and 2 * sum(header_key(each) in known for each in words) >= max(1, len(words))
    )


def _completes(above: Sequence[str], texts: Sequence[str], known: Collection[str]) -> bool:
    """Whether the row above has known headers of columns that have none in this row."""
    return any(
        header_key(text) in known and not below
        for text, below in zip_longest(above, texts, fillvalue="")
        if text
    )


def _joined(above: Sequence[str], below: Sequence[str], known: Collection[str]) -> list[str]:
    """The headers of two rows. A group in the upper row, such as 进货, stands over several columns:
    its 单价 is 进货单价."""
    headers: list[str] = []
    group = ""
    for upper, lower in zip_longest(above, below, fillvalue=""):
        group = (upper or group) if lower else ""
        whole = group + lower if lower else upper
        headers.append(lower if lower and header_key(whole) not in known else whole)
    return headers


def columns_of(headers: Sequence[str], kind: ImportKind, own: Mapping[str, str]) -> dict[str, int]:
    """The column of each field, the first that names it; the shop's own headers come first."""
    keys = [header_key(each) for each in headers]
    columns: dict[str, int] = {}
    for names in (own, KNOWN[kind]):
        for place, key in enumerate(keys):
            field = names.get(key)
            if field is not None and field in kind.fields and (names is own or key not in own):
                columns.setdefault(field, place)
    return columns


TOTALS = re.compile(r".{0,6}(合计|总计|小计|共计)数?([:：(（\s\d].*)?|(sub)?totals?")
"""The first text of a row of totals: 合计, 本页小计, 合计：12 件; not 小计算器."""
LABELLED = re.compile(r"[^0-9:：]{1,8}[:：]")
"""How notes below the rows begin: 制表人：王芳, 备注：价格含税."""


def is_no_row(cells: Sequence[object]) -> bool:
    """Whether this row below the headers has no data: it is empty, has totals, as its first text
    says, or all its cells are notes with a label."""
    texts = [_text(each) for each in cells if each != "" and each is not None]
    first = search_key(next(filter(None, texts), ""))
    return TOTALS.fullmatch(first) is not None or all(LABELLED.match(each) for each in texts)


BY_CODE = ("SKU", "BARCODE")


def other_kinds(header: str, kind: ImportKind) -> list[ImportKind]:
    """The other kinds of files with a row for each product that have a field for this header."""
    if kind.fields[:2] != BY_CODE:
        return []
    key = header_key(header)
    others = (each for each in ImportKind if each is not kind and each.fields[:2] == BY_CODE)
    return [each for each in others if KNOWN[each].get(key) in each.fields]
