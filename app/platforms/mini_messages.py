"""The answers of WeChat and Douyin to messages of mini-programs."""

from collections.abc import Collection
from typing import Any, NamedTuple

from app.platforms.sending import NotSubscribed, SendError

LONGEST_RECEIPT = 100


class Codes(NamedTuple):
    """Error codes of a platform: no subscription, final refusals, and used-up quotas.

    Any other code is tried again.
    """

    not_subscribed: Collection[int]
    final: Collection[int]
    waits: Collection[int]


WECHAT = Codes(
    not_subscribed=(43101,),
    # openid, template, page, fields; the app's id or secret; subscriptions are not allowed.
    final=(40003, 40037, 41030, 47003, 40013, 40125, 43107, 43108),
    waits=(45009, 45047),
)
DOUYIN = Codes(
    not_subscribed=(28014043,),
    # fields, their content, and a ban of the app.
    final=(1000, 1001, 1008, 1009),
    waits=(1010, 28006003, 28003017),
)


def check_wechat(answer: dict[str, Any]) -> None:
    """Raises SendError unless WeChat accepted the message."""
    _check(answer.get("errcode"), answer.get("errmsg"), WECHAT)


def check_douyin(answer: dict[str, Any]) -> None:
    """Raises SendError unless Douyin accepted the message."""
    _check(answer.get("err_no"), answer.get("err_tips"), DOUYIN)


def _check(code: object, message: object, codes: Codes) -> None:
    if code == 0:
        return
    if code is None:
        raise SendError("the answer has no code")
    text = f"{code}: {message}"[:200]
    if code in codes.not_subscribed:
        raise NotSubscribed(text)
    raise SendError(text, final=code in codes.final, waits=code in codes.waits)
