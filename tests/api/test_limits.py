"""Limits of roles: what cashiers and managers book without a second person."""

from typing import Any
from uuid import uuid4

import pytest

from app.domain.access import Can, Role
from tests.support.api import Desk

LIMITS = "{ viewer { permissions limits { amount } } }"
ADJUST = """
mutation($input: AdjustInput!) { adjust(input: $input) {
  __typename ... on Problem { code message } ... on SecondPersonNeeded { limit }
} }
"""


@pytest.fixture
async def limited(fresh: Desk) -> Desk:
    """Rice at 3 yuan a bag; cashiers book up to 30 yuan alone, managers up to 60."""
    await fresh.post("receive", ("米", 100), by=fresh.owner)
    lines = [await fresh.line("蛋", 100, unitCost="3")]
    await fresh.do("receive", storeId=fresh.store, lines=lines)
    for role, amount in (("CASHIER", "30"), ("MANAGER", "60")):
        assert "code" not in await fresh.do("setWriteOffLimit", role=role, amount=amount)
    return fresh


async def book(desk: Desk, name: str, by: str, quantity: int, **more: Any) -> str:
    answer = await desk.post(name, ("蛋", quantity), by=by, **more)
    return answer.get("code", "booked")


async def test_adjustments_of_a_manager(limited: Desk) -> None:
    """Losses and gains; owners have no limit."""
    over = "SECOND_PERSON_NEEDED"
    assert await book(limited, "adjust", limited.manager, 20, kind="LOSS") == "booked"
    assert await book(limited, "adjust", limited.manager, 21, kind="LOSS") == over
    assert await book(limited, "adjust", limited.manager, 21, kind="GAIN") == over
    assert await book(limited, "adjust", limited.manager, 25, kind="QUARANTINE") == "booked"
    assert await book(limited, "adjust", limited.owner, 21, kind="LOSS") == "booked"
    lines = [await limited.line("蛋", 21)]
    input = {"key": str(uuid4()), "storeId": limited.store, "kind": "LOSS", "lines": lines}
    refused = await limited.asking(ADJUST, limited.manager, input=input)
    assert (refused["__typename"], refused["limit"]) == ("SecondPersonNeeded", "60.00")
    owner = (await limited.ask("{ viewer { name } }"))["name"]
    assert refused["message"] == f"金额超过您的额度 60.00 元，请由{owner}确认"


@pytest.mark.parametrize("name", ["consume", "produce"])
async def test_own_use_and_production(limited: Desk, name: str) -> None:
    assert await book(limited, name, limited.cashier, 10) == "booked"
    assert await book(limited, name, limited.cashier, 11) == "SECOND_PERSON_NEEDED"
    assert await book(limited, name, limited.manager, 11) == "booked"


async def test_only_the_shortage_of_a_sale_counts(limited: Desk) -> None:
    sell = {"acceptShortage": True}
    assert await book(limited, "sell", limited.cashier, 111, **sell) == "SECOND_PERSON_NEEDED"
    assert await book(limited, "sell", limited.cashier, 110, **sell) == "booked"


async def test_the_refused_key_is_free_for_the_second_person(limited: Desk) -> None:
    key = str(uuid4())
    first = await limited.post("consume", ("蛋", 15), by=limited.cashier, key=key)
    assert first["code"] == "SECOND_PERSON_NEEDED"
    second = await limited.post("consume", ("蛋", 15), by=limited.manager, key=key)
    assert second["kind"] == "CONSUMPTION"


async def test_the_viewer_shows_limits_and_permissions(limited: Desk) -> None:
    shown = {
        by: (await limited.asking(LIMITS, by))["limits"]["amount"]
        for by in (limited.cashier, limited.manager, limited.owner)
    }
    assert list(shown.values()) == ["30.00", "60.00", None]
    permissions = (await limited.asking(LIMITS, limited.manager))["permissions"]
    assert {"ADJUST", "EDIT_CATALOG", "MANAGE_STAFF"} < set(permissions)


async def test_the_viewer_shows_every_permission_of_the_role(limited: Desk) -> None:
    for by, role in (
        (limited.cashier, Role.CASHIER),
        (limited.manager, Role.MANAGER),
        (limited.owner, Role.OWNER),
    ):
        shown = (await limited.asking(LIMITS, by))["permissions"]
        granted = [can.name for can in Can if can.value.anybody or role in can.value.roles]
        assert shown == granted
