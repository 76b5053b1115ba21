"""Inputs that the mutations of alerts, notifications, passes, transfers and write-offs accept."""

from typing import Any

NIL = "00000000-0000-0000-0000-000000000000"


def of_alerts(product: str, store: str) -> dict[str, Any]:
    """An input for each mutation."""
    return {
        "createWebhook": {"url": "https://example.com/x", "events": ["ALERT_RAISED"]},
        "addNotificationTarget": {"name": "x", "url": "dingtalk://abc123def456"},
        "setRecipients": {"rule": "LOW_STOCK", "roles": ["MANAGER"]},
        "setQuietHours": {"storeId": store, "start": "22:00", "end": "08:00"},
        "setMessageTemplate": {
            "channel": "WECHAT",
            "template": "T-1",
            "page": "pages/alerts/index",
            "fields": [{"name": "thing1", "part": "TEXT"}],
        },
        "setSmsAccount": {
            "provider": "ALIYUN",
            "keyId": "k",
            "secret": "s",
            "signName": "库存",
            "sdkAppId": None,
        },
        "setMyPhone": {"phone": "13812345678"},
        "grantMessageCredit": {"template": "T-1", "count": 1},
        "setEscalation": {"rule": "LOW_STOCK", "storeId": store, "minutes": 30},
        "subscribeReport": {"report": "LEVELS", "storeIds": [store]},
        "setDigest": {"storeId": store, "hour": 8},
        "removeAlertRule": {"rule": "NEAR_EXPIRY", "productId": product},
        "setAlertRule": {"rule": "NEAR_EXPIRY", "productId": product, "days": [7]},
    }


def of_passes(store: str, service: str) -> dict[str, Any]:
    return {
        "sellPass": {"storeId": store, "productId": service, "customer": "x", "uses": 1},
        "redeem": {"storeId": store, "serviceProductId": service},
    }


def of_transfers(store: str, line: Any) -> dict[str, Any]:
    arrival = {"productId": line["productId"], "received": "1"}
    return {
        "requestReplenishment": {"storeId": store, "lines": [line]},
        "approveReplenishment": {"transferId": NIL, "fromStoreId": store, "lines": [line]},
        "createTransfer": {"fromStoreId": store, "toStoreId": store, "lines": [line]},
        "shipTransfer": {"transferId": NIL, "lines": [line]},
        "receiveTransfer": {"transferId": NIL, "lines": [arrival]},
    }


def of_write_offs(store: str, line: Any) -> dict[str, Any]:
    photos = ["https://photos.example/1.jpg"]
    return {
        "requestWriteOff": {"storeId": store, "lines": [line], "reason": "x", "photoUrls": photos},
        "setWriteOffLimit": {"role": "MANAGER", "amount": "1"},
    }
