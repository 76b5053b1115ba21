"""Inputs that the mutations of alerts, notifications, passes, transfers and write-offs accept."""

from typing import Any

NIL = "00000000-0000-0000-0000-000000000000"


def of_alerts(product: str, store: str) -> dict[str, Any]:
    """An input for each mutation."""
    return {
        "createWebhook": {"url": "https://example.com/x", "events": ["ALERT_RAISED"]},
        **{f"{verb}WebhookSecret": {"webhookId": NIL} for verb in ("rotate", "end")},
        "replayWebhook": {"webhookId": NIL, "storeId": store, "after": "0"},
        "deleteWebhook": {"webhookId": NIL},
        "addNotificationTarget": {"name": "x", "url": "dingtalk://abc123def456"},
        "removeNotificationTarget": {"targetId": NIL},
        "setRecipients": {"rule": "LOW_STOCK", "roles": ["MANAGER"]},
        "setQuietHours": {"storeId": store, "start": "22:00", "end": "08:00"},
        "setMessageTemplate": {
            "channel": "WECHAT",
            "template": "T-1",
            "page": "pages/alerts/index",
            "fields": [{"name": "thing1", "part": "TEXT"}],
        },
        "bindMiniApp": {"channel": "WECHAT", "code": "x"},
        "setSmsAccount": {
            "provider": "ALIYUN",
            "keyId": "k",
            "secret": "s",
            "signName": "库存",
            "sdkAppId": None,
        },
        "setMyPhone": {"phone": "13812345678"},
        "unbindMiniApp": {"channel": "WECHAT"},
        "grantMessageCredit": {"template": "T-1", "count": 1},
        "setEscalation": {"rule": "LOW_STOCK", "storeId": store, "minutes": 30},
        "subscribeReport": {"report": "LEVELS", "storeIds": [store]},
        "unsubscribeReport": {"subscriptionId": NIL},
        "setDigest": {"storeId": store, "hour": 8},
        "redeliver": {"deliveryId": NIL},
        "setAlertRule": {"rule": "NEAR_EXPIRY", "productId": product, "days": [7]},
        **{f"{verb}Alert": {"alertId": NIL} for verb in ("acknowledge", "resolve", "snooze")},
    }


def of_passes(store: str, service: str) -> dict[str, Any]:
    return {
        "sellPass": {"storeId": store, "productId": service, "customer": "x", "uses": 1},
        "redeem": {"storeId": store, "serviceProductId": service},
        "refundPass": {"passId": NIL},
    }


def of_transfers(store: str, line: Any) -> dict[str, Any]:
    arrival = {"productId": line["productId"], "received": "1"}
    return {
        "requestReplenishment": {"storeId": store, "lines": [line]},
        "approveReplenishment": {"transferId": NIL, "fromStoreId": store, "lines": [line]},
        "rejectReplenishment": {"transferId": NIL, "reason": "x"},
        "withdrawReplenishment": {"transferId": NIL},
        "createTransfer": {"fromStoreId": store, "toStoreId": store, "lines": [line]},
        "shipTransfer": {"transferId": NIL, "lines": [line]},
        "receiveTransfer": {"transferId": NIL, "lines": [arrival]},
        "cancelTransfer": {"transferId": NIL},
    }


def of_write_offs(store: str, line: Any) -> dict[str, Any]:
    photos = ["https://photos.example/1.jpg"]
    return {
        "requestWriteOff": {"storeId": store, "lines": [line], "reason": "x", "photoUrls": photos},
        "approveWriteOff": {"writeOffId": NIL},
        "rejectWriteOff": {"writeOffId": NIL},
        "approveMovement": {"approvalId": NIL},
        "rejectMovement": {"approvalId": NIL},
        "setWriteOffLimit": {"role": "MANAGER", "amount": "1"},
    }
