"""The worker of exports: rows to a folder, a program of its own that writes the file, storage.

A worker holds an export by a lease that it renews. When the worker dies, the lease ends and another
one begins again, at most `ATTEMPTS_MAX` times; a worker that lost its lease cannot finish.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import orjson
import structlog

from app.db import exports as rows
from app.db.core.postgres import is_away
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, clock
from app.db.tables import Export
from app.db.updates import wait_for_commits
from app.domain import access
from app.domain.people.viewers import viewer_of
from app.domain.reports import (
    bulk_rows,
    export_documents,
    export_expiry,
    export_movements,
    export_overview,
    export_products,
    export_sales,
    export_stock,
    export_turnover,
)
from app.domain.reports.bulk_queries import filter_of
from app.domain.reports.columns import ExportScope, ExportTable, scope_of
from app.domain.reports.export_failures import Failure
from app.domain.reports.export_rights import has_all, sees_cost
from app.domain.reports.exports import (
    LIFETIME,
    MONTHLY_LIFETIME,
    TITLES,
    ExportFiles,
    Format,
    Report,
    delete_file,
    path_of,
)
from app.domain.reports.monthly import announce
from app.platforms import image_store
from app.platforms.image_store import Unavailable
from app.platforms.programs import run

log = structlog.get_logger()

WRITER = Path(image_store.__file__).with_name("workbook.py")
"""Run and not imported: its library takes memory that a web process does not need."""

LEASE = timedelta(seconds=30)
BEAT_SECONDS = 1.0
ATTEMPTS_MAX = 3
RETRY_AFTER = timedelta(seconds=5)
PAUSE = 0.3
"""Part of a page's time for which the worker rests after it."""
SHEET_ROWS_MAX = 1_048_000
"""Rows of a sheet, less a few for the header and the totals."""
READ_PERCENT, WRITE_PERCENT, STORE_PERCENT = 60, 65, 95
TABLES: dict[str, Callable[[AnySession, ExportScope], Awaitable[ExportTable]]] = {
    "SALES": export_sales.sales.table,
    "LOSSES": export_sales.losses.table,
    "LEVELS": export_stock.levels,
    "MOVEMENTS": export_movements.movements,
    "EXPIRY": export_expiry.expiry,
    "STOCK_VALUE": export_turnover.stock_value.table,
    "TURNOVER": export_turnover.turnover.table,
    "SLOW_MOVERS": export_turnover.slow_movers,
    "PRODUCTS": export_products.products,
    "REORDER_PLAN": export_documents.reorders,
    "SUPPLIERS": export_documents.suppliers.table,
    "STOCKTAKES": export_documents.stocktakes.table,
    "OVERVIEW": export_overview.overview,
    "CHANNELS": export_overview.channels,
}


class RightsLost(Exception):
    """The requester may not see the report any more."""


class TooManyRows(Exception):
    """The report has more rows than a sheet holds."""


class WriterFailed(Exception):
    """The program that writes the file ended with an error."""


@dataclass(slots=True)
class Progress:
    """How far an export is, in percent, and how many rows it has."""

    percent: int = 0
    rows: int = 0


async def run_exports(db: Database, files: ExportFiles, tenant: UUID) -> None:
    """Make the exports of a tenant that wait, and delete files whose link has expired."""
    async with db.read(tenant) as session:
        if not await rows.has_work(session, tenant, clock()):
            return
    while True:
        async with db.unit(tenant) as unit:
            export = await rows.take(unit, LEASE)
            if export is not None:
                unit.document_changed(export.stores[0], export.id)
        if export is None:
            break
        await make(db, files, export)
    await _delete_expired(db, files, tenant)


async def make(db: Database, files: ExportFiles, export: Export) -> None:
    """Make the file of an export that this worker holds; its end is written to the row."""
    progress = Progress()
    try:
        if export.attempts > ATTEMPTS_MAX:
            # Each of its workers died.
            raise WriterFailed("all attempts were interrupted")
        async with _held(db, export, progress):
            size = await _make_file(db, files, export, progress)
    except RightsLost:
        await _fail(db, export, Failure.FORBIDDEN)
    except TooManyRows:
        await _fail(db, export, Failure.TOO_MANY_ROWS)
    except Exception as error:
        if is_away(error):
            # The lease ends, and the export is made again.
            raise
        log.warning("export.failed", export=str(export.id), attempt=export.attempts, error=error)
        await _retry(db, export, error)
    else:
        await _finish(db, files, export, {"rows": progress.rows, "size": size})


