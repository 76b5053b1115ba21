"""The sender: turns in their order, a few at a time, with other work of the loop between them."""

import asyncio
from functools import partial

import orjson
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from app.live.frames import Frames
from app.live.sender import CHUNK, Sender


async def test_other_work_runs_between_the_turns_of_a_burst() -> None:
    sender, done = Sender(), list[int]()
    for number in range(3 * CHUNK):
        sender.add(partial(done.append, number))
    await asyncio.sleep(0)
    seen = [len(done)]
    while len(done) < 3 * CHUNK:
        await asyncio.sleep(0)
        seen.append(len(done))
    assert CHUNK in seen
    assert 2 * CHUNK in seen
    assert done == list(range(3 * CHUNK))


async def test_caught_up_waits_for_earlier_turns() -> None:
    sender, done = Sender(), list[int]()
    for number in range(CHUNK + 1):
        sender.add(partial(done.append, number))
    await sender.caught_up()
    assert len(done) == CHUNK + 1


async def test_turns_wait_for_an_answer_together_and_later_turns_do_not() -> None:
    sender, done = Sender(), list[str]()
    answer = asyncio.get_running_loop().create_future()
    sender.add(lambda: sender.add_after(answer, partial(done.append, "first")))
    sender.add(lambda: sender.add_after(answer, partial(done.append, "second")))
    sender.add(partial(done.append, "later"))
    await sender.caught_up()
    assert done == ["later"]
    answer.set_result(None)
    await asyncio.sleep(0)
    await sender.caught_up()
    assert done == ["later", "first", "second"]


async def test_a_turn_that_raises_does_not_stop_later_ones() -> None:
    sender, done = Sender(), list[str]()
    errors = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, seen: errors.append(seen))
    sender.add(lambda: [].pop())
    sender.add(partial(done.append, "later"))
    await sender.caught_up()
    assert done == ["later"]
    assert len(errors) == 1


def test_frames_of_any_length_are_websocket_frames() -> None:
    for size in (0, 60, 90, 200, 65_400, 65_500, 70_000):
        data = orjson.dumps({"data": "x" * size})
        frames = Frames(data)
        for name in ("1", 'a "quoted" id', "1"):
            frame = parsed(frames.of(name))
            assert frame.opcode is Opcode.TEXT
            message = orjson.loads(frame.data)
            assert message == {"id": name, "type": "next", "payload": orjson.loads(data)}


def test_equal_ids_share_a_frame() -> None:
    frames = Frames(b"{}")
    assert frames.of("1") is frames.of("1")


def parsed(data: bytes) -> Frame:
    """The only frame in these bytes, read by the websockets library."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    steps = Frame.parse(reader.read_exact, mask=False)
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError("the frame is not complete")
