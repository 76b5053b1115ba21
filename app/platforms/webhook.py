"""Signed webhooks: one POST to an address that is resolved once, without redirects."""

import asyncio
import hashlib
import hmac
import ssl
import time
from collections.abc import Collection, Sequence
from functools import cache
from urllib.parse import urlsplit

import httpx2

from app.platforms.addresses import Unsafe, resolve
from app.platforms.sending import SendError

SECONDS = 10.0
MOST_READ = 200
"""Characters of an answer that are kept as the receipt."""


@cache
def certificates() -> ssl.SSLContext:
    """Whom certificates are trusted of: the system, or the file that SSL_CERT_FILE names.

    Reading them takes longer than sending an event, so it is done once.
    """
    return httpx2.create_ssl_context()


def signature(secrets: Sequence[str], moment: int, body: str) -> str:
    """The header Kucun-Signature: HMAC-SHA256 over "<time>.<body>", in hex, by each secret."""
    message = f"{moment}.{body}".encode()
    digests = (hmac.new(each.encode(), message, hashlib.sha256).hexdigest() for each in secrets)
    return ",".join([f"t={moment}", *(f"v1={digest}" for digest in digests)])


async def send(
    url: str, secrets: Sequence[str], event_id: str, body: str, private_hosts: Collection[str]
) -> str:
    """Sends the body and returns the receiver's status as the receipt. Raises SendError."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(url, secrets, event_id, body, private_hosts)
    except TimeoutError:
        raise SendError(f"no answer within {SECONDS:.0f} seconds") from None
    except (Unsafe, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise SendError(str(error) or type(error).__name__) from None


async def _post(
    url: str, secrets: Sequence[str], event_id: str, body: str, private_hosts: Collection[str]
) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in private_hosts:
        raise Unsafe("only https is allowed")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolve(host, port, private_hosts)
    headers = {
        "host": parts.netloc.rpartition("@")[2],
        "content-type": "application/json",
        "kucun-event-id": event_id,
        "kucun-signature": signature(secrets, int(time.time()), body),
    }
    pinned = httpx2.URL(url).copy_with(host=address)
    # The certificate is checked against the name, while the connection goes to the address.
    extensions = {"sni_hostname": host}
    # The environment's proxy is not used: it would choose the address.
    client = {"verify": certificates(), "follow_redirects": False, "trust_env": False}
    async with (
        httpx2.AsyncClient(timeout=SECONDS, **client) as http,
        http.stream(
            "POST", pinned, content=body.encode(), headers=headers, extensions=extensions
        ) as answer,
    ):
        if not 200 <= answer.status_code < 300:
            raise SendError(f"HTTP {answer.status_code}")
        return f"HTTP {answer.status_code}"
