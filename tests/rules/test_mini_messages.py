"""What WeChat and Douyin answer to a message, and what it means."""

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from app.platforms.mini_apps import DouyinMiniApp, WechatMiniApp
from app.platforms.platform import ShopError
from app.platforms.sending import NotSubscribed, SendError, TemplateMessage

MESSAGE = TemplateMessage("T-1", None, {"thing1": "大米"})
TOKEN = {"access_token": "t", "expires_in": 7200}


async def notify(server: HTTPServer, client: type[WechatMiniApp | DouyinMiniApp], body: str) -> str:
    """The receipt of a message that the platform answers with this body."""
    server.expect_request("/cgi-bin/stable_token").respond_with_json(TOKEN)
    server.expect_request("/api/apps/v2/token").respond_with_json({"err_no": 0, "data": TOKEN})
    for path in (
        "/cgi-bin/message/subscribe/send",
        "/api/apps/subscribe_notification/developer/v1/notify",
    ):
        server.expect_request(path).respond_with_data(body)
    async with httpx2.AsyncClient() as http:
        app = client(http, server.url_for("").rstrip("/"), "app", "secret")
        return await app.notify("openid", MESSAGE)


@pytest.mark.parametrize("client", [WechatMiniApp, DouyinMiniApp])
@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"errcode": null}', "7"])
async def test_garbage_is_no_receipt(
    httpserver: HTTPServer, client: type[WechatMiniApp | DouyinMiniApp], body: str
) -> None:
    with pytest.raises((SendError, ShopError)) as refused:
        await notify(httpserver, client, body)
    error = refused.value
    assert error.passing if isinstance(error, ShopError) else not error.final


@pytest.mark.parametrize(
    ("client", "code", "final", "waits"),
    [
        (WechatMiniApp, 43101, True, False),
        (WechatMiniApp, 47003, True, False),
        (WechatMiniApp, 45009, False, True),
        (WechatMiniApp, -1, False, False),
        (DouyinMiniApp, 28014043, True, False),
        (DouyinMiniApp, 1001, True, False),
        (DouyinMiniApp, 1010, False, True),
        (DouyinMiniApp, 2000, False, False),
    ],
)
async def test_what_errors_mean(
    httpserver: HTTPServer,
    client: type[WechatMiniApp | DouyinMiniApp],
    code: int,
    final: bool,
    waits: bool,
) -> None:
    body = f'{{"errcode": {code}, "err_no": {code}}}'
    with pytest.raises(SendError) as refused:
        await notify(httpserver, client, body)
    assert (refused.value.final, refused.value.waits) == (final, waits)
    assert isinstance(refused.value, NotSubscribed) is (code in (43101, 28014043))


@pytest.mark.parametrize("client", [WechatMiniApp, DouyinMiniApp])
async def test_a_receipt(
    httpserver: HTTPServer, client: type[WechatMiniApp | DouyinMiniApp]
) -> None:
    body = '{"errcode": 0, "err_no": 0, "msgid": 294402, "log_id": "2026"}'
    assert await notify(httpserver, client, body) in ("294402", "2026")
