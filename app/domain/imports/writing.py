"""Rows of products, prices and thresholds: planned again under locks, and written together."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple, cast
from uuid import UUID

from app.db import catalog, codes
from app.db.alerts import judge
from app.db.core.unit import Database, Unit
from app.db.levels import open_levels
from app.db.tables import Level, Product
from app.domain.access import Viewer
from app.domain.catalog.categories import open_paths, read_path
from app.domain.catalog.namespace import NewCode, read_barcode, take_codes
from app.domain.catalog.new_products import FirstValues, NewProduct, ProductRequest, new_product
from app.domain.catalog.products import (
    FEN,
    ProductDescription,
    index_texts,
    threshold,
)
from app.domain.errors import Malformed, Refused, Text
from app.domain.imports.products import keys_of, plan_products, read_known, repeated
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.ledger.crossings import standings
from app.domain.rules.import_columns import ImportKind
from app.domain.rules.texts import InvalidText

FAILED = Text("未能保存，请重新导入这一行", "The row was not saved: import it again")
MEANWHILE = Text(
    "编码刚被其他商品占用，请重试", "Another product has just taken the code: try again"
)


ATTEMPTS = 3
TURN = 25
"""Rows that are prepared at a time: the process does nothing else for about 10 ms."""


class Taken(Exception):
    """Codes that a request took after the rows were planned: the unit must begin again."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(f"{len(names)} codes were taken")
        self.names = names


Begin = Callable[[Unit], Awaitable[None]]
"""What the unit does first: it claims a key."""
Finish = Callable[[Unit, list[Planned]], Awaitable[None]]
"""What else the unit writes, once the rows are written."""


async def nothing(_: Unit) -> None:
    """Begin at once."""


async def save_rows(
    db: Database,
    viewer: Viewer,
    kind: ImportKind,
    store: UUID | None,
    rows: Sequence[Row],
    finish: Finish,
    begin: Begin = nothing,
    faulty: Collection[int] = (),
) -> list[Planned]:
    """Writes the rows in one unit, between `begin` and `finish`; what was done with each.

    Rows with the numbers in `faulty` are left out. A row whose code another request takes each
    time is refused. Raises what `begin` and `finish` raise.
    """
    refused: set[str] = set()
    attempts = 0
    while True:
        try:
            async with db.unit(viewer.tenant) as unit:
                await begin(unit)
                planned = await write_rows(unit, viewer, kind, store, rows, refused, faulty)
                await finish(unit, planned)
            return planned
        except Taken as taken:
            attempts += 1
            if attempts > ATTEMPTS:
                refused |= taken.names


async def write_rows(
    unit: Unit,
    viewer: Viewer,
    kind: ImportKind,
    store: UUID | None,
    rows: Sequence[Row],
    refused: Collection[str] = (),
    faulty: Collection[int] = (),
) -> list[Planned]:
    """Writes what the rows change in the catalog; what was done with each.

    `store` is the store of THRESHOLDS. Rows with a code of `refused`, or a number of `faulty`, are
    left out. Raises Taken.
    """
    await catalog.lock_writing(unit)
    point_store = store if kind is ImportKind.THRESHOLDS else None
    known = await read_known(unit.session, viewer.tenant, point_store, rows)
    products: dict[UUID, Product] = {}
    if ids := {each.product.id for each in known.codes.values()}:
        # Existing products are read again under their locks.
        unit.session.expunge_all()
        products = await catalog.locked_products(unit, ids)
        known = await read_known(unit.session, viewer.tenant, point_store, rows)
    planned = plan_products(viewer, kind, rows, known, repeated(rows))
    planned = [_without(each, refused) for each in planned]
    paths = {path: id for id, path in known.paths.items()}
    paths |= await open_paths(unit, _missing(planned, paths))
    writes = _Writes(unit, paths, set(known.codes))
    done: list[Planned] = []
    for place, each in enumerate(planned):
        if place % TURN == 0:
            # Sales of the same process have their turn.
            await asyncio.sleep(0)
        try:
            if each.row.number in faulty:
                each = each._replace(action="FAULTY")
            elif each.action == "CREATED":
                each = each._replace(product_id=writes.create(each.row))
            elif each.action == "CHANGED":
                if each.product_id not in products:
                    # Another request has created it since: the next attempt locks it.
                    raise Taken(set(keys_of(each.row).values()))
                writes.change(products[cast(UUID, each.product_id)], each, point_store)
        except (Refused, Malformed, InvalidText) as error:
            each = failed(each, error)
        done.append(each)
    await writes.flush()
    await _announce(unit, writes, point_store)
    return done


def failed(planned: Planned, error: Exception) -> Planned:
    """The plan of a row that was not written."""
    text = Text(*error.text) if isinstance(error, Malformed | InvalidText) else FAILED
    return planned._replace(action="FAULTY", errors=(RowError(planned.row.number, None, text),))


