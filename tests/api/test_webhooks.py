"""Webhooks: two secrets, replays, and receivers that misbehave."""

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.db.core.tally import DELIVERIES
from app.domain.notices.deliver import MOST_ATTEMPTS
from app.platforms import webhook
from tests.api.test_notices import CREATE, DELETE
from tests.support.http_server import http_server
from tests.support.identity import CREATE_KEY
from tests.support.phones import Phones

ROTATE = """
mutation($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) {
  ... on NewWebhook { secret webhook { id rotatedAt } }
  ... on Problem { code } ... on WrongState { wrong: reason }
} }
"""
END = """
mutation($input: EndWebhookSecretInput!) { endWebhookSecret(input: $input) {
  ... on Webhook { id rotatedAt } ... on Problem { code }
} }
"""
REPLAY = """
mutation($input: ReplayWebhookInput!) { replayWebhook(input: $input) {
  ... on Webhook { id } ... on Problem { code }
} }
"""
REDELIVER = """
mutation($input: RedeliverEventInput!) { redeliverEvent(input: $input) {
  ... on NotificationDelivery { id state attempts } ... on Problem { code }
} }
"""
SENT = """
query($id: UUID!, $state: DeliveryState) { webhookDeliveries(webhookId: $id, state: $state) {
  nodes { id state attempts error body }
} }
"""
LOG = "{ auditLog { nodes { act } } }"


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    with http_server() as server:
        yield server


async def create(phones: Phones, url: str, *events: str) -> tuple[str, str]:
    """A webhook's id and secret."""
    answer = await phones.do(CREATE, phones.desk.owner, url=url, events=list(events))
    return answer["webhook"]["id"], answer["secret"]


async def sent(phones: Phones, id: str, state: str | None = None) -> list[Any]:
    return (await phones.desk.ask(SENT, id=id, state=state))["nodes"]


def signed_by(request: Request) -> list[str]:
    """The digests of a request."""
    return [part[3:] for part in request.headers["Kucun-Signature"].split(",")[1:]]


def digest(request: Request, secret: str) -> str:
    moment = request.headers["Kucun-Signature"].split(",")[0][2:]
    message = f"{moment}.{request.get_data(as_text=True)}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


async def test_two_secrets_sign_until_the_old_one_ends(
    phones: Phones, receiver: HTTPServer
) -> None:
    receiver.expect_request("/hook").respond_with_data("ok")
    id, old = await create(phones, receiver.url_for("/hook"), "ALERT_RAISED")
    again = {"key": str(uuid4()), "webhookId": id}
    rotated = await phones.do(ROTATE, phones.desk.owner, **again)
    new = rotated["secret"]
    assert rotated["webhook"]["rotatedAt"]
    repeated = await phones.do(ROTATE, phones.desk.owner, **again)
    assert repeated["secret"] is None, "it is shown once"
    third = await phones.do(ROTATE, phones.desk.owner, webhookId=id)
    assert third["wrong"] == "TWO_SECRETS"
    await phones.run_out("大米")
    await phones.run()
    [(request, _)] = receiver.log
    assert signed_by(request) == [digest(request, new), digest(request, old)]
    ended = await phones.do(END, phones.desk.owner, webhookId=id)
    assert ended["rotatedAt"] is None
    await phones.run_out("面粉")
    await phones.run()
    _, (request, _) = receiver.log
    assert signed_by(request) == [digest(request, new)]
    await phones.do(DELETE, phones.desk.owner, webhookId=id)
    acts = [each["act"] for each in (await phones.desk.ask(LOG))["nodes"]]
    assert acts[:4] == [
        "DELETE_WEBHOOK",
        "END_WEBHOOK_SECRET",
        "ROTATE_WEBHOOK_SECRET",
        "CREATE_WEBHOOK",
    ]


