"""Imports: the preview of a file of 20,000 rows, and writing them, as a server does."""

import time
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from openpyxl import Workbook

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.images import Images
from app.domain.imports.commits import commit_import, run_imports
from app.domain.imports.files import ImportRequest, keep_file
from app.domain.imports.previews import preview
from app.domain.ledger.post import PostDrafts
from app.domain.movements.record import Books
from app.domain.rules.import_columns import ImportKind
from app.platforms.image_store import Bucket, open_store
from bench.measure import Figure
from bench.stage import SECRET, Shop, Stage, unheard

FIGURES = ("import_preview_s", "import_commit_s")
ROWS, OTHERS = 20_000, 10_000
HEADERS = ("货号", "条码", "品名", "规格", "单位", "分类", "售价", "最低库存", "保质期")


def workbook() -> bytes:
    """A shop's catalog: 20,000 new products in 200 categories."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADERS)
    for number in range(ROWS):
        category = f"大类{number % 10}/小类{number % 200}"
        names = f"A{number:05d}", str(6_900_000_000_000 + number), f"东北大米 {number:05d}"
        sheet.append((*names, "5kg", "袋", category, 10 + number % 90, 5, ""))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


async def figures(stage: Stage, names: Sequence[str]) -> AsyncIterator[Figure]:
    # Another chain: from the statistics of one product, PostgreSQL takes any index that begins with
    # the tenant for the checks of foreign keys.
    await stage.shop(OTHERS)
    shop = await stage.shop(1)
    with TemporaryDirectory() as folder:
        seconds = await measured(stage, shop, Path(folder))
    for name, each in zip(FIGURES, seconds, strict=True):
        if name in names:
            yield Figure(name, each, f"an .xlsx of {ROWS:,} new products, {len(HEADERS)} columns")


async def measured(stage: Stage, shop: Shop, folder: Path) -> tuple[float, float]:
    """The seconds of the preview, and from the commit to the last row."""
    db, lane = (
        Database(stage.urls.database, unheard),
        Lane(stage.urls.database, PostDrafts(), unheard),
    )
    files = Images(open_store("", folder, Bucket("", "", "", "")), SECRET)
    viewer = Viewer(Scope(shop.tenant, Role.OWNER), shop.actor, "", frozenset([shop.store]))
    file = await keep_file(files, shop.tenant, workbook())
    request = ImportRequest(file, ImportKind.PRODUCTS, None, {})
    started = time.perf_counter()
    shown, _ = await preview(db, viewer, files, request)
    previewed = time.perf_counter() - started
    assert shown.counts["CREATED"] == ROWS, shown.counts
    started = time.perf_counter()
    await commit_import(db, viewer, files, shown.token, uuid4(), False)
    accepted = time.perf_counter() - started
    await run_imports(Books(db, lane, Cookbook(db)), shop.tenant)
    committed = time.perf_counter() - started
    print(f"accepted after {accepted:.1f} s")
    await lane.close()
    await db.close()
    return previewed, committed
