"""Units: exact conversion between quantities in a unit (1.5 kg) and base units (1500 g)."""

from collections.abc import Mapping
from decimal import Decimal

from app.domain.rules.spelling import plain

LIMIT = 10**15
"""The most base units in a bin, so that sums stay far inside 64 bits."""

MEASURES = {
    "kg": 1000,
    "千克": 1000,
    "公斤": 1000,
    "斤": 500,
    "两": 50,
    "g": 1,
    "克": 1,
    "l": 1000,
    "L": 1000,
    "升": 1000,
    "ml": 1,
    "mL": 1,
    "毫升": 1,
}

MASSES = ("kg", "千克", "公斤", "斤", "两", "g", "克")
"""Units of weight: their base unit is the gram."""

VOLUMES = ("l", "L", "升", "ml", "mL", "毫升")
"""Units of volume: their base unit is the millilitre."""


ALIASES = {
    **dict.fromkeys(("kgs", "kilo", "kilos", "kilogram", "kilograms"), "kg"),
    **dict.fromkeys(("gm", "gram", "grams"), "g"),
    **dict.fromkeys(("liter", "liters", "litre", "litres"), "L"),
    **dict.fromkeys(("cc", "milliliter", "milliliters", "millilitre", "millilitres"), "ml"),
    "市斤": "斤",
    "公克": "克",
    "公升": "升",
}
"""Other spellings of measures, in lower case."""

USUAL = """
个 只 件 瓶 袋 包 盒 箱 罐 桶 条 支 枝 片 块 张 本 双 套 台 把 根 串 份 杯 碗 盘 碟 听 卷 粒
颗 枚 头 棵 株 朵 束 排 板 提 打 捆 扎 筐 篮 篓 副 付 对 次 位 人 组 层 壶 锅 笼 例 客 煲 匹
卡 券 架 辆 部 面 幅 床 顶 节 管 筒 坛 瓣 尾 口 扇 盆 缸 匣 帖 剂 贴 联 册 页 封 票 米 厘米
分钟 小时 天
pc pcs piece pieces ea each unit units bottle bottles bag bags box boxes case cases carton cartons
pack packs can cans cup cups set sets pair pairs roll rolls sheet sheets tube tubes jar jars dozen
time times hour hours minute minutes day days person portion portions
"""
COUNTED = frozenset(USUAL.split())
"""Common units in which goods and services are counted; the shop must confirm any other."""


def unit_of(text: str) -> str:
    """The unit in one spelling: KG, ㎏ and ｋｇ become kg; any other unit is returned in half
    width."""
    unit = plain(text)
    folded = unit.casefold()
    if unit in MEASURES:
        return unit
    return folded if folded in MEASURES else ALIASES.get(folded, unit)


def is_known(unit: str) -> bool:
    """Whether it is a measure, or a common counting unit."""
    return unit in MEASURES or unit.casefold() in COUNTED


def scale_of(unit: str) -> int:
    """Base units in one `unit`: grams or millilitres for measures, 1 for counted units."""
    return MEASURES.get(unit, 1)


def to_base(quantity: Decimal, scale: int) -> int | None:
    """The base units in `quantity`; None if it is not a whole number of base units, not positive,
    or too large."""
    if not 0 < quantity <= LIMIT:
        return None
    base = quantity * scale
    whole = int(base)
    return whole if whole == base and whole <= LIMIT else None


def size_of(unit: str, product_unit: str, own: Mapping[str, int]) -> int | None:
    """Base units in one `unit` of a product whose unit is `product_unit`; None if it has no such
    unit.

    `own` are the product's own units, such as a bottle or a case, with their base units.
    """
    if unit in own:
        return own[unit]
    if unit != product_unit:
        unit = unit_of(unit)
    if unit in own:
        return own[unit]
    if unit == product_unit:
        return scale_of(unit)
    alike = next((each for each in (MASSES, VOLUMES) if product_unit in each), ())
    return MEASURES[unit] if unit in alike else None


def shown(base: int, product_unit: str, own: Mapping[str, int], display: str | None) -> str:
    """A quantity in the product's own units, the largest first: 3 箱 4 瓶 120 ml.

    `display` is the largest unit that is used.
    """
    largest = own.get(display or "", 0)
    parts: list[str] = []
    for size, name in sorted(((size, name) for name, size in own.items()), reverse=True):
        if size <= largest:
            count, base = divmod(base, size)
            parts += [f"{count} {name}"] if count else []
    if base or not parts:
        parts.append(f"{written(base, scale_of(product_unit))} {product_unit}")
    return " ".join(parts)


def from_base(base: int, scale: int) -> Decimal:
    """The exact quantity in units: every scale is a product of twos and fives."""
    return Decimal(base) if scale == 1 else Decimal(base) / scale


def written(base: int, scale: int) -> str:
    """`base` in the product's unit, as plain decimal digits without trailing zeros."""
    if scale == 1:
        return str(base)
    text = format(Decimal(base) / scale, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