async def test_changes_are_replayed_from_a_revision(phones: Phones, receiver: HTTPServer) -> None:
    receiver.expect_request("/hook").respond_with_data("ok")
    id, _ = await create(phones, receiver.url_for("/hook"), "STORE_CHANGED")
    for name in ("大米", "面粉"):
        await phones.desk.receive(name, 3)
        await phones.run()
    first, second = (request.get_json() for request, _ in receiver.log)
    where = {"webhookId": id, "storeId": phones.desk.store}
    key = str(uuid4())
    for _ in range(2):
        answer = await phones.do(
            REPLAY, phones.desk.owner, key=key, **where, after=first["fromRevision"]
        )
        assert answer["id"] == id
        await phones.run()
    _, _, (request, _) = receiver.log
    again = request.get_json()
    assert again["id"] not in (first["id"], second["id"])
    assert (again["fromRevision"], again["revision"]) == (
        first["fromRevision"],
        second["revision"],
    )
    assert set(again["productIds"]) >= {*first["productIds"], *second["productIds"]}
    late = {"key": str(uuid4()), **where, "after": str(int(second["revision"]) + 1)}
    assert await phones.desk.asking.code(REPLAY, phones.desk.owner, input=late) == "BAD_INPUT"
    absent = {"webhookId": str(uuid4()), "storeId": phones.desk.store, "after": "0"}
    assert (await phones.do(REPLAY, phones.desk.owner, **absent))["code"] == "UNKNOWN_NOTIFICATION"


@asynccontextmanager
async def raw(*parts: bytes) -> AsyncIterator[str]:
    """The address of a receiver that writes these bytes, and then waits."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    ended.set()
    server.close()


@pytest.mark.parametrize(
    "parts",
    [(), (b"garbage\r\n\r\n",), (b"HTTP/1.1 200 OK\r\n", b"x-a: " + b"b" * 1000)],
    ids=["hangs", "garbage", "never ends its headers"],
)
async def test_a_receiver_that_gives_no_answer(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    async with raw(*parts) as url:
        id, _ = await create(phones, url, "ALERT_RAISED")
        await phones.run_out()
        await phones.run()
        [delivery] = await sent(phones, id)
    assert (delivery["state"], delivery["attempts"]) == ("PENDING", 1)
    assert delivery["error"]


async def test_a_name_is_resolved_once(
    phones: Phones, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere a moment later cannot move the connection."""
    receiver.expect_request("/hook").respond_with_data("ok")
    loop, looked_up = asyncio.get_running_loop(), []
    resolved = loop.getaddrinfo

    async def changing(host: Any, *args: Any, **more: Any) -> Any:
        if host != "localhost":
            return await resolved(host, *args, **more)
        looked_up.append(host)
        # The second answer is a closed port of this machine.
        return await resolved("127.0.0.1" if len(looked_up) == 1 else "127.0.0.9", *args, **more)

    monkeypatch.setattr(loop, "getaddrinfo", changing)
    url = f"http://localhost:{receiver.port}/hook"
    id, _ = await create(phones, url, "ALERT_RAISED")
    await phones.run_out()
    await phones.run()
    assert [each["state"] for each in await sent(phones, id)] == ["DELIVERED"]
    assert looked_up == ["localhost"]
    [(request, _)] = receiver.log
    assert request.headers["Host"] == f"localhost:{receiver.port}"


