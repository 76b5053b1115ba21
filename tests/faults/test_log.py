"""What a web process logs while orders go well and fail: nothing of people, tokens or passwords."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from app.db.core.unit import Database
from tests.api.test_personal_data import ORDER, place
from tests.conftest import SECRET, VAULT, Cloning, unheard
from tests.support.api import Desk, a_desk, mutation
from tests.support.identity import PASSWORD, SIGN_IN, Asking, a_chain
from tests.support.web import Web, client

PHONE = "137 1234 5678"
FAILING = "张三 13712345678"
# PostgreSQL's DETAIL of these violations holds the whole row.
CONSTRAINTS = """
ALTER TABLE orders ADD CONSTRAINT ck_orders_note CHECK (note <> 'fail');
ALTER TABLE suppliers ADD CONSTRAINT ck_suppliers_phone CHECK (contact NOT LIKE '%1371234%');
ALTER TABLE passes ADD CONSTRAINT ck_passes_uses_left CHECK (uses <> 7);
"""


async def test_no_line_holds_a_phone_number_a_token_or_a_password(clone: Cloning) -> None:
    urls = await clone()
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(CONSTRAINTS)
    await owner.close()
    web = await asyncio.to_thread(Web, urls, SECRET)
    db = Database(urls.database, unheard, 2, VAULT)
    try:
        async with client(web) as http:
            desk = await a_desk(await a_chain(db, Asking(http)))
            order = await run_orders(desk)
    finally:
        await db.close()
        log = web.log.read_text()
        web.end()
    assert log.count('"event": "internal"') == 3
    for constraint in ("ck_orders_note", "ck_suppliers_phone", "ck_passes_uses_left"):
        assert f"SQLSTATE 23514, constraint {constraint}" in log
    secrets = ["1371234", "1234 5678", "12345678", "张三", "Failing row", PASSWORD, SECRET]
    secrets += [desk.owner, desk.cashier, order["token"], desk.owner.rsplit(".")[-1]]
    secrets += [urlsplit(url).password or "no password" for url in (urls.database, urls.redis)]
    assert [secret for secret in secrets if secret in log] == []


async def run_orders(desk: Desk) -> dict[str, str]:
    """Orders, passes and suppliers: some are written, some refused, some fail in the database."""
    await desk.product("米", price="9")
    await desk.receive("米", 10)
    order = await place(desk, PHONE, note=f"打 {PHONE}")
    await desk.asking(ORDER, id=order["id"], proof=order["token"])
    await desk.asking.raw(SIGN_IN, login=PHONE, password="x" + PASSWORD)
    await desk.asking.raw(ORDER, token="eyJhbGciOiJIUzI1NiJ9.e30.x" + order["token"], id=PHONE)
    lines = [await desk.line("米", 1)]
    store, shared = desk.chain.founded.store.code, {"key": str(uuid4()), "lines": lines}
    failing = {"store": store, "channel": "WECHAT", "contact": FAILING, "note": "fail", **shared}
    product = await desk.product("卡", kind="SERVICE", unit="次")
    sale = {"storeId": desk.store, "productId": product, "customer": FAILING, "uses": 7}
    for name, input in (
        ("placeOrder", failing),
        ("createSupplier", {"name": "甲", "contact": FAILING, "phone": "13712345678"}),
        ("sellPass", sale),
    ):
        token = desk.cashier if name == "sellPass" else desk.owner
        values = {"key": str(uuid4()), **input}
        assert await desk.asking.code(mutation(name), token, input=values) == "INTERNAL"
    return order
