"""Which images are accepted, judged by their bytes, not by the media type that a client states."""

from io import BytesIO

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 25_000_000
"""The most pixels of an image: decoded, it takes four bytes a pixel in each browser that shows
it."""

ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
"""The accepted media types, and the ending of a file of each."""

TYPES = {ending: type_ for type_, ending in ENDINGS.items()}
DECODERS = ("JPEG", "PNG", "WEBP")
# A JPEG that holds a second image, as many phones write it.
MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def media_type(content: bytes) -> str | None:
    """The media type of an accepted image; None for anything else.

    An image with more than PIXELS_MAX pixels is refused by its header: no pixel is decoded.
    """
    # Loaded at the first image, like its decoders.
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=DECODERS) as image:
            if image.width * image.height > PIXELS_MAX:
                return None
            image.verify()
            return MEDIA_TYPES[image.format or ""]
    except Exception:
        # Pillow's readers raise errors of many classes for images that they cannot read.
        return None
