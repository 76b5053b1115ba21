"""PostgreSQL and Valkey of one data folder, started from wheels and owned by one process.

The process that holds the folder's lock owns the engines. They stop when it ends, even if it is
killed. Other commands on the same folder connect by the URLs that the owner wrote there.
"""

import fcntl
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from app.run.engines import APP, OWNER, Postgres, Valkey
from app.run.premises import Premises, Unusable, prepare_premises


class DataInUse(Unusable):
    """Another process owns the data folder's engines."""


@dataclass(frozen=True)
class Urls:
    """Connection URLs of the engines; empty for an engine that is not embedded."""

    database: str = ""
    owner: str = ""
    redis: str = ""


class Engines:
    """PostgreSQL and Valkey of one data folder, or one of them when the other is external.

    Start them from the main thread: the kernel stops them when the starting THREAD ends.
    """

    postgres: Postgres
    valkey: Valkey

    def __init__(
        self, folder: Path, *, postgres: bool = True, valkey: bool = True, synced: bool = True
    ) -> None:
        self.folder = folder.resolve()
        self.embedded = (postgres, valkey)
        self.synced = synced
        self.running: list[Postgres | Valkey] = []
        self.held = ExitStack()

    def start(self) -> Urls:
        """Start the embedded engines and publish their URLs. Raises DataInUse or Unusable."""
        if not any(self.embedded):
            return Urls()
        if sys.platform != "linux":
            raise Unusable("Embedded engines need Linux; set KUCUN_DATABASE_URL and _REDIS_URL.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.held.enter_context(locked(self.folder))
            premises = prepare_premises(self.folder)
            if premises.home != self.folder / "engines":
                # A copied checkout may carry a link to the engines of the original.
                self.held.enter_context(locked(premises.home))
            self.begin(premises)
            urls = self.urls()
            self.publish(urls)
        except BaseException:
            self.stop()
            raise
        return urls

    def begin(self, premises: Premises) -> None:
        postgres, valkey = self.embedded
        if postgres:
            passwords = (keep_secret(premises.home / f"{role}.secret") for role in (OWNER, APP))
            self.postgres = Postgres(premises, *passwords, synced=self.synced)
            self.running.append(self.postgres)
        if valkey:
            self.valkey = Valkey(premises, secrets.token_urlsafe(24))
            self.running.append(self.valkey)
        for engine in self.running:
            engine.start()

    def urls(self) -> Urls:
        postgres, valkey = self.embedded
        return Urls(
            database=self.postgres.url(APP) if postgres else "",
            owner=self.postgres.url(OWNER) if postgres else "",
            redis=self.valkey.url if valkey else "",
        )

    def publish(self, urls: Urls) -> None:
        """Write the URLs for other commands on this folder, with the pid of the lock's owner."""
        text = json.dumps({"owner_pid": os.getpid(), **asdict(urls)})
        write_private(self.folder / "urls.json", text)

    def revive(self) -> list[str]:
        """Restart engines that died, on the same ports. Returns the names of the restarted ones.

        The owner calls this several times a second; it never waits for an engine.
        """
        return [engine.name for engine in self.running if engine.revive()]

    def stop(self) -> None:
        """Stop the engines and release the folder's lock; does nothing when not started."""
        for engine in reversed(self.running):
            engine.stop()
        self.running.clear()
        self.held.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def borrowed(folder: Path, *, postgres: bool = True, valkey: bool = True) -> Iterator[Urls]:
    """URLs of the engines that another process runs on this folder; if none does, of engines
    started here, which stop at the end of the block."""
    engines = Engines(folder, postgres=postgres, valkey=valkey)
    try:
        urls = engines.start()
    except DataInUse:
        yield published(folder)
        return
    try:
        yield urls
    finally:
        engines.stop()


@contextmanager
def temporary(*, synced: bool = True) -> Iterator[Engines]:
    """Engines on a new folder, which is deleted afterwards; for tests and benchmarks."""
    folder = Path(tempfile.mkdtemp(prefix="kucun-"))
    # When started by root, the engines' own user needs to enter the folder.
    folder.chmod(0o711)
    try:
        with Engines(folder, synced=synced) as engines:
            yield engines
    finally:
        shutil.rmtree((folder / "engines").resolve(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def published(folder: Path, seconds: float = 60) -> Urls:
    """The URLs that the owner of the lock wrote; waits while it starts. Raises DataInUse."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            kept = json.loads((folder / "urls.json").read_text())
            # A file of an earlier owner that was killed names ports that are not valid.
            if kept.pop("owner_pid") == int((folder / "lock").read_text() or 0):
                return Urls(**kept)
        time.sleep(0.1)
    raise DataInUse(f"The owner of {folder} has not published its engines for {seconds} s.")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, at most until the process ends. Raises DataInUse."""
    with os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise in_use(folder, file) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def in_use(folder: Path, lock: IO[str]) -> DataInUse:
    owner = lock.read() or "?"
    return DataInUse(
        f"数据目录 {folder} 正被进程 {owner} 使用：请先停止它，或用 KUCUN_DATA 指定另一个目录。\n"
        f"The data folder {folder} is in use by process {owner}: stop it, or set KUCUN_DATA."
    )


def keep_secret(path: Path) -> str:
    """The secret in the file `path` (mode 0600); the first call creates it for all callers."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        write_private(draft, secrets.token_urlsafe(32))
        # A hard link appears complete and never replaces a file: two first callers get one secret.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read. Readers see the old text or the new one."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
