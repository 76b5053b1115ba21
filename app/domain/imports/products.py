"""Rows of products, prices and thresholds: compared with the catalog, and written to it."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple, cast
from uuid import UUID

from app.db import categories, codes, imports
from app.db.codes import CodedProduct
from app.db.core.snapshot import AnySession
from app.db.tables import Category, Product
from app.domain.access import Can, Reach, Viewer
from app.domain.catalog.categories import SEPARATOR, read_path
from app.domain.catalog.namespace import read_barcode, read_sku
from app.domain.errors import Malformed, Text
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.rules.codes import code_key
from app.domain.rules.import_columns import NAMES, ImportKind
from app.domain.rules.texts import InvalidText, clean
from app.domain.rules.units import is_known, scale_of, to_base, unit_of

FEN = 100
KEPT_TEXTS = 4096
CREATED, CHANGED, UNCHANGED, FAULTY = "CREATED", "CHANGED", "UNCHANGED", "FAULTY"


class Known(NamedTuple):
    """What the catalog has of the rows: the products by code, and the paths of categories."""

    codes: dict[str, CodedProduct]
    paths: dict[UUID, tuple[str, ...]]
    points: dict[UUID, int] | None = None
    """The reorder points that the store has of its own; None without a store."""


class Check:
    """The errors of one row, gathered."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.errors: list[RowError] = []

    def add(self, field: str | None, zh: str, en: str) -> None:
        self.errors.append(RowError(self.row.number, field, Text(zh, en)))

    @contextmanager
    def of(self, field: str) -> Generator[None]:
        """Gathers what is refused inside as an error of the field."""
        try:
            yield
        except (InvalidText, Malformed) as error:
            self.add(field, *error.text)


def keys_of(row: Row) -> dict[str, str]:
    """The codes of the row as they are compared, by field."""
    texts = {field: row.text(field) for field in ("SKU", "BARCODE")}
    return {field: code_key(text) for field, text in texts.items() if text}


async def read_known(
    session: AnySession, tenant: UUID, store: UUID | None, rows: Sequence[Row]
) -> Known:
    """What the catalog has of these rows, and the store of their reorder points."""
    names = {key for row in rows for key in keys_of(row).values()}
    coded = await codes.by_codes(session, tenant, names)
    tree = {row.id: row for row in await categories.categories(session, tenant)}
    points = None
    if store is not None:
        ids = {each.product.id for each in coded.values()}
        points = await imports.own_points(session, tenant, store, ids)
    return Known(coded, {id: _path(tree, id) for id in tree}, points)


def _path(tree: dict[UUID, Category], id: UUID) -> tuple[str, ...]:
    names: list[str] = []
    at: UUID | None = id
    while at is not None:
        names.insert(0, tree[at].name)
        at = tree[at].parent_id
    return tuple(names)


def repeated(rows: Sequence[Row]) -> dict[int, RowError]:
    """The rows that name a product again that an earlier row names, by their number."""
    first: dict[str, int] = {}
    errors: dict[int, RowError] = {}
    for row in rows:
        for field, key in keys_of(row).items():
            earlier = first.setdefault(key, row.number)
            if earlier != row.number:
                zh, en = f"与第 {earlier} 行重复", f"The same product is in row {earlier}"
                errors.setdefault(row.number, RowError(row.number, field, Text(zh, en)))
    return errors


def named_product(known: Known, check: Check) -> Product | None:
    """The product that the row's SKU or barcode names; None for a new one."""
    keys = keys_of(check.row)
    if not keys:
        check.add("SKU", "请填写货号或条码", "Give a SKU or a barcode")
        return None
    coded = {field: known.codes.get(key) for field, key in keys.items()}
    by_sku, by_barcode = coded.get("SKU"), coded.get("BARCODE")
    if by_barcode is not None and by_barcode.product.archived_at is not None and by_sku is None:
        # A barcode of an archived product moves to the product that takes it next.
        by_barcode = None if "SKU" in keys else by_barcode
    if by_sku is None and by_barcode is not None and "SKU" in keys:
        check.add(
            "BARCODE",
            f"条码已属于商品 {by_barcode.product.sku}",
            f"The barcode belongs to product {by_barcode.product.sku}",
        )
        return None
    if (
        by_sku is not None
        and by_barcode is not None
        and (by_sku.product.id != by_barcode.product.id and by_barcode.product.archived_at is None)
    ):
        check.add(
            "BARCODE",
            f"条码已属于商品 {by_barcode.product.sku}",
            f"The barcode belongs to product {by_barcode.product.sku}",
        )
    named = by_sku or by_barcode
    if named is None:
        return None
    if named.product.archived_at is not None:
        field = "SKU" if by_sku else "BARCODE"
        check.add(field, "该商品已停用，请先恢复", "The product is archived: restore it first")
    return named.product


def plan_products(
    viewer: Viewer,
    kind: ImportKind,
    rows: Sequence[Row],
    known: Known,
    again: Mapping[int, RowError],
) -> list[Planned]:
    """What importing each row would do to the catalog; `again` are the repeated rows."""
    return [_plan(viewer, kind, row, known, again.get(row.number)) for row in rows]


