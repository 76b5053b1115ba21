"""Rows of opening stock: compared with what the store's ledger has, and posted to it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, cast
from uuid import UUID

from app.db import identity, imports, units
from app.db.core.snapshot import AnySession
from app.db.tables import Product
from app.domain.errors import Text
from app.domain.imports.products import (
    CREATED,
    FAULTY,
    UNCHANGED,
    Check,
    Known,
    keys_of,
    named_product,
)
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.movements.batches import BatchTerms, arriving_batch
from app.domain.rules.days import store_day
from app.domain.rules.texts import clean
from app.domain.rules.units import size_of, to_base, written


class StoreBooks(NamedTuple):
    """What is known of the products: opening stock in base units, the base units in each of their
    own units, and the store's day."""

    openings: dict[UUID, int]
    sizes: dict[UUID, dict[str, int]]
    today: date
    moment: datetime


async def read_books(
    session: AnySession, tenant: UUID, store: UUID, known: Known, moment: datetime
) -> StoreBooks:
    """What the store's ledger has of these products."""
    ids = {coded.product.id for coded in known.codes.values()}
    [place] = await identity.stores_by_id(session, tenant, [store])
    openings = await imports.openings(session, tenant, store, ids)
    sizes = await units.sizes(session, tenant, ids)
    return StoreBooks(openings, sizes, store_day(moment, place.timezone), moment)


class _Line(NamedTuple):
    check: Check
    product: Product | None
    base: int


def plan_openings(rows: Sequence[Row], known: Known, books: StoreBooks) -> list[Planned]:
    """What importing each row would do: a product has its opening stock once in a store."""
    lines = [_line(row, known, books) for row in rows]
    totals: dict[UUID, int] = defaultdict(int)
    seen: dict[tuple[object, ...], int] = {}
    for line in lines:
        if line.product is not None:
            totals[line.product.id] += line.base
            _check_repeated(line, seen)
    return [_planned(line, totals, books) for line in lines]


def _check_repeated(line: _Line, seen: dict[tuple[object, ...], int]) -> None:
    row, product = line.check.row, cast(Product, line.product)
    batch = (row.text("BATCH_NO"), row.text("EXPIRES_ON"), row.text("PRODUCED_ON"))
    earlier = seen.setdefault((product.id, *batch), row.number)
    if earlier != row.number:
        field = "SKU" if row.text("SKU") else "BARCODE"
        line.check.add(
            field, f"与第 {earlier} 行重复", f"The same product and batch are in row {earlier}"
        )


def _line(row: Row, known: Known, books: StoreBooks) -> _Line:
    check = Check(row)
    product = named_product(known, check)
    if product is None:
        if not check.errors:
            check.add("SKU" if row.text("SKU") else "BARCODE", "没有这个商品", "No such product")
        return _Line(check, None, 0)
    if product.kind != "GOODS":
        check.add(None, "该商品不管理库存", "The product is not kept in stock")
    _check_pack(check, product, known)
    base = _quantity(check, product, books)
    for field in ("BATCH_NO", "PRODUCED_ON", "EXPIRES_ON"):
        if row.text(field):
            with check.of(field):
                arriving_batch(product, terms_of(row), books.today, books.moment)
            break
    return _Line(check, product, base or 0)


def _quantity(check: Check, product: Product, books: StoreBooks) -> int | None:
    """The quantity of the row in base units; an error without one that fits the product."""
    given = check.row.measure("QUANTITY")
    if given is None:
        check.add("QUANTITY", "请填写数量", "Give a quantity")
        return None
    unit = given.unit or product.unit
    size = size_of(unit, product.unit, books.sizes.get(product.id, {}))
    base = None if size is None else to_base(given.number, size)
    if size is None:
        check.add(
            "QUANTITY",
            f"商品的单位是“{product.unit}”，没有单位“{unit}”，请先设置换算或按“{product.unit}”填写",
            f"The product is counted in {product.unit}: it has no unit {unit!r}",
        )
    elif base is None:
        check.add(
            "QUANTITY",
            f"数量 {given.number} 无效：须大于 0，且符合商品的单位“{unit}”",
            f"The quantity {given.number} is not valid: it is above 0 and fits the unit {unit}",
        )
    return base


def _check_pack(check: Check, product: Product, known: Known) -> None:
    key = None if check.row.text("SKU") else keys_of(check.row).get("BARCODE")
    if key and known.codes[key].pack != product.scale:
        check.add(
            "BARCODE",
            "这是整箱的条码，请填写单件条码或货号",
            "This is the barcode of a pack: give that of one unit, or the SKU",
        )


def terms_of(row: Row) -> BatchTerms:
    """The batch that the row describes. Raises InvalidText."""
    return BatchTerms(
        clean(row.text("BATCH_NO"), "batchNo", 50),
        None,
        cast(date | None, row.value("PRODUCED_ON")),
        cast(date | None, row.value("EXPIRES_ON")),
        cast(int | None, row.value("COST")),
    )


def _planned(line: _Line, totals: dict[UUID, int], books: StoreBooks) -> Planned:
    check, product = line.check, line.product
    errors: list[RowError] = check.errors
    there = 0 if product is None else books.openings.get(product.id, 0)
    if product is not None and there and there != totals[product.id] and not errors:
        shown = f"{written(there, product.scale)} {product.unit}"
        text = Text(
            f"该商品在本店已有期初库存 {shown}，请用盘点或手工调整修改",
            f"The product has an opening stock of {shown} here: correct it by a stocktake",
        )
        errors.append(RowError(check.row.number, "QUANTITY", text))
    action = FAULTY if errors else UNCHANGED if there else CREATED
    return Planned(check.row, action, product and product.id, (), tuple(errors))
