"""Images: requested, uploaded by PUT, and shown by a link that products take."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import jwt
import pytest
from moto.server import ThreadedMotoServer

from app.domain.rules.images import BYTES_MAX
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.conftest import SECRET
from tests.rules.test_images import picture
from tests.support.api import Desk
from tests.support.identity import Asking

PNG = picture("PNG")
REQUEST = """
mutation($input: RequestImageUploadInput!) { requestImageUpload(input: $input) {
  ... on ImageUpload { uploadUrl imageUrl expiresAt } ... on Problem { code }
} }
"""
PRODUCT = """
mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
  ... on Product { imageUrl } ... on Problem { code }
} }
"""


async def requested(desk: Desk, content: bytes = PNG, kind: str = "image/png", **more: Any) -> Any:
    input = {"key": str(uuid4()), "contentType": kind, "size": len(content), **more}
    return await desk.ask(REQUEST, input=input)


async def put(asking: Asking, upload: Any, content: bytes = PNG, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await asking.http.put(upload["uploadUrl"], content=content, headers=sent)
    return response.status_code


async def shown(asking: Asking, upload: Any) -> Any:
    return await asking.http.get(upload["imageUrl"])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_an_image_from_the_request_to_the_product(desk: Desk, kind: str) -> None:
    content, type_ = picture(kind), f"image/{kind.lower()}"
    upload = await requested(desk, content, type_)
    assert (await shown(desk.asking, upload)).status_code == 404
    assert await put(desk.asking, upload, content, content_type=type_) == 201
    answer = await shown(desk.asking, upload)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == type_
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    product = await desk.product("米")
    input = {"key": str(uuid4()), "productId": product, "imageUrl": upload["imageUrl"]}
    assert (await desk.ask(PRODUCT, input=input))["imageUrl"] == upload["imageUrl"]
    new = await desk.do("createProduct", sku=uuid4().hex, name="图", unit="个",
                        imageUrl=upload["imageUrl"])  # fmt: skip
    assert "id" in new, new


async def test_the_same_key_has_the_same_image(desk: Desk) -> None:
    key = str(uuid4())
    first, again = [await requested(desk, key=key) for _ in range(2)]
    assert first["imageUrl"] == again["imageUrl"]
    assert [await put(desk.asking, each) for each in (first, again)] == [201, 201]
    other = picture("PNG", 30, 40)
    assert (await requested(desk, other + b"x", key=key))["code"] == "KEY_REUSED"


async def test_an_uploaded_image_is_never_replaced(desk: Desk) -> None:
    # What follows the end of a PNG is ignored by all that show it.
    first, second = PNG + b"a", PNG + b"b"
    upload = await requested(desk, first)
    statuses = await asyncio.gather(*(put(desk.asking, upload, each) for each in (first, second)))
    assert sorted(statuses) == [201, 409]
    kept = (await shown(desk.asking, upload)).content
    assert kept == (first if statuses[0] == 201 else second)


async def test_only_what_was_signed_is_taken(desk: Desk) -> None:
    asking, upload, other = desk.asking, await requested(desk), await requested(desk)
    address, _, token = upload["uploadUrl"].partition("?token=")
    expired = {"aud": "kucun.images", "sub": "x", "type": "image/png", "size": 9, "exp": 1}
    for bad in (
        address,
        f"{address}?token=",
        f"{address}?token={token[:-2]}",
        f"{address}?token={'x' * 2000}",
        f"{address}?token={other['uploadUrl'].partition('?token=')[2]}",
        f"{address}?token={desk.owner}",
        f"{address}?token={jwt.encode(expired, SECRET, 'HS256')}",
        f"{address}?token={jwt.encode({**expired, 'exp': 2**33}, 'x' * 32, 'HS256')}",
    ):
        assert await put(asking, {"uploadUrl": bad}) == 403, bad
    assert await put(asking, upload, content_type="text/html") == 415
    assert await put(asking, upload, PNG[:-1]) == 400
    assert await put(asking, upload, PNG + b"x") == 413
    assert await put(asking, upload, b"<script>".ljust(len(PNG))) == 415
    assert await put(asking, upload, picture("GIF").ljust(len(PNG))[: len(PNG)]) == 415
    assert (await shown(asking, upload)).status_code == 404
    assert await asking.code("{ viewer { name } }", token) == "UNAUTHENTICATED"


async def test_a_large_image_and_one_that_is_too_large(desk: Desk) -> None:
    large = PNG + bytes(2 * 1024 * 1024)
    upload = await requested(desk, large)
    assert await put(desk.asking, upload, large) == 201
    for input in ({"size": BYTES_MAX + 1}, {"size": 0}, {"contentType": "image/svg+xml"}):
        values = {"key": str(uuid4()), "contentType": "image/png", "size": 9, **input}
        assert await desk.asking.code(REQUEST, desk.owner, input=values) == "BAD_INPUT"
    values = {"key": str(uuid4()), "contentType": "image/png", "size": 9}
    assert await desk.asking.code(REQUEST, desk.cashier, input=values) == "FORBIDDEN"


@pytest.mark.parametrize(
    "path",
    [
        "/images/../.data/secret",
        "/images/%2e%2e/%2e%2e/etc/passwd",
        "/images/{tenant}/..%2f..%2fsecret",
        "/images/{tenant}/%2e%2e",
        "/images/{tenant}/{name}.svg",
        "/images/{tenant}/{name}.png%00.jpg",
        "/images/{tenant}/",
        "/images/nobody/{name}.png",
    ],
)
async def test_no_other_file_is_shown(desk: Desk, path: str) -> None:
    upload = await requested(desk)
    tenant, name = upload["imageUrl"].split("/")[-2:]
    address = path.format(tenant=tenant, name=name.removesuffix(".png"))
    assert (await desk.asking.http.get(address)).status_code in (400, 404)
    assert (await desk.asking.http.put(address, content=PNG)).status_code in (400, 403, 404)


async def test_links_of_other_chains_and_hosts_need_https(desk: Desk) -> None:
    product, own = await desk.product("米"), (await requested(desk))["imageUrl"]
    tenant = own.split("/")[-2]
    for link in (
        own.replace("127.0.0.1", "example.com"),
        own.replace(tenant, str(uuid4())),
        own.replace("/images/", "/graphiql/"),
        own + "?x=<script>",
        own.removesuffix(".png") + ".svg",
    ):
        input = {"key": str(uuid4()), "productId": product, "imageUrl": link}
        assert await desk.asking.code(PRODUCT, desk.owner, input=input) == "BAD_INPUT", link


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of a server that speaks the protocol of S3, with a bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(
        Bucket="images"
    )
    yield url
    server.stop()


async def test_images_in_a_bucket(desk: Desk, urls: Urls, bucket: str) -> None:
    access: Any = {"s3_endpoint": bucket, "s3_access_key": "k", "s3_secret_key": "s"}
    public = "https://stock.example.com"
    store: Any = {"image_store": "s3://images/kucun", "public_url": public}
    async with served(urls, **access, **store) as asking:
        input = {"key": str(uuid4()), "contentType": "image/png", "size": len(PNG)}
        upload = await asking(REQUEST, desk.owner, input=input)
        assert upload["imageUrl"].startswith(f"{public}/images/")
        here = {name: str(upload[name]).removeprefix(public) for name in ("uploadUrl", "imageUrl")}
        assert (await shown(asking, here)).status_code == 404
        assert [await put(asking, here) for _ in range(2)] == [201, 201]
        assert (await shown(asking, here)).content == PNG
        assert (await desk.asking.http.get(here["imageUrl"])).status_code == 404


async def test_a_bucket_that_does_not_answer(desk: Desk, urls: Urls) -> None:
    store: Any = {"image_store": "s3://images", "s3_endpoint": "http://127.0.0.1:9"}
    access: Any = {"s3_access_key": "k", "s3_secret_key": "s"}
    async with served(urls, **store, **access) as asking:
        input = {"key": str(uuid4()), "contentType": "image/png", "size": len(PNG)}
        upload = await asking(REQUEST, desk.owner, input=input)
        assert await put(asking, upload) == 503
        assert (await shown(asking, upload)).headers["retry-after"]
