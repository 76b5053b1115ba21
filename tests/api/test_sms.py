"""Alerts by SMS: accounts, phones, reports of the provider, and lost answers."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.db.seals import SEALS
from app.domain.people.seals import seal_again
from app.run.embedded import Urls
from tests.api.test_notices import CREATE, TARGET
from tests.api.test_webhooks import ROTATE
from tests.conftest import SECRET as FORMER
from tests.conftest import unheard
from tests.support.phones import LOG, Phones
from tests.support.sms_server import KEY, SECRET, SmsServer

ACCOUNT = """
mutation($input: SetSmsAccountInput!) { setSmsAccount(input: $input) {
  ... on SmsAccount { provider keyId signName sdkAppId setBy { name } } ... on Problem { code }
} }
"""
PHONE = """
mutation($input: SetMyPhoneInput!) { setMyPhone(input: $input) {
  ... on MessagePhone { phone } ... on Problem { code }
} }
"""
ALIYUN = {"provider": "ALIYUN", "keyId": KEY, "secret": SECRET, "signName": "库存"}
TENCENT = {**ALIYUN, "provider": "TENCENT", "sdkAppId": "1400006666"}


async def connect(phones: Phones, account: dict[str, Any] = ALIYUN) -> None:
    """The chain has an account and a template, and the manager a phone."""
    answer = await phones.do(ACCOUNT, phones.desk.owner, **account)
    assert answer["provider"] == account["provider"]
    await phones.template("SMS")
    assert (await phones.do(PHONE, phone="138 1234 5678"))["phone"] == "+8613812345678"


async def test_an_account_is_sealed_and_logged(phones: Phones) -> None:
    await connect(phones)
    assert (await phones.desk.ask(LOG))["nodes"][1]["act"] == "SET_SMS_ACCOUNT"
    known = await phones.desk.ask("{ smsAccount { keyId signName setBy { name } } }")
    assert known["keyId"] == KEY
    for wrong in ({**ALIYUN, "sdkAppId": "1"}, {**TENCENT, "sdkAppId": None}):
        input = {"key": str(uuid4()), **wrong}
        assert await phones.desk.asking.code(ACCOUNT, phones.desk.owner, input=input) == "BAD_INPUT"
    input = {"key": str(uuid4()), **ALIYUN}
    assert await phones.desk.asking.code(ACCOUNT, phones.desk.manager, input=input) == "FORBIDDEN"


async def test_a_phone_is_ones_own(phones: Phones) -> None:
    for wrong in ("021-62345678", "13812345678 13912345678", "+1 202 555 0100", "x"):
        input = {"key": str(uuid4()), "phone": wrong}
        assert await phones.desk.asking.code(PHONE, phones.desk.manager, input=input) == "BAD_INPUT"
    await phones.do(PHONE, phone="13812345678")
    assert (await phones.desk.ask("{ myPhone { phone } }"))["phone"] is None, "the owner's"
    assert (await phones.do(PHONE, phone=None))["phone"] is None


@pytest.mark.parametrize("account", [ALIYUN, TENCENT])
@pytest.mark.parametrize(("status", "state"), [("delivered", "DELIVERED"), ("failed", "DEAD")])
async def test_the_provider_reports_later(
    phones: Phones, sms: SmsServer, account: dict[str, Any], status: str, state: str
) -> None:
    await connect(phones, account)
    await phones.run_out()
    await phones.run()
    [message] = sms.sent
    assert "大米已断货，请立即补货" in str(message["values"])
    delivery = (await phones.messages())["SMS"]
    assert (delivery["state"], delivery["attempts"]) == ("SENT", 1)
    assert delivery["receipt"] in ("biz-1", "serial-1")
    await phones.due()
    await phones.run()
    assert (await phones.messages())["SMS"]["state"] == "SENT", "it is not reported yet"
    sms.status = status
    await phones.due()
    await phones.run()
    delivery = (await phones.messages())["SMS"]
    assert (delivery["state"], delivery["attempts"]) == (state, 1)
    assert len(sms.sent) == 1


@pytest.mark.parametrize("account", [ALIYUN, TENCENT])
async def test_a_lost_answer_sends_no_second_message(
    phones: Phones, sms: SmsServer, account: dict[str, Any]
) -> None:
    """The provider is asked for our own id before a message is sent again."""
    await connect(phones, account)
    sms.lost, sms.status = 1, "delivered"
    await phones.run_out()
    await phones.run()
    assert (await phones.messages())["SMS"]["state"] == "PENDING"
    await phones.due()
    await phones.run()
    assert (await phones.messages())["SMS"]["state"] == "SENT"
    assert len(sms.sent) == 1


async def test_sms_comes_after_the_mini_program(phones: Phones, sms: SmsServer) -> None:
    await connect(phones)
    openid = await phones.subscribe()
    await phones.run_out("大米")
    await phones.run()
    assert (sms.sent, len(phones.mini.sent)) == ([], 1)
    await phones.subscribe()
    phones.mini.subscribed.clear()
    await phones.run_out("面粉")
    await phones.run()
    await phones.run()
    assert len(sms.sent) == 1, openid


async def test_a_new_secret_seals_everything_again(
    phones: Phones, urls: Urls, sms: SmsServer
) -> None:
    """After the job, the former secret is needed by none of a chain's accounts and addresses."""
    await connect(phones)
    openid = await phones.subscribe()
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["ALERT_RAISED"]}
    created = await phones.do(CREATE, phones.desk.owner, **hook)
    await phones.do(ROTATE, phones.desk.owner, webhookId=created["webhook"]["id"])
    await phones.do(TARGET, phones.desk.owner, name="群", url="dingtalk://abc123def456")
    later = "the secret after that, known to the tests only"
    for former in (FORMER, ""):
        db = Database(urls.database, unheard, 2, Vault(later, former))
        if former:
            await seal_again(db, phones.tenant)
        async with db.unit(phones.tenant) as unit:
            for seal in SEALS:
                mine = select(seal.table).where(seal.table.tenant_id == phones.tenant)
                for row in await unit.session.scalars(mine):
                    if sealed := getattr(row, seal.column):
                        text = db.vault.open(phones.tenant, seal.id_of(row), sealed)
                        assert seal.column != "sealed_openid" or text == openid
        await db.close()
