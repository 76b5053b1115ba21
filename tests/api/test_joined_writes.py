"""The head of an answer leaves with its body in one write, and alone if no body follows at once."""

import asyncio

from app.web.protocol import JoinedWrites

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Writes(asyncio.Transport):
    """A connection that keeps each write, and whether it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.calls.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def answer() -> tuple[Writes, JoinedWrites]:
    connection = Writes()
    return connection, JoinedWrites(connection, asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write() -> None:
    connection, joined = answer()
    joined.write(HEAD)
    assert connection.calls == []
    joined.write(b"body")
    assert connection.calls == [HEAD + b"body"]
    await asyncio.sleep(0)
    joined.write(b"more")
    assert connection.calls == [HEAD + b"body", b"more"]


async def test_a_head_without_a_body_leaves_in_the_next_turn() -> None:
    connection, joined = answer()
    joined.write(HEAD)
    await asyncio.sleep(0)
    assert connection.calls == [HEAD]
    joined.write(b"event")
    joined.write(b"event")
    assert connection.calls == [HEAD, b"event", b"event"]


async def test_a_head_leaves_before_the_connection_closes() -> None:
    connection, joined = answer()
    joined.write(HEAD)
    joined.close()
    assert joined.is_closing()
    assert connection.calls == [HEAD]
