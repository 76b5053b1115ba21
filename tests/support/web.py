"""Two real server processes on one database, for what must hold between them."""

import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2

from app.run.embedded import Urls
from tests.support.processes import until

RATES = ("rate_guest", "rate_staff", "rate_key", "rate_tenant")
UNLIMITED = {**dict.fromkeys(RATES, 10**12), "deadline_seconds": 60}
"""Settings of servers that tests call more often than clients do, on a busy machine."""


class Web:
    """One web process, started as `serve` starts it; its log tells what went wrong."""

    def __init__(self, urls: Urls, secret: str) -> None:
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.log = Path(tempfile.mkstemp(prefix="kucun-web-")[1])
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KUCUN_")}
        variables = {
            "KUCUN_DATABASE_URL": urls.database,
            "KUCUN_REDIS_URL": urls.redis,
            "KUCUN_SECRET": secret,
            **{f"KUCUN_{name.upper()}": str(rate) for name, rate in UNLIMITED.items()},
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "app.cli", "web", str(listening.fileno())),
                env=kept | variables,
                pass_fds=[listening.fileno()],
                stdout=log,
                stderr=log,
            )
        listening.close()
        try:
            until(self.ready, 60)
        except BaseException:
            self.kill()
            raise

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx2.get(f"{self.base_url}/readyz", timeout=1).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> list[str]:
        """Stops it; gives the failures it logged."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        said = self.log.read_text()
        self.log.unlink()
        return re.findall(r'.*(?:Traceback|"level": ?"error").*', said)


def client(web: Web, **more: Any) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    return httpx2.AsyncClient(base_url=web.base_url, timeout=60, limits=limits, **more)
