"""Scan sessions of the world: one that is open, and one that is posted."""

from typing import Any


async def scan_goods(seeding: Any) -> str:
    """The id of an open session of the store, with a product and an unknown code."""
    do, clerk, place = seeding.do, seeding.clerk, seeding.place
    at = {"storeId": place["store"], "purpose": "RECEIPT"}
    for ends in (True, False):
        session = (await do("openScanSession", by=clerk, **at))["id"]
        line = {"productId": place["product"], "quantity": "1"}
        await do("addScans", by=clerk, scanSessionId=session, scans=[line])
        if ends:
            await do("commitScanSession", by=clerk, scanSessionId=session)
    await do("addScans", scanSessionId=session, scans=[{"code": "no-product"}])
    return session
