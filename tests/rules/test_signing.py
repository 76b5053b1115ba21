"""The official SDKs of Aliyun and Tencent Cloud sign as we do: one local server accepts both."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from app.platforms.sending import SendError
from app.platforms.sms import AliyunSms, Report, SmsCredentials, TencentSms, TextMessage
from tests.support.http_server import http_server
from tests.support.sms_server import KEY, SECRET, SmsServer

MESSAGE = TextMessage("018f-1", "+8613812345678", "SMS_1", {"text": "大米 已断货 & 100%~*"})
ACCOUNT = SmsCredentials(KEY, SECRET, "库存 签名", "1400006666")


@pytest.fixture
def sms() -> Iterator[SmsServer]:
    with http_server() as server:
        yield SmsServer(server)


def test_the_sdk_of_aliyun(sms: SmsServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from alibabacloud_dysmsapi20170525.client import Client
        from alibabacloud_dysmsapi20170525.models import SendSmsRequest
        from alibabacloud_tea_openapi.utils_models import Config

        host = sms.url.removeprefix("http://")
        config = Config(access_key_id=KEY, access_key_secret=SECRET, protocol="http")
        config.endpoint = host
        client = Client(config)
        answer = client.send_sms(
            SendSmsRequest(
                phone_numbers="13812345678",
                sign_name=ACCOUNT.sign_name,
                template_code="SMS_1",
                template_param='{"text": "大米 已断货 & 100%~*"}',
            )
        )
    assert answer.body.biz_id == "biz-1"
    assert sms.sent[0]["values"] == dict(MESSAGE.fields)


def test_the_sdk_of_tencent(sms: SmsServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile
        from tencentcloud.sms.v20210111.models import SendSmsRequest
        from tencentcloud.sms.v20210111.sms_client import SmsClient

        http = HttpProfile(protocol="http", endpoint=sms.url.removeprefix("http://"))
        client = SmsClient(Credential(KEY, SECRET), "ap-guangzhou", ClientProfile(httpProfile=http))
        request = SendSmsRequest()
        request.PhoneNumberSet, request.TemplateParamSet = ["+8613812345678"], ["大米"]
        request.SmsSdkAppId, request.TemplateId, request.SignName = "14", "1", "库存"
        answer = client.SendSms(request)
    statuses = answer.SendStatusSet
    assert statuses
    assert statuses[0].SerialNo == "serial-1"


@pytest.mark.parametrize("client", [AliyunSms, TencentSms])
async def test_our_clients(sms: SmsServer, client: type[AliyunSms | TencentSms]) -> None:
    since = datetime.now(UTC)
    async with httpx2.AsyncClient() as http:
        provider = client(http, sms.url, ACCOUNT)
        receipt = await provider.send(MESSAGE)
        assert receipt in ("biz-1", "serial-1")
        assert "大米 已断货 & 100%~*" in str(sms.sent[0]["values"])
        assert (await provider.report(MESSAGE, receipt, since))[0] is Report.WAITING
        sms.status = "delivered"
        assert (await provider.report(MESSAGE, receipt, since))[0] is Report.DELIVERED
        sms.status = "failed"
        assert (await provider.report(MESSAGE, receipt, since))[0] is Report.FAILED
        stranger = client(http, sms.url, SmsCredentials(KEY, "wrong", "x"))
        with pytest.raises(SendError, match="Signature") as refused:
            await stranger.send(MESSAGE)
        assert refused.value.final


@pytest.mark.parametrize(
    ("client", "code", "final", "waits"),
    [
        (AliyunSms, "isv.MOBILE_NUMBER_ILLEGAL", True, False),
        (AliyunSms, "isv.BUSINESS_LIMIT_CONTROL", False, True),
        (AliyunSms, "isp.SYSTEM_ERROR", False, False),
        (TencentSms, "FailedOperation.TemplateIncorrectOrUnapproved", True, False),
        (TencentSms, "LimitExceeded.PhoneNumberDailyLimit", False, True),
        (TencentSms, "InternalError.OtherError", False, False),
    ],
)
async def test_what_errors_mean(
    sms: SmsServer, client: type[AliyunSms | TencentSms], code: str, final: bool, waits: bool
) -> None:
    sms.failing = code
    async with httpx2.AsyncClient() as http:
        with pytest.raises(SendError) as refused:
            await client(http, sms.url, ACCOUNT).send(MESSAGE)
    assert (refused.value.final, refused.value.waits) == (final, waits)


@pytest.mark.parametrize("client", [AliyunSms, TencentSms])
@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"Response": 7, "Code": "OK"}'])
async def test_garbage_is_tried_again(client: type[AliyunSms | TencentSms], body: str) -> None:
    with http_server() as server:
        server.expect_request("/").respond_with_data(body)
        async with httpx2.AsyncClient() as http:
            provider = client(http, server.url_for("").rstrip("/"), ACCOUNT)
            with pytest.raises(SendError) as refused:
                await provider.send(MESSAGE)
    assert not refused.value.final
