"""SMS by Aliyun (dysmsapi 2017-05-25) and Tencent Cloud (sms 2021-01-11)."""

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import httpx2
import orjson

from app.platforms.platform import ShopError, field, reading
from app.platforms.sending import SendError
from app.platforms.signing import aliyun_authorization, canonical_query, tencent_authorization

SECONDS = 5.0
CHINA = timezone(timedelta(hours=8))
"""The days of Aliyun's reports."""


class Report(Enum):
    """The provider's report on a message that it has accepted."""

    WAITING = "not reported yet"
    DELIVERED = "on the phone"
    FAILED = "not delivered"


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A message by a template; `fields` are in the order of the template's variables. `id` is our
    own, by which the provider finds the message again."""

    id: str
    phone: str
    template: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SmsCredentials:
    """An account at a provider; `sdk_app_id` is of Tencent's SMS application."""

    key_id: str
    secret: str
    sign_name: str
    sdk_app_id: str = ""


class SmsProvider(Protocol):
    """One account. Calls raise SendError."""

    async def send(self, message: TextMessage) -> str:
        """Send a message; returns the provider's id of it."""
        ...

    async def report(
        self, message: TextMessage, receipt: str, since: datetime
    ) -> tuple[Report, str]:
        """The outcome of a message, and the provider's text; `since` is a time before it was
        sent."""
        ...

    async def was_sent(self, message: TextMessage, since: datetime) -> bool:
        """Whether an earlier attempt reached the provider, though its answer was lost."""
        ...


