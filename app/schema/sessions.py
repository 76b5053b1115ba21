"""Sessions and passwords, and the inputs that sign in and out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.people import sign_in
from app.schema import customer_problems, problems, session_problems
from app.schema.arguments import request_key
from app.schema.boundary import EVERY
from app.schema.edges import maybe_edge
from app.schema.identity import Actor, Staff
from app.schema.window import window


@window(tables.Session, description="A session of a staff account on one device. 会话")
class Session:
    id: UUID = strawberry.field(description="ID of the session.")
    staff: Actor | None = maybe_edge(
        "actors", "staff_id", "Member of staff who signed in; null for a customer. 员工"
    )
    device_name: str | None = strawberry.field(
        description="Name of the device, as the client gave it at sign-in. 设备名称"
    )
    created_at: datetime = strawberry.field(description="Time of the sign-in. 登录时间")
    last_used_at: datetime = strawberry.field(
        description="Time of the latest refresh. A client that is in use refreshes every 15 "
        "minutes. 最近使用时间"
    )
    expires_at: datetime = strawberry.field(
        description="Time when the session expires unless it is refreshed. 过期时间"
    )
    ended_at: datetime | None = strawberry.field(
        description="Time when the session was ended; null while it is open. 结束时间"
    )

    @strawberry.field(description="Whether this request belongs to the session. 是否当前会话")
    def current(self, root: strawberry.Parent[tables.Session], info: Info) -> bool:
        return root.id == info.context.viewer.session


@window(sign_in.SignedIn, public=EVERY, description="Tokens of a session. 登录凭证")
class SignedIn:
    access_token: str = strawberry.field(
        description="Token to send as `Authorization: Bearer <token>`; valid for 15 minutes. "
        "访问令牌"
    )
    refresh_token: str = strawberry.field(
        description="Token that `refreshSession` exchanges for new tokens; usable once, within "
        "30 days. A session lasts 90 days at most. 刷新令牌"
    )
    expires_at: datetime = strawberry.field(
        description="Time when the access token expires. 过期时间"
    )
    device_token: str = strawberry.field(
        description="Keep it on the device and send it with the next `signIn` to this account. "
        "It gives no access by itself. 设备令牌"
    )


SignInResult = Annotated[
    SignedIn | session_problems.SignInFailed | session_problems.TooManyAttempts,
    strawberry.union(
        "SignInResult",
        description="The tokens of the session, or the problem that prevented the sign-in.",
    ),
]
SignInWithCodeResult = Annotated[
    SignedIn
    | problems.UnknownStore
    | customer_problems.InvalidLoginCode
    | customer_problems.CustomerBlocked
    | session_problems.TooManyAttempts
    | customer_problems.PlatformUnavailable
    | problems.WrongState,
    strawberry.union(
        "SignInWithCodeResult",
        description="The tokens of the session, or the problem that prevented the sign-in.",
    ),
]
RefreshSessionResult = Annotated[
    SignedIn | session_problems.SessionEnded,
    strawberry.union(
        "RefreshSessionResult",
        description="The new tokens of the session, or the problem that prevented the refresh.",
    ),
]
SignOutResult = Annotated[
    Session | session_problems.SessionEnded,
    strawberry.union(
        "SignOutResult", description="The session that ended, or the problem that prevented it."
    ),
]
RevokeSessionResult = Annotated[
    Session | session_problems.UnknownSession | problems.KeyReused,
    strawberry.union(
        "RevokeSessionResult",
        description="The session that ended, or the problem that prevented it.",
    ),
]
ChangePasswordResult = Annotated[
    Staff | session_problems.WrongPassword | session_problems.TooManyAttempts | problems.KeyReused,
    strawberry.union(
        "ChangePasswordResult",
        description="The account with its new password, or the problem that prevented the change.",
    ),
]
ResetStaffPasswordResult = Annotated[
    Staff | problems.UnknownStaff | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "ResetStaffPasswordResult",
        description="The account with its new password, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `signIn`. 登录")
class SignInInput:
    login: str = strawberry.field(
        description="Login name of the account; case does not matter. 账号"
    )
    password: str = strawberry.field(description="Password of the account. 密码")
    tenant: str | None = strawberry.field(
        default=None,
        description="Code of the chain. Without it a login that several chains use may fail with "
        "SignInFailed. 商户编码",
    )
    device_token: str | None = strawberry.field(
        default=None,
        description="The `deviceToken` of an earlier sign-in to this account on this device. "
        "With it, wrong passwords sent by others cannot lock this device out. "
        "设备令牌",
    )
    device_name: str | None = strawberry.field(
        default=None,
        description="Name of the device for the list of sessions, at most 100 characters, such "
        "as `收银台 1`. 设备名称",
    )


@strawberry.input(
    description="Input of `signInWithWechat` and `signInWithDouyin`; give exactly one of `store` "
    "and `tenant`. 小程序登录"
)
class SignInWithCodeInput:
    code: str = strawberry.field(
        description="Code of `wx.login` or `tt.login`; each code works once. 登录码"
    )
    store: str | None = strawberry.field(
        default=None, description="Public code of a store of the chain. 门店编码"
    )
    tenant: str | None = strawberry.field(default=None, description="Code of the chain. 商户编码")
    device_name: str | None = strawberry.field(
        default=None,
        description="Name of the device for the list of sessions, at most 100 characters. 设备名称",
    )


@strawberry.input(description="Input of `refreshSession`. 续期")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(
        description="Latest refresh token of the session. 刷新令牌"
    )


@strawberry.input(description="Input of `revokeSession`. 结束会话")
class RevokeSessionInput:
    key: UUID = request_key()
    session_id: UUID = strawberry.field(description="ID of the session to end.")


@strawberry.input(description="Input of `changePassword`. 修改密码")
class ChangePasswordInput:
    key: UUID = request_key()
    old_password: str = strawberry.field(description="Present password of the account. 原密码")
    new_password: str = strawberry.field(
        description="New password, from 10 to 128 characters and hard to guess. 新密码"
    )


@strawberry.input(description="Input of `resetStaffPassword`. 重置密码")
class ResetStaffPasswordInput:
    key: UUID = request_key()
    staff_id: UUID = strawberry.field(description="ID of the staff account.")
    password: str = strawberry.field(
        description="New password, from 10 to 128 characters and hard to guess. 新密码"
    )
