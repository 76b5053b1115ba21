"""A local server that speaks the login protocols of WeChat's and Douyin's mini-programs.

A code is `ok:<openid>`, and works once. Other codes are troubles by name: "blocked", "often",
"busy", "slow", "drip", "html", "500", "list", "empty", "long"; anything else is no code.
"""

import base64
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.mall import answer, dripping
from tests.support.worker import Gate

APP, SECRET = "wx-mini-1", "s3cret-mini"
KEY = generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
WECHAT_TROUBLES = {"blocked": 40226, "often": 45011, "busy": -1}
DOUYIN_TROUBLES = {"often": 45011, "busy": -1}
BODIES = {"html": "<html>", "list": "[]", "empty": '{"errcode": 0, "err_no": 0, "data": {}}'}


@dataclass
class MiniProgram:
    """Both platforms in one server. `tokens` counts the access tokens that were given."""

    server: HTTPServer
    used: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    tokens: int = 0
    stale: bool = False
    subscribed: Counter[str] = field(default_factory=Counter)
    """How many messages each openid has subscribed to."""
    sent: list[Any] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)
    failing: int = 0
    """The error code of every message while it is not 0."""

    def __post_init__(self) -> None:
        everything = self.server.expect_request(re.compile(".*"))
        everything.respond_with_handler(lambda request: handle(self, request))

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def take(self, code: str) -> str | None:
        """What stands behind the code; None for one that is used or none."""
        known, _, name = code.partition(":")
        if known != "ok" or code in self.used:
            return None
        self.used.add(code)
        return name

    def rejects(self, token: str) -> bool:
        """Whether a token is stale; the next one is good."""
        stale, self.stale = self.stale, False
        return stale or token != f"token-{self.tokens}"

    def take_message(self, openid: str, message: Any, none_left: int) -> int:
        """Keep a message that was subscribed to; the error code, or 0."""
        if self.failing:
            return self.failing
        if not self.subscribed[openid]:
            return none_left
        self.subscribed[openid] -= 1
        self.sent.append({"to": openid, **message})
        self.gate.hold()
        return 0


def handle(mini: MiniProgram, request: Request) -> Response:
    mini.calls.append(request.path)
    match request.path:
        case "/sns/jscode2session":
            assert request.method == "GET"
            query = request.args
            assert query["grant_type"] == "authorization_code"
            if query["secret"] != SECRET:
                return answer({"errcode": 40125, "errmsg": "invalid appsecret"})
            return session(mini, query["js_code"], wechat)
        case "/api/apps/v2/jscode2session":
            call = request.get_json()
            if call["secret"] != SECRET:
                return answer({"err_no": 40017, "err_tips": "bad secret"})
            return session(mini, call["code"], douyin)
        case "/cgi-bin/stable_token":
            call = request.get_json()
            assert call["grant_type"] == "client_credential"
            assert (call["appid"], call["secret"]) == (APP, SECRET)
            mini.tokens += 1
            return answer({"access_token": f"token-{mini.tokens}", "expires_in": 7200})
        case "/wxa/business/getuserphonenumber":
            return phone(mini, request)
        case "/cgi-bin/message/subscribe/send":
            return wechat_message(mini, request)
        case "/api/apps/v2/token":
            call = request.get_json()
            assert call == {"grant_type": "client_credential", "appid": APP, "secret": SECRET}
            mini.tokens += 1
            data = {"access_token": f"token-{mini.tokens}", "expires_in": 7200}
            return answer({"err_no": 0, "err_tips": "success", "data": data})
        case "/oauth/client_token/":
            call = request.get_json()
            assert call["grant_type"] == "client_credential"
            assert (call["client_key"], call["client_secret"]) == (APP, SECRET)
            mini.tokens += 1
            data = {"access_token": f"token-{mini.tokens}", "expires_in": 7200, "error_code": 0}
            return answer({"message": "success", "data": data})
        case "/api/apps/v1/get_phonenumber_info/":
            return douyin_phone(mini, request)
        case "/api/apps/subscribe_notification/developer/v1/notify":
            return douyin_message(mini, request)
    return Response(status=404)


