"""The worker of `kucun serve`: a process that runs the jobs, so that no request waits for them."""

import signal
import subprocess
import sys

from app.run import tether
from app.run.process import Process


class Worker(Process):
    """A process that runs `kucun work`."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__("worker")
        self.environment = environment

    def launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            tether.command(signal.SIGKILL, None, sys.executable, "-m", "app.cli", "work"),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
