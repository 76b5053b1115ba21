"""Which addresses a webhook may reach."""

import ipaddress

import pytest

from app.platforms.addresses import Unsafe, is_public, resolve


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1", "fc00::1", "0.0.0.0",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
async def test_private_addresses_are_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Unsafe):
        await resolve(address, 443, ())


async def test_public_addresses_are_allowed() -> None:
    assert await resolve("8.8.8.8", 443, ()) == "8.8.8.8"
    assert await resolve("127.0.0.1", 443, {"127.0.0.1"}) == "127.0.0.1"
    with pytest.raises(Unsafe):
        await resolve("localhost", 443, ())
