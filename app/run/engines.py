"""The two embedded server processes: start, readiness check, restart and stop.

Both end with the process that started them (`tether`) and keep their port while it runs. They
get their passwords by file or pipe, never on a command line.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from app.run import tether
from app.run.premises import Premises, Unusable
from app.run.process import STOP_SECONDS, Process

DATABASE = "kucun"
OWNER = "kucun_owner"
APP = "kucun_app"
START_SECONDS = 120
LOG_BYTES_MAX = 16 * 1024 * 1024

POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # A web process opens up to 23: ten for reads, ten for documents, two of its lane, one for jobs.
    "max_connections": "400",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
# Commits reach the disk when the kernel writes them. They survive the end of a process, but not of
# the machine.
UNSYNCED_OPTIONS = {"fsync": "off", "full_page_writes": "off"}

ROLES = """\\set ON_ERROR_STOP 1
select 'create database {database}'
  where not exists (select from pg_database where datname = '{database}') \\gexec
select 'create role {app}'
  where not exists (select from pg_roles where rolname = '{app}') \\gexec
alter role {app} login nosuperuser nobypassrls nocreatedb nocreaterole password '{password}';
"""


class Engine(Process):
    """One server process; subclasses define the launch command and the readiness check."""

    farewells = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

    def __init__(self, name: str, premises: Premises) -> None:
        super().__init__(name)
        self.premises = premises
        self.port = free_port()
        self.log = premises.home / f"{name}.log"

    def ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it accepts connections. Raises Unusable with the log's end."""
        for _ in range(5):
            self.spawn()
            if self.wait_ready():
                return
            if not self.dead():
                self.stop()
                break
            # Another program may have taken the port between the check and the launch.
            self.port = free_port()
        tail = self.log.read_text(errors="replace")[-2000:]
        raise Unusable(f"{self.name} did not start; the end of {self.log}:\n{tail}")

    def wait_ready(self) -> bool:
        """Whether it accepts connections before it exits or START_SECONDS pass."""
        deadline = time.monotonic() + START_SECONDS
        while self.process and self.process.poll() is None and time.monotonic() < deadline:
            if self.ready():
                return True
            time.sleep(0.01)
        return False

    def popen(self, death: signal.Signals, *program: str, piped: bool) -> subprocess.Popen[bytes]:
        """Launch `program` tethered, in its own session; its output goes to the log."""
        too_long = self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX
        with self.log.open("wb" if too_long else "ab") as log:
            return subprocess.Popen(
                tether.command(death, self.premises.user, *program),
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.premises.home,
                env=environment(),
                start_new_session=True,
            )


class Postgres(Engine):
    """PostgreSQL on 127.0.0.1 with scram passwords, checksums, and fsync on if `synced`."""

    def __init__(
        self, premises: Premises, owner_password: str, app_password: str, *, synced: bool
    ) -> None:
        super().__init__("postgres", premises)
        self.options = POSTGRES_OPTIONS if synced else POSTGRES_OPTIONS | UNSYNCED_OPTIONS
        self.data = premises.home / "postgres"
        self.owner_password = owner_password
        self.app_password = app_password

    def url(self, role: str) -> str:
        password = self.owner_password if role == OWNER else self.app_password
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        if not self.data.exists():
            self.init()
        super().start()
        self.create_roles()

    def init(self) -> None:
        """Create the cluster in a temporary folder and rename it, so that an interrupted initdb
        leaves no incomplete cluster."""
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        pwfile = self.data.with_name("postgres.password")
        pwfile.unlink(missing_ok=True)
        with os.fdopen(os.open(pwfile, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(self.owner_password)
        if self.premises.user:
            os.chown(draft, *self.premises.user)
            os.chown(pwfile, *self.premises.user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        where = ["-D", str(draft), "-U", OWNER, f"--pwfile={pwfile}"]
        try:
            self.run("initdb", *where, *options, *locale)
        finally:
            pwfile.unlink()
        draft.rename(self.data)

    def launch(self) -> subprocess.Popen[bytes]:
        clear_pid(self.data)
        options = {**self.options, "port": str(self.port)}
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        program = str(self.premises.postgres / "postgres")
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions and needs no recovery.
        return self.popen(signal.SIGINT, program, "-D", str(self.data), *arguments, piped=False)

    def ready(self) -> bool:
        lines = pid_lines(self.data)
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def create_roles(self) -> None:
        """Create the database and the app's role, which owns nothing; keep those that exist."""
        sql = ROLES.format(database=DATABASE, app=APP, password=self.app_password)
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER, "-d", "postgres"]
        self.run("psql", "-Xqw", *where, stdin=sql, PGPASSWORD=self.owner_password)

    def run(self, program: str, *arguments: str, stdin: str = "", **extra: str) -> None:
        """Run one of PostgreSQL's programs to its end. Raises Unusable with its output."""
        path = str(self.premises.postgres / program)
        done = subprocess.run(
            tether.command(signal.SIGKILL, self.premises.user, path, *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.premises.home,
            env=environment() | extra,
            check=False,
        )
        if done.returncode:
            raise Unusable(f"{program} failed:\n{done.stdout}{done.stderr}")


class Valkey(Engine):
    """Valkey on 127.0.0.1 with a password and without persistence: it carries only nudges."""

    def __init__(self, premises: Premises, password: str) -> None:
        super().__init__("valkey", premises)
        self.password = password

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def launch(self) -> subprocess.Popen[bytes]:
        process = self.popen(signal.SIGKILL, str(self.premises.valkey), "-", piped=True)
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            'save ""',
            "appendonly no",
            "maxmemory 64mb",
        )
        assert process.stdin is not None
        with process.stdin as config:
            config.write("\n".join(lines).encode())
        return process

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def free_port() -> int:
    """A free port below the ephemeral range, so that no outgoing connection takes it later."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment() -> dict[str, str]:
    """A clean environment: the engines get no PG* variable and none of Kucun's secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def pid_lines(data: Path) -> list[str]:
    """The lines of postmaster.pid; empty when the file does not exist."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def clear_pid(data: Path) -> None:
    """Stop a server that a killed owner left in `data`; delete a pid file of another process."""
    lines = pid_lines(data)
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    deadline = time.monotonic() + STOP_SECONDS
    while pid and serves(pid, data):
        late = time.monotonic() > deadline
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT if late else signal.SIGINT)
        time.sleep(0.05)
    # PostgreSQL removes the file of a dead pid itself, and needs it to clean up after its last
    # run. But it would mistake another process with the same pid for its own server.
    if pid and Path(f"/proc/{pid}").exists():
        (data / "postmaster.pid").unlink(missing_ok=True)


def serves(pid: int, data: Path) -> bool:
    """Whether `pid` is a running postgres whose data folder is `data`."""
    process = Path("/proc") / str(pid)
    try:
        name, _, rest = (process / "stat").read_text().partition(" (")[2].rpartition(") ")
        return name == "postgres" and rest[0] != "Z" and (process / "cwd").resolve() == data
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
