"""A chain with mini-programs and SMS, and the manager whose phone receives its alerts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app.db.core.unit import Database
from app.db.tables import Delivery
from app.domain.notices.providers import Providers
from app.domain.notices.sms import SmsClients
from app.domain.people.mini_apps import MiniApps
from app.jobs.alerts import notify
from app.settings import Settings
from tests.conftest import SECRET as KEY
from tests.support.api import Desk
from tests.support.mini_program import MiniProgram
from tests.support.worker import store_changes

SET_APP = """
mutation($input: SetMiniAppInput!) { setMiniApp(input: $input) {
  ... on MiniApp { channel appId setBy { name } } ... on Problem { code message }
} }
"""
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
        await notify(self.db, self.tenant, self.providers, store_changes(self.db))

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


@asynccontextmanager
async def providers_of(**settings: Any) -> AsyncIterator[Providers]:
    """The clients of a worker with these settings."""
    config = Settings(secret=KEY, **settings)
    providers = Providers(("127.0.0.1", "localhost"), MiniApps(config), SmsClients(config))
    yield providers
    await providers.mini_apps.close()
    await providers.sms.close()
