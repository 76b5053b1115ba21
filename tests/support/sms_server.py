"""A local server that speaks the SMS protocols of Aliyun and Tencent Cloud.

It computes each signature again from the request as it arrived, and refuses a wrong one. The
official SDKs are accepted by it as well (tests/rules/test_signing.py).
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.platforms.signing import aliyun_authorization, tencent_authorization
from tests.support.mall import answer
from tests.support.worker import Gate

KEY, SECRET = "key-1", "s3cret-sms"


@dataclass
class SmsServer:
    """Both providers in one server. `failing` is the error code of every message, if any; `lost`
    answers are not sent, though the message is taken."""

    server: HTTPServer
    sent: list[dict[str, Any]] = field(default_factory=list)
    failing: str = ""
    lost: int = 0
    status: str = "waiting"
    gate: Gate = field(default_factory=Gate)

    def __post_init__(self) -> None:
        everything = self.server.expect_request(re.compile(".*"))
        everything.respond_with_handler(self.handle)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def handle(self, request: Request) -> Response:
        if "x-acs-action" in request.headers:
            return self.aliyun(request)
        return self.tencent(request)

    def aliyun(self, request: Request) -> Response:
        body = request.get_data()
        names = signed_headers(request)
        headers = {name: request.headers[name] for name in names}
        right = headers["x-acs-content-sha256"] == hashlib.sha256(body).hexdigest()
        query = request.args.to_dict()
        if not right or request.headers["authorization"] != aliyun_authorization(
            KEY, SECRET, query, headers
        ):
            error = {"Code": "SignatureDoesNotMatch", "Message": "Specified signature is wrong"}
            return Response(json.dumps(error), status=400)
        if request.headers["x-acs-action"] == "QuerySendDetails":
            return answer({"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": self.details()}})
        code = self.take(query["PhoneNumbers"], json.loads(query["TemplateParam"]), query)
        self.gate.hold()
        if self.lost:
            self.lost -= 1
            return Response("gateway", status=502)
        return answer({"Code": code or "OK", "Message": code, "BizId": f"biz-{len(self.sent)}"})

    def details(self) -> list[dict[str, Any]]:
        states = {"waiting": 1, "failed": 2, "delivered": 3}
        return [
            {"OutId": each["OutId"], "SendStatus": states[self.status], "ErrCode": "DELIVERED"}
            for each in self.sent
        ]

    def tencent(self, request: Request) -> Response:
        body = request.get_data()
        headers = {name: request.headers[name] for name in signed_headers(request)}
        if "x-tc-action" in headers:
            headers["x-tc-action"] = headers["x-tc-action"].lower()
        moment = int(request.headers["x-tc-timestamp"])
        right = tencent_authorization(KEY, SECRET, "sms", body, headers, moment)
        if request.headers["authorization"] != right:
            error = {"Code": "AuthFailure.SignatureFailure", "Message": "The signature is wrong"}
            return answer({"Response": {"Error": error, "RequestId": "1"}})
        call = json.loads(body)
        if request.headers["x-tc-action"] == "PullSmsSendStatusByPhoneNumber":
            good = {"delivered": "SUCCESS", "failed": "FAIL"}.get(self.status)
            rows = [
                {
                    "SerialNo": f"serial-{place}",
                    "ReportStatus": good,
                    "Description": self.status,
                    "SessionContext": call["SessionContext"],
                }
                for place, call in enumerate(self.sent, 1)
            ]
            return answer({"Response": {"PullSmsSendStatusSet": rows if good else []}})
        code = self.take(call["PhoneNumberSet"][0], call["TemplateParamSet"], call)
        if self.lost:
            self.lost -= 1
            return Response("gateway", status=502)
        status = {"SerialNo": f"serial-{len(self.sent)}", "Code": code or "Ok", "Message": code}
        return answer({"Response": {"SendStatusSet": [status], "RequestId": "1"}})

    def take(self, phone: str, values: Any, call: Any) -> str:
        """Keep a message; the error code, if any."""
        if not self.failing:
            self.sent.append({**call, "phone": phone, "values": values})
        return self.failing


def signed_headers(request: Request) -> list[str]:
    match = re.search(r"SignedHeaders=([^,]+)", request.headers["authorization"])
    assert match, "the request is not signed"
    return match[1].split(";")
