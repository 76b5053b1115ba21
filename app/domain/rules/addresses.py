"""IP addresses of clients, in the form in which limits count them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

PREFIX = 64
"""Prefix length of the IPv6 network that one internet connection gets: all its addresses count as
one client."""
TEXT_MAX = 64


@lru_cache(4096)
def counted_address(address: str) -> str:
    """The address under which a client is counted; for IPv6, its /64 network.

    A text that is no IP address is used as it is, cut to TEXT_MAX characters.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:TEXT_MAX]
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    host = 128 - PREFIX
    return f"{IPv6Address(int(parsed) >> host << host)}/{PREFIX}"
