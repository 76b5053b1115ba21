"""Local shops that speak the platforms' protocols and check every signature.

`mall.trouble` is what happens to the next calls: each takes one, "" is a good answer.
`mall.broken` is what Douyin says of an order instead.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

APP, SECRET, SHOP, TOKEN = "app-1", "s3cret", "4711", "wx-token"
SLOW_SECONDS = 0.6


@dataclass
class Mall:
    """Douyin and WeChat in one server; `stock` by SKU, as it was set last."""

    server: HTTPServer
    stock: dict[str, int] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    token: str = "token-1"
    meanwhile: Callable[[], None] | None = None
    heard: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        everything = self.server.expect_request(re.compile(".*"))
        everything.respond_with_handler(lambda request: handle(self, request))

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def hears(self, sku: str, count: int) -> None:
        self.stock[sku] = count
        if self.heard is not None:
            self.heard()

    def sells(self, number: str, state: int, **lines: int) -> None:
        """Set an order, in SKUs and pieces, as both platforms report it."""
        self.orders[number] = state, lines


def dripping() -> Iterator[str]:
    """An answer that never ends, never silent for long."""
    for _ in range(60):
        yield " "
        time.sleep(0.1)


def answer(body: Any) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def handle(mall: Mall, request: Request) -> Response:
    mall.calls.append(request.path)
    if request.path == "/token/create":
        return answer(douyin(mall, request, {"access_token": mall.token, "expires_in": 600000}))
    if request.path == "/cgi-bin/stable_token":
        call = request.get_json()
        assert (call["appid"], call["secret"]) == (APP, SECRET)
        return answer({"access_token": mall.token, "expires_in": 7200})
    trouble = mall.trouble.pop(0) if mall.trouble else ""
    if trouble == "slow":
        time.sleep(SLOW_SECONDS)
    if trouble == "drip":
        return Response(dripping(), content_type="application/json")
    if trouble == "500":
        return Response("oops", status=500)
    if trouble == "wrong":
        return Response("<html>", status=200)
    if mall.meanwhile is not None:
        mall.meanwhile()
    if request.path.startswith("/channels/"):
        return answer(wechat(mall, request, trouble))
    return answer(douyin(mall, request, None, trouble))


def douyin(mall: Mall, request: Request, data: Any, trouble: str = "") -> Any:
    query, body = request.args, request.get_data(as_text=True)
    parts = [SECRET, "app_key", APP, "method", query["method"], "param_json", body]
    parts += ["timestamp", query["timestamp"], "v", "2", SECRET]
    right = hmac.new(SECRET.encode(), "".join(parts).encode(), hashlib.sha256).hexdigest()
    if query["sign"] != right or query["app_key"] != APP:
        return {"code": 40003, "sub_code": "isv.sign-error", "sub_msg": "签名错误"}
    sent = datetime.strptime(f"{query['timestamp']} +0800", "%Y-%m-%d %H:%M:%S %z")
    assert abs(datetime.now(UTC) - sent) < timedelta(minutes=10)
    if data is not None:
        assert json.loads(body)["shop_id"] == SHOP
        return {"code": 10000, "data": data}
    if trouble == "token" or query["access_token"] != mall.token:
        return {"code": 40003, "sub_code": "isv.access-token-expired", "sub_msg": "过期"}
    if trouble == "busy":
        return {"code": 50002, "sub_code": "isp.service-error", "sub_msg": "系统繁忙"}
    if trouble == "never":
        return {"code": 50002, "sub_code": "isv.business-failed:2010001", "sub_msg": "无此商品"}
    call = json.loads(body)
    if request.path == "/sku/syncStock":
        assert call["incremental"] is False
        mall.marks.append(call["idempotent_id"])
        mall.hears(call["sku_id"], call["stock_num"])
        return {"code": 10000, "data": {}}
    assert request.path == "/order/orderDetail", request.path
    state, lines = mall.orders[call["shop_order_id"]]
    detail = {
        "order_id": call["shop_order_id"],
        "order_status": state,
        "mask_post_receiver": "张*",
        "mask_post_tel": "138****0000",
        "sku_order_list": [{"sku_id": int(sku[1:]), "item_num": n} for sku, n in lines.items()],
    }
    detail |= mall.broken.get(call["shop_order_id"], {})
    return {"code": 10000, "data": {"shop_order_detail": detail}}


def wechat(mall: Mall, request: Request, trouble: str) -> Any:
    if trouble == "token" or request.args["access_token"] != mall.token:
        return {"errcode": 42001, "errmsg": "access_token expired"}
    if trouble == "busy":
        return {"errcode": -1, "errmsg": "system error"}
    if trouble == "never":
        return {"errcode": 10020051, "errmsg": "sku not exist"}
    call = request.get_json()
    if request.path == "/channels/ec/product/stock/update":
        assert call["diff_type"] == 3
        assert call["product_id"]
        mall.hears(call["sku_id"], call["num"])
        return {"errcode": 0, "errmsg": "ok"}
    assert request.path == "/channels/ec/order/get", request.path
    state, lines = mall.orders[call["order_id"]]
    infos = [{"sku_id": sku[1:], "product_id": "1", "sku_cnt": n} for sku, n in lines.items()]
    address = {"user_name": "李*", "tel_number": "139****0000"}
    detail = {"product_infos": infos, "delivery_info": {"address_info": address}}
    return {"errcode": 0, "order": {"order_id": 1, "status": state, "order_detail": detail}}


def douyin_push(numbers: str | list[str], tag: str, id: str = "") -> tuple[bytes, dict[str, str]]:
    """Messages as Douyin sends them, and their headers."""
    messages = []
    for number in [numbers] if isinstance(numbers, str) else numbers:
        order: Any = int(number) if number.isdigit() and len(number) < 19 else number
        data = json.dumps({"p_id": order})
        messages.append({"tag": tag, "msg_id": id or f"{number}-{tag}", "data": data})
    body = json.dumps(messages).encode()
    signed = hashlib.md5(APP.encode() + body + SECRET.encode()).hexdigest()
    return body, {"app-id": APP, "event-sign": signed}


def wechat_push(number: str, event: str) -> tuple[bytes, dict[str, str]]:
    """A message as WeChat sends it, and its query."""
    stamp, nonce = str(int(time.time())), "n0nce"
    text = "".join(sorted((TOKEN, stamp, nonce)))
    query = {"timestamp": stamp, "nonce": nonce}
    query["signature"] = hashlib.sha1(text.encode()).hexdigest()
    message = {"MsgType": "event", "Event": event, "CreateTime": 1, "order_info": {}}
    message["order_info"] = {"order_id": int(number)}
    return json.dumps(message).encode(), query
