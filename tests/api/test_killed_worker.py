"""A worker that is killed before, during and after the effect of a delivery."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from app.db.tables import Delivery
from app.run.embedded import Urls
from tests.api.test_notices import CREATE
from tests.api.test_sms import connect
from tests.conftest import SECRET
from tests.support.http_server import http_server
from tests.support.phones import Phones
from tests.support.sms_server import SmsServer
from tests.support.worker import Gate, worker

HOSTS = "127.0.0.1,localhost"


@dataclass
class Receiver:
    """A program that takes each event once, by its id. While `drops`, a request is lost."""

    server: HTTPServer
    gate: Gate = field(default_factory=Gate)
    requests: list[str] = field(default_factory=list)
    events: set[str] = field(default_factory=set)
    answers: threading.Event = field(default_factory=threading.Event)
    drops: bool = False

    def take(self, request: Request) -> Response:
        drops, id = self.drops, request.headers["Kucun-Event-Id"]
        self.requests.append(id)
        if not drops:
            self.events.add(id)
        self.gate.hold()
        self.answers.set()
        return Response("ok")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_server() as server:
        receiver = Receiver(server)
        server.expect_request("/hook").respond_with_handler(receiver.take)
        yield receiver


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_a_webhook_is_delivered_again_with_its_id(
    phones: Phones, urls: Urls, receiver: Receiver, moment: str
) -> None:
    url = receiver.server.url_for("/hook")
    await phones.do(CREATE, phones.desk.owner, url=url, events=["ALERT_RAISED"])
    await phones.run_out()
    receiver.drops = moment == "before"
    receiver.gate.opened.clear()
    settings = {"database_url": urls.database, "secret": SECRET, "private_hosts": HOSTS}
    with worker(phones.tenant, **settings) as process:
        assert await asyncio.to_thread(receiver.gate.reached.wait, 30)
        if moment == "after":
            # The receiver answers, and the worker cannot record it: the row is locked.
            async with phones.db.unit(phones.tenant) as unit:
                mine = Delivery.tenant_id == phones.tenant
                await unit.session.execute(select(Delivery.id).where(mine).with_for_update())
                receiver.gate.opened.set()
                assert await asyncio.to_thread(receiver.answers.wait, 30)
                process.kill()
        process.kill()
    receiver.drops = False
    receiver.gate.opened.set()
    await phones.due()
    await phones.run()
    await phones.run()
    assert len(receiver.requests) == 2
    assert len(receiver.events) == 1
    assert receiver.events == set(receiver.requests)
    delivery = (await phones.messages())["WEBHOOK"]
    assert (delivery["state"], delivery["attempts"]) == ("DELIVERED", 2)


async def test_an_sms_is_sent_once(phones: Phones, urls: Urls, sms: SmsServer) -> None:
    """Aliyun has the message, and its answer dies with the worker."""
    await connect(phones)
    await phones.run_out()
    sms.gate.opened.clear()
    settings = {"database_url": urls.database, "secret": SECRET, "aliyun_sms_url": sms.url}
    with worker(phones.tenant, **settings) as process:
        assert await asyncio.to_thread(sms.gate.reached.wait, 30)
        process.kill()
    sms.gate.opened.set()
    await phones.due()
    await phones.run()
    delivery = (await phones.messages())["SMS"]
    assert (delivery["state"], delivery["attempts"]) == ("SENT", 2)
    assert len(sms.sent) == 1


async def test_a_mini_program_s_message_is_sent_once(
    phones: Phones, urls: Urls, sms: SmsServer
) -> None:
    """WeChat has the message; the next channel does not send it again."""
    await connect(phones)
    await phones.subscribe()
    await phones.run_out()
    phones.mini.gate.opened.clear()
    settings = {"database_url": urls.database, "secret": SECRET, "wechat_url": phones.mini.url}
    with worker(phones.tenant, **settings) as process:
        assert await asyncio.to_thread(phones.mini.gate.reached.wait, 30)
        process.kill()
    phones.mini.gate.opened.set()
    await phones.due()
    await phones.run()
    await phones.run()
    messages = await phones.messages()
    assert (messages["WECHAT"]["state"], messages["WECHAT"]["attempts"]) == ("DELIVERED", 2)
    assert (len(phones.mini.sent), sms.sent) == (1, [])