async def test_the_certificate_of_a_receiver(
    phones: Phones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is checked: a chain's own authority is trusted once SSL_CERT_FILE names it."""
    pem = tmp_path / "own.pem"
    pem.write_bytes(self_signed("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    webhook.certificates.cache_clear()
    with http_server(ssl_context=context) as receiver:
        receiver.expect_request("/hook").respond_with_data("ok")
        id, _ = await create(phones, f"https://localhost:{receiver.port}/hook", "ALERT_RAISED")
        await phones.run_out()
        await phones.run()
        [delivery] = await sent(phones, id)
        assert "CERTIFICATE_VERIFY_FAILED" in delivery["error"]
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        webhook.certificates.cache_clear()
        await phones.due()
        await phones.run()
    webhook.certificates.cache_clear()
    assert [each["state"] for each in await sent(phones, id)] == ["DELIVERED"]


def self_signed(host: str) -> bytes:
    """A private key and a certificate of this host, as PEM."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    alternative = x509.SubjectAlternativeName([x509.DNSName(host)])
    certificate = builder.add_extension(alternative, critical=False).sign(key, SHA256())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return plain + certificate.public_bytes(Encoding.PEM)


async def test_a_receiver_that_is_down_for_an_hour(phones: Phones, receiver: HTTPServer) -> None:
    """It receives the event once, with the id of its first attempt."""
    answers = iter([*[Response("", status=503)] * 7, Response("ok")])
    receiver.expect_request("/hook").respond_with_handler(lambda _: next(answers))
    id, _ = await create(phones, receiver.url_for("/hook"), "ALERT_RAISED")
    await phones.run_out()
    for _ in range(10):
        await phones.run()
        await phones.due()
    assert len({request.headers["Kucun-Event-Id"] for request, _ in receiver.log}) == 1
    assert len(receiver.log) == 8
    [delivery] = await sent(phones, id)
    assert (delivery["state"], delivery["attempts"]) == ("DELIVERED", 8)


async def test_an_answer_that_is_lost(phones: Phones, receiver: HTTPServer) -> None:
    """The receiver took the event and failed to say so: it comes again with the same id."""
    answers = iter([Response("", status=504), Response("ok")])
    receiver.expect_request("/hook").respond_with_handler(lambda _: next(answers))
    await create(phones, receiver.url_for("/hook"), "ALERT_RAISED")
    await phones.run_out()
    await phones.run()
    await phones.due()
    await phones.run()
    first, second = (request for request, _ in receiver.log)
    assert first.get_data() == second.get_data()
    assert first.headers["Kucun-Event-Id"] == second.headers["Kucun-Event-Id"]


async def test_the_dead_letter_list(phones: Phones, receiver: HTTPServer) -> None:
    receiver.expect_request("/hook").respond_with_data("", status=500)
    id, _ = await create(phones, receiver.url_for("/hook"), "ALERT_RAISED")
    await phones.run_out()
    before = DELIVERIES["WEBHOOK", "DEAD"]
    for _ in range(MOST_ATTEMPTS):
        await phones.run()
        await phones.due()
    assert DELIVERIES["WEBHOOK", "DEAD"] == before + 1, "for /metrics"
    [dead] = await sent(phones, id, "DEAD")
    assert (dead["attempts"], dead["error"]) == (MOST_ATTEMPTS, "HTTP 500")
    assert await sent(phones, str(uuid4())) == []
    code = await phones.desk.asking.code(SENT, phones.desk.manager, id=id)
    assert code == "FORBIDDEN"


async def test_a_program_sends_its_dead_events_again(phones: Phones, receiver: HTTPServer) -> None:
    """A key that manages webhooks sends the events of its own ones again, and no others."""
    keys: list[Any] = []
    for name in ("收银系统", "报表系统"):
        scopes = ["WEBHOOK_WRITE", "ALERT_READ"]
        keys.append(await phones.do(CREATE_KEY, phones.desk.owner, name=name, scopes=scopes))
    own, other = (each["secret"] for each in keys)
    receiver.expect_oneshot_request("/hook").respond_with_data("", status=500)
    receiver.expect_request("/hook").respond_with_data("ok")
    hook = {"url": receiver.url_for("/hook"), "events": ["ALERT_RAISED"]}
    id = (await phones.do(CREATE, own, **hook))["webhook"]["id"]
    await phones.run_out()
    await phones.run()
    [failed] = await sent(phones, id)
    assert (failed["state"], failed["attempts"]) == ("PENDING", 1)
    event, key = {"deliveryId": failed["id"]}, str(uuid4())
    for by, chosen in ((other, event), (own, {"deliveryId": str(uuid4())})):
        assert (await phones.do(REDELIVER, by, **chosen))["code"] == "UNKNOWN_NOTIFICATION"
    for _ in range(2):
        again = await phones.do(REDELIVER, own, key=key, **event)
        assert (again["state"], again["attempts"]) == ("PENDING", 0)
    await phones.run()
    [delivered] = await sent(phones, id)
    assert (delivered["state"], len(receiver.log)) == ("DELIVERED", 2)
    await phones.do(DELETE, own, webhookId=id)
    assert (await phones.do(REDELIVER, own, **event))["code"] == "UNKNOWN_NOTIFICATION"
