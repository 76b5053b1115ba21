"""Templates of imports: a workbook for each kind, with headers, comments, checks and an example."""

from typing import Any

from app.domain.errors import Text
from app.domain.rules.import_columns import NAMES, ImportKind
from app.platforms.spreadsheets import write_sheet

TITLES = {
    ImportKind.PRODUCTS: Text("商品资料", "Products"),
    ImportKind.OPENING_STOCK: Text("期初库存", "Opening stock"),
    ImportKind.PRICES: Text("售价", "Prices"),
    ImportKind.THRESHOLDS: Text("最低库存", "Reorder points"),
    ImportKind.SUPPLIERS: Text("供应商", "Suppliers"),
    ImportKind.RECIPES: Text("配方", "Recipes"),
}
EXAMPLE = Text("示例", "Example")
REQUIRED = {
    ImportKind.PRODUCTS: ("NAME", "UNIT"),
    ImportKind.OPENING_STOCK: ("QUANTITY",),
    ImportKind.PRICES: ("PRICE",),
    ImportKind.THRESHOLDS: ("REORDER_POINT",),
    ImportKind.SUPPLIERS: ("SUPPLIER",),
    ImportKind.RECIPES: ("INGREDIENT", "AMOUNT"),
}
"""Fields that a new row needs, besides a code or a name that identifies it."""
NEEDED = Text("必填。", "Required. ")
EXAMPLES = {
    "SKU": "0017",
    "BARCODE": "6901234567892",
    "NAME": "东北大米",
    "SPEC": "5kg",
    "UNIT": "袋",
    "CATEGORY": "食品/粮油",
    "PRICE": 39.9,
    "REORDER_POINT": 10,
    "SHELF_LIFE_DAYS": 365,
    "QUANTITY": 12,
    "COST": 30.5,
    "BATCH_NO": "B001",
    "PRODUCED_ON": "2026-11-01",
    "EXPIRES_ON": "2027-11-01",
    "SUPPLIER": "粮油批发部",
    "CONTACT": "王五",
    "PHONE": "13800000000",
    "LEAD_DAYS": 3,
    "NOTE": "货到付款",
    "DISH": "蛋炒饭",
    "YIELDS": 1,
    "INGREDIENT_SKU": "0003",
    "INGREDIENT": "鸡蛋",
    "AMOUNT": "2个",
    "LOSS": "5%",
}
CODE = Text("货号或条码至少填一个。文本格式，保留开头的 0。", "Give a SKU or a barcode, as text.")
COMMENTS = {
    "SKU": CODE,
    "BARCODE": CODE,
    "NAME": Text("最多 200 字。", "At most 200 characters."),
    "SPEC": Text("例如 5kg、500ml，最多 100 字。", "Such as 5kg or 500ml."),
    "UNIT": Text(
        "例如 袋、瓶、kg；建立后不能修改。", "Such as bag, bottle or kg; it never changes."
    ),
    "CATEGORY": Text("各级用 / 分开，没有的分类会新建。", "Levels are separated by /."),
    "PRICE": Text("每单位售价（元），最多两位小数。", "Price of one unit in CNY."),
    "REORDER_POINT": Text("库存低于或等于此数时预警。", "Stock at or below it is low."),
    "SHELF_LIFE_DAYS": Text("天数，或 12个月、1年。", "Number of days."),
    "QUANTITY": Text("大于 0，可带单位，例如 3箱。", "Above 0; a unit may follow, such as 3箱."),
    "COST": Text("每单位进价（元），最多 4 位小数。", "Cost of one unit in CNY."),
    "BATCH_NO": Text("仅用于按批次管理的商品。", "Only for products with batches."),
    "PRODUCED_ON": Text("例如 2026-11-01。", "Such as 2026-11-01."),
    "EXPIRES_ON": Text("最后可售日，例如 2027-11-01。", "Last day of sale, such as 2027-11-01."),
    "SUPPLIER": Text("供应商名称，不能重复。", "Name of the supplier, unique."),
    "CONTACT": Text("联系人姓名。", "Name of the contact person."),
    "PHONE": Text("联系电话。", "Phone number."),
    "LEAD_DAYS": Text("从下单到到货的天数，0 至 365。", "Days from order to delivery, 0 to 365."),
    "NOTE": Text("最多 500 字。", "At most 500 characters."),
    "DISH": Text("菜品名称或货号；同一菜品的后续行可不填。", "Name or SKU of the dish."),
    "YIELDS": Text(
        "各原料合计做出的数量，默认 1。", "Quantity that the amounts make; 1 by default."
    ),
    "INGREDIENT_SKU": Text(
        "原料的货号或条码；名称有重复时必填。", "SKU or barcode of the ingredient."
    ),
    "INGREDIENT": Text("原料名称或货号。", "Name or SKU of the ingredient."),
    "AMOUNT": Text("可带单位，例如 200克。", "A unit may follow, such as 200g."),
    "LOSS": Text("0% 至 100%。", "0% to 100%."),
}
TEXTS = ("SKU", "BARCODE", "BATCH_NO", "PHONE", "INGREDIENT_SKU", "AMOUNT", "QUANTITY", "LOSS")
NOT_NEGATIVE = {"type": "decimal", "operator": "greaterThanOrEqual", "formula1": "0"}
DATE = {"type": "date", "operator": "greaterThan", "formula1": "36526"}
UNITS = "袋,瓶,盒,包,箱,个,件,罐,桶,支,份,杯,kg,g,L,ml"
RULES: dict[str, dict[str, Any]] = {
    "UNIT": {"type": "list", "formula1": f'"{UNITS}"'},
    "PRICE": NOT_NEGATIVE,
    "COST": NOT_NEGATIVE,
    "REORDER_POINT": NOT_NEGATIVE,
    "YIELDS": NOT_NEGATIVE,
    "SHELF_LIFE_DAYS": {"type": "whole", "formula1": "0", "formula2": "36500"},
    "LEAD_DAYS": {"type": "whole", "formula1": "0", "formula2": "365"},
    "PRODUCED_ON": DATE,
    "EXPIRES_ON": DATE,
}


def template_name(kind: ImportKind, language: str) -> str:
    """The name under which a browser saves the template."""
    title = TITLES[kind]
    return f"{title.en} template.xlsx" if language == "en" else f"{title.zh}导入模板.xlsx"


async def template(kind: ImportKind, language: str) -> bytes:
    """The .xlsx of the template. The first sheet is to be filled in: an import reads it only."""
    english = language == "en"
    return await write_sheet(
        {
            "sheet": TITLES[kind][english],
            "example_sheet": EXAMPLE[english],
            "columns": [_column(kind, field, english) for field in kind.fields],
        }
    )


def _column(kind: ImportKind, field: str, english: bool) -> dict[str, Any]:
    needed = NEEDED[english] if field in REQUIRED[kind] else ""
    is_date = field in ("PRODUCED_ON", "EXPIRES_ON")
    return {
        "header": NAMES[field][english],
        "comment": needed + COMMENTS[field][english],
        "example": EXAMPLES[field],
        "kind": "TEXT" if field in TEXTS else "DATE" if is_date else "GENERAL",
        "rule": RULES.get(field),
    }
