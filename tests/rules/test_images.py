"""Images are judged by their bytes."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from app.domain.rules.images import PIXELS_MAX, media_type


def picture(kind: str, width: int = 40, height: int = 30, **more: object) -> bytes:
    content = BytesIO()
    Image.new("RGB", (width, height), "red").save(content, kind, **more)
    return content.getvalue()


def png_of(width: int, height: int) -> bytes:
    """The header of a PNG of this size, and no pixels: a few bytes that would decode to many."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_accepted_kinds(kind: str) -> None:
    assert media_type(picture(kind)) == f"image/{kind.lower()}"


def test_a_photo_with_a_preview_is_a_jpeg() -> None:
    more = [Image.new("RGB", (8, 8), "blue")]
    content = picture("MPO", save_all=True, append_images=more)
    assert media_type(content) == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        png_of(0, 0),
        picture("PNG")[:-20],
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    assert media_type(content) is None


def test_too_many_pixels_are_refused_by_the_header() -> None:
    assert media_type(png_of(5000, PIXELS_MAX // 5000)) == "image/png"
    assert media_type(png_of(5000, PIXELS_MAX // 5000 + 1)) is None
    assert media_type(png_of(2**31 - 1, 2**31 - 1)) is None
