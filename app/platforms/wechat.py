"""The WeChat shop (微信小店): its server API's protocol (developers.weixin.qq.com/doc/store)."""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
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

STALE_TOKEN = (40001, 40014, 42001)
PASSING = (-1, 45009, 45011)
"""Error codes worth a retry: busy, daily quota, quota per minute."""

SET = 3
EVENTS = ("channels_ec_order_new", "channels_ec_order_pay", "channels_ec_order_cancel")
STATES = {10: "NEW", 20: "PAID", 21: "PAID", 30: "PAID", 100: "PAID", 200: "CANCELLED"}
STATES[250] = "CANCELLED"
LATE_SECONDS = 600


class Wechat:
    """One shop. `http` is shared, `url` the API's host."""

    def __init__(self, http: httpx2.AsyncClient, url: str, account: Account) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._account = account
        self._token = Token(self._renewed)

    async def set_stock(self, sku: str, item: str, count: int, mark: str) -> None:
        # The call sets an absolute number, so it is idempotent without a mark.
        parameters = {"product_id": item, "sku_id": sku, "diff_type": SET, "num": count}
        await self._ask("/channels/ec/product/stock/update", parameters)

    async def order(self, number: str) -> ShopOrder:
        answer = await self._ask("/channels/ec/order/get", {"order_id": number})
        with reading():
            order = field(answer, "order")
            state = STATES.get(field(order, "status"))
            if state is None:
                raise ShopError(f"status {order['status']}", passing=False)
            detail: Any = field(order, "order_detail")
            lines = [
                OrderLine(str(field(line, "sku_id")), int(field(line, "sku_cnt")))
                for line in field(detail, "product_infos")
            ]
            address: Any = (detail.get("delivery_info") or {}).get("address_info") or {}
            contact = f"{address.get('user_name', '')} {address.get('tel_number', '')}"
        return ShopOrder(number, state, readable(contact) or "微信顾客", tuple(lines))

    def notices(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Sequence[Notice]:
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        parts = sorted((self._account.token, stamp, nonce))
        right = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(right, query.get("signature", "")):
            raise Forged
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > LATE_SECONDS:
            raise Forged
        if not body:
            return []
        message = orjson.loads(body)
        if message.get("Event") not in EVENTS:
            return []
        # The message has no id: build one from its event, order and time.
        order = str(message["order_info"]["order_id"])
        return [Notice(f"{message['Event']} {order} {message['CreateTime']}", order)]

    async def _ask(self, path: str, parameters: Mapping[str, Any]) -> Any:
        """The answer; an expired token is renewed once."""
        token = await self._token.value()
        answer = await self._call(path, parameters, token)
        if answer.get("errcode") in STALE_TOKEN:
            self._token.over(token)
            answer = await self._call(path, parameters, await self._token.value())
        return _good(answer)

    async def _renewed(self) -> tuple[str, int]:
        # The stable token: a request by one process does not invalidate another's.
        parameters = {
            "grant_type": "client_credential",
            "appid": self._account.app_id,
            "secret": self._account.secret,
            "force_refresh": False,
        }
        url = f"{self._url}/cgi-bin/stable_token"
        answer = _good(await post(self._http, url, orjson.dumps(parameters), {}))
        with reading():
            return str(field(answer, "access_token")), int(field(answer, "expires_in"))

    async def _call(self, path: str, parameters: Mapping[str, Any], token: str) -> Any:
        url, query = f"{self._url}{path}", {"access_token": token}
        return await post(self._http, url, orjson.dumps(parameters), query)


def _good(answer: Any) -> Any:
    code = answer.get("errcode", 0)
    if code:
        passing = code in PASSING or code in STALE_TOKEN
        raise ShopError(f"{code}: {answer.get('errmsg')}", passing)
    return answer
