"""Budgets hold in one process, across processes, and while Valkey is away."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from app.db.core import rates as module
from app.db.core.rates import MINUTE, SLICES, Rates, seconds_until
from app.run.embedded import Engines
from tests.support.identity import eventually

BUDGET = 100_000


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Engines]:
    """A Valkey server for one test, which the test may kill."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o711)
    with Engines(tmp_path / "data", postgres=False) as engines:
        yield engines


@pytest.fixture
async def pair(valkey: Engines) -> AsyncIterator[tuple[Rates, Rates]]:
    """The rates of two processes."""
    one, two = Rates(valkey.urls().redis), Rates(valkey.urls().redis)
    yield one, two
    await one.close()
    await two.close()


def drain(rates: Rates, subject: str, units: int = 500) -> int:
    """Spend until it is refused; returns what was spent."""
    spent = 0
    while not rates.spend(subject, BUDGET, units):
        spent += units
        assert spent <= BUDGET
    return spent


async def test_a_budget_is_spent_to_its_end(pair: tuple[Rates, Rates]) -> None:
    one, _ = pair
    assert drain(one, "a") == BUDGET
    assert 0 < one.spend("a", BUDGET, 1) <= 2 * MINUTE
    assert drain(one, "b") == BUDGET, "subjects have budgets of their own"


async def test_processes_share_a_budget(pair: tuple[Rates, Rates]) -> None:
    """Each process may be ahead of Valkey by the slice that it spends from."""
    spent, refused = 0, 0
    while refused < 2:
        refused = 0
        for rates in pair:
            if rates.spend("a", BUDGET, 500):
                refused += 1
            else:
                spent += 500
        # The reports of both arrive.
        await eventually(lambda: value_of(not any(each._reports for each in pair)))
        assert spent <= BUDGET * 2
    slice_ = BUDGET // SLICES
    assert BUDGET - slice_ <= spent <= BUDGET + 4 * slice_


async def value_of(value: object) -> object:
    return value


async def test_a_subject_that_spends_little_causes_no_traffic(
    pair: tuple[Rates, Rates], valkey: Engines
) -> None:
    for number in range(500):
        assert not pair[0].spend(f"address:{number}", BUDGET, 100)
    assert not pair[0]._reports
    client: Redis = Redis.from_url(valkey.urls().redis)
    assert await client.dbsize() == 0
    await client.aclose()


async def test_each_process_keeps_the_budget_while_valkey_is_dead(
    pair: tuple[Rates, Rates], valkey: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.05)
    one, two = pair
    os.kill(valkey.valkey.pid, signal.SIGKILL)
    assert drain(one, "a") == BUDGET
    await eventually(lambda: value_of(not one.connected))
    assert drain(two, "a") == BUDGET
    # It is found again by the next report of any subject.
    number = 0

    async def reconnected() -> bool:
        nonlocal number
        valkey.revive()
        number += 1
        for _ in range(2):
            one.spend(f"b{number}", BUDGET, BUDGET // SLICES)
        await asyncio.sleep(0.02)
        return one.connected

    await eventually(reconnected)


async def test_a_frozen_valkey_delays_no_request(
    pair: tuple[Rates, Rates], valkey: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_SECONDS", 0.1)
    one, _ = pair
    os.kill(valkey.valkey.pid, signal.SIGSTOP)
    try:
        assert drain(one, "a") == BUDGET
        await eventually(lambda: value_of(not one._reports and not one.connected))
    finally:
        os.kill(valkey.valkey.pid, signal.SIGCONT)


async def test_only_so_many_subjects_are_kept(
    pair: tuple[Rates, Rates], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SUBJECTS_MAX", 10)
    one, _ = pair
    assert drain(one, "a") == BUDGET
    for _ in range(100):
        assert not one.spend(str(uuid4()), BUDGET, 100)
    assert len(one._accounts) == 10
    assert one.spend("a", BUDGET, 1), "a forgotten subject gets no second budget"


@pytest.mark.parametrize(
    ("amount", "window", "seconds"),
    [
        # All was spent in this minute, which ends in 10 s: half of it is free 30 s later.
        (50, (0, 0.0, 100, 70.0), 40.0),
        # The previous minute counts for 30 s more: 60 of 100, and 40 are free.
        (40, (120, 30.0, 0, 0.0), 1.0),
        (70, (120, 30.0, 0, 0.0), 15.0),
        (100, (0, 0.0, 1, 120.0), 120.0),
    ],
)
def test_the_wait_is_until_enough_is_free(
    amount: int, window: module.Window, seconds: float
) -> None:
    assert seconds_until(amount, 100, window) == pytest.approx(seconds)
