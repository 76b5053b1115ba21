"""The store of images and exports: a folder, or a bucket of an S3-compatible service. Images are
never replaced."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import RetryConfig, S3Config

TIMEOUT = "10s"
RETRIES: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
"""People wait for the answer: the library's own ten retries take several seconds."""


class Unavailable(Exception):
    """The service that keeps the files does not answer; a later retry may succeed."""


class Bucket(NamedTuple):
    """How to reach an S3-compatible service; an empty endpoint is AWS."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str


class ImageStore:
    """Keeps files by their path. Raises Unavailable when the service does not answer."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def write(self, path: str, content: bytes) -> bool:
        """Store the image. Returns whether the path was free or has the same bytes already."""
        try:
            await self._store.put_async(path, content, mode="create")
        except AlreadyExistsError:
            return await self.read(path) == content
        except (BaseError, OSError) as error:
            raise Unavailable from error
        return True

    async def read(self, path: str) -> bytes | None:
        """The image; None if there is none."""
        try:
            answer = await self._store.get_async(path)
            return bytes(await answer.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise Unavailable from error

    async def write_file(self, path: str, source: Path) -> None:
        """Store the file, replacing an earlier one; large files are sent in parts."""
        try:
            await self._store.put_async(path, source)
        except (BaseError, OSError) as error:
            raise Unavailable from error

    async def stream(self, path: str) -> AsyncIterator[bytes] | None:
        """The content of a file in chunks; None if there is none."""
        try:
            answer = await self._store.get_async(path)
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise Unavailable from error
        return _chunks(answer)

    async def delete(self, path: str) -> None:
        """Deletes the file, if there is one."""
        try:
            await self._store.delete_async(path)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise Unavailable from error


async def _chunks(answer: "GetResult") -> AsyncIterator[bytes]:
    async for chunk in answer.stream():
        yield bytes(chunk)


def open_store(url: str, folder: Path, bucket: Bucket) -> ImageStore:
    """The store at `s3://bucket/folder`; the folder on this host without a URL."""
    if not url:
        return ImageStore(LocalStore(folder, mkdir=True))
    parts = urlsplit(url)
    config: S3Config = {
        "region": bucket.region,
        "access_key_id": bucket.access_key,
        "secret_access_key": bucket.secret_key,
    }
    if bucket.endpoint:
        config |= {"endpoint": bucket.endpoint, "virtual_hosted_style_request": False}
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={"allow_http": True, "timeout": TIMEOUT},
        retry_config=RETRIES,
    )
    return ImageStore(store)
