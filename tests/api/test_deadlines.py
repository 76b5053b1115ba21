"""One timer ends all operations that are late, each at its own time."""

import asyncio

import pytest

from app.schema.deadlines import Deadlines


async def answer(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def test_only_late_work_is_cancelled() -> None:
    deadlines = Deadlines(0.2)
    works = [0.0, 9.0, 0.0, 9.0, 0.0]
    results = await asyncio.gather(
        *(deadlines.within(answer(each)) for each in works), return_exceptions=True
    )
    assert [type(each) for each in results] == [float, TimeoutError, float, TimeoutError, float]
    # The timer waits for the next work after all others have ended.
    with pytest.raises(TimeoutError):
        await deadlines.within(answer(9))
    assert await deadlines.within(answer(0)) == 0


async def test_later_work_has_its_own_deadline() -> None:
    deadlines, ready = Deadlines(1.0), asyncio.Event()
    first = asyncio.create_task(deadlines.within(answer(9)))
    await asyncio.sleep(0.7)
    second = asyncio.create_task(deadlines.within(ready.wait()))
    with pytest.raises(TimeoutError):
        await first
    assert not second.done()
    ready.set()
    assert await second


async def test_work_that_another_cancels_is_not_late() -> None:
    deadlines = Deadlines(9)
    task = asyncio.create_task(deadlines.within(answer(9)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_is_late_and_cancelled_stays_cancelled() -> None:
    deadlines = Deadlines(0.05)

    async def cancelled_as_well() -> None:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            task.cancel()
            raise

    task = asyncio.create_task(deadlines.within(cancelled_as_well()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_is_its_own() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Deadlines(9).within(fail())