def wechat_message(mini: MiniProgram, request: Request) -> Response:
    if mini.rejects(request.args["access_token"]):
        return answer({"errcode": 42001, "errmsg": "access_token expired"})
    call = request.get_json()
    data = {name: each["value"] for name, each in call["data"].items()}
    wrong = [name for name, text in data.items() if not text or len(text) > 20]
    if wrong:
        return answer({"errcode": 47003, "errmsg": f"argument invalid! data.{wrong[0]}"})
    code = mini.take_message(call["touser"], {"template": call["template_id"], **data}, 43101)
    return answer({"errcode": code, "errmsg": str(code), "msgid": 1000 + len(mini.sent)})


def douyin_message(mini: MiniProgram, request: Request) -> Response:
    call = request.get_json()
    if mini.rejects(call["access_token"]):
        return answer({"err_no": 28001008, "err_tips": "access_token expired"})
    assert call["app_id"] == APP
    code = mini.take_message(
        call["open_id"], {"template": call["tpl_id"], **call["data"]}, 28014043
    )
    return answer({"err_no": code, "err_tips": str(code)})


def session(mini: MiniProgram, code: str, say: Any) -> Response:
    if code == "drip":
        return Response(dripping(), content_type="application/json")
    if code == "500":
        return Response("oops", status=500)
    if code in BODIES:
        return Response(BODIES[code], content_type="application/json")
    return answer(say(mini, code))


def wechat(mini: MiniProgram, code: str) -> Any:
    if code in WECHAT_TROUBLES:
        return {"errcode": WECHAT_TROUBLES[code], "errmsg": code}
    openid = "o" * 200 if code == "long" else mini.take(code)
    if openid is None:
        used = code in mini.used
        return {"errcode": 40163 if used else 40029, "errmsg": "code been used, rid: 1"}
    return {"openid": openid, "session_key": "k", "unionid": "u"}


def douyin(mini: MiniProgram, code: str) -> Any:
    if code in DOUYIN_TROUBLES:
        return {"err_no": DOUYIN_TROUBLES[code], "err_tips": code}
    openid = "o" * 200 if code == "long" else mini.take(code)
    if openid is None:
        return {"err_no": 40018, "err_tips": "bad code"}
    data = {"openid": openid, "session_key": "k", "unionid": "u", "anonymous_openid": ""}
    return {"err_no": 0, "err_tips": "success", "data": data}


def phone(mini: MiniProgram, request: Request) -> Response:
    if mini.rejects(request.args["access_token"]):
        return answer({"errcode": 40001, "errmsg": "invalid credential"})
    number = mini.take(json.loads(request.get_data())["code"])
    if number is None:
        return answer({"errcode": 40029, "errmsg": "invalid code"})
    info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
    return answer({"errcode": 0, "errmsg": "ok", "phone_info": info})


def douyin_phone(mini: MiniProgram, request: Request) -> Response:
    """The number, encrypted for the app; a code `other:<number>` is encrypted for another app."""
    if mini.rejects(request.headers["access-token"]):
        return answer({"err_no": 28001008, "err_tips": "access_token expired"})
    code = request.get_json()["code"]
    app, code = ("tt-other", f"ok:{code[6:]}") if code.startswith("other:") else (APP, code)
    number = mini.take(code)
    if number is None:
        return answer({"err_no": 40018, "err_tips": "bad code"})
    info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
    plain = json.dumps({**info, "watermark": {"appid": app, "timestamp": 1}}).encode()
    sealed = KEY.public_key().encrypt(plain, PKCS1v15())
    data = base64.b64encode(sealed).decode()
    return answer({"err_no": 0, "err_tips": "success", "log_id": "1", "data": data})
