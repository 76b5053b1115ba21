"""Mini-programs of WeChat and Douyin: a login code becomes an identity, a phone code a number.

Protocols: developers.weixin.qq.com (code2Session, getStableAccessToken, getPhoneNumber,
subscribeMessage.send) and developer.open-douyin.com (code2Session, getAccessToken, notify,
client_token, get_phonenumber_info).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import Enum
from typing import Any, Protocol

import httpx2
import orjson

from app.platforms import mini_messages
from app.platforms.douyin_phones import DouyinPhones
from app.platforms.platform import ShopError, Token, ask, field, reading
from app.platforms.sending import TemplateMessage

LOGIN_SECONDS = 3.0
"""The timeout in seconds: the customer waits for the answer within the deadline of the request."""

LONGEST_OPENID = 128


class Refusal(Enum):
    """Why the platform refuses a code."""

    CODE = "the code is not valid, or was used"
    BLOCKED = "the platform blocks the customer"
    TOO_OFTEN = "too many requests a minute"
    APP = "the app's id or secret is wrong"


class CodeRefused(Exception):
    """The platform refused the code."""

    def __init__(self, why: Refusal, message: str) -> None:
        super().__init__(message)
        self.why = why


class MiniApp(Protocol):
    """One mini-program. Calls raise CodeRefused, and ShopError when the platform is away."""

    async def openid(self, code: str) -> str:
        """The customer's id in this app, for the code of a login."""
        ...

    async def phone(self, code: str) -> str | None:
        """The number that the customer consented to give, for the code of that consent; None for
        a platform that gives no numbers."""
        ...

    async def notify(self, openid: str, message: TemplateMessage) -> str:
        """Sends a message that the person has subscribed to; returns the platform's receipt.

        Raises SendError as well.
        """
        ...


WECHAT_REFUSALS = {
    40029: Refusal.CODE,
    40163: Refusal.CODE,
    41008: Refusal.CODE,
    40226: Refusal.BLOCKED,
    45011: Refusal.TOO_OFTEN,
    40013: Refusal.APP,
    40125: Refusal.APP,
    41002: Refusal.APP,
    41004: Refusal.APP,
}
STALE_TOKEN = (40001, 40014, 42001)


