"""Problems of signing in, sessions and passwords."""

import strawberry

from app.domain import errors
from app.schema.problems import Problem, as_sent, problem


@problem(errors.SignInFailed, description="The login or the password is wrong. 登录失败")
class SignInFailed(Problem):
    pass


@problem(errors.SessionEnded, description="The session has ended; sign in again. 会话已结束")
class SessionEnded(Problem):
    pass


@problem(errors.WrongPassword, description="The old password is wrong. 原密码不正确")
class WrongPassword(Problem):
    pass


@problem(
    errors.UnknownSession,
    description="No open session visible to you has this id. 会话不存在",
)
class UnknownSession(Problem):
    asked: str = as_sent()


@problem(
    errors.TooManyAttempts,
    description="Too many failed attempts; wait before the next one. 尝试过多",
)
class TooManyAttempts(Problem):
    retry_after: int = strawberry.field(
        description="Seconds to wait before the next attempt. 等待秒数"
    )
