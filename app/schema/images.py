"""Uploads of images."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.catalog.images import SignedUpload
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.window import window


@window(
    SignedUpload,
    description="Address that accepts one image, and the link that shows it afterwards. 图片上传",
)
class ImageUpload:
    upload_url: str = strawberry.field(
        description="Address for one PUT of the image, with the requested content type and size "
        "and without a token. 上传地址"
    )
    image_url: str = strawberry.field(
        description="Link that shows the image after the upload, for `imageUrl` of a product. "
        "图片链接"
    )
    expires_at: datetime = strawberry.field(
        description="Time when `uploadUrl` expires; request it again with the same key. 过期时间"
    )


@strawberry.input(description="Input of `requestImageUpload`. 上传图片")
class RequestImageUploadInput:
    key: UUID = request_key()
    content_type: str = strawberry.field(
        description="Media type: image/jpeg, image/png or image/webp. 图片格式"
    )
    size: int = strawberry.field(
        description="Size of the file in bytes, at most 5,242,880 (5 MiB). 图片大小"
    )


RequestImageUploadResult = Annotated[
    ImageUpload | problems.KeyReused,
    strawberry.union(
        "RequestImageUploadResult",
        description="Where to send the image, or the problem that prevented it.",
    ),
]
