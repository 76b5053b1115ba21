"""Roots of images."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.catalog.images import SignedUpload, UploadRequest, request_upload
from app.resolvers.roots import root
from app.schema import images as types


@strawberry.type
class ImagesMutation:
    @root(
        Can.EDIT_CATALOG,
        types.RequestImageUploadResult,
        description="Request an address for one image of a product: send it there by PUT, then "
        "pass `imageUrl` to `createProduct` or `updateProduct`. 上传图片",
    )
    async def request_image_upload(
        self, info: Info, input: types.RequestImageUploadInput
    ) -> SignedUpload:
        context = info.context
        request = UploadRequest(input.key, input.content_type, input.size)
        app = context.app
        return await request_upload(app.db, context.viewer, app.images, context.origin, request)
