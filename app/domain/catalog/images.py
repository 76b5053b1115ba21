"""Uploaded images: signed addresses that take one image each, and the links that show them.

An address is signed for a path, a media type and a size, so that the upload itself needs no
session and no database.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import jwt

from app.db import images as rows
from app.db.core.unit import Database, Unit
from app.domain.access import Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed
from app.domain.people.tokens import FORGERIES, LONGEST
from app.domain.rules.images import BYTES_MAX, ENDINGS
from app.platforms.image_store import ImageStore

ALGORITHM = "HS256"
AUDIENCE = "kucun.images"
LIFETIME = timedelta(minutes=10)
NAME = re.compile(rf"[0-9a-f]{{32}}\.({'|'.join(ENDINGS.values())})")


@dataclass(frozen=True)
class Images:
    """The images of one installation: where they are kept, and the secret that signs uploads."""

    store: ImageStore
    secret: str


class Upload(NamedTuple):
    """An upload that the server signed: the image's path below `/images/`, its type and size."""

    path: str
    content_type: str
    size: int


class UploadRequest(NamedTuple):
    """An image that a person wants to upload."""

    key: UUID
    content_type: str
    size: int


class SignedUpload(NamedTuple):
    """The address that takes the image until `expires_at`, and the link that shows it then."""

    upload_url: str
    image_url: str
    expires_at: datetime


async def request_upload(
    db: Database, viewer: Viewer, images: Images, origin: str, request: UploadRequest
) -> SignedUpload:
    """A signed address for one image of the viewer's chain.

    The same key has the same image, whose address is valid again. Raises Malformed for a media
    type or a size that is not accepted, Refused(KeyReused).
    """
    content_type = request.content_type.strip().lower()
    if content_type not in ENDINGS:
        raise Malformed(
            "contentType",
            "图片格式须为 " + "、".join(ENDINGS),
            f"Content type: one of {', '.join(ENDINGS)} is needed.",
        )
    if not 0 < request.size <= BYTES_MAX:
        raise Malformed(
            "size",
            f"图片大小须为 1 至 {BYTES_MAX} 字节（5 MB）",
            f"Size: 1 to {BYTES_MAX} bytes (5 MiB) are accepted.",
        )
    async with db.unit(viewer.tenant) as unit:
        id, what = uuid4(), ("requestImageUpload", content_type, request.size)
        earlier = await claim(unit, viewer.claimant, request.key, id, *what)
        name = f"{(earlier or id).hex}.{ENDINGS[content_type]}"
        await rows.keep(unit, name)
        expires_at = (unit.now + LIFETIME).replace(microsecond=0)
    path = f"{viewer.tenant}/{name}"
    upload = Upload(path, content_type, request.size)
    link = f"{origin}/images/{path}"
    return SignedUpload(f"{link}?token={_signed(images, upload, expires_at)}", link, expires_at)


def _signed(images: Images, upload: Upload, expires_at: datetime) -> str:
    claims = {
        "aud": AUDIENCE,
        "sub": upload.path,
        "type": upload.content_type,
        "size": upload.size,
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode(claims, images.secret, ALGORITHM)


def read_upload(images: Images, token: str, path: str) -> Upload | None:
    """The upload that the server signed for this path; None when it is forged or has expired."""
    if len(token) > LONGEST:
        return None
    try:
        claims = jwt.decode(
            token,
            images.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "exp", "type", "size"]},
        )
        upload = Upload(claims["sub"], claims["type"], int(claims["size"]))
    except (jwt.InvalidTokenError, *FORGERIES):
        return None
    return upload if upload.path == path else None


def is_own_link(link: str, origin: str, tenant: UUID) -> bool:
    """Whether the link shows an image that this server keeps for the chain."""
    start = f"{origin}/images/{tenant}/"
    return bool(origin) and link.startswith(start) and bool(NAME.fullmatch(link[len(start) :]))


async def hold_image(unit: Unit, link: str | None, field: str = "imageUrl") -> None:
    """Keeps the chain's own image behind the link until the unit has written its use.

    Links to other images are not looked at. Raises Malformed for an image that was deleted.
    """
    before, _, path = (link or "").rpartition("/images/")
    tenant, _, name = path.partition("/")
    if not before or tenant != str(unit.tenant) or not NAME.fullmatch(name):
        return
    if not await rows.hold(unit, name):
        raise Malformed(
            field,
            "图片不存在，或因长期未使用已被清理，请重新上传",
            "There is no such image, or it was unused too long and is deleted: upload it again.",
        )
