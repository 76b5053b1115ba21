"""A running `kucun serve` with its engines, for tests that kill parts of it."""

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.support.processes import gone, until

KUCUN = (sys.executable, "-m", "app.cli")


class Server:
    """A running `kucun serve` on its own data folder; it has a worker if `jobs` are to run."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        port: int = 0,
        shell: bool = False,
        jobs: bool = False,
    ) -> None:
        self.data = data
        command = [*KUCUN, "serve", *arguments]
        if shell:
            # The colon keeps the shell from becoming the server.
            command = ["sh", "-c", f"{' '.join(command)} --with-parent; :"]
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                env={**surroundings(data, port), "KUCUN_JOBS": str(jobs)},
                stdout=log,
                stderr=log,
            )
        until(lambda: self.announced() or self.process.poll() is not None, 60)
        assert self.announced(), self.log.read_text()

    def announced(self) -> bool:
        return "Ctrl-C" in self.log.read_text()

    @property
    def port(self) -> int:
        address = re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text())
        assert address
        return int(address[1])

    def family(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if not gone(child.pid)]

    def web(self) -> list[psutil.Process]:
        return self.named("kucun web")

    def spare(self) -> list[psutil.Process]:
        """The web process that waits, once it has loaded the program."""
        return self.named("kucun spare")

    def worker(self) -> list[psutil.Process]:
        """The process that runs the jobs."""
        return self.named("kucun work")

    def engine(self, name: str) -> psutil.Process:
        """The engine's first process; PostgreSQL's others are its children."""
        return self.named(name)[0]

    def named(self, name: str) -> list[psutil.Process]:
        named: list[psutil.Process] = []
        for each in self.family():
            with suppress(psutil.NoSuchProcess):
                if each.name() == name:
                    named.append(each)
        return named

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(15)


def surroundings(data: Path, port: int) -> dict[str, str]:
    """Our environment without what would point at other servers."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("KUCUN_", "TEST_"))
    }
    return {**kept, "KUCUN_DATA": str(data), "KUCUN_PORT": str(port)}


def run(data: Path, *arguments: str, port: int = 0) -> subprocess.CompletedProcess[str]:
    """A `kucun` command run to its end."""
    command = [*KUCUN, *arguments]
    return subprocess.run(
        command, env=surroundings(data, port), capture_output=True, text=True, check=False
    )


Serve = Callable[..., Server]


@contextmanager
def new_folder() -> Generator[Path]:
    """A data folder that the engines' user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="kucun-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
    folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)


@contextmanager
def servers(data: Path) -> Generator[Serve]:
    """Starts servers on the data folder; those that a failed test left running are killed."""
    started: list[Server] = []

    def start(*arguments: str, **settings: Any) -> Server:
        started.append(Server(data, *arguments, **settings))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            family = server.family()
            server.process.kill()
            server.process.wait()
            until(lambda family=family: all(gone(child.pid) for child in family))
