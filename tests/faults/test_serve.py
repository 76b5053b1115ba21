"""`kucun serve` as people run it: it starts, stops, survives kills and leaves nothing behind."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from app.db.core.unit import Database
from app.db.health import ScheduleRow, schedule
from app.run.embedded import published
from tests.conftest import unheard
from tests.support.processes import gone, until
from tests.support.server import Serve, Server, new_folder, run, servers

CLIENTS, FEWEST = 64, 8


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty data folder."""
    with new_folder() as folder:
        yield folder


@dataclass(frozen=True)
class Seeded:
    """A data folder with the demo data, and what its first server printed until it served."""

    folder: Path
    steps: list[str]
    text: str


@pytest.fixture(scope="module")
def seeded() -> Iterator[Seeded]:
    """The folder after its first start; its server has stopped."""
    with new_folder() as folder, servers(folder) as start:
        server = start()
        steps, text = printed(server)
        assert server.stop() == 0
        assert not (folder / "engines").is_symlink()
        yield Seeded(folder, steps, text)


def printed(server: Server) -> tuple[list[str], str]:
    """The steps of a start, and the text that follows them."""
    before, after = server.log.read_text().split("\n\n", 1)
    return before.splitlines(), after.replace(str(server.port), "PORT")


@pytest.fixture(scope="module")
def running(seeded: Seeded) -> Iterator[Server]:
    """A server of two processes on a copy of the data, for tests that leave it as it is."""
    with new_folder() as folder, servers(folder) as start:
        copy(seeded, folder)
        server = start("--processes", "2")
        yield server
        family = [process.pid for process in server.family()]
        assert len(family) > 6
        assert server.worker() == []
        assert server.ready()
        assert server.stop() == 0
        assert all(gone(pid) for pid in family)


def copy(seeded: Seeded, folder: Path) -> None:
    subprocess.run(["cp", "-a", f"{seeded.folder}/.", folder], check=True)


@pytest.fixture
def data(folder: Path, seeded: Seeded) -> Path:
    """A copy of the folder with the demo data."""
    copy(seeded, folder)
    return folder


@pytest.fixture
def serve(data: Path) -> Iterator[Serve]:
    with servers(data) as start:
        yield start


def test_it_serves_two_processes(running: Server) -> None:
    """The fixture verifies that it stops without a trace."""
    assert running.ready()
    until(lambda: len(running.web()) == 2)
    # A socket in the place of stdin would keep them from starting programs.
    stdin = [Path(f"/proc/{web.pid}/fd/0").readlink() for web in running.web()]
    assert stdin == [Path(os.devnull)] * 2


def test_it_starts_again_at_once_after_a_kill(serve: Serve) -> None:
    server = serve()
    port, family = server.port, [process.pid for process in server.family()]
    server.process.kill()
    server.process.wait()
    again = serve(port=port)
    assert again.ready()
    assert all(gone(pid) for pid in family)
    assert again.stop() == 0


def test_it_survives_the_kill_of_any_child(serve: Serve) -> None:
    server = serve(jobs=True)
    until(server.worker)
    for deaths, name in enumerate(("valkey-server", "postgres", "kucun web", "kucun work"), 1):
        child = server.named(name)[0]
        child.kill()
        until(lambda pid=child.pid: gone(pid))
        until(server.ready)
        until(lambda deaths=deaths: server.log.read_text().count("had died") >= deaths)
    assert server.stop() == 0


def test_it_ends_with_the_command_that_runs_it(serve: Serve) -> None:
    server = serve(shell=True)
    family = [process.pid for process in server.family()]
    server.process.kill()
    server.process.wait()
    until(lambda: all(gone(pid) for pid in family))


def test_a_second_server_on_the_same_data_is_refused(running: Server) -> None:
    second = run(running.data, "serve")
    assert second.returncode == 1
    assert f"in use by process {running.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert running.ready()


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run(folder, "serve", port=taken.getsockname()[1])
    assert refused.returncode == 1
    assert "KUCUN_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_other_commands_use_the_running_engines(running: Server) -> None:
    checked = run(running.data, "audit")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run(running.data, "migrate").returncode == 0
    assert running.ready()


