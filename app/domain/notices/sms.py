"""SMS: the chain's account at Aliyun or Tencent Cloud, the phones of staff, and the clients."""

from typing import NamedTuple
from uuid import UUID

import httpx2

from app.db import sms as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.db.tables import SmsAccount
from app.domain.access import Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed
from app.domain.people import contacts
from app.domain.rules.phones import numbers
from app.domain.rules.texts import clean
from app.platforms.sms import AliyunSms, SmsCredentials, SmsProvider, TencentSms
from app.settings import Settings

PROVIDERS = {"ALIYUN": AliyunSms, "TENCENT": TencentSms}


class SmsClients:
    """Clients of the chains' accounts; one per process."""

    def __init__(self, settings: Settings) -> None:
        self._urls = {"ALIYUN": settings.aliyun_sms_url, "TENCENT": settings.tencent_sms_url}
        self._http = httpx2.AsyncClient()

    def of(self, vault: Vault, row: SmsAccount) -> SmsProvider:
        """The client of an account. Raises Unopened when its secret cannot be opened."""
        secret = vault.open(row.tenant_id, row.tenant_id, row.sealed_secret)
        account = SmsCredentials(row.key_id, secret, row.sign_name, row.sdk_app_id or "")
        return PROVIDERS[row.provider](self._http, self._urls[row.provider], account)

    async def close(self) -> None:
        await self._http.aclose()


class AccountDescription(NamedTuple):
    """An account as the owner gives it; `sdk_app_id` is of Tencent's SMS application."""

    provider: str
    key_id: str
    secret: str
    sign_name: str
    sdk_app_id: str | None


async def set_sms_account(
    db: Database, viewer: Viewer, key: UUID, described: AccountDescription
) -> SmsAccount:
    """Sets the chain's account, in place of the one before; the secret is sealed.

    Raises Malformed without the id of Tencent's application.
    """
    row = SmsAccount(
        tenant_id=viewer.tenant,
        provider=described.provider,
        key_id=clean(described.key_id, "keyId", 100, required=True),
        sign_name=clean(described.sign_name, "signName", 30, required=True),
        sdk_app_id=clean(described.sdk_app_id, "sdkAppId", 30),
        set_by=viewer.actor,
    )
    if (row.provider == "TENCENT") != (row.sdk_app_id is not None):
        raise Malformed(
            "sdkAppId",
            "腾讯云须填写短信应用的 SdkAppId，阿里云不填",
            "Give the SdkAppId of the SMS application for TENCENT, and none for ALIYUN.",
        )
    secret = clean(described.secret, "secret", 200, required=True)
    row.sealed_secret = db.vault.seal(viewer.tenant, viewer.tenant, secret)
    sent = contacts.printed(db.vault, viewer.tenant, secret)
    request = ("setSmsAccount", row.provider, row.key_id, sent, row.sign_name, row.sdk_app_id)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, viewer.tenant, *request) is None:
            await rows.put_sms_account(unit, row)
            act = Act.SET_SMS_ACCOUNT, Subject.CHAIN, viewer.tenant
            await record_act(unit, viewer, *act, provider=row.provider)
        present = await rows.sms_account(unit.session, viewer.tenant)
    assert present is not None, "an account is never deleted"
    return present


async def set_my_phone(db: Database, viewer: Viewer, key: UUID, phone: str | None) -> str | None:
    """Sets the phone on which the viewer receives SMS; None deletes it. Returns it as +86….

    Raises Malformed for a text that is not one Chinese mobile number.
    """
    phone = clean(phone, "phone", 30)
    number = None if phone is None else _mobile(phone)
    sent = None if number is None else contacts.printed(db.vault, viewer.tenant, number)
    async with db.unit(viewer.tenant) as unit:
        request = ("setMyPhone", viewer.actor, sent)
        if await claim(unit, viewer.claimant, key, viewer.actor, *request) is None:
            if number is None:
                await rows.remove_phone(unit, viewer.actor)
            else:
                sealed = db.vault.seal(viewer.tenant, viewer.actor, number)
                await rows.put_phone(unit, viewer.actor, sealed)
    return await my_phone(db, db.vault, viewer)


def _mobile(text: str) -> str:
    matches = numbers(text)
    number = matches[0].e164 if len(matches) == 1 else ""
    if not (number.startswith("+861") and len(number) == len("+8613812345678")):
        raise Malformed(
            "phone",
            "请填写 11 位手机号码，例如 13812345678",
            "Give a mobile number in China, such as 13812345678.",
        )
    return number


async def my_phone(reads: Reads, vault: Vault, viewer: Viewer) -> str | None:
    """The phone on which the viewer receives SMS, as +86…; None without one."""
    async with reads.read(viewer.tenant) as session:
        row = await rows.phone_of(session, viewer.tenant, viewer.actor)
    return row and vault.open(row.tenant_id, row.staff_id, row.sealed_phone)
