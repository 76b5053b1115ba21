"""Previews: what importing a file would do, with every row's errors; nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import imports as rows
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import clock
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.images import Images
from app.domain.errors import Malformed
from app.domain.imports.files import ImportRequest, read_file, sign
from app.domain.imports.openings import plan_openings, read_books
from app.domain.imports.products import plan_products, read_known, repeated
from app.domain.imports.recipes import plan_recipes
from app.domain.imports.sheets import CHUNK, Planned, Row, RowError, SheetRows, read_sheet
from app.domain.imports.suppliers import plan_suppliers
from app.domain.rules.import_columns import ImportKind, header_key

PERMISSIONS = {
    ImportKind.PRODUCTS: Can.EDIT_CATALOG,
    ImportKind.OPENING_STOCK: Can.RECEIVE,
    ImportKind.PRICES: Can.EDIT_CATALOG,
    ImportKind.THRESHOLDS: Can.SET_THRESHOLDS,
    ImportKind.SUPPLIERS: Can.EDIT_SUPPLIERS,
    ImportKind.RECIPES: Can.EDIT_RECIPES,
}
OF_A_STORE = (ImportKind.OPENING_STOCK, ImportKind.THRESHOLDS)
MOST_ERRORS = 1000
"""Errors that a preview shows; `faulty` counts all rows that have one."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What importing the file would do, for as long as the token lasts."""

    token: str
    request: ImportRequest
    sheet: SheetRows
    counts: Counter[str]
    errors: list[RowError]


async def preview(
    reads: Reads, viewer: Viewer, files: Images, request: ImportRequest
) -> tuple[Preview, list[Planned]]:
    """What importing the file would do, and each row's plan.

    Raises Refused: UnknownImport, ImportRefused, UnknownStore; Malformed, Denied, Unavailable.
    """
    check_request(viewer, request)
    content = await read_file(files, viewer.tenant, request.file_id)
    async with reads.read(viewer.tenant) as session:
        remembered = await rows.headers_of(session, viewer.tenant, request.kind.name)
    request = replace(request, own=_merged(remembered, request.own))
    sheet = await read_sheet(content, request.kind, request.own)
    async with reads.read(viewer.tenant) as session:
        unread = {error.row for error in sheet.errors}
        planned = await plan(session, viewer, request.kind, request.store, sheet.rows, unread)
    planned = with_unread(sheet.errors, planned)
    counts = Counter(each.action for each in planned)
    errors = [error for each in planned for error in each.errors]
    token = sign(files, viewer.tenant, request, counts["FAULTY"], clock())
    return Preview(token, request, sheet, counts, errors), planned


def with_unread(errors: Sequence[RowError], planned: Sequence[Planned]) -> list[Planned]:
    """The plans with the errors of cells that could not be read, in place of what they lack."""
    unread: dict[int, list[RowError]] = {}
    for error in errors:
        unread.setdefault(error.row, []).append(error)
    return [_faulty(each, unread.get(each.row.number, [])) for each in planned]


def _faulty(planned: Planned, unread: list[RowError]) -> Planned:
    if not unread:
        return planned
    fields = {error.field for error in unread}
    # A row whose code cannot be read may mean any product.
    known = () if fields & {"SKU", "BARCODE"} else planned.errors
    others = (error for error in known if error.field not in fields)
    return planned._replace(action="FAULTY", errors=(*unread, *others))


def _merged(remembered: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """The shop's headers: those of now, and those of its latest import for other fields."""
    given = set(own.values())
    return own | {each: field for each, field in remembered.items() if field not in given}


def check_request(viewer: Viewer, request: ImportRequest) -> None:
    """Raises Denied without the kind's permission, Malformed, Refused(UnknownStore)."""
    can = PERMISSIONS[request.kind]
    access.require(viewer, can)
    if request.store is not None:
        access.at(viewer, can, request.store)
    elif request.kind is ImportKind.OPENING_STOCK:
        raise Malformed("storeId", "请选择期初库存的门店", "Choose the store of the opening stock.")
    elif request.kind is ImportKind.THRESHOLDS and (
        viewer.scope.reach(can) is not access.Reach.ALL
    ):
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")


async def plan(
    session: AnySession,
    viewer: Viewer,
    kind: ImportKind,
    store: UUID | None,
    read: Sequence[Row],
    unread: Collection[int] = (),
) -> list[Planned]:
    """What importing each row would do now; in rows of `unread` a cell could not be read."""
    if kind is ImportKind.SUPPLIERS:
        return await plan_suppliers(session, viewer.tenant, read)
    if kind is ImportKind.RECIPES:
        return await plan_recipes(session, viewer.tenant, read, unread)
    of_points = store if kind is ImportKind.THRESHOLDS else None
    known = await read_known(session, viewer.tenant, of_points, read)
    if kind is ImportKind.OPENING_STOCK:
        assert store is not None, "checked with the request"
        books = await read_books(session, viewer.tenant, store, known, clock())
        return plan_openings(read, known, books)
    again, planned = repeated(read), list[Planned]()
    for at in range(0, len(read), CHUNK):
        planned += plan_products(viewer, kind, read[at : at + CHUNK], known, again)
        # Sales of the same process have their turn.
        await asyncio.sleep(0)
    return planned


def own_headers(columns: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The shop's own headers as they are compared, with their fields. Raises Malformed."""
    own = {header_key(header[:100]): field for header, field in columns}
    if "" in own or len(set(own.values())) < len(columns):
        raise Malformed(
            "columns",
            "每一列只能指定一次，表头不能为空",
            "Give each field once, and no empty header.",
        )
    return own
