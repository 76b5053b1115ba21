"""Roots of sessions and passwords."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import identity as rows
from app.db import tables
from app.domain.access import Can
from app.domain.people import passwords, sign_in
from app.domain.people.customer_accounts import LoginCode, sign_in_with
from app.domain.people.sign_in import Credentials, SignedIn
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import sessions as types
from app.schema.arguments import After, Before, First, Last
from app.schema.paging import Connection, PageArguments


async def with_code(info: Info, channel: str, input: types.SignInWithCodeInput) -> SignedIn:
    """A session of the customer whose mini-program gave the code."""
    app = info.context.app
    login = LoginCode(channel, input.code, input.store, input.tenant, input.device_name)
    return await sign_in_with(app.gate, app.mini_apps, login)


@strawberry.type
class SessionsQuery:
    @root(
        Can.MANAGE_SELF,
        Connection[types.Session],
        description="List the open sessions of your account, the newest first; with `staffId` "
        "those of another account, which needs MANAGE_STAFF. 会话列表",
    )
    async def sessions(
        self,
        info: Info,
        staff_id: Annotated[
            UUID | None,
            strawberry.argument(description="ID of a staff account; your own by default."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        snapshot, viewer = info.context.snapshot, info.context.viewer
        staff = await sign_in.listed_staff(snapshot, viewer, staff_id)
        return await newest(
            info, rows.sessions_of, staff, paging=PageArguments(first, after, last, before)
        )


@strawberry.type
class SessionsMutation:
    @root(
        Can.SIGN_IN,
        types.SignInResult,
        description="Sign in and open a session. Fails with TooManyAttempts after 5 wrong "
        "passwords for a login or 50 from an address within 15 minutes. 登录",
    )
    async def sign_in(self, info: Info, input: types.SignInInput) -> SignedIn:
        credentials = Credentials(
            input.login, input.password, input.tenant, input.device_token, input.device_name
        )
        return await sign_in.sign_in(info.context.app.gate, credentials, info.context.address)

    @root(
        Can.SIGN_IN,
        types.SignInWithCodeResult,
        description="Sign a customer in by the login code of the chain's WeChat mini-program. The "
        "first sign-in opens the account. 微信登录",
    )
    async def sign_in_with_wechat(self, info: Info, input: types.SignInWithCodeInput) -> SignedIn:
        return await with_code(info, "WECHAT", input)

    @root(
        Can.SIGN_IN,
        types.SignInWithCodeResult,
        description="Sign a customer in by the login code of the chain's Douyin mini-program. The "
        "first sign-in opens the account. 抖音登录",
    )
    async def sign_in_with_douyin(self, info: Info, input: types.SignInWithCodeInput) -> SignedIn:
        return await with_code(info, "DOUYIN", input)

    @root(
        Can.SIGN_IN,
        types.RefreshSessionResult,
        description="Refresh a session; each refresh token works once. A session lasts 90 days "
        "at most. 续期",
    )
    async def refresh_session(self, info: Info, input: types.RefreshSessionInput) -> SignedIn:
        return await sign_in.refresh_session(info.context.app.gate, input.refresh_token)

    @root(
        Can.MANAGE_SELF,
        types.SignOutResult,
        description="End the session of this request; its tokens stop working within a second. "
        "退出登录",
    )
    async def sign_out(self, info: Info) -> tables.Session:
        return await sign_in.sign_out(info.context.app.gate, info.context.viewer)

    @root(
        Can.MANAGE_SELF,
        types.RevokeSessionResult,
        description="End a session of your account, or of any account with MANAGE_STAFF; its "
        "tokens and open connections stop working within a second. 结束会话",
    )
    async def revoke_session(self, info: Info, input: types.RevokeSessionInput) -> tables.Session:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await sign_in.revoke_session(gate, viewer, input.key, input.session_id)

    @root(
        Can.CHANGE_PASSWORD,
        types.ChangePasswordResult,
        description="Change your password and end your other sessions. 修改密码",
    )
    async def change_password(self, info: Info, input: types.ChangePasswordInput) -> tables.Staff:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await passwords.change_password(
            gate, viewer, input.key, input.old_password, input.new_password
        )

    @root(
        Can.MANAGE_STAFF,
        types.ResetStaffPasswordResult,
        description="Set a new password for a staff account and end its sessions. 重置密码",
    )
    async def reset_staff_password(
        self, info: Info, input: types.ResetStaffPasswordInput
    ) -> tables.Staff:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await passwords.reset_password(
            gate, viewer, input.key, input.staff_id, input.password
        )