async def _finish(db: Database, files: ExportFiles, export: Export, values: dict[str, Any]) -> None:
    """The file can be fetched; its subscriber's messages are written with it."""
    now = clock()
    lifetime = MONTHLY_LIFETIME if export.subscription_id else LIFETIME
    ready = {**values, "state": "READY", "progress": 100, "leased_until": None}
    ready |= {"finished_at": now, "expires_at": now + lifetime}
    async with db.unit(export.tenant_id) as unit:
        if await rows.change(unit, export, **ready):
            unit.document_changed(export.stores[0], export.id)
            if export.subscription_id:
                [done] = await rows.exports_by_id(unit.session, unit.tenant, [export.id])
                await announce(unit, db.vault, files, done)


async def _make_file(db: Database, files: ExportFiles, export: Export, progress: Progress) -> int:
    """The size of the file, once it is stored."""
    with TemporaryDirectory(prefix="kucun-export-") as name:
        folder = Path(name)
        if export.format == Format.JSONL.name:
            await _read(db, export, folder, progress)
            file = folder / "rows.jsonl"
        else:
            # The program writes rows while later ones are read.
            writing = asyncio.create_task(_run_writer(folder))
            try:
                await _read(db, export, folder, progress)
                progress.percent = WRITE_PERCENT
                await writing
            finally:
                await cancelled(writing)
            file = folder / "file"
        progress.percent = STORE_PERCENT
        await files.store.write_file(path_of(export), file)
        return file.stat().st_size


async def _read(db: Database, export: Export, folder: Path, progress: Progress) -> None:
    """Write the rows, as they are at one moment, to the folder."""
    async with db.snapshot() as snapshot:
        if export.format == Format.JSONL.name:
            # What changed until the request is in the file: the next one begins there.
            await wait_for_commits(db, export.tenant_id, snapshot)
        async with snapshot.read(export.tenant_id) as session:
            await _write_rows(session, export, folder, progress)


async def _write_rows(
    session: AnySession, export: Export, folder: Path, progress: Progress
) -> None:
    scope = await scope_of(
        session,
        export.tenant_id,
        export.stores,
        await _shows_cost(session, export),
        export.language,
        export.choice,
    )
    table = await _table(session, scope, export)
    started = time.monotonic()
    with (folder / "rows.jsonl").open("wb") as target:
        _put(folder / "columns.json", _shape(export, scope, table))
        async for page in table.pages:
            progress.rows += len(page)
            if export.format == "XLSX" and progress.rows > SHEET_ROWS_MAX:
                raise TooManyRows
            target.write(b"".join(orjson.dumps(row, default=str) + b"\n" for row in page))
            target.flush()
            progress.percent = (
                READ_PERCENT * progress.rows // max(progress.rows, table.expected or 0, 1)
            )
            # Sales have their turn between two pages.
            await asyncio.sleep(PAUSE * (time.monotonic() - started))
            started = time.monotonic()
    _put(folder / "table.json", _summary(export, scope, table))


def _put(file: Path, content: dict[str, Any]) -> None:
    """Write JSON to a file that the writer waits for: it is there as a whole, or not at all."""
    part = file.with_suffix(".part")
    part.write_bytes(orjson.dumps(content))
    part.rename(file)


async def _shows_cost(session: AnySession, export: Export) -> bool:
    """Whether the file shows costs, by the rights of its requester now and at the request.

    Raises RightsLost if they may not see the report of all its stores any more.
    """
    report, stores = Report[export.report], export.stores
    viewer = await viewer_of(session, export.tenant_id, export.requested_by)
    if viewer is None or not has_all(viewer, report.permissions(export.choice["groupBy"])):
        raise RightsLost
    if len(access.within(viewer, report.can, stores)) < len(stores):
        raise RightsLost
    return export.with_cost and sees_cost(viewer, stores)


