"""Customers sign in by WeChat and Douyin, bind a phone, and see what is their own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.support.api import Desk, a_desk
from tests.support.http_server import http_server
from tests.support.identity import REFRESH, VIEWER, a_chain
from tests.support.mini_program import APP, PEM, SECRET, MiniProgram
from tests.support.phones import SET_APP

SIGN_IN = """
mutation($input: SignInWithCodeInput!) { NAME(input: $input) {
  __typename ... on SignedIn { accessToken refreshToken }
  ... on Problem { code message } ... on TooManyAttempts { retryAfter }
  ... on WrongState { wrong: reason }
} }
"""
BIND = """
mutation($input: BindPhoneInput!) { bindPhone(input: $input) {
  ... on Customer { id phone channel } ... on Problem { code message }
  ... on WrongState { wrong: reason }
} }
"""
PLACE = """
mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
  __typename ... on Order { id contact placedBy { name } } ... on Problem { code }
} }
"""
CANCEL = """
mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
  ... on Order { state } ... on Problem { code }
} }
"""
DELETE = """
mutation($input: DeleteMyAccountInput!) { deleteMyAccount(input: $input) {
  ... on ErasedCustomer { orders passes accounts } ... on Problem { code }
} }
"""
MY_ORDERS = "{ myOrders { nodes { id contact movements { id } } } }"
MY_PASSES = "{ myPasses { nodes { id uses customer redemptions { id } } } }"
ORDER = "query($id: UUID!) { order(id: $id) { id contact } }"
NAMES = {"WECHAT": "signInWithWechat", "DOUYIN": "signInWithDouyin"}


@dataclass
class Club:
    """A chain with mini-programs in both channels."""

    desk: Desk
    mini: MiniProgram

    async def sign_in(self, code: str, channel: str = "WECHAT", **more: Any) -> Any:
        where = more or {"store": self.desk.chain.founded.store.code}
        text = SIGN_IN.replace("NAME", NAMES[channel])
        return await self.desk.asking(text, None, input={"code": code, **where})

    async def member(self, openid: str | None = None, channel: str = "WECHAT") -> str:
        """The access token of a customer."""
        signed = await self.sign_in(f"ok:{openid or uuid4().hex}", channel)
        return signed["accessToken"]

    async def do(self, text: str, by: str | None, **input: Any) -> Any:
        return await self.desk.asking(text, by, input={"key": str(uuid4()), **input})

    async def bind(self, by: str, phone: str) -> Any:
        self.mini.used.discard(f"ok:{phone}")
        return await self.do(BIND, by, code=f"ok:{phone}")

    async def place(self, by: str | None, quantity: int = 1, **more: Any) -> Any:
        order = {"store": self.desk.chain.founded.store.code, "channel": "WECHAT", **more}
        lines = [await self.desk.line("米", quantity)]
        return await self.do(PLACE, by, **order, lines=lines)


@pytest.fixture(scope="module")
def mini() -> Iterator[MiniProgram]:
    with http_server() as server:
        yield MiniProgram(server)


@pytest.fixture(scope="module")
async def club(urls: Urls, db: Database, mini: MiniProgram) -> AsyncIterator[Club]:
    douyin = {"douyin_login_url": mini.url, "douyin_open_url": mini.url}
    where: Any = {"wechat_url": mini.url, **douyin}
    async with served(urls, **where) as asking:
        desk = await a_desk(await a_chain(db, asking))
        club = Club(desk, mini)
        for channel in NAMES:
            app = {"channel": channel, "appId": APP, "secret": SECRET}
            answer = await club.do(SET_APP, desk.owner, **app)
            assert answer["appId"] == APP
        await desk.product("米", price="1.00")
        await desk.receive("米", 1000)
        yield club


@pytest.mark.parametrize("channel", NAMES)
async def test_a_customer_signs_in_and_comes_back(club: Club, channel: str) -> None:
    openid = uuid4().hex
    first = await club.sign_in(f"ok:{openid}", channel)
    viewer = await club.desk.asking(VIEWER, first["accessToken"])
    assert (viewer["role"], viewer["stores"]) == ("CUSTOMER", [])
    assert {"SHOP", "PLACE_ORDER"} < set(viewer["permissions"])
    refreshed = await club.desk.asking(REFRESH, None, shown=first["refreshToken"])
    assert refreshed["accessToken"]
    placed = await club.place(first["accessToken"], contact="张三")
    club.mini.used.clear()
    tenant = (await club.desk.ask("{ viewer { tenant { code } } }"))["tenant"]["code"]
    again = await club.sign_in(f"ok:{openid}", channel, tenant=tenant)
    mine = await club.desk.asking(MY_ORDERS, again["accessToken"])
    assert mine["nodes"] == [{"id": placed["id"], "contact": "张三", "movements": []}]


async def test_first_sign_ins_at_once_open_one_account(club: Club) -> None:
    openid = uuid4().hex
    app = club.mini
    answers = []

    async def sign_in() -> None:
        app.used.discard(f"ok:{openid}")
        answers.append(await club.sign_in(f"ok:{openid}"))

    await asyncio.gather(*(sign_in() for _ in range(8)))
    tokens = [each["accessToken"] for each in answers if "accessToken" in each]
    ids = {(await club.desk.asking("{ myAccount { id } }", token))["id"] for token in tokens}
    assert len(ids) == 1


@pytest.mark.parametrize("channel", NAMES)
async def test_what_the_platform_refuses(club: Club, channel: str) -> None:
    assert (await club.sign_in("nonsense", channel))["code"] == "INVALID_LOGIN_CODE"
    code = f"ok:{uuid4().hex}"
    assert (await club.sign_in(code, channel))["accessToken"]
    assert (await club.sign_in(code, channel))["code"] == "INVALID_LOGIN_CODE"
    often = await club.sign_in("often", channel)
    assert (often["code"], often["retryAfter"]) == ("TOO_MANY_ATTEMPTS", 60)
    if channel == "WECHAT":
        assert (await club.sign_in("blocked", channel))["code"] == "CUSTOMER_BLOCKED"


@pytest.mark.parametrize("code", ["busy", "html", "500", "list", "empty", "long", "drip"])
@pytest.mark.parametrize("channel", NAMES)
async def test_a_platform_that_is_away(club: Club, channel: str, code: str) -> None:
    assert (await club.sign_in(code, channel))["code"] == "PLATFORM_UNAVAILABLE"


async def test_wrong_credentials_and_none(club: Club, db: Database) -> None:
    other = await a_desk(await a_chain(db, club.desk.asking))
    store = other.chain.founded.store.code
    missing = await club.sign_in("ok:x", store=store)
    assert (missing["code"], missing["wrong"]) == ("WRONG_STATE", "NO_MINI_APP")
    wrong = {"channel": "WECHAT", "appId": APP, "secret": "other"}
    await club.do(SET_APP, other.owner, **wrong)
    refused = await club.sign_in("ok:x", store=store)
    assert refused["wrong"] == "MINI_APP_REFUSED"
    await club.do(SET_APP, other.owner, **{**wrong, "secret": SECRET})
    assert (await club.sign_in(f"ok:{uuid4().hex}", store=store))["accessToken"]
    assert (await club.sign_in("ok:x", store="no-such"))["code"] == "UNKNOWN_STORE"
    for by in (other.manager, other.cashier):
        input = {"key": str(uuid4()), **wrong}
        assert await club.desk.asking.code(SET_APP, by, input=input) == "FORBIDDEN"
    counter = {"key": str(uuid4()), **wrong, "channel": "COUNTER"}
    assert await club.desk.asking.code(SET_APP, other.owner, input=counter) == "BAD_INPUT"
    both = {"code": "ok:x", "store": store, "tenant": store}
    text = SIGN_IN.replace("NAME", "signInWithWechat")
    assert await club.desk.asking.code(text, None, input=both) == "BAD_INPUT"


async def test_secrets_and_identities_are_sealed(club: Club, urls: Urls) -> None:
    import asyncpg

    openid, phone = uuid4().hex, "13711112222"
    await club.bind(await club.member(openid), phone)
    owner = await asyncpg.connect(urls.owner)
    try:
        for table in ("customers", "mini_apps", "sessions", "requests"):
            for text in (openid, phone, SECRET):
                rows = await owner.fetch(
                    f'SELECT FROM "{table}" AS t WHERE t::text LIKE ANY ($1)',
                    [f"%{text}%", f"%{text.encode().hex()}%"],
                )
                assert rows == [], (table, text)
    finally:
        await owner.close()


async def test_a_customer_binds_a_phone(club: Club) -> None:
    """Once, however often the request is repeated, and with a token that went stale."""
    by, phone = await club.member(), "13733334444"
    club.mini.stale = True
    key, code = str(uuid4()), f"ok:+86 {phone}"
    first = await club.desk.asking(BIND, by, input={"key": key, "code": code})
    assert (first["phone"], first["channel"]) == (f"+86 {phone}", "WECHAT")
    assert await club.desk.asking(BIND, by, input={"key": key, "code": code}) == first
    assert (await club.do(BIND, by, code=code))["code"] == "INVALID_LOGIN_CODE"
    other = {"key": key, "code": "ok:13755556666"}
    assert (await club.desk.asking(BIND, by, input=other))["code"] == "KEY_REUSED"
    placed = await club.place(by)
    assert placed["contact"] == f"+86 {phone}"
    douyin = await club.member(channel="DOUYIN")
    assert (await club.do(BIND, douyin, code="ok:x"))["wrong"] == "NO_PHONE"


async def test_the_viewer_shows_the_limit_of_a_customer(club: Club) -> None:
    text = "{ viewer { limits { amount unpaidOrders } } }"
    shown = [await club.desk.asking(text, by) for by in (await club.member(), club.desk.owner)]
    assert [each["limits"]["unpaidOrders"] for each in shown] == [20, None]


async def test_a_customer_binds_a_phone_of_douyin(club: Club) -> None:
    """Douyin encrypts the number with a key of the app, which the owner sets."""
    by, phone = await club.member(channel="DOUYIN"), "13712348888"
    app = {"channel": "DOUYIN", "appId": APP, "secret": SECRET}
    for key in ("", "x", PEM[:-100], PEM.replace("PRIVATE", "PUBLIC")):
        call = {"key": str(uuid4()), **app, "phoneKey": key}
        assert await club.desk.asking.code(SET_APP, club.desk.owner, input=call) == "BAD_INPUT"
    wechat = {"key": str(uuid4()), **app, "channel": "WECHAT", "phoneKey": PEM}
    assert await club.desk.asking.code(SET_APP, club.desk.owner, input=wechat) == "BAD_INPUT"
    await club.do(SET_APP, club.desk.owner, **app, phoneKey=PEM)
    club.mini.stale = True
    bound = await club.bind(by, phone)
    assert (bound["phone"], bound["channel"]) == (phone, "DOUYIN")
    assert (await club.do(BIND, by, code=f"ok:{phone}"))["code"] == "INVALID_LOGIN_CODE"
    other = await club.do(BIND, by, code="other:13712349999")
    assert other["code"] == "PLATFORM_UNAVAILABLE"
    await club.do(SET_APP, club.desk.owner, **app)
    assert (await club.do(BIND, by, code="ok:13712347777"))["wrong"] == "NO_PHONE"


async def test_a_phone_shows_what_the_counter_sold_to_it(club: Club) -> None:
    phone = "13766667777"
    service = await club.desk.product("洗护", kind="SERVICE", unit="次", price="10")
    sold = await club.desk.do(
        "sellPass", storeId=club.desk.store, productId=service, customer=phone, uses=3
    )
    order = await club.place(None, contact=phone)
    by = await club.member()
    assert (await club.desk.asking(MY_PASSES, by))["nodes"] == []
    assert await club.desk.asking(ORDER, by, id=order["id"]) is None
    await club.bind(by, phone)
    assert (await club.desk.asking(MY_PASSES, by))["nodes"] == [
        {"id": sold["id"], "uses": 3, "customer": None, "redemptions": []}
    ]
    mine = (await club.desk.asking(MY_ORDERS, by))["nodes"]
    assert [each["id"] for each in mine] == [order["id"]]
    assert (await club.do(CANCEL, by, orderId=order["id"]))["state"] == "CANCELLED"


async def test_a_customer_sees_nothing_of_others(club: Club, outsider: Desk) -> None:
    by, other = await club.member(), await club.member()
    order = await club.place(by, contact="张三")
    assert (await club.desk.asking(ORDER, by, id=order["id"]))["contact"] == "张三"
    assert order["placedBy"] is None
    assert await club.desk.asking(ORDER, other, id=order["id"]) is None
    assert (await club.do(CANCEL, other, orderId=order["id"]))["code"] == "UNKNOWN_ORDER"
    assert (await club.desk.asking(MY_ORDERS, other))["nodes"] == []
    for text in ("{ orders { nodes { id } } }", "{ levels { nodes { onHand } } }"):
        assert await club.desk.asking.code(text, by) == "FORBIDDEN"
    assert await club.desk.asking.code(MY_ORDERS) == "UNAUTHENTICATED"
    assert await club.desk.asking.code(MY_ORDERS, club.desk.owner) == "FORBIDDEN"
    # In another chain a customer is a guest.
    rice = f"米{uuid4().hex[:8]}"
    await outsider.product(rice, price="1.00")
    await outsider.receive(rice, 5)
    there = {"store": outsider.chain.founded.store.code, "channel": "WECHAT", "contact": "李四"}
    placed = await club.do(PLACE, by, **there, lines=[await outsider.line(rice, 1)])
    assert placed["__typename"] == "Order"
    assert len((await club.desk.asking(MY_ORDERS, by))["nodes"]) == 1


async def test_a_customer_is_bound_by_their_own_orders_only(club: Club) -> None:
    """Neither the share of guests nor the contact counts; twenty unpaid orders do."""
    await club.desk.product("蛋", price="1.00")
    await club.desk.receive("蛋", 10)
    by, contact = await club.member(), "13788889999"
    order = {"store": club.desk.chain.founded.store.code, "channel": "WECHAT", "contact": contact}
    lines = [await club.desk.line("蛋", 8)]
    guest = await club.do(PLACE, None, **order, lines=lines)
    assert guest["code"] == "GUEST_LIMIT_REACHED"
    assert (await club.do(PLACE, by, **order, lines=lines))["__typename"] == "Order"
    placed = await asyncio.gather(*(club.place(by, contact=contact) for _ in range(25)))
    kinds = sorted(each.get("code", "Order") for each in placed)
    assert kinds == ["Order"] * 19 + ["TOO_MANY_ORDERS"] * 6
    big = await club.place(await club.member(), 201, contact=contact)
    assert big["code"] == "INVALID_QUANTITY"


async def test_an_account_is_erased(club: Club) -> None:
    openid, phone = uuid4().hex, "13799990000"
    by = await club.member(openid)
    await club.bind(by, phone)
    order = await club.place(by, contact="王五")
    erased = await club.desk.do("eraseCustomer", contact=phone)
    assert erased["orders"] == 1
    assert await club.desk.asking.code(MY_ORDERS, by) == "UNAUTHENTICATED"
    shown = await club.desk.do("revealContact", orderId=order["id"])
    assert shown["contact"] is None
    # The same person opens a new account, which has nothing.
    club.mini.used.clear()
    new = await club.member(openid)
    assert (await club.desk.asking(MY_ORDERS, new))["nodes"] == []
    own = await club.place(new, contact="王五")
    answer = await club.do(DELETE, new)
    assert answer == {"orders": 1, "passes": 0, "accounts": 1}
    assert (await club.desk.do("revealContact", orderId=own["id"]))["contact"] is None
    assert await club.desk.asking.code(MY_ORDERS, new) == "UNAUTHENTICATED"
