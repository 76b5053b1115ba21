"""`kucun serve` as people run it: it starts, stops, survives kills and leaves nothing behind."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.support.processes import gone, until
from tests.support.server import Serve, Server, new_folder, run, servers

CLIENTS, FEWEST = 64, 8


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty data folder."""
    with new_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def seeded() -> Iterator[Path]:
    """A data folder after its first start, with the demo data; its server has stopped."""
    with new_folder() as folder, servers(folder) as start:
        assert start().stop() == 0
        assert not (folder / "engines").is_symlink()
        yield folder


@pytest.fixture
def data(folder: Path, seeded: Path) -> Path:
    """A copy of the folder with the demo data."""
    subprocess.run(["cp", "-a", f"{seeded}/.", folder], check=True)
    return folder


@pytest.fixture
def serve(data: Path) -> Iterator[Serve]:
    with servers(data) as start:
        yield start


@pytest.fixture
def serve_first(folder: Path) -> Iterator[Serve]:
    """Starts servers on a folder that is empty at first."""
    with servers(folder) as start:
        yield start


def test_it_serves_two_processes_and_stops_without_a_trace(serve: Serve) -> None:
    server = serve("--processes", "2")
    assert server.ready()
    until(lambda: len(server.web()) == 2)
    # A socket in the place of stdin would keep them from starting programs.
    stdin = [Path(f"/proc/{web.pid}/fd/0").readlink() for web in server.web()]
    assert stdin == [Path(os.devnull)] * 2
    family = [process.pid for process in server.family()]
    assert len(family) > 6
    assert server.stop() == 0
    assert all(gone(pid) for pid in family)


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
    server = serve()
    for name in ("valkey-server", "postgres", "web"):
        child = server.web()[0] if name == "web" else server.engine(name)
        child.kill()
        until(lambda pid=child.pid: gone(pid))
        until(server.ready)
        until(lambda: "had died" in server.log.read_text())
    assert server.log.read_text().count("had died and was restarted") >= 3
    assert server.stop() == 0


def test_it_ends_with_the_command_that_runs_it(serve: Serve) -> None:
    server = serve(shell=True)
    family = [process.pid for process in server.family()]
    server.process.kill()
    server.process.wait()
    until(lambda: all(gone(pid) for pid in family))


def test_a_second_server_on_the_same_data_is_refused(serve: Serve, data: Path) -> None:
    server = serve()
    second = run(data, "serve")
    assert second.returncode == 1
    assert f"in use by process {server.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert server.ready()
    assert server.stop() == 0


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run(folder, "serve", port=taken.getsockname()[1])
    assert refused.returncode == 1
    assert "KUCUN_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_other_commands_use_the_running_engines(serve: Serve, data: Path) -> None:
    server = serve()
    checked = run(data, "audit")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run(data, "migrate").returncode == 0
    assert server.ready()
    assert server.stop() == 0


def test_the_sign_ins_are_shown_at_every_start(serve_first: Serve) -> None:
    steps, texts = [], []
    for _ in range(2):
        server = serve_first()
        before, after = server.log.read_text().split("\n\n", 1)
        steps.append(before.splitlines())
        texts.append(after.replace(str(server.port), "PORT"))
        assert server.stop() == 0
    assert texts[0] == texts[1]
    assert "PORT/graphiql" in texts[0]
    assert "storefront" in texts[0]
    seeding = "首次启动，正在写入演示数据 / First start: seeding the demo data"
    assert steps[0] == [
        "正在启动 PostgreSQL、Valkey / Starting PostgreSQL and Valkey",
        "正在升级数据库结构 / Migrating the database",
        seeding,
        "正在启动网页服务 / Starting the web processes",
    ]
    assert steps[1] == [step for step in steps[0] if step != seeding]


def test_each_data_folder_has_one_secret_and_the_web_never_the_owners_url(
    serve: Serve, data: Path
) -> None:
    server = serve()
    surroundings = server.web()[0].environ()
    assert surroundings["KUCUN_SECRET"] == (data / "secret").read_text()
    assert surroundings["KUCUN_OWNER_URL"] == ""
    assert "kucun_owner" not in " ".join(surroundings.values())
    assert server.stop() == 0


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
