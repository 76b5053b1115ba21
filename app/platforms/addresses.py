"""Addresses that a request may be sent to: public ones, resolved once, so that DNS cannot change
them afterwards."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Unsafe(Exception):
    """The address is not public, or the host has none."""


def is_public(address: Address) -> bool:
    """Whether the address, and an IPv4 address embedded in it, belong to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_private_name(host: str) -> bool:
    """Whether the host is an address that is not public, or this machine, without asking DNS.

    Systems also read 2130706433 and 0x7f000001 as 127.0.0.1.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return not is_public(ipaddress.IPv4Address(socket.inet_aton(host)))
    except OSError:
        return False


async def resolve(host: str, port: int, private_hosts: Collection[str]) -> str:
    """One address of the host. All its addresses must be public, unless the operator allows the
    host.

    Raises Unsafe.
    """
    loop = asyncio.get_running_loop()
    try:
        results = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unsafe(f"{host} has no address") from None
    addresses = [str(each[4][0]).partition("%")[0] for each in results]
    if host not in private_hosts:
        for each in addresses:
            if not is_public(ipaddress.ip_address(each)):
                raise Unsafe(f"{host} is not a public address")
    return addresses[0]
