"""Passes expire by the clock: redemptions are refused at once, and the job ends each pass once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.db import passes as rows
from app.db.tables import Pass
from app.domain.documents.passes import expire
from app.domain.errors import WrongState, WrongStateReason
from tests.support.salon import Salon, a_salon
from tests.support.shop import Shop, day

MODES = ("FIRST_USE_ON_SALE", "REDEEM", "RESERVE_ON_SALE")


async def state(salon: Salon) -> str:
    assert salon.pass_id
    async with salon.shop.db.read(salon.shop.tenant) as session:
        [row] = await rows.passes_by_id(session, salon.shop.tenant, [salon.pass_id])
    return row.state


@pytest.mark.parametrize("mode", MODES)
async def test_a_pass_ends_with_its_last_day(
    shop: Shop, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    salon = await a_salon(shop, mode)
    assert isinstance(await salon.sell(expires_on=day(1)), Pass)
    await expire(shop.db, shop.tenant)
    assert await state(salon) == "ACTIVE"
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr("app.db.core.unit.clock", lambda: tomorrow)
    monkeypatch.setattr("app.domain.documents.passes.clock", lambda: tomorrow)
    # Redemption is refused before the job runs; the job then returns the consumables.
    assert await salon.redeem() == WrongState(WrongStateReason.EXPIRED)
    await asyncio.gather(*(expire(shop.db, shop.tenant) for _ in range(3)))
    assert await state(salon) == "EXPIRED"
    assert await salon.gone() == (0, 0)
    assert await salon.held() == 0
    assert await salon.redeem() == WrongState(WrongStateReason.EXPIRED)
    assert await salon.refund() == WrongState(WrongStateReason.EXPIRED)
