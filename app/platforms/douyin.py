"""The Douyin shop (抖店): its open platform's protocol.

Calls are signed by HMAC-SHA256, messages by MD5 over app key, body and secret, as described in the
platform's guide (op.jinritemai.com/docs/guide-docs).
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx2
import orjson

from app.platforms.platform import (
    Account,
    Forged,
    Notice,
    OrderLine,
    ShopError,
    ShopOrder,
    Token,
    field,
    post,
    readable,
    reading,
)

CHINA = timezone(timedelta(hours=8))
GOOD = 10000
STALE_TOKEN = ("isv.access-token-expired", "isv.access-token-no-existed")
PASSING = ("isp.", "isv.flow-limit")
"""Prefixes of errors that are retried: platform failures and rate limits."""

CREATED, PAID, CANCELLED = "100", "101", "106"
"""Tags of the messages that are processed."""

STATES = {1: "NEW", 105: "PAID", 2: "PAID", 101: "PAID", 3: "PAID", 5: "PAID", 4: "CANCELLED"}


class Douyin:
    """One shop. `http` is shared, `url` the platform's gateway."""

    def __init__(self, http: httpx2.AsyncClient, url: str, account: Account) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._account = account
        self._token = Token(self._renewed)

    async def set_stock(self, sku: str, item: str, count: int, mark: str) -> None:
        parameters = {
            "sku_id": sku,
            "stock_num": count,
            "incremental": False,
            "idempotent_id": mark,
        }
        await self._ask("sku.syncStock", parameters)

    async def order(self, number: str) -> ShopOrder:
        answer = await self._ask("order.orderDetail", {"shop_order_id": number})
        with reading():
            detail = field(answer, "shop_order_detail")
            state = STATES.get(field(detail, "order_status"))
            if state is None:
                raise ShopError(f"order_status {detail['order_status']}", passing=False)
            lines = [
                OrderLine(str(field(line, "sku_id")), int(field(line, "item_num")))
                for line in field(detail, "sku_order_list")
            ]
            contact = f"{detail.get('mask_post_receiver', '')} {detail.get('mask_post_tel', '')}"
        return ShopOrder(number, state, readable(contact) or "抖音顾客", tuple(lines))

    def notices(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Sequence[Notice]:
        account = self._account
        signed = account.app_id.encode() + body + account.secret.encode()
        right = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        mine = headers.get("app-id") == account.app_id
        if not (mine and hmac.compare_digest(right, headers.get("event-sign", ""))):
            raise Forged
        return [
            Notice(str(message["msg_id"]), str(orjson.loads(message["data"])["p_id"]))
            for message in orjson.loads(body)
            if str(message["tag"]) in (CREATED, PAID, CANCELLED)
        ]

    async def _ask(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """The answer's data; an expired token is renewed once."""
        token = await self._token.value()
        try:
            return await self._call(method, parameters, token)
        except _TokenOver:
            self._token.over(token)
        try:
            return await self._call(method, parameters, await self._token.value())
        except _TokenOver as error:
            raise ShopError(str(error), passing=True) from None

    async def _renewed(self) -> tuple[str, int]:
        parameters = {
            "code": "",
            "grant_type": "authorization_self",
            "shop_id": self._account.shop_id,
        }
        data = await self._call("token.create", parameters, "")
        with reading():
            return str(field(data, "access_token")), int(field(data, "expires_in"))

    async def _call(self, method: str, parameters: Mapping[str, Any], token: str) -> Any:
        body = orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)
        now = datetime.now(UTC).astimezone(CHINA)
        query = {
            "app_key": self._account.app_id,
            "method": method,
            "timestamp": f"{now:%Y-%m-%d %H:%M:%S}",
            "v": "2",
        }
        query |= {
            "sign": sign(self._account.secret, {**query, "param_json": body.decode()}),
            "sign_method": "hmac-sha256",
            "access_token": token,
        }
        url = f"{self._url}/{method.replace('.', '/')}"
        answer = await post(self._http, url, body, query)
        if answer.get("code") == GOOD:
            return answer.get("data")
        reason = str(answer.get("sub_code") or answer.get("code"))
        message = f"{reason}: {answer.get('sub_msg') or answer.get('msg')}"
        if reason in STALE_TOKEN:
            raise _TokenOver(message)
        raise ShopError(message, passing=reason.startswith(PASSING))


class _TokenOver(Exception):
    """The platform rejected the access token."""


def sign(secret: str, parameters: Mapping[str, str]) -> str:
    """The hex HMAC-SHA256 of the parameters, sorted by name, between two copies of the secret."""
    text = secret + "".join(f"{name}{parameters[name]}" for name in sorted(parameters)) + secret
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
