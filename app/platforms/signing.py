"""Signatures of requests to Aliyun (ACS3-HMAC-SHA256) and Tencent Cloud (TC3-HMAC-SHA256)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

ALIYUN, TENCENT = "ACS3-HMAC-SHA256", "TC3-HMAC-SHA256"


def canonical_query(query: Mapping[str, str]) -> str:
    """The parameters in order, percent-encoded as RFC 3986 says."""
    pairs = sorted(query.items())
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def aliyun_authorization(
    key_id: str, secret: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """The header Authorization of a POST to `/` without a body; `headers` are lower-case."""
    signed, text = _canonical(canonical_query(query), headers, headers["x-acs-content-sha256"])
    digest = hmac.new(secret.encode(), f"{ALIYUN}\n{_sha256(text)}".encode(), hashlib.sha256)
    return f"{ALIYUN} Credential={key_id},SignedHeaders={signed},Signature={digest.hexdigest()}"


def tencent_authorization(
    key_id: str, secret: str, service: str, body: bytes, headers: Mapping[str, str], moment: int
) -> str:
    """The header Authorization of a POST to `/` at a Unix time; `headers` are lower-case."""
    signed, text = _canonical("", headers, hashlib.sha256(body).hexdigest())
    day = f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
    scope = f"{day}/{service}/tc3_request"
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    message = f"{TENCENT}\n{moment}\n{scope}\n{_sha256(text)}"
    digest = hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
    return f"{TENCENT} Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={digest}"


def _canonical(query: str, headers: Mapping[str, str], payload: str) -> tuple[str, str]:
    """The names of the signed headers, and the request as it is signed."""
    signed = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return signed, f"POST\n/\n{query}\n{lines}\n{signed}\n{payload}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