class AliyunSms:
    """An Aliyun account. `http` is shared, `url` is the endpoint."""

    def __init__(self, http: httpx2.AsyncClient, url: str, account: SmsCredentials) -> None:
        self._http, self._url, self._account = http, url.rstrip("/"), account

    async def send(self, message: TextMessage) -> str:
        query = {
            "PhoneNumbers": message.phone.removeprefix("+86"),
            "SignName": self._account.sign_name,
            "TemplateCode": message.template,
            "TemplateParam": json.dumps(message.fields, ensure_ascii=False),
            "OutId": message.id,
        }
        answer = await self._call("SendSms", query)
        return _read(answer, "BizId")

    async def report(
        self, message: TextMessage, receipt: str, since: datetime
    ) -> tuple[Report, str]:
        detail = await self._detail(message, since)
        states = {2: Report.FAILED, 3: Report.DELIVERED}
        state = states.get(detail.get("SendStatus", 1), Report.WAITING)
        return state, str(detail.get("ErrCode", ""))[:100]

    async def was_sent(self, message: TextMessage, since: datetime) -> bool:
        return bool(await self._detail(message, since))

    async def _detail(self, message: TextMessage, since: datetime) -> dict[str, Any]:
        """The report of the message, found by our own id; empty when there is none."""
        first, last = since.astimezone(CHINA).date(), datetime.now(CHINA).date()
        for days in range((last - first).days + 1):
            query = {
                "PhoneNumber": message.phone.removeprefix("+86"),
                "SendDate": f"{first + timedelta(days=days):%Y%m%d}",
                "PageSize": "50",
                "CurrentPage": "1",
            }
            answer = await self._call("QuerySendDetails", query)
            with _read_errors():
                rows = field(answer, "SmsSendDetailDTOs").get("SmsSendDetailDTO", [])
                ours = [row for row in rows if row.get("OutId") == message.id]
            if ours:
                return ours[0]
        return {}

    async def _call(self, action: str, query: Mapping[str, str]) -> dict[str, Any]:
        headers = {
            "host": urlsplit(self._url).netloc,
            "x-acs-action": action,
            "x-acs-version": "2017-05-25",
            "x-acs-date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        }
        account = self._account
        authorization = aliyun_authorization(account.key_id, account.secret, query, headers)
        url = f"{self._url}/?{canonical_query(query)}"
        answer = await _ask(self._http, url, {**headers, "authorization": authorization}, b"")
        code = str(answer.get("Code", "no code"))
        if code != "OK":
            raise _refusal(code, answer.get("Message"), ALIYUN_FINAL, ALIYUN_WAITS)
        return answer


class TencentSms:
    """A Tencent Cloud account. `http` is shared, `url` is the endpoint."""

    def __init__(self, http: httpx2.AsyncClient, url: str, account: SmsCredentials) -> None:
        self._http, self._url, self._account = http, url.rstrip("/"), account

    async def send(self, message: TextMessage) -> str:
        body = {
            "PhoneNumberSet": [message.phone],
            "SmsSdkAppId": self._account.sdk_app_id,
            "SignName": self._account.sign_name,
            "TemplateId": message.template,
            "TemplateParamSet": list(message.fields.values()),
            "SessionContext": message.id,
        }
        answer = await self._call("SendSms", body)
        with _read_errors():
            status = cast(dict[str, Any], field(answer, "SendStatusSet")[0])
        if status.get("Code") != "Ok":
            words = status.get("Message")
            raise _refusal(str(status.get("Code")), words, TENCENT_FINAL, TENCENT_WAITS)
        return _read(status, "SerialNo")

    async def report(
        self, message: TextMessage, receipt: str, since: datetime
    ) -> tuple[Report, str]:
        for row in await self._reports(message, since):
            if row.get("SerialNo") == receipt or row.get("SessionContext") == message.id:
                good = row.get("ReportStatus") == "SUCCESS"
                state = Report.DELIVERED if good else Report.FAILED
                return state, str(row.get("Description", ""))[:100]
        return Report.WAITING, ""

    async def was_sent(self, message: TextMessage, since: datetime) -> bool:
        # Tencent has no idempotency key. Its reports contain our id, but only for messages whose
        # outcome is known, and for accounts for which SessionContext is enabled.
        reports = await self._reports(message, since)
        return any(row.get("SessionContext") == message.id for row in reports)

    async def _reports(self, message: TextMessage, since: datetime) -> list[dict[str, Any]]:
        """The reports on messages to this phone."""
        body = {
            "BeginTime": int(since.timestamp()),
            "Offset": 0,
            "Limit": 100,
            "PhoneNumber": message.phone,
            "SmsSdkAppId": self._account.sdk_app_id,
        }
        answer = await self._call("PullSmsSendStatusByPhoneNumber", body)
        with _read_errors():
            return [row for row in field(answer, "PullSmsSendStatusSet") if row]

    async def _call(self, action: str, content: Mapping[str, Any]) -> dict[str, Any]:
        body, moment = orjson.dumps(content), int(time.time())
        headers = {
            "content-type": "application/json",
            "host": urlsplit(self._url).netloc,
            "x-tc-action": action.lower(),
        }
        account = self._account
        authorization = tencent_authorization(
            account.key_id, account.secret, "sms", body, headers, moment
        )
        more = {
            "x-tc-action": action,
            "x-tc-timestamp": str(moment),
            "x-tc-version": "2021-01-11",
            "x-tc-region": "ap-guangzhou",
            "authorization": authorization,
        }
        answer = await _ask(self._http, f"{self._url}/", {**headers, **more}, body)
        with _read_errors():
            response = cast(dict[str, Any], field(answer, "Response"))
            error = response.get("Error")
            code, words = (error["Code"], error.get("Message")) if error else ("", "")
        if error:
            raise _refusal(str(code), words, TENCENT_FINAL, TENCENT_WAITS)
        return response


ALIYUN_WAITS = ("isv.BUSINESS_LIMIT", "isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH")
ALIYUN_FINAL = ("isv.", "SignatureDoesNotMatch", "InvalidAccessKeyId", "Forbidden")
TENCENT_WAITS = ("LimitExceeded", "FailedOperation.InsufficientBalance")
TENCENT_FINAL = (
    "FailedOperation",
    "InvalidParameter",
    "AuthFailure",
    "Unauthorized",
    "Unsupported",
)
"""Prefixes of error codes. Errors in neither list are tried again."""


def _refusal(code: str, words: object, final: Sequence[str], waits: Sequence[str]) -> SendError:
    text = f"{code}: {words}"[:200]
    if code.startswith(tuple(waits)):
        return SendError(text, waits=True)
    return SendError(text, final=code.startswith(tuple(final)))


async def _ask(
    http: httpx2.AsyncClient, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """The JSON object of the answer, of any HTTP status: errors have one too."""
    try:
        async with asyncio.timeout(SECONDS):
            answer = await http.post(url, headers=dict(headers), content=body)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise SendError(f"no answer: {type(error).__name__}") from None
    try:
        data: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        raise SendError(f"HTTP {answer.status_code}, and the answer is not JSON") from None
    if not isinstance(data, dict):
        raise SendError("the answer is no object")
    return cast(dict[str, Any], data)


@contextmanager
def _read_errors() -> Generator[None, None, None]:
    """Raise SendError for an answer of an unexpected shape."""
    try:
        with reading():
            yield
    except ShopError as error:
        raise SendError(str(error)) from None


def _read(answer: dict[str, Any], name: str) -> str:
    with _read_errors():
        return str(field(answer, name))[:100]