def test_the_sign_ins_are_shown_at_every_start(seeded: Seeded, running: Server) -> None:
    steps, text = printed(running)
    assert text == seeded.text
    assert "PORT/graphiql" in text
    assert "storefront" in text
    seeding = "首次启动，正在写入演示数据 / First start: seeding the demo data"
    assert seeded.steps == [
        "正在启动 PostgreSQL、Valkey / Starting PostgreSQL and Valkey",
        "正在升级数据库结构 / Migrating the database",
        seeding,
        "正在启动网页服务 / Starting the web processes",
    ]
    assert steps == [step for step in seeded.steps if step != seeding]


def test_each_data_folder_has_one_secret_and_the_web_never_the_owners_url(
    running: Server,
) -> None:
    surroundings = running.web()[0].environ()
    assert surroundings["KUCUN_SECRET"] == (running.data / "secret").read_text()
    assert surroundings["KUCUN_OWNER_URL"] == ""
    assert "kucun_owner" not in " ".join(surroundings.values())


def test_a_killed_web_process_is_replaced_by_one_that_waits(serve: Serve) -> None:
    server = serve("--processes", "2")
    until(server.spare, 60)
    [spare], [killed, other] = server.spare(), server.web()
    with ExitStack() as stack:
        connect(server, stack)
        until(lambda: connections(server, killed) > FEWEST and connections(server, other) > FEWEST)
        killed.kill()
        # Those that connect now are spread as well: some wait for the spare.
        connect(server, stack)
        until(lambda: connections(server, spare) > FEWEST)
    assert {*server.web()} == {spare, other}
    assert server.ready()
    until(server.spare, 60)
    assert server.stop() == 0


def test_without_a_spare_the_other_process_gets_all_clients(serve: Serve) -> None:
    server = serve("--processes", "2")
    until(server.spare, 60)
    # Its clients would wait for seconds until another has loaded the program.
    [killed, other] = server.web()
    server.spare()[0].kill()
    killed.kill()
    until(lambda: gone(killed.pid))
    until(lambda: "had died" in server.log.read_text())
    with ExitStack() as stack:
        until(lambda: all_served(server, stack, other))
    until(lambda: len(server.web()) == 2, 60)
    assert server.stop() == 0


def connect(server: Server, stack: ExitStack) -> None:
    for _ in range(CLIENTS):
        stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))


def connections(server: Server, process: psutil.Process) -> int:
    """Connections of clients that the process has accepted."""
    return sum(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == server.port
        for each in process.net_connections("tcp")
    )


def all_served(server: Server, stack: ExitStack, other: psutil.Process) -> bool:
    """Whether every client that connects now is accepted by this process."""
    before = connections(server, other)
    connect(server, stack)
    time.sleep(0.2)
    return connections(server, other) == before + CLIENTS


@pytest.mark.widened
def test_the_worker_runs_the_jobs(serve: Serve) -> None:
    """Waits for the next minute, when most jobs are due."""
    server = serve(jobs=True)
    until(server.worker)
    [worker], before = server.worker(), runs(server.data)
    assert worker.environ()["KUCUN_OWNER_URL"] == ""
    asyncio.run(another_run(published(server.data).database))
    assert runs(server.data) != before
    assert server.stop() == 0
    assert gone(worker.pid)


async def another_run(url: str) -> None:
    """Wait until a job has run. Commands that list the jobs would take all the CPU until then."""
    db, since = Database(url, unheard), datetime.now(UTC)
    jobs: list[ScheduleRow] = []
    async with asyncio.timeout(90):
        while not any(job.last_run_at and job.last_run_at > since for job in jobs):
            await asyncio.sleep(0.2)
            async with db.read(None) as session:
                jobs = await schedule(session)
    await db.close()


def runs(data: Path) -> str:
    """The list of the jobs, with the time of each one's last run."""
    listed = run(data, "jobs", "list")
    assert listed.returncode == 0, listed.stderr
    return listed.stdout
