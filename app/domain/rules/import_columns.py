"""Which column of a shop's spreadsheet holds which field, by its header."""

from collections.abc import Mapping, Sequence
from enum import Enum

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


UNITS_IN_HEADERS = ("元", "rmb", "cny", "必填")
SEARCHED_ROWS = 10
"""How many rows at the top of a sheet are searched for its headers: a title often comes first."""


def header_key(text: str) -> str:
    """The spelling in which headers are compared: without spaces, signs and units."""
    key = search_key(text).replace("*", "").replace("_", "").replace("￥", "").replace("¥", "")
    for unit in UNITS_IN_HEADERS:
        key = key.removesuffix(unit) or key
    return key


KNOWN = {kind: _known(kind) for kind in ImportKind}
"""The field that each known header names, by kind of file."""


def header_row(
    rows: Sequence[Sequence[object]], kind: ImportKind, own: Mapping[str, str]
) -> int | None:
    """The index of the row with the most known headers; None if no row has one.

    `own` has the shop's own headers, as `header_key` spells them.
    """
    known = {*own, *KNOWN[kind]}
    scores = [
        sum(isinstance(each, str) and header_key(each) in known for each in row)
        for row in rows[:SEARCHED_ROWS]
    ]
    best = max(scores, default=0)
    return scores.index(best) if best else None


def columns_of(
    headers: Sequence[object], kind: ImportKind, own: Mapping[str, str]
) -> dict[str, int]:
    """The column of each field, the first that names it; the shop's own headers come first."""
    keys = [header_key(each) if isinstance(each, str) else "" for each in headers]
    columns: dict[str, int] = {}
    for names in (own, KNOWN[kind]):
        for place, key in enumerate(keys):
            field = names.get(key)
            if field is not None and field in kind.fields and (names is own or key not in own):
                columns.setdefault(field, place)
    return columns


TOTALS = ("合计", "总计", "小计", "总合计", "共计", "合计数", "total", "totals", "subtotal")


def is_total(cells: Sequence[object]) -> bool:
    """Whether this is a row of totals: its first text says so."""
    first = next((each for each in cells if isinstance(each, str) and each.strip()), "")
    return search_key(first) in TOTALS
