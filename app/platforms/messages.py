"""Messages to group robots and e-mail addresses, by the URLs of the apprise library."""

import asyncio
from collections.abc import Collection
from typing import Any

from app.platforms.addresses import Unsafe, resolve
from app.platforms.sending import SendError

SECONDS = 20.0
SERVICES = {
    "wecombot": "WECOM",
    "dingtalk": "DINGTALK",
    "feishu": "FEISHU",
    "lark": "LARK",
    "schan": "SERVERCHAN",
    "mailto": "EMAIL",
    "mailtos": "EMAIL",
    "tgram": "TELEGRAM",
    "slack": "SLACK",
    "discord": "DISCORD",
}
"""Services at addresses of their own. Any other service is for hosts that the operator allows."""
OTHER = "OTHER"
ROBOTS = {
    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=": "wecombot://",
    "https://oapi.dingtalk.com/robot/send?access_token=": "dingtalk://",
    "https://open.feishu.cn/open-apis/bot/v2/hook/": "feishu://",
}
"""The addresses of group robots as WeCom, DingTalk and Feishu show them, before the robot's key."""


def library_url(url: str) -> str:
    """The apprise URL of a group robot's own address; any other URL as it is."""
    for address, scheme in ROBOTS.items():
        if url.startswith(address):
            return scheme + url.removeprefix(address).rstrip("/")
    return url


def provider_of(url: str, private_hosts: Collection[str]) -> str | None:
    """The service of an apprise URL; None for one that cannot be used."""
    plugin = _plugin(url)
    if plugin is None:
        return None
    service = SERVICES.get(url.partition(":")[0].strip().lower())
    if service is None and plugin.host in private_hosts:
        return OTHER
    return service


async def send(url: str, title: str, body: str, private_hosts: Collection[str]) -> str:
    """Sends a message and returns the service as the receipt. Raises SendError."""
    service, plugin = provider_of(url, private_hosts), _plugin(url)
    if service is None or plugin is None:
        raise SendError("the address is not supported")
    try:
        async with asyncio.timeout(SECONDS):
            if service == "EMAIL":
                await resolve(plugin.smtp_host, plugin.port or 465, private_hosts)
            # The library reads and writes in a thread: it has no other interface.
            sent = await asyncio.to_thread(plugin.notify, body=body, title=title)
    except Unsafe as error:
        raise SendError(str(error)) from None
    except TimeoutError:
        raise SendError(f"no answer within {SECONDS:.0f} seconds") from None
    if not sent:
        raise SendError(f"{service} refused the message or did not answer")
    return service


def _plugin(url: str) -> Any:
    # Imported when it is first needed: it takes a third of a second.
    from apprise import Apprise

    return Apprise.instantiate(url, suppress_exceptions=True)