async def _table(session: AnySession, scope: ExportScope, export: Export) -> ExportTable:
    if export.format == Format.JSONL.name:
        return await bulk_rows.TABLES[export.report](session, scope, filter_of(export))
    return await TABLES[export.report](session, scope)


def _shape(export: Export, scope: ExportScope, table: ExportTable) -> dict[str, Any]:
    """What the writer needs before the rows."""
    names = [column.name for column in table.columns]
    return {
        "format": export.format,
        "title": scope.text(TITLES[export.report]),
        "data_sheet": scope.text(("明细", "Data")),
        "summary_sheet": scope.text(("汇总", "Summary")),
        "total_label": scope.text(("合计", "Total")),
        "columns": [
            {
                "title": scope.text(column.title),
                "kind": column.kind,
                "total": column.total,
                "ratio": column.ratio and [names.index(each) for each in column.ratio],
            }
            for column in table.columns
        ],
    }


def _summary(export: Export, scope: ExportScope, table: ExportTable) -> dict[str, Any]:
    """What the writer needs after the rows."""
    charts = [chart.described(scope) for chart in table.charts() if chart.points]
    return {"facts": _facts(export, scope), "charts": charts}


def _facts(export: Export, scope: ExportScope) -> list[tuple[str, str]]:
    """Period, stores and time of an export."""
    stores = sorted(scope.names.values(), key=lambda store: store.code)
    facts: list[tuple[str, str]] = []
    if scope.since and scope.until:
        facts.append((scope.text(("期间", "Period")), f"{scope.since} – {scope.until}"))
    facts.append((scope.text(("门店", "Stores")), "、".join(store.name for store in stores)))
    if scope.category_id is not None:
        name = scope.categories.get(scope.category_id, "")
        facts.append((scope.text(("分类", "Category")), name))
    moment = scope.local(clock(), stores[0].id) or ""
    facts.append((scope.text(("制表时间", "As of")), moment.replace("T", " ")))
    return facts


async def _run_writer(folder: Path) -> None:
    """Run the program that writes the file. Raises WriterFailed."""
    ended = await run(sys.executable, "-I", str(WRITER), str(folder), str(os.getpid()))
    if ended.code:
        raise WriterFailed(ended.errors.decode(errors="replace")[-2000:])


@asynccontextmanager
async def _held(db: Database, export: Export, progress: Progress) -> AsyncGenerator[None]:
    """Renew the lease and write the progress every second, while the block runs."""

    async def beat() -> None:
        shown = 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            lease = {"leased_until": clock() + LEASE, "progress": progress.percent}
            await _write(db, export, lease, progress.percent != shown)
            shown = progress.percent

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        await cancelled(beating)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task, unless it has ended, and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _retry(db: Database, export: Export, error: Exception) -> None:
    """Try the export again after a while, or give it up after the last attempt."""
    if export.attempts >= ATTEMPTS_MAX:
        storage = isinstance(error, Unavailable)
        await _fail(db, export, Failure.STORAGE if storage else Failure.INTERNAL)
        return
    retry_at = clock() + RETRY_AFTER * export.attempts
    await _write(db, export, {"state": "QUEUED", "progress": 0, "leased_until": retry_at})


async def _fail(db: Database, export: Export, failure: Failure) -> None:
    ended = {"state": "FAILED", "failure": failure.name, "finished_at": clock()}
    await _write(db, export, {**ended, "leased_until": None})


async def _write(
    db: Database, export: Export, values: dict[str, Any], announced: bool = True
) -> None:
    """Change the row, unless another worker holds it by now."""
    async with db.unit(export.tenant_id) as unit:
        if await rows.change(unit, export, **values) and announced:
            unit.document_changed(export.stores[0], export.id)


async def _delete_expired(db: Database, files: ExportFiles, tenant: UUID) -> None:
    while True:
        async with db.unit(tenant) as unit:
            export = await rows.take_expired(unit)
            if export is None:
                return
            # A file that is deleted twice is no error: the row is changed last.
            await delete_file(files, export)
            export.state = "EXPIRED"
            unit.document_changed(export.stores[0], export.id)
