"""Quantities of scanned codes: the weight or amount of a label, or a number of packs."""

from decimal import Decimal
from typing import Protocol

from app.db.codes import CodedProduct
from app.db.tables import Product
from app.domain.catalog.codes import Code, Form
from app.domain.errors import InvalidQuantity, Malformed, Refused
from app.domain.rules.scales import weight_for
from app.domain.rules.units import MASSES, from_base


class ScannedLine(Protocol):
    """A line with a code; without a quantity and packs it is one label or pack."""

    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def packs(self) -> Decimal | None: ...


def scanned_quantity(line: ScannedLine, code: Code, coded: CodedProduct) -> Decimal:
    """The line's quantity in the product's unit, else that of its code, times `packs`.

    Raises Malformed for a weighed product whose code gives no weight, and for the amount of a
    label that does not follow from the product's price; Refused(InvalidQuantity).
    """
    if line.quantity is not None:
        return line.quantity
    product, times = coded.product, line.packs or Decimal(1)
    if line.packs is not None and line.packs <= 0:
        raise Refused(InvalidQuantity(product.id, str(line.packs), path=("packs",)))
    if product.unit in MASSES:
        grams = _grams(code, product)
        if grams is not None:
            return whole(product, times * grams, str(times))
        if coded.code.pack_quantity is None:
            raise _no_weight(code, product)
    elif code.form is Form.SCALE and code.amount is not None:
        # The label of something counted: its amount divides into pieces, or it is another's.
        pieces = Decimal(code.amount) * product.scale / _price(code, product)
        return whole(product, times * pieces, str(times))
    packs = code.packs if line.packs is None else line.packs
    return whole(product, packs * coded.pack, str(packs))


def whole(product: Product, base: Decimal, sent: str) -> Decimal:
    """So many base units, in the product's unit. Raises Refused(InvalidQuantity)."""
    if base != int(base) or base <= 0:
        raise Refused(InvalidQuantity(product.id, sent, path=("quantity",)))
    return from_base(int(base), product.scale)


def _grams(code: Code, product: Product) -> int | None:
    """The weight of the code, or the one that its amount pays for; None without either.

    Raises Malformed for an amount that the price does not give.
    """
    if code.weight:
        return code.weight
    if not code.amount:
        return None
    grams = weight_for(code.amount, _price(code, product), product.scale)
    if grams is None:
        raise _refused(
            product,
            "标签金额与现在的售价不符，请重新称重或填写数量",
            "the amount of the label does not follow from the price: weigh the goods again or "
            "give a quantity",
        )
    return grams


def _price(code: Code, product: Product) -> int:
    """The product's price, in fen, for the amount of a label. Raises Malformed without one."""
    if product.price:
        return product.price
    raise _refused(
        product,
        "标签上只有金额，商品没有售价，无法换算数量；请设置售价或填写数量",
        "the label has an amount only and the product has no price: set a price or give a quantity",
    )


def _no_weight(code: Code, product: Product) -> Malformed:
    zh, en = (
        code.unweighed.value if code.unweighed else ("条码上没有重量", "the code has no weight")
    )
    return _refused(
        product, f"{zh}，请称重后填写数量", f"{en}: weigh the goods and give a quantity"
    )


def _refused(product: Product, zh: str, en: str) -> Malformed:
    return Malformed("code", f"商品“{product.name}”：{zh}", f"{product.name}: {en}.")