def _without(planned: Planned, refused: Collection[str]) -> Planned:
    """The plan, faulty if another product has just taken a code of the row."""
    for field, name in keys_of(planned.row).items():
        if name in refused and planned.action in ("CREATED", "CHANGED"):
            error = RowError(planned.row.number, field, MEANWHILE)
            return planned._replace(action="FAULTY", errors=(error,))
    return planned


def path_of(row: Row) -> tuple[str, ...]:
    """The path of the row's category. Raises InvalidText, Malformed."""
    return read_path(row.text("CATEGORY") or "", "categoryPath")


def _missing(
    planned: Sequence[Planned], paths: Collection[tuple[str, ...]]
) -> set[tuple[str, ...]]:
    """The paths that the planned rows need and that do not exist."""
    rows = (each for each in planned if each.action in ("CREATED", "CHANGED"))
    return {path_of(each.row) for each in rows if each.row.text("CATEGORY")} - set(paths)


class _Point(NamedTuple):
    base: int
    own: bool


class _Writes:
    """The writes of one unit: rows that wait to be flushed, and what is to be announced."""

    def __init__(self, unit: Unit, paths: dict[tuple[str, ...], UUID], known: set[str]) -> None:
        self._unit, self._paths, self._known = unit, paths, known
        self._codes: list[tuple[Product, NewCode]] = []
        self.changed: dict[UUID, Product] = {}
        self.points: dict[UUID, _Point] = {}

    def create(self, row: Row) -> UUID:
        """The id of the new product."""
        new = _new(self._unit.tenant, row)
        if new.path:
            new.row.category_id = self._paths[new.path]
        self._unit.session.add(new.row)
        self._codes += [(new.row, code) for code in new.codes]
        return new.row.id

    def change(self, product: Product, planned: Planned, store: UUID | None) -> None:
        row, changes = planned.row, set(planned.changes)
        # What can be refused comes first.
        base = threshold(product, row.number_of("REORDER_POINT")) or 0
        if "CATEGORY" in changes:
            product.category_id = self._paths[path_of(row)]
        if "BARCODE" in changes:
            self._codes.append((product, read_barcode(row.text("BARCODE") or "", "barcode")))
        if "NAME" in changes or "SPEC" in changes:
            product.name = row.text("NAME") or product.name
            product.spec = row.text("SPEC") or product.spec
            index_texts(product)
        if "PRICE" in changes:
            product.price = cast(int, row.value("PRICE")) // FEN
        if changes - {"REORDER_POINT"}:
            self.changed[product.id] = product
        if "REORDER_POINT" in changes:
            self.points[product.id] = _Point(base, store is not None)
            if store is None:
                product.reorder_point = base

    async def flush(self) -> None:
        """Writes products, then their codes. Raises Taken."""
        await self._unit.session.flush()
        skus = {code.name for _, code in self._codes if code.is_sku}
        rows = [
            (code.name, product.id, code.is_sku, None if code.is_sku else code.shown, code.pack)
            for product, code in self._codes
            # A barcode that is the SKU of the same row is one code that is both.
            if code.name not in self._known and (code.is_sku or code.name not in skus)
        ]
        if taken := await codes.add(self._unit, rows):
            raise Taken(taken)
        added = {(row[1], row[0], row[2]) for row in rows}
        for product, code in sorted(self._codes, key=lambda each: each[1].name):
            if (product.id, code.name, code.is_sku) not in added:
                try:
                    await take_codes(self._unit, product, [code])
                except Refused:
                    raise Taken({code.name}) from None


def _new(tenant: UUID, row: Row) -> NewProduct:
    """The product that the row describes. Raises as `new_product` does."""
    barcode, life = row.text("BARCODE"), row.value("SHELF_LIFE_DAYS")
    price = cast(int | None, row.value("PRICE"))
    request = ProductRequest(
        row.text("SKU") or barcode or "",
        row.text("UNIT") or "",
        "GOODS",
        ProductDescription(row.text("NAME"), row.text("SPEC"), price),
        [barcode] if barcode else [],
        tracks_batches=life is not None,
        shelf_life_days=cast(int | None, life),
        first=FirstValues(
            reorder_point=row.number_of("REORDER_POINT"), category_path=row.text("CATEGORY")
        ),
    )
    return new_product(tenant, request)


async def _announce(unit: Unit, writes: _Writes, store: UUID | None) -> None:
    """Gives levels their new thresholds; terminals show a product beside its levels."""
    await unit.session.flush()
    if store is not None and writes.points:
        await open_levels(unit, {(store, product) for product in writes.points})
    if not writes.points and not writes.changed:
        return
    crossed: list[Level] = []
    touched = {*writes.points, *writes.changed}
    for level in await catalog.locked_levels_of(unit, touched, store):
        point = writes.points.get(level.product_id)
        if point is not None and (point.own or not level.reorder_point_own):
            level.reorder_point, level.reorder_point_own = point.base, point.own
            level.shown = level.shown or point.own
            crossed.append(level)
        elif level.product_id not in writes.changed:
            continue
        unit.changed(*level.pair)
        if level.product_id in writes.changed:
            # Boards read it again, although no number of its level changed.
            unit.document_changed(*level.pair)
    await judge(unit, standings(crossed))
