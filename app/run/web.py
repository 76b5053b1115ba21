"""The web processes of `kucun serve`: a listening socket for each, and a spare process.

Loading the program takes seconds on a busy machine. A process loads it first and then waits for
a socket, so a spare that waits takes the place of a process that died within a second or two.
"""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from app.run import tether
from app.run.premises import Unusable
from app.run.process import Process

PORT_SECONDS = 2
SPARE_SECONDS = 5.0
"""Seconds between the last start of a web process and the loading of the next spare."""


class Web(Process):
    """A process that loads the program, waits for its socket and settings, and serves."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__("web")
        self.environment = environment
        self._channel: socket.socket | None = None
        self._loaded = False

    def launch(self) -> subprocess.Popen[bytes]:
        self._hang_up()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._loaded = False
        program = (sys.executable, "-m", "app.cli", "web")
        with theirs:
            # SIGKILL, because a child that outlives the supervisor keeps the port from the next.
            return subprocess.Popen(
                tether.command(signal.SIGKILL, None, *program),
                env=self.environment,
                stdin=theirs.fileno(),
                start_new_session=True,
            )

    def loaded(self) -> bool:
        """Whether the process has loaded the program and lives."""
        if self._channel is not None and not self._loaded:
            with suppress(BlockingIOError):
                self._loaded = self._channel.recv(1) != b""
        return self._loaded and not self.dead()

    def begin(self, listener: socket.socket, environment: dict[str, str]) -> None:
        """Let it serve on the socket with these settings, which are environment variables."""
        assert self._channel is not None
        settings = {name: environment[name] for name in environment if name.startswith("KUCUN_")}
        message = json.dumps(settings).encode()
        # If it has just died, the next check finds it dead.
        with suppress(OSError):
            socket.send_fds(self._channel, [message], [listener.fileno()])
        self._hang_up()

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


class Places:
    """The places where web processes serve one address, and the spare.

    Each place has a listening socket of its own, over which the kernel spreads new connections.
    It stays open while a spare takes over: clients that connect meanwhile wait for a second and
    are served there, so the clients of a process that died are spread over all. Without a spare
    the socket is closed, and the others get these clients.
    """

    def __init__(
        self, host: str, port: int, first: socket.socket, environments: Sequence[dict[str, str]]
    ) -> None:
        self._spare: Web | None = None
        self._environment = environments[0]
        self.places = [
            Place(f"web {number}", (host, port), environment)
            for number, environment in enumerate(environments, 1)
        ]
        self.places[0].listener = first

    def load(self) -> None:
        """Let every process load the program; the settings may still be incomplete."""
        for place in self.places:
            place.process.spawn()

    def start(self, environments: Sequence[dict[str, str]], seconds: float) -> None:
        """Let every process serve with its settings. Raises Unusable when one does not."""
        self._environment = environments[0]
        for place, environment in zip(self.places, environments, strict=True):
            place.environment = place.process.environment = environment
        deadline = time.monotonic() + seconds
        while not all(place.serves for place in self.places):
            if any(place.process.dead() for place in self.places):
                raise Unusable("A web process ended while starting; its reason is above.")
            if time.monotonic() > deadline:
                raise Unusable(f"The web processes were not ready within {seconds} s.")
            for place in self.places:
                place.serve()
            time.sleep(0.01)

    def revive(self) -> list[str]:
        """Replace processes that died; returns the names of their places."""
        revived = [
            place.name for place in self.places if place.process.dead() and self._fill(place)
        ]
        for place in self.places:
            place.serve()
        newest = max(place.process.launched_at for place in self.places)
        if self._spare is None and time.monotonic() - newest > SPARE_SECONDS:
            self._spare = Web(self._environment)
            self._spare.spawn()
        elif self._spare is not None:
            self._spare.revive()
        return revived

    def _fill(self, place: "Place") -> bool:
        place.serves = False
        if self._spare is not None and self._spare.loaded():
            self._spare.launched_at = time.monotonic()
            place.process, self._spare = self._spare, None
            return True
        if any(other.listener for other in self.places if other is not place):
            place.close()
        return place.process.revive()

    def stop(self) -> None:
        """Close the sockets, and stop all processes at the same time."""
        processes = [place.process for place in self.places]
        processes += [self._spare] if self._spare is not None else []
        for place in self.places:
            place.close()
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            process.stop()


class Place:
    """Where one web process serves: its listening socket and its settings."""

    def __init__(self, name: str, address: tuple[str, int], environment: dict[str, str]) -> None:
        self.name = name
        self.process = Web(environment)
        self.listener: socket.socket | None = None
        self.serves = False
        self._address = address
        self.environment = environment

    def serve(self) -> None:
        """Hand the socket to the process once it has loaded the program."""
        if not self.serves and self.process.loaded():
            if self.listener is None:
                self.listener = bind(*self._address, shared=True)
            self.process.begin(self.listener, self.environment)
            self.serves = True

    def close(self) -> None:
        """Close the socket, so that new clients connect to the other places."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; if `shared`, more of them may be bound to its port.

    Raises Unusable when the port is used.
    """
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            alone = bind(host, port)
        except OSError as error:
            # Children of a supervisor that was just killed may still be running.
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            reason = os.strerror(error.errno or 0)
            raise Unusable(
                f"无法监听 {host}:{port}（{reason}）：请用 KUCUN_PORT 指定另一个端口。\n"
                f"Cannot listen on {host}:{port} ({reason}): set KUCUN_PORT to another one."
            ) from error
        if not shared:
            return alone
        # Bound alone first: a shared socket would also bind beside those of another server.
        with alone:
            port = alone.getsockname()[1]
        return bind(host, port, shared=True)


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
