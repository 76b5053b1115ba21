"""Roots of SMS: the chain's account, and the phone of a member of staff."""

import strawberry
from strawberry.types import Info

from app.db import sms as rows
from app.db.tables import SmsAccount
from app.domain.access import Can
from app.domain.notices import sms
from app.domain.notices.sms import AccountDescription
from app.resolvers.roots import root
from app.schema import sms as types


@strawberry.type
class SmsQuery:
    @root(
        Can.CONNECT_SMS,
        types.SmsAccount | None,
        description="Return the account by which the chain sends SMS; null without one. 短信账号",
    )
    async def sms_account(self, info: Info) -> SmsAccount | None:
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return await rows.sms_account(session, tenant)

    @root(
        Can.RECEIVE_MESSAGES,
        types.MessagePhone,
        description="Return the phone on which you receive SMS. 接收短信的手机",
    )
    async def my_phone(self, info: Info):
        context = info.context
        phone = await sms.my_phone(context.snapshot, context.app.db.vault, context.viewer)
        return types.MessagePhone(phone=phone)


@strawberry.type
class SmsMutation:
    @root(
        Can.CONNECT_SMS,
        types.SetSmsAccountResult,
        description="Set the account by which the chain sends SMS, in place of the one before. "
        "The template is set by `setMessageTemplate`. 对接短信",
    )
    async def set_sms_account(self, info: Info, input: types.SetSmsAccountInput) -> SmsAccount:
        db, viewer = info.context.app.db, info.context.viewer
        account = AccountDescription(
            input.provider.name, input.key_id, input.secret, input.sign_name, input.sdk_app_id
        )
        return await sms.set_sms_account(db, viewer, input.key, account)

    @root(
        Can.RECEIVE_MESSAGES,
        types.SetMyPhoneResult,
        description="Set the phone on which you receive alerts by SMS, when no mini-program "
        "reaches you. 设置接收短信的手机",
    )
    async def set_my_phone(self, info: Info, input: types.SetMyPhoneInput):
        db, viewer = info.context.app.db, info.context.viewer
        phone = await sms.set_my_phone(db, viewer, input.key, input.phone)
        return types.MessagePhone(phone=phone)