def _plan(
    viewer: Viewer, kind: ImportKind, row: Row, known: Known, again: RowError | None
) -> Planned:
    check = Check(row)
    if again is not None:
        check.errors.append(again)
    product = named_product(known, check)
    changes: tuple[str, ...] = ()
    if product is not None:
        changes = _changes(viewer, kind, check, product, known)
    elif kind is not ImportKind.PRODUCTS:
        if not check.errors:
            check.add("SKU" if row.text("SKU") else "BARCODE", "没有这个商品", "No such product")
    else:
        _check_new(check)
    action = CREATED if product is None else CHANGED if changes else UNCHANGED
    action = FAULTY if check.errors else action
    return Planned(row, action, product and product.id, changes, tuple(check.errors))


def _check_new(check: Check) -> None:
    """Gathers what a new product lacks."""
    row = check.row
    for field in ("NAME", "UNIT"):
        if not row.text(field):
            zh, en = NAMES[field]
            check.add(field, f"新商品须填写{zh}", f"{en}: a new product needs it")
    unit = row.text("UNIT")
    if unit and not is_known(unit_of(unit)):
        check.add(
            "UNIT",
            f"“{unit[:40]}”不是常用单位，请改用常用单位",
            f"{unit[:40]!r} is no usual unit: choose another",
        )
    _check_texts(check)
    if unit and is_known(unit_of(unit)):
        _check_point(check, unit_of(unit))


READERS: dict[str, Callable[[str], object]] = {
    "SKU": read_sku,
    "BARCODE": lambda text: read_barcode(text, "barcode"),
    "NAME": lambda text: clean(text, "name", 200, required=True),
    "SPEC": lambda text: clean(text, "spec", 100),
    "CATEGORY": lambda text: read_path(text, "categoryPath"),
    "UNIT": lambda text: clean(text, "unit", 10, required=True),
}
SHARED = ("SPEC", "CATEGORY", "UNIT")
"""Fields whose texts the rows of a file share."""


def _fault(field: str, text: str) -> Text | None:
    """What is wrong with the text of a field."""
    try:
        READERS[field](text)
    except (InvalidText, Malformed) as error:
        return Text(*error.text)
    return None


_shared_fault = lru_cache(KEPT_TEXTS)(_fault)


def _check_texts(check: Check) -> None:
    for field in READERS:
        if text := check.row.text(field):
            fault = (_shared_fault if field in SHARED else _fault)(field, text)
            if fault is not None:
                check.errors.append(RowError(check.row.number, field, fault))


def _check_point(check: Check, unit: str) -> int | None:
    """The row's reorder point in base units of the unit; None without one."""
    point = check.row.number_of("REORDER_POINT")
    if point is None or point == 0:
        return None if point is None else 0
    base = to_base(point, scale_of(unit))
    if base is None:
        check.add("REORDER_POINT", "数量不符合商品的单位", "The quantity does not fit the unit")
    return base


def _changes(
    viewer: Viewer, kind: ImportKind, check: Check, product: Product, known: Known
) -> tuple[str, ...]:
    """The fields in which the row differs from the product."""
    row = check.row
    _check_texts(check)
    changed: list[str] = []
    fields = kind.fields
    if "NAME" in fields and (name := row.text("NAME")) and name != product.name:
        changed.append("NAME")
    if "SPEC" in fields and (spec := row.text("SPEC")) and spec != product.spec:
        changed.append("SPEC")
    if (price := row.value("PRICE")) is not None and cast(int, price) // FEN != product.price:
        changed.append("PRICE")
    if path := row.text("CATEGORY"):
        names = tuple(part.strip() for part in SEPARATOR.split(path))
        if names != known.paths.get(cast(UUID, product.category_id)):
            changed.append("CATEGORY")
    if kind is ImportKind.PRODUCTS:
        _check_fixed(check, product)
        key = keys_of(row).get("BARCODE")
        owner = known.codes.get(key) if key else None
        if key and (owner is None or owner.product.id != product.id or owner.code.code is None):
            changed.append("BARCODE")
    point = _check_point(check, product.unit)
    current = product.reorder_point if known.points is None else known.points.get(product.id)
    if point is not None and point != current:
        if kind is ImportKind.PRODUCTS and viewer.scope.reach(Can.SET_THRESHOLDS) is not Reach.ALL:
            check.add(
                "REORDER_POINT",
                "您只能修改自己门店的最低库存，请导入“最低库存”表",
                "You may set reorder points of your stores only: import them as THRESHOLDS",
            )
        changed.append("REORDER_POINT")
    return tuple(changed)


def _check_fixed(check: Check, product: Product) -> None:
    """Gathers differences in what never changes: the unit and the shelf life."""
    unit = check.row.text("UNIT")
    if unit and unit_of(unit) != product.unit:
        check.add(
            "UNIT",
            f"单位不能修改：该商品的单位是“{product.unit}”",
            f"The unit cannot be changed: it is {product.unit}",
        )
    life = check.row.value("SHELF_LIFE_DAYS")
    if life is not None and life != product.shelf_life_days:
        check.add(
            "SHELF_LIFE_DAYS",
            "保质期不能通过导入修改",
            "The shelf life of a product cannot be changed by an import",
        )
