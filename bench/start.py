"""Start: from `kucun serve` with its own engines and a warm data folder to `/readyz`."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory

from bench.measure import Figure, cpu, median
from bench.stage import ROOT, Stage

FIGURES = ("start_warm_s",)
ROUNDS = 5
READY_SECONDS = 60


async def figures(_stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    if "start_warm_s" in wanted:
        yield warm()


def warm() -> Figure:
    """The first start makes the folder and the bytecode; the others are measured."""
    with TemporaryDirectory(prefix="kucun-") as folder:
        os.chmod(folder, 0o711)
        rounds = [started(folder) for _ in range(ROUNDS + 1)]
    took = [seconds for seconds, _ in rounds[1:]]
    text = (
        "from the start of `kucun serve` with the demo and its own engines to /readyz: "
        f"{min(took):.2f} to {max(took):.2f} s in {ROUNDS} starts, "
        f"{median(used for _, used in rounds[1:]):.2f} s of CPU; the first start took "
        f"{rounds[0][0]:.1f} s"
    )
    return Figure("start_warm_s", median(took), text)


def started(folder: str) -> tuple[float, float]:
    """The seconds until the server is ready, and its CPU seconds; it is stopped afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KUCUN_", "PYTHONDONTWRITE"))
    }
    began = time.monotonic()
    server = subprocess.Popen(
        (sys.executable, "-m", "app.cli", "serve"),
        env={
            **variables,
            "KUCUN_DATA": folder,
            "KUCUN_PORT": str(port),
            # An installed program has its bytecode; a checkout may have none.
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
        },
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not ready(port):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() - began < READY_SECONDS, "the server is not ready"
            time.sleep(0.01)
        return time.monotonic() - began, cpu([server.pid])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False
