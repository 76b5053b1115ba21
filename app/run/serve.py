"""`kucun serve`: one supervisor that owns the engines, the port, the web processes and the worker.

It does not import the app, so it stays small. Children run the migrations, the demo data, the web
server and the jobs. They end with the supervisor: by SIGTERM when it stops, by the kernel when it
is killed.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.run import tether
from app.run.embedded import Engines, keep_secret, write_private
from app.run.premises import Unusable
from app.run.process import Process
from app.run.web import Places, listen
from app.run.worker import Worker
from app.settings import Settings

READY_SECONDS = 60


def serve(settings: Settings, *, demo: bool | None, migrate: bool) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP. Raises Unusable when it cannot start."""
    with stopped_by_signals(), ExitStack() as stack:
        shared = settings.processes > 1
        listener = stack.enter_context(listen(settings.host, settings.port, shared=shared))
        engines = Engines(
            settings.data, postgres=not settings.database_url, valkey=not settings.redis_url
        )
        stack.callback(engines.stop)
        demo = any(engines.embedded) if demo is None else demo
        secret = settings.secret or keep_secret(settings.data / "secret")
        settings = settings.model_copy(update={"secret": secret})
        port = listener.getsockname()[1]
        web = Places(settings.host, port, listener, environments(settings))
        stack.callback(web.stop)
        # The web processes load the program while the engines start and the database is prepared.
        web.load()
        report_engines(engines)
        settings = complete(settings, engines)
        sign_ins = prepare(settings, demo, engines.embedded[0]) if migrate else ""
        workers = workers_of(settings)
        report("正在启动网页服务", "Starting the web processes")
        web.start(environments(settings), READY_SECONDS)
        address = reachable(listener)
        await_ready(address, [place.process for place in web.places])
        announce(address, sign_ins)
        # After the web processes, so that they load the program sooner.
        for worker in workers:
            worker.spawn()
            stack.callback(worker.stop)
        while True:
            revived = [worker.name for worker in workers if worker.revive()]
            for name in [*engines.revive(), *web.revive(), *revived]:
                sys.stderr.write(f"kucun: {name} had died and was restarted\n")
            time.sleep(0.1)


def environments(settings: Settings) -> list[dict[str, str]]:
    """The environment variables of each web process."""
    return [
        environment(of_process(settings, number), owner=False)
        for number in range(settings.processes)
    ]


def workers_of(settings: Settings) -> list[Worker]:
    """The process that runs the jobs, with the metrics port after those of the web processes; none
    if the settings leave them to `kucun work`."""
    if not settings.jobs:
        return []
    return [Worker(environment(of_process(settings, settings.processes), owner=False))]


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Exit cleanly at the first stop signal and ignore later ones."""

    def stop(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


def complete(settings: Settings, engines: Engines) -> Settings:
    """Start the engines; the settings with their URLs filled in."""
    urls = engines.start()
    return settings.model_copy(
        update={
            "database_url": settings.database_url or urls.database,
            "owner_url": settings.owner_url or urls.owner,
            "redis_url": settings.redis_url or urls.redis,
        }
    )


def of_process(settings: Settings, number: int) -> Settings:
    """The settings of one process; the first web process has number 0, and the worker follows the
    last. Each has its own metrics port.

    Raises Unusable when that is the port of the server.
    """
    port = settings.metrics_port and settings.metrics_port + number
    if port and port == settings.port:
        raise Unusable(
            f"KUCUN_METRICS_PORT 用到了端口 {port}，它已是服务端口：请换一个。\n"
            f"KUCUN_METRICS_PORT leads to port {port}, where the server listens: set another one."
        )
    return settings.model_copy(update={"metrics_port": port})


def environment(settings: Settings, *, owner: bool) -> dict[str, str]:
    """Environment variables that carry the settings to a child; `owner` adds the owner's URL."""
    hidden = () if owner else ("owner_url",)
    chosen = {
        f"KUCUN_{name.upper()}": "" if name in hidden else str(value)
        for name, value in settings.model_dump().items()
    }
    return {**os.environ, **chosen}


def prepare(settings: Settings, demo: bool, embedded: bool) -> str:
    """Migrate, and seed the demo tenant into an empty database.

    Returns the text that lists the demo's sign-ins, "" without a demo. Raises Unusable.
    """
    kept = settings.data / "sign-ins.txt"
    report("正在升级数据库结构", "Migrating the database")
    if demo and not kept.exists():
        report("首次启动，正在写入演示数据", "First start: seeding the demo data")
    flags = ["--demo" if demo else "--no-demo"]
    if kept.exists() and embedded:
        # The sign-ins were written when the demo of this database was complete.
        flags.append("--if-changed")
    program = (sys.executable, "-m", "app.cli", "prepare", *flags)
    done = subprocess.run(
        tether.command(signal.SIGKILL, None, *program),
        env=environment(settings, owner=True),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        raise Unusable(f"Preparing the database failed with exit code {done.returncode}.")
    return keep_text(kept, done.stdout) if demo else ""


def keep_text(path: Path, text: str) -> str:
    """Write the text unless it is blank; returns what the file holds, "" when there is none."""
    if text.strip():
        write_private(path, text)
    return path.read_text() if path.exists() else ""


def reachable(listener: socket.socket) -> tuple[str, int]:
    """A local address at which the listening socket answers."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return host, port


def await_ready(address: tuple[str, int], web: Sequence[Process]) -> None:
    """Wait until the app answers. Raises Unusable when a process ends or READY_SECONDS pass."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if any(process.dead() for process in web):
            raise Unusable("A web process ended while starting; its reason is above.")
        connection = http.client.HTTPConnection(*address, timeout=1)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
        finally:
            connection.close()
    raise Unusable(f"The web processes were not ready within {READY_SECONDS} s.")


def report(chinese: str, english: str) -> None:
    """Print a step of the start at once."""
    sys.stdout.write(f"{chinese} / {english}\n")
    sys.stdout.flush()


def report_engines(engines: Engines) -> None:
    """Print which engines are about to start; nothing when they run elsewhere."""
    pairs = zip(("PostgreSQL", "Valkey"), engines.embedded, strict=True)
    names = [name for name, embedded in pairs if embedded]
    if names:
        report(f"正在启动 {'、'.join(names)}", f"Starting {' and '.join(names)}")


def announce(address: tuple[str, int], sign_ins: str) -> None:
    """Print the addresses of the server, Chinese first."""
    host, port = address
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    lines = (
        "",
        f"库存 Kucun 已启动 / is running: {root}",
        f"  接口 / API (POST, WebSocket, SSE):   {root}/graphql",
        f"  GraphiQL 控制台 / console:           {root}/graphiql",
    )
    sys.stdout.write("\n".join([*lines, sign_ins, "  停止 / stop: Ctrl-C", ""]))
    sys.stdout.flush()
