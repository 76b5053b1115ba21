"""Allowed host names and origins."""

import re
from functools import lru_cache
from ipaddress import ip_address

from starlette.types import Scope

HOST_BYTES_MAX = 260
HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?")


class Hosts:
    """The names under which the server may be called.

    Without names: localhost and IP addresses. A page on another site can point its own name at
    this server, but not an address, so these are safe.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = frozenset(name for name in names if not name.startswith("*."))
        self.suffixes = tuple(name[1:] for name in names if name.startswith("*."))
        self._is_own = lru_cache(256)(self._names_server)

    def allows(self, host: bytes) -> bool:
        """Whether the value of a Host header names this server; its port does not matter."""
        return len(host) <= HOST_BYTES_MAX and self._is_own(host)

    def _names_server(self, host: bytes) -> bool:
        match = HOST.fullmatch(host.decode("latin-1").lower())
        if match is None:
            return False
        name = match[1]
        if self.names or self.suffixes:
            return name in self.names or name.endswith(self.suffixes)
        return name == "localhost" or name.endswith(".localhost") or is_address(name.strip("[]"))


@lru_cache(256)
def is_address(text: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def same_host(origin: bytes, host: bytes) -> bool:
    """Whether an origin is a page of this server itself: `https://x` or `http://x` for Host `x`."""
    scheme, _, name = origin.lower().partition(b"://")
    port = {b"http": b":80", b"https": b":443"}.get(scheme)
    return port is not None and name.removesuffix(port) == host.lower().removesuffix(port)


def header(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a header, as they were sent."""
    return [value for key, value in scope["headers"] if key == name]


def origin_of(scope: Scope) -> str:
    """Scheme and host that a request was sent to; the guard has checked the host."""
    [host] = header(scope, b"host")
    return _origin(scope["scheme"] in ("https", "wss"), host)


@lru_cache(256)
def _origin(is_secure: bool, host: bytes) -> str:
    return f"{'https' if is_secure else 'http'}://{host.decode('latin-1').lower()}"
