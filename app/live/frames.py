"""Websocket frames of shared answers, as bytes that are ready to be sent."""

import orjson

TEXT = 0x81
"""The first byte of a text frame in one piece."""


class Frames:
    """The frames of one answer: each subscription's begins with its id; equal ids share one."""

    __slots__ = ("_end", "_frame", "_name")

    def __init__(self, payload: bytes) -> None:
        self._end = b',"type":"next","payload":' + payload + b"}"
        self._name: str | None = None
        self._frame = b""

    def of(self, name: str) -> bytes:
        """The frame of the subscription with this id."""
        if name != self._name:
            self._name, self._frame = name, framed(b'{"id":' + orjson.dumps(name) + self._end)
        return self._frame


def framed(text: bytes) -> bytes:
    """A server's text frame."""
    size = len(text)
    if size < 126:
        return bytes((TEXT, size)) + text
    if size < 65_536:
        return bytes((TEXT, 126)) + size.to_bytes(2) + text
    return bytes((TEXT, 127)) + size.to_bytes(8) + text
