"""Flags and inboxes: waiters, cancellation and order."""

import asyncio

import pytest

from app.live.waiting import Flag, Inbox


async def test_a_flag_wakes_all_that_wait() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    flag.set()
    await asyncio.gather(*waiting)
    assert flag.is_set()
    await flag.wait()


async def test_a_cancelled_waiter_wakes_no_other() -> None:
    flag = Flag()
    first, second = (asyncio.create_task(flag.wait()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.sleep(0)
    assert not second.done()
    flag.set()
    await second


async def test_a_cleared_flag_keeps_its_waiters_waiting() -> None:
    flag = Flag()
    waiting = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    flag.set()
    await waiting


async def test_an_inbox_gives_messages_in_their_order() -> None:
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    for number in range(3):
        inbox.put_nowait(number)
    assert await reading == 0
    assert not inbox.empty()
    assert [await inbox.get(), await inbox.get()] == [1, 2]
    assert inbox.empty()


async def test_a_cancelled_reader_loses_no_message() -> None:
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait("a")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await inbox.get() == "a"
