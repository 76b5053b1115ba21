"""Alerts by messages of mini-programs: credits, errors of the platforms, and the next channel."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import Delivery
from app.domain.notices.providers import Providers
from app.domain.people.mini_apps import MiniApps
from app.jobs.alerts import notify
from app.run.embedded import Urls
from app.settings import Settings
from tests.api.conftest import served
from tests.api.test_customers import SET_APP
from tests.conftest import SECRET as KEY
from tests.support.api import Desk, a_desk
from tests.support.identity import a_chain
from tests.support.mini_program import APP, SECRET, MiniProgram

SUBSCRIPTION = """
  ... on MessageSubscription { channel bound template credits }
  ... on Problem { code message }
"""
TEMPLATE = """
mutation($input: SetMessageTemplateInput!) { setMessageTemplate(input: $input) {
  ... on MessageTemplate { channel template page fields { name part } setBy { name } }
  ... on Problem { code }
} }
"""
BIND = f"mutation($input: BindMiniAppInput!) {{ bindMiniApp(input: $input) {{ {SUBSCRIPTION} }} }}"
UNBIND = f"""
mutation($input: UnbindMiniAppInput!) {{ unbindMiniApp(input: $input) {{ {SUBSCRIPTION} }} }}
"""
GRANT = f"""
mutation($input: GrantMessageCreditInput!) {{
  grantMessageCredit(input: $input) {{ {SUBSCRIPTION} }}
}}
"""
MINE = "{ messageSubscriptions { channel bound template credits } }"
SENT = """
{ deliveries { nodes { id channel state body attempts error receipt recipientId } } }
"""
LOG = "{ auditLog { nodes { act } } }"
FIELDS = [
    {"name": "thing1", "part": "STORE"},
    {"name": "thing2", "part": "TEXT"},
    {"name": "number3", "part": "NUMBER"},
    {"name": "time4", "part": "TIME"},
]


@dataclass
class Phones:
    """A chain with mini-programs, and its manager, who receives the alerts."""

    desk: Desk
    mini: MiniProgram
    db: Database
    providers: Providers

    @property
    def tenant(self) -> UUID:
        return self.desk.chain.founded.store.tenant_id

    async def do(self, text: str, by: str | None = None, **input: Any) -> Any:
        values = {"key": str(uuid4()), **input}
        return await self.desk.asking(text, by or self.desk.manager, input=values)

    async def template(self, channel: str = "WECHAT", **more: Any) -> Any:
        fields = FIELDS if channel == "WECHAT" else [{"name": "内容", "part": "TEXT"}]
        values = {"channel": channel, "template": f"T-{channel}", "fields": fields, **more}
        return await self.do(TEMPLATE, self.desk.owner, **values)

    async def subscribe(self, channel: str = "WECHAT", count: int = 1) -> str:
        """The manager binds the mini-program and subscribes; returns the openid."""
        openid = f"{channel}-{uuid4().hex[:8]}"
        await self.template(channel)
        assert (await self.do(BIND, channel=channel, code=f"ok:{openid}"))["bound"]
        await self.do(GRANT, template=f"T-{channel}", count=count)
        self.mini.subscribed[openid] += count
        return openid

    async def run_out(self, name: str = "大米") -> None:
        await self.desk.receive(name, 3)
        await self.desk.post("sell", (name, 3))

    async def run(self) -> None:
        await notify(self.db, self.tenant, self.providers)

    async def due(self) -> None:
        """Every pause is over."""
        async with self.db.unit(self.tenant) as unit:
            mine = Delivery.tenant_id == self.tenant
            await unit.session.execute(
                update(Delivery).where(mine).values(next_at=datetime.now(UTC))
            )

    async def messages(self) -> dict[str, Any]:
        """Deliveries by channel, but those in the application."""
        nodes = (await self.desk.ask(SENT))["nodes"]
        return {each["channel"]: each for each in nodes if each["channel"] != "IN_APP"}

    async def credits(self) -> dict[str, int]:
        mine = await self.desk.ask(MINE, by=self.desk.manager)
        return {each["channel"]: each["credits"] for each in mine}


@pytest.fixture
def mini() -> Iterator[MiniProgram]:
    with HTTPServer(threaded=True) as server:
        yield MiniProgram(server)


@pytest.fixture
async def phones(urls: Urls, db: Database, mini: MiniProgram) -> AsyncIterator[Phones]:
    where: Any = {"wechat_url": mini.url, "douyin_login_url": mini.url}
    async with served(urls, **where) as asking:
        desk = await a_desk(await a_chain(db, asking))
        apps = MiniApps(Settings(secret=KEY, **where))
        phones = Phones(desk, mini, db, Providers((), apps))
        for channel in ("WECHAT", "DOUYIN"):
            app = {"channel": channel, "appId": APP, "secret": SECRET}
            await phones.do(SET_APP, desk.owner, **app)
        yield phones
        await apps.close()


async def test_the_owner_sets_templates(phones: Phones) -> None:
    answer = await phones.template(page="pages/alerts/index")
    assert (answer["template"], answer["fields"]) == ("T-WECHAT", FIELDS)
    acts = [each["act"] for each in (await phones.desk.ask(LOG))["nodes"]]
    assert acts[0] == "SET_MESSAGE_TEMPLATE"
    for fields in ([], FIELDS[:1] * 2, [{"name": "number1", "part": "TEXT"}]):
        input = {"key": str(uuid4()), "channel": "WECHAT", "template": "T", "fields": fields}
        code = await phones.desk.asking.code(TEMPLATE, phones.desk.owner, input=input)
        assert code == "BAD_INPUT"
    input = {"key": str(uuid4()), "channel": "WECHAT", "template": "T", "fields": FIELDS}
    assert await phones.desk.asking.code(TEMPLATE, phones.desk.manager, input=input) == "FORBIDDEN"


async def test_staff_bind_and_subscribe(phones: Phones) -> None:
    await phones.template()
    assert await phones.desk.ask(MINE, by=phones.desk.cashier) == [
        {"channel": "DOUYIN", "bound": False, "template": None, "credits": 0},
        {"channel": "WECHAT", "bound": False, "template": "T-WECHAT", "credits": 0},
    ]
    assert (await phones.do(BIND, channel="WECHAT", code="no"))["code"] == "INVALID_LOGIN_CODE"
    assert (await phones.do(BIND, channel="SMS", code="no"))["code"] == "WRONG_STATE"
    again = {"key": str(uuid4()), "channel": "WECHAT", "code": "ok:me"}
    for _ in range(2):
        assert (await phones.do(BIND, **again))["bound"], "a repeated request binds once"
    grant = {"key": str(uuid4()), "template": "T-WECHAT", "count": 3}
    for _ in range(2):
        assert (await phones.do(GRANT, **grant))["credits"] == 3
    grants = [phones.do(GRANT, template="T-WECHAT") for _ in range(5)]
    assert sorted(each["credits"] for each in await asyncio.gather(*grants)) == [4, 5, 6, 7, 8]
    assert (await phones.do(GRANT, **{**grant, "count": 2}))["code"] == "KEY_REUSED"
    other = await phones.do(GRANT, template="T-2")
    assert other["code"] == "UNKNOWN_NOTIFICATION"
    zero = {"key": str(uuid4()), "template": "T-WECHAT", "count": 0}
    assert await phones.desk.asking.code(GRANT, phones.desk.manager, input=zero) == "BAD_INPUT"
    assert not (await phones.do(UNBIND, channel="WECHAT"))["bound"]


@pytest.mark.parametrize("channel", ["WECHAT", "DOUYIN"])
async def test_an_alert_spends_a_credit(phones: Phones, channel: str) -> None:
    openid = await phones.subscribe(channel, 2)
    await phones.run_out("一种名字很长很长很长的有机东北五常大米")
    await phones.run()
    await phones.run()
    [message] = phones.mini.sent
    assert (message["to"], message["template"]) == (openid, f"T-{channel}")
    assert "一种名字很长很长很长的有机东北五常大米…" in message.values()
    delivery = (await phones.messages())[channel]
    assert (delivery["state"], delivery["attempts"]) == ("DELIVERED", 1)
    assert "一种名字" in delivery["body"]
    assert delivery["receipt"]
    assert (await phones.credits())[channel] == 1


async def test_two_alerts_and_one_credit(phones: Phones) -> None:
    """The second alert is told by the next channel, without an attempt by the first."""
    await phones.subscribe("WECHAT")
    await phones.subscribe("DOUYIN")
    await phones.run_out("大米")
    await phones.run_out("面粉")
    await phones.run()
    assert sorted(each["template"] for each in phones.mini.sent) == ["T-DOUYIN", "T-WECHAT"]
    assert await phones.credits() == {"WECHAT": 0, "DOUYIN": 0}


async def test_no_subscription_left(phones: Phones) -> None:
    """43101 ends the message and the credits; the next channel tells the person."""
    openid = await phones.subscribe("WECHAT", 3)
    await phones.subscribe("DOUYIN")
    phones.mini.subscribed[openid] = 0
    await phones.run_out()
    await phones.run()
    await phones.run()
    messages = await phones.messages()
    assert (messages["WECHAT"]["state"], messages["WECHAT"]["attempts"]) == ("DEAD", 1)
    assert messages["DOUYIN"]["state"] == "DELIVERED"
    assert await phones.credits() == {"WECHAT": 0, "DOUYIN": 0}
    [message] = phones.mini.sent
    assert message["内容"] == "大米已断货，请立即补货"


async def test_a_refused_message_gives_its_credit_back(phones: Phones) -> None:
    await phones.subscribe("WECHAT", 2)
    phones.mini.failing = 40037
    await phones.run_out()
    await phones.run()
    assert (await phones.messages())["WECHAT"]["state"] == "DEAD"
    assert (await phones.credits())["WECHAT"] == 2


async def test_a_stale_token_is_renewed_once(phones: Phones) -> None:
    await phones.subscribe("WECHAT", 2)
    await phones.run_out("大米")
    await phones.run()
    phones.mini.stale = True
    await phones.run_out("面粉")
    await phones.run()
    assert len(phones.mini.sent) == 2
    assert phones.mini.tokens == 2


@pytest.mark.parametrize("code", [45009, -1])
async def test_a_quota_and_a_busy_platform_wait(phones: Phones, code: int) -> None:
    await phones.subscribe("WECHAT")
    phones.mini.failing = code
    await phones.run_out()
    await phones.run()
    waiting = (await phones.messages())["WECHAT"]
    assert (waiting["state"], waiting["error"]) == ("PENDING", f"{code}: {code}")
    phones.mini.failing = 0
    await phones.run()
    assert phones.mini.sent == [], "it waits"
    await phones.due()
    await phones.run()
    assert len(phones.mini.sent) == 1
    assert (await phones.messages())["WECHAT"]["attempts"] == 2


async def test_another_app_ends_the_identities_of_the_one_before(phones: Phones) -> None:
    await phones.subscribe("WECHAT")
    app = {"channel": "WECHAT", "appId": "wx-other", "secret": SECRET}
    await phones.do(SET_APP, phones.desk.owner, **app)
    await phones.run_out()
    await phones.run()
    assert await phones.messages() == {}
