"""Lines: which product a client's line means, and how much of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db import catalog as rows
from app.db import identity, units
from app.db.core.unit import Database
from app.db.tables import Product
from app.domain.catalog import products
from app.domain.catalog.codes import Code, packs_of, understood
from app.domain.errors import InvalidQuantity, Malformed, Refused, UnknownProduct
from app.domain.movements.batches import MOST_LINES, LineRequest, Resolved, scanned
from app.domain.rules.scales import weight_for
from app.domain.rules.units import MASSES, from_base, size_of


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line that says no more than which product, and how much of it in its own unit."""

    product_id: UUID | None
    quantity: Decimal
    code: str | None = None
    batch_no: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


async def lines_of(
    db: Database, tenant: UUID, store: UUID, asked: Sequence[LineRequest], arriving: bool
) -> list[Resolved]:
    """Each line with its product, and a quantity in the product's unit.

    Raises Refused: UnknownProduct with all codes nobody knows, InvalidQuantity. Raises Malformed
    for what cannot be read, and for a line that names no product or two.
    """
    if not 1 <= len(asked) <= MOST_LINES:
        raise Malformed(f"lines: from 1 to {MOST_LINES} are needed")
    plain = True
    for line in asked:
        if (line.product_id is None) == (line.code is None):
            raise Malformed("a line names either productId or code")
        if line.quantity is not None and line.packs is not None:
            raise Malformed("a line has either quantity or packs")
        if line.product_id is not None and line.quantity is None:
            raise Malformed("a line with productId has a quantity; packs belong to a code")
        if line.unit is not None and line.quantity is None:
            raise Malformed("unit: what the line's quantity is told in")
        plain = plain and line.code is None and line.unit is None
    if plain:
        return [(line, line.product_id, line.quantity) for line in asked]  # pyright: ignore[reportReturnType]
    return await _looked_up(db, tenant, store, asked, arriving)


async def _looked_up(
    db: Database, tenant: UUID, store: UUID, asked: Sequence[LineRequest], arriving: bool
) -> list[Resolved]:
    """Codes become products, quantities and batches; a plain code means one of its packs."""
    found: list[Resolved] = []
    unknown: list[str] = []
    async with db.read(tenant) as session:
        layouts = await identity.scale_labels(session, tenant, store)
        for line in asked:
            if line.product_id is not None:
                told = await _measured(session, tenant, line, line.product_id)
                found.append((line, line.product_id, told))
                continue
            code = understood(line.code or "", layouts)
            if code.fault:
                raise Malformed(f"code: {code.fault}: scan it again, or type the number below it")
            named = await products.by_code(session, tenant, code.name)
            if named is None:
                unknown.append(code.name)
                continue
            product, pack = named
            quantity = _quantity(line, code, product, pack)
            if line.unit is not None:
                quantity = await _in_unit(session, tenant, product, quantity, line.unit)
            told = await scanned(session, tenant, line, code, product, quantity, arriving)
            found.append((told, product.id, quantity))
    if unknown:
        raise Refused(UnknownProduct(tuple(unknown)))
    return found


async def _measured(session: Any, tenant: UUID, line: LineRequest, product_id: UUID) -> Decimal:
    quantity = line.quantity or Decimal(0)
    if line.unit is None:
        return quantity
    products = await rows.products_by_id(session, tenant, [product_id])
    if not products:
        raise Refused(UnknownProduct((str(product_id),)))
    return await _in_unit(session, tenant, products[0], quantity, line.unit)


async def _in_unit(
    session: Any, tenant: UUID, product: Product, quantity: Decimal, unit: str
) -> Decimal:
    """So many of another unit, in the product's own: exact, or refused."""
    own = await units.sizes(session, tenant, [product.id])
    size = size_of(unit, product.unit, own.get(product.id, {}))
    if size is None:
        raise Malformed(f"unit: {product.sku} has no unit {unit!r}: see Product.units")
    return _whole(product, quantity * size, str(quantity))


def _quantity(line: LineRequest, code: Code, product: Product, pack: int) -> Decimal:
    """What is said, else what was weighed or what it costs, else so many packs."""
    if line.quantity is not None:
        return line.quantity
    if line.packs is None and product.unit in MASSES:
        if code.weight is not None:
            return from_base(code.weight, product.scale)
        if code.amount is not None and product.price:
            return from_base(weight_for(code.amount, product.price, product.scale), product.scale)
    if line.packs is None and code.amount is not None and product.price:
        # The label of something counted: its price divides into pieces, or it is another's.
        return _whole(product, Decimal(code.amount) * product.scale / product.price, "1")
    packs = packs_of(code) if line.packs is None else line.packs
    return _whole(product, packs * pack, str(packs))


def _whole(product: Product, base: Decimal, said: str) -> Decimal:
    if base != int(base) or base <= 0:
        raise Refused(InvalidQuantity(product.id, said))
    return from_base(int(base), product.scale)
