"""The worker of exports: killed, fenced, given up, and the files that it deletes."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from uuid_utils.compat import uuid7

from app.db import exports as rows
from app.db.core.unit import Database
from app.db.tables import Export
from app.domain.access import Role
from app.domain.people.staff import hire
from app.domain.reports import export_run
from app.domain.reports.export_run import ATTEMPTS_MAX, LEASE, make, run_exports
from app.domain.reports.exports import ExportFiles, path_of
from app.platforms.image_store import Bucket, open_store
from app.run.embedded import Urls
from tests.conftest import SECRET
from tests.support.identity import eventually
from tests.support.shop import Shop

WORKER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from app.db.core.unit import Database
from app.domain.reports import export_run
from app.domain.reports.export_run import run_exports
from app.domain.reports.exports import ExportFiles
from app.platforms.image_store import Bucket, open_store

async def unheard(*_): pass

async def main():
    db = Database(sys.argv[1], unheard)
    files = ExportFiles(open_store("", Path(sys.argv[3]), Bucket("", "", "", "")), "x")
    async def stuck(_):
        print("writing", flush=True)
        await asyncio.sleep(600)
    export_run._run_writer = stuck
    await run_exports(db, files, UUID(sys.argv[2]))

asyncio.run(main())
"""


@pytest.fixture
def files(tmp_path: Path) -> ExportFiles:
    return ExportFiles(open_store("", tmp_path, Bucket("", "", "", "")), SECRET)


async def queued(db: Database, shop: Shop, **more: Any) -> Export:
    """An export that an owner of the shop has requested."""
    requester = uuid7()
    export = Export(
        tenant_id=shop.tenant,
        id=uuid7(),
        requested_by=requester,
        report="LEVELS",
        format="XLSX",
        language="zh",
        origin="",
        stores=[shop.store],
        with_cost=True,
        choice={
            **dict.fromkeys(("since", "until", "groupBy", "categoryId")),
            "withinDays": 30,
        },
        **more,
    )
    async with db.unit(shop.tenant) as unit:
        await hire(unit, requester, requester.hex, "老板", "", Role.OWNER, [shop.store])
        unit.session.add(export)
    return export


async def row_of(db: Database, export: Export) -> Export:
    async with db.read(export.tenant_id) as session:
        [row] = await rows.exports_by_id(session, export.tenant_id, [export.id])
    return row


@pytest.fixture
async def owner(urls: Urls) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(urls.owner)
    yield connection
    await connection.close()


async def set_past(owner: Any, export: Export, column: str) -> None:
    """The time of the column is over."""
    query = f"UPDATE exports SET {column} = now() - interval '1 second' WHERE id = $1"
    await owner.execute(query, export.id)


async def test_a_killed_worker_is_replaced(
    urls: Urls, db: Database, shop: Shop, files: ExportFiles, owner: Any, tmp_path: Path
) -> None:
    export = await queued(db, shop)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, urls.database, str(shop.tenant), str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"writing\n"
    # While it lives no other worker makes the file.
    await run_exports(db, files, shop.tenant)
    assert (await row_of(db, export)).state == "RUNNING"
    psutil.Process(worker.pid).send_signal(signal.SIGKILL)
    await worker.wait()
    await set_past(owner, export, "leased_until")
    await run_exports(db, files, shop.tenant)
    ready = await row_of(db, export)
    assert (ready.state, ready.attempts, ready.progress) == ("READY", 2, 100)
    assert await files.store.read(path_of(ready)) is not None


async def test_a_worker_that_lost_its_lease_changes_nothing(
    db: Database, shop: Shop, files: ExportFiles, owner: Any
) -> None:
    export = await queued(db, shop)
    async with db.unit(shop.tenant) as unit:
        slow = await rows.take(unit, LEASE)
    assert slow is not None
    await set_past(owner, export, "leased_until")
    await run_exports(db, files, shop.tenant)
    ready = await row_of(db, export)
    await make(db, files, slow)
    after = await row_of(db, export)
    assert (after.state, after.attempts, after.finished_at) == ("READY", 2, ready.finished_at)


async def test_two_workers_make_it_once(db: Database, shop: Shop, files: ExportFiles) -> None:
    exports = [await queued(db, shop) for _ in range(3)]
    await asyncio.gather(*(run_exports(db, files, shop.tenant) for _ in range(3)))
    ended = [await row_of(db, export) for export in exports]
    assert [(row.state, row.attempts) for row in ended] == [("READY", 1)] * 3


async def test_a_failing_export_is_given_up(
    db: Database, shop: Shop, files: ExportFiles, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program ends with an error: it has no such folder.
    monkeypatch.setattr(export_run, "WRITER", Path("/no/such/program.py"))
    export = await queued(db, shop)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        await run_exports(db, files, shop.tenant)
        row = await row_of(db, export)
        assert row.attempts == attempt
        # It waits before the next attempt.
        await run_exports(db, files, shop.tenant)
        assert (await row_of(db, export)).attempts == attempt
        if attempt < ATTEMPTS_MAX:
            assert row.state == "QUEUED"
            await set_past(owner, export, "leased_until")
    ended = await row_of(db, export)
    assert (ended.state, ended.failure) == ("FAILED", "INTERNAL")


async def test_an_export_whose_workers_all_died_is_given_up(
    db: Database, shop: Shop, files: ExportFiles
) -> None:
    export = await queued(db, shop, attempts=ATTEMPTS_MAX)
    await run_exports(db, files, shop.tenant)
    assert (await row_of(db, export)).failure == "INTERNAL"


async def test_a_sheet_that_is_too_long(
    db: Database, shop: Shop, files: ExportFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.receive("米", 5)
    monkeypatch.setattr(export_run, "SHEET_ROWS_MAX", 0)
    export = await queued(db, shop)
    await run_exports(db, files, shop.tenant)
    assert (await row_of(db, export)).failure == "TOO_MANY_ROWS"


async def test_files_are_deleted_when_their_link_expires(
    db: Database, shop: Shop, files: ExportFiles, owner: Any
) -> None:
    export = await queued(db, shop)
    await run_exports(db, files, shop.tenant)
    ready = await row_of(db, export)
    assert ready.finished_at is not None
    assert ready.expires_at == ready.finished_at + timedelta(hours=1)
    assert await files.store.read(path_of(ready)) is not None
    await set_past(owner, export, "expires_at")
    await run_exports(db, files, shop.tenant)
    assert (await row_of(db, export)).state == "EXPIRED"
    assert await files.store.read(path_of(ready)) is None


PARENT = """
import os, subprocess, sys, time
print(subprocess.Popen([sys.executable, "-I", *sys.argv[1:], str(os.getpid())]).pid, flush=True)
time.sleep(600)
"""


async def test_a_writer_ends_with_its_worker(tmp_path: Path) -> None:
    """It waits for rows that a killed worker does not write any more."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(export_run.WRITER), str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout
    writer = psutil.Process(int(await worker.stdout.readline()))

    async def is_waiting() -> bool:
        # It has begun to wait once it has given way to sales.
        return writer.nice() == 19

    await eventually(is_waiting, 30)
    worker.kill()
    await worker.wait()

    async def has_ended() -> bool:
        return not writer.is_running() or writer.status() == psutil.STATUS_ZOMBIE

    await eventually(has_ended)
