"""Texts from clients: trimmed, bounded, and free of control characters."""

import unicodedata
from functools import lru_cache
from typing import Literal, overload
from urllib.parse import urlsplit

from app.domain.rules.phones import masked
from app.domain.rules.spelling import KEPT_CHARACTERS, has_visible, search_key

NAMES = {
    "appId": ("应用编号", "App id"),
    "barcode": ("条码", "Barcode"),
    "barcodes": ("条码", "Barcode"),
    "batchNo": ("批号", "Batch number"),
    "categoryPath": ("分类路径", "Category path"),
    "channel": ("渠道", "Channel"),
    "code": ("编码", "Code"),
    "contact": ("联系方式", "Contact"),
    "customer": ("顾客", "Customer"),
    "deviceName": ("设备名称", "Device name"),
    "document": ("单号", "Document number"),
    "end": ("结束时间", "End"),
    "externalId": ("外部订单号", "External id"),
    "id": ("编号", "Id"),
    "imageUrl": ("图片链接", "Image link"),
    "deviceId": ("设备编号", "Device id"),
    "item": ("商品编号", "Item"),
    "keyId": ("密钥编号", "Key id"),
    "login": ("账号", "Login"),
    "name": ("名称", "Name"),
    "note": ("备注", "Note"),
    "number": ("单号", "Number"),
    "order": ("订单号", "Order number"),
    "ownerName": ("老板姓名", "Owner's name"),
    "page": ("页面路径", "Page"),
    "password": ("密码", "Password"),
    "phone": ("电话", "Phone"),
    "photoUrls": ("照片链接", "Photo link"),
    "reason": ("原因", "Reason"),
    "receiptNo": ("小票号", "Receipt number"),
    "reference": ("支付单号", "Payment reference"),
    "search": ("搜索内容", "Search text"),
    "secret": ("密钥", "Secret"),
    "sdkAppId": ("应用编号", "SdkAppId"),
    "shopId": ("店铺编号", "Shop id"),
    "signName": ("短信签名", "Signature"),
    "sku": ("货号", "SKU"),
    "spec": ("规格", "Specification"),
    "start": ("开始时间", "Start"),
    "store": ("门店编码", "Store code"),
    "supplier": ("供应商", "Supplier"),
    "template": ("模板编号", "Template id"),
    "tenant": ("商户编码", "Chain code"),
    "token": ("令牌", "Token"),
    "unit": ("单位", "Unit"),
    "url": ("地址", "Address"),
    "zone": ("区域", "Zone"),
}
"""The names of text fields in messages, in Chinese and in English."""

NOTES = {"note", "reason"}
"""Free texts in which phone numbers are masked: they are copied to the ledger, which is never
changed (I1)."""


class InvalidText(ValueError):
    """A text that is not valid for its field; shown as a BAD_INPUT error.

    `zh` and `en` follow the field's name: "不能为空", "must not be empty".
    """

    def __init__(self, field: str, zh: str, en: str) -> None:
        name = NAMES.get(field, (field, field))
        self.path: tuple[str, ...] = (field,)
        self.text = f"{name[0]}{zh}", f"{name[1]} {en}."
        super().__init__(" / ".join(self.text))


@overload
def clean(
    text: str | None, field: str, longest: int, *, required: Literal[True], lines: bool = False
) -> str: ...
@overload
def clean(
    text: str | None, field: str, longest: int, *, required: bool = False, lines: bool = False
) -> str | None: ...
def clean(
    text: str | None, field: str, longest: int, *, required: bool = False, lines: bool = False
) -> str | None:
    """The text without leading and trailing space; None if it has no visible character.

    Phone numbers in notes and reasons are masked. Raises InvalidText, naming `field`, if a
    `required` text is empty, if a text has more than `longest` characters, or if it has control
    characters; `lines` allows tabs and line breaks.
    """
    text = (text or "").strip()
    if len(text) > longest:
        raise InvalidText(field, f"最多 {longest} 个字符", f"has at most {longest} characters")
    if any(_refused(character, lines) for character in text):
        raise InvalidText(field, "不能含控制字符", "must not contain control characters")
    if not has_visible(text):
        if required:
            raise InvalidText(field, "不能为空", "must not be empty")
        return None
    return masked(text) if field in NOTES else text


def search_words(text: str | None) -> str | None:
    """The search text in the spelling of `search_key`; None if it matches everything. Raises
    InvalidText."""
    words = clean(text, "search", 100)
    return None if words is None else search_key(words)


def link(text: str, field: str, longest: int) -> str:
    """An https:// address for browsers; this server never fetches it. Raises InvalidText."""
    text = clean(text, field, longest, required=True)
    # A user name before the host, or a character that browsers rewrite, would hide the link's
    # target.
    plain = text.isprintable() and not set(text) & set(' "<>\\^`{|}')
    if not plain or not _is_https(text):
        raise InvalidText(field, "须以 https:// 开头", "must be a link that begins with https://")
    return text


def _is_https(text: str) -> bool:
    """Whether it is an https address with a host, without a user name."""
    try:
        parts = urlsplit(text)
        secure = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return secure and parts.username is None


@lru_cache(KEPT_CHARACTERS)
def _refused(character: str, lines: bool) -> bool:
    # PostgreSQL cannot store NUL, nor UTF-8 a lone surrogate; U+2028 and U+2029 break lines too.
    if lines and character in "\t\n\r":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