class WechatMiniApp:
    """A mini-program of WeChat. `http` is shared, `url` is the host of WeChat's server API."""

    def __init__(self, http: httpx2.AsyncClient, url: str, app_id: str, secret: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._token = Token(self._renewed)

    async def openid(self, code: str) -> str:
        query = {
            "appid": self._app_id,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        url = f"{self._url}/sns/jscode2session"
        return _openid(_good(await ask(self._http, "GET", url, query, seconds=LOGIN_SECONDS)))

    async def phone(self, code: str) -> str:
        answer = await self._post("/wxa/business/getuserphonenumber", {"code": code}, LOGIN_SECONDS)
        with reading():
            return str(field(_good(answer), "phone_info", "phoneNumber"))

    async def notify(self, openid: str, message: TemplateMessage) -> str:
        body = {
            "touser": openid,
            "template_id": message.template,
            "data": {name: {"value": text} for name, text in message.fields.items()},
            **({"page": message.page} if message.page else {}),
        }
        answer = await self._post("/cgi-bin/message/subscribe/send", body)
        mini_messages.check_wechat(answer)
        return str(answer.get("msgid", "ok"))[: mini_messages.LONGEST_RECEIPT]

    async def _post(self, path: str, body: Any, seconds: float | None = None) -> dict[str, Any]:
        async def post(token: str) -> dict[str, Any]:
            query, content = {"access_token": token}, orjson.dumps(body)
            return await ask(self._http, "POST", f"{self._url}{path}", query, content, seconds)

        return await _with_token(self._token, post, "errcode", STALE_TOKEN)

    async def _renewed(self) -> tuple[str, int]:
        # The stable token: a request by one process does not invalidate another's.
        body = orjson.dumps(
            {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        )
        url = f"{self._url}/cgi-bin/stable_token"
        answer = _good(await ask(self._http, "POST", url, {}, body, seconds=LOGIN_SECONDS))
        with reading():
            return str(field(answer, "access_token")), int(field(answer, "expires_in"))


DOUYIN_REFUSALS = {
    40018: Refusal.CODE,
    40019: Refusal.CODE,
    40014: Refusal.CODE,
    40015: Refusal.APP,
    40017: Refusal.APP,
    45011: Refusal.TOO_OFTEN,
}
OPEN_REFUSALS = {10003: Refusal.APP, 10013: Refusal.APP, 2100005: Refusal.APP}
DOUYIN_STALE_TOKEN = (40002, 28001003, 28001008)


class DouyinMiniApp:
    """A mini-program of Douyin. `http` is shared, `url` is the host of Douyin's login. It gives
    numbers when the app's key for `phones` is set."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        url: str,
        app_id: str,
        secret: str,
        phones: DouyinPhones | None = None,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._phones = phones
        self._token = Token(self._renewed)
        self._open_token = Token(self._renewed_open)

    async def openid(self, code: str) -> str:
        body = orjson.dumps({"appid": self._app_id, "secret": self._secret, "code": code})
        url = f"{self._url}/api/apps/v2/jscode2session"
        answer = await ask(self._http, "POST", url, {}, body, seconds=LOGIN_SECONDS)
        _refuse(answer.get("err_no", 0), answer.get("err_tips"), DOUYIN_REFUSALS)
        with reading():
            return _openid(field(answer, "data"))

    async def phone(self, code: str) -> str | None:
        if self._phones is None:
            return None
        phones = self._phones

        async def post(token: str) -> dict[str, Any]:
            url = f"{phones.url}/api/apps/v1/get_phonenumber_info/"
            body, headers = orjson.dumps({"code": code}), {"access-token": token}
            return await ask(self._http, "POST", url, {}, body, LOGIN_SECONDS, headers)

        answer = await _with_token(self._open_token, post, "err_no", DOUYIN_STALE_TOKEN)
        _refuse(answer.get("err_no", 0), answer.get("err_tips"), DOUYIN_REFUSALS)
        with reading():
            return phones.read(field(answer, "data"), self._app_id)

    async def notify(self, openid: str, message: TemplateMessage) -> str:
        async def post(token: str) -> dict[str, Any]:
            body = {
                "access_token": token,
                "app_id": self._app_id,
                "tpl_id": message.template,
                "open_id": openid,
                "data": dict(message.fields),
                "page": message.page or "",
            }
            url = f"{self._url}/api/apps/subscribe_notification/developer/v1/notify"
            return await ask(self._http, "POST", url, {}, orjson.dumps(body))

        answer = await _with_token(self._token, post, "err_no", DOUYIN_STALE_TOKEN)
        mini_messages.check_douyin(answer)
        return str(answer.get("log_id", "ok"))[: mini_messages.LONGEST_RECEIPT]

    async def _renewed(self) -> tuple[str, int]:
        body = orjson.dumps(
            {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        )
        answer = await ask(self._http, "POST", f"{self._url}/api/apps/v2/token", {}, body)
        _refuse(answer.get("err_no", 0), answer.get("err_tips"), DOUYIN_REFUSALS)
        with reading():
            token, seconds = field(answer, "data", "access_token"), answer["data"]["expires_in"]
            return str(token), int(seconds)

    async def _renewed_open(self) -> tuple[str, int]:
        """The token of the open platform, which differs from the token for messages."""
        assert self._phones is not None
        call = {"client_key": self._app_id, "client_secret": self._secret}
        body = orjson.dumps({"grant_type": "client_credential", **call})
        url = f"{self._phones.url}/oauth/client_token/"
        answer = await ask(self._http, "POST", url, {}, body, LOGIN_SECONDS)
        with reading():
            data = field(answer, "data")
            _refuse(data.get("error_code", 0), data.get("description"), OPEN_REFUSALS)
            return str(field(data, "access_token")), int(field(data, "expires_in"))


async def _with_token(
    token: Token,
    post: Callable[[str], Awaitable[dict[str, Any]]],
    code: str,
    stale: Collection[int],
) -> dict[str, Any]:
    """The answer of a request with the token, which is renewed once when the platform rejects it;
    `code` names the field of the error code."""
    value = await token.value()
    answer = await post(value)
    if answer.get(code) in stale:
        token.over(value)
        answer = await post(await token.value())
    return answer


def _good(answer: dict[str, Any]) -> dict[str, Any]:
    _refuse(answer.get("errcode", 0), answer.get("errmsg"), WECHAT_REFUSALS)
    return answer


def _refuse(code: object, message: object, refusals: Mapping[int, Refusal]) -> None:
    """Raise CodeRefused for a code that is not 0 and known, ShopError for another."""
    if code == 0:
        return
    text = f"{code}: {message}"[:200]
    why = refusals.get(code) if isinstance(code, int) else None
    if why is None:
        raise ShopError(text, passing=True)
    raise CodeRefused(why, text)


def _openid(answer: Any) -> str:
    with reading():
        openid = field(answer, "openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= LONGEST_OPENID:
            raise ValueError("openid")
        return openid
