"""One child process: start it, restart it with backoff when it dies, and stop it."""

import signal
import subprocess
import time

from app.run.premises import Unusable

STOP_SECONDS = 10
SETTLED_SECONDS = 10
BACKOFF_SECONDS_MAX = 5.0


class Process:
    """A named child process; subclasses define the launch command."""

    farewells: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)
    """Signals that stop it, in order; each has STOP_SECONDS to take effect."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.launched_at = 0.0

    @property
    def pid(self) -> int:
        """Process id. Raises Unusable when it is not started."""
        if self.process is None:
            raise Unusable(f"{self.name} is not started")
        return self.process.pid

    def launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def spawn(self) -> None:
        """Start the process without waiting for it."""
        self.launched_at = time.monotonic()
        self.process = self.launch()

    def dead(self) -> bool:
        """Whether it was started and has exited."""
        return self.process is not None and self.process.poll() is not None

    def revive(self) -> bool:
        """Start it again if it died, with growing pauses if it keeps dying. Returns whether it was
        started."""
        if not self.dead():
            return False
        age = time.monotonic() - self.launched_at
        if age > SETTLED_SECONDS:
            self.failures = 0
        if age < min(BACKOFF_SECONDS_MAX, 0.1 * 2**self.failures):
            return False
        self.failures += 1
        self.spawn()
        return True

    def ask_to_stop(self) -> None:
        """Send the first stop signal without waiting."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.farewells[0])

    def stop(self) -> None:
        """Send the stop signals one after another; returns when the process has ended."""
        if self.process is None:
            return
        for number in self.farewells:
            if self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None
