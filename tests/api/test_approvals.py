"""Approvals: what a role may not book alone waits for a second person."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.db.batches import ArrivingBatch
from app.db.tables import Approval
from app.domain.catalog.cookbook import Wish
from app.domain.documents.approvals import lines_of, stored
from app.domain.movements.lines import ResolvedLine
from app.domain.rules.prices import Charge
from tests.api.test_limits import limited
from tests.support.api import APPROVAL, Desk, mutation, verify_change

__all__ = ["limited"]

OVER = "SECOND_PERSON_NEEDED"
LIST = f"""query($stores: [UUID!], $state: ApprovalState) {{
  approvals(storeIds: $stores, state: $state) {{ nodes {{ {APPROVAL} }} }} }}"""
ONE = f"query($id: UUID!) {{ approval(id: $id) {{ {APPROVAL} movement {{ id }} }} }}"


async def waiting(desk: Desk, name: str = "consume", quantity: int = 15, **more: Any) -> Any:
    """The approval of eggs at 3 yuan that the cashier may not book alone."""
    refused = await desk.post(name, ("蛋", quantity), by=desk.cashier, **more)
    assert refused["code"] == OVER, refused
    return refused["approval"]


async def decide(desk: Desk, name: str, approval: Any, by: str, **more: Any) -> Any:
    return await desk.do(name, by=by, approvalId=approval["id"], **more)


async def owner_of(desk: Desk) -> str:
    return (await desk.ask("{ viewer { name } }"))["name"]


async def eggs(desk: Desk) -> str:
    return (await desk.level("蛋"))["onHand"]


async def test_a_manager_approves_own_use(limited: Desk) -> None:
    """The request says what, where, who asked and who may confirm; stock changes at approval."""
    when, owner = "2026-11-20T09:30:00+00:00", await owner_of(limited)
    requesting = waiting(limited, reason="试吃", note="三月活动", occurredAt=when)
    approval = await verify_change(limited, requesting)
    assert (approval["state"], approval["kind"]) == ("WAITING", "CONSUMPTION")
    assert approval["lines"] == [{"product": {"name": "蛋"}, "quantity": "15", "amount": None}]
    assert [each["name"] for each in approval["approvers"]] == ["王店长", owner]
    assert approval["value"] is None, "cashiers see no cost"
    assert await eggs(limited) == "100"
    [listed] = (await limited.ask(LIST, state="WAITING", stores=[limited.store]))["nodes"]
    assert (listed["id"], listed["value"]) == (approval["id"], "45.00")
    approving = decide(limited, "approveMovement", approval, limited.manager, note="同意")
    done = await verify_change(limited, approving)
    assert (done["state"], done["decisionNote"]) == ("APPROVED", "同意")
    assert done["decidedBy"] == {"name": "王店长"}
    movement = done["movement"]
    assert (movement["kind"], movement["reason"]) == ("CONSUMPTION", "试吃")
    assert movement["occurredAt"] == when
    assert movement["actor"] == approval["requestedBy"]
    assert (await eggs(limited), done["approvers"]) == ("85", [])
    assert (await limited.ask(LIST, state="WAITING"))["nodes"] == []


async def test_a_sale_names_who_must_confirm_it(limited: Desk) -> None:
    """At the counter the shortage counts; the sale keeps its price and its receipt number."""
    await limited.do("updateProduct", productId=await limited.product("蛋"), price="5")
    sold, owner = {"acceptShortage": True, "receiptNo": "XS-7"}, await owner_of(limited)
    refused = await limited.post("sell", ("蛋", 112), by=limited.cashier, **sold)
    assert refused["message"] == f"金额超过您的额度 30.00 元，请由王店长或{owner}确认"
    approval = refused["approval"]
    assert (approval["receiptNo"], approval["lines"][0]["amount"]) == ("XS-7", "560.00")
    await limited.do("updateProduct", productId=await limited.product("蛋"), price="9")
    done = await decide(limited, "approveMovement", approval, limited.manager)
    amounts = await limited.ask(
        "query($id: UUID!) { movement(id: $id) { total document channel } }",
        id=done["movement"]["id"],
    )
    assert amounts == {"total": "560.00", "document": "XS-7", "channel": "COUNTER"}
    assert await eggs(limited) == "0"


async def test_no_limit_binds_a_sale_of_what_is_there(limited: Desk) -> None:
    sold = await limited.post("sell", ("蛋", 90), by=limited.cashier, acceptShortage=True)
    assert sold["kind"] == "SALE"


async def test_the_requester_never_approves(limited: Desk) -> None:
    """In no role: who became a manager since may withdraw, and not approve."""
    refused = await limited.post("adjust", ("蛋", 21), by=limited.manager, kind="LOSS")
    mine = refused["approval"]
    own = await decide(limited, "approveMovement", mine, limited.manager)
    assert own["wrong"] == "OWN_MOVEMENT"
    over = await limited.asking.code(
        mutation("approveMovement"),
        limited.cashier,
        input={"key": str(uuid4()), "approvalId": mine["id"]},
    )
    assert over == "FORBIDDEN"
    gone = await decide(limited, "rejectMovement", mine, limited.manager)
    assert gone["state"] == "REJECTED"


async def test_an_approver_has_a_limit_as_well(limited: Desk) -> None:
    approval = await waiting(limited, quantity=21)
    assert [each["name"] for each in approval["approvers"]] == [await owner_of(limited)]
    over = await decide(limited, "approveMovement", approval, limited.manager)
    assert (over["code"], over["limit"], over["costs"]) == ("OVER_LIMIT", "60.00", "63.00")
    done = await decide(limited, "approveMovement", approval, limited.owner)
    assert (done["state"], await eggs(limited)) == ("APPROVED", "79")


async def test_what_the_ledger_refuses_goes_on_waiting(limited: Desk) -> None:
    approval = await waiting(limited)
    await limited.post("sell", ("蛋", 90), by=limited.owner)
    short = await decide(limited, "approveMovement", approval, limited.manager)
    assert (short["code"], short["shortages"][0]["available"]) == ("OUT_OF_STOCK", "10")
    assert (await limited.ask(ONE, id=approval["id"]))["state"] == "WAITING"
    await limited.post("receive", ("蛋", 5), by=limited.owner)
    done = await decide(limited, "approveMovement", approval, limited.manager)
    assert (done["state"], await eggs(limited)) == ("APPROVED", "0")


async def test_rejected_and_repeated(limited: Desk) -> None:
    """The key of a rejected request books nothing later; other cashiers may not reject it."""
    key = str(uuid4())
    approval = await waiting(limited, key=key)
    assert (await waiting(limited, key=key))["id"] == approval["id"], "one key, one request"
    done = await decide(limited, "rejectMovement", approval, limited.manager, note="太多")
    assert (done["state"], done["movement"]) == ("REJECTED", None)
    for by in (limited.cashier, limited.owner):
        again = await limited.post("consume", ("蛋", 15), by=by, key=key)
        assert again["wrong"] == "REJECTED"
    for name in ("approveMovement", "rejectMovement"):
        refused = await decide(limited, name, approval, limited.owner)
        assert refused["wrong"] == "REJECTED"
    other = await limited.post("consume", ("蛋", 16), by=limited.cashier, key=key)
    assert other["code"] == "KEY_REUSED"
    assert await eggs(limited) == "100"


async def test_a_colleague_who_sends_the_request_approves_it(limited: Desk) -> None:
    key = str(uuid4())
    approval = await waiting(limited, key=key)
    booked = await limited.post("consume", ("蛋", 15), by=limited.manager, key=key)
    assert booked["kind"] == "CONSUMPTION"
    one = await limited.ask(ONE, id=approval["id"])
    assert (one["state"], one["movement"]["id"]) == ("APPROVED", booked["id"])
    again = await limited.post("consume", ("蛋", 15), by=limited.cashier, key=key)
    assert (again["id"], await eggs(limited)) == (booked["id"], "85")


async def test_lines_are_kept_as_they_were_read(limited: Desk) -> None:
    """The batch that was made, and the version of a level that has changed since."""
    await limited.product("卤蛋", tracksBatches=True)
    await limited.do(
        "receive",
        storeId=limited.store,
        lines=[
            await limited.line("卤蛋", 1, unitCost="4", expiresOn="2030-01-01"),
        ],
    )
    batch = {"batchNo": "L-1", "expiresOn": "2031-05-01"}
    produced = await limited.do(
        "produce",
        by=limited.cashier,
        storeId=limited.store,
        lines=[await limited.line("卤蛋", 9, **batch)],
    )
    done = await decide(limited, "approveMovement", produced["approval"], limited.owner)
    assert done["state"] == "APPROVED", done
    batches = await limited.ask(
        "query($stores: [UUID!]) { batches(storeIds: $stores) { nodes {"
        " batch { number expiresOn } shelf } } }",
        stores=[limited.store],
    )
    level = {each["batch"]["number"]: each for each in batches["nodes"]}["L-1"]
    assert (level["batch"]["expiresOn"], level["shelf"]) == ("2031-05-01", "9")
    version = (await limited.level("蛋"))["version"]
    lost = await limited.do(
        "adjust",
        by=limited.manager,
        storeId=limited.store,
        kind="LOSS",
        lines=[await limited.line("蛋", 30, expectedVersion=version)],
    )
    await limited.post("sell", ("蛋", 1), by=limited.owner)
    conflict = await decide(limited, "approveMovement", lost["approval"], limited.owner)
    assert conflict["code"] == "VERSION_CONFLICT"


def test_a_stored_line_is_the_line_that_was_resolved() -> None:
    product, part = uuid4(), uuid4()
    day = date(2031, 5, 1)
    arriving = ArrivingBatch(uuid4(), product, "L-1", day, None, "甲", 12_500, datetime.now(UTC))
    wish = Wish(frozenset({part}), {part: Decimal("0.250")})
    line = ResolvedLine(
        product,
        Decimal("1.5"),
        unit_cost=12_500,
        expected_version=7,
        batches=(arriving.id,),
        arriving=arriving,
        shown_expiry=day,
        wish=wish,
        charge=Charge(300, 50, 400),
    )
    row = Approval(lines=orjson.loads(orjson.dumps(stored([line, ResolvedLine(part, Decimal(2))]))))
    assert lines_of(row) == [line, ResolvedLine(part, Decimal(2))]


async def test_decisions_at_the_same_time(limited: Desk) -> None:
    """Two people approve, one rejects, and the request is sent again: one decision, once."""
    for _ in range(4):
        before, key = int(await eggs(limited)), str(uuid4())
        approval = await waiting(limited, quantity=11, key=key)
        answers = await asyncio.gather(
            decide(limited, "approveMovement", approval, limited.manager),
            decide(limited, "approveMovement", approval, limited.owner),
            decide(limited, "rejectMovement", approval, limited.owner),
            limited.post("consume", ("蛋", 11), by=limited.owner, key=key),
        )
        decided = [each for each in answers[:3] if "code" not in each]
        one = await limited.ask(ONE, id=approval["id"])
        assert len(decided) <= 1
        taken = before - int(await eggs(limited))
        assert taken == (11 if one["state"] == "APPROVED" else 0)
        assert one["state"] in ("APPROVED", "REJECTED")


async def test_requests_at_the_same_time(limited: Desk) -> None:
    key = str(uuid4())
    sent = [limited.post("consume", ("蛋", 15), by=limited.cashier, key=key) for _ in range(4)]
    answers = await asyncio.gather(*sent)
    assert len({each["approval"]["id"] for each in answers}) == 1
    assert len((await limited.ask(LIST))["nodes"]) == 1


@pytest.mark.parametrize("by", ["stranger", "absent"])
async def test_approvals_of_others_are_unknown(limited: Desk, outsider: Desk, by: str) -> None:
    approval = await waiting(limited)
    id = approval["id"] if by == "stranger" else str(uuid4())
    for name in ("approveMovement", "rejectMovement"):
        answer = await outsider.do(name, by=outsider.owner, approvalId=id)
        assert answer["code"] == "UNKNOWN_APPROVAL"
    assert await outsider.ask(ONE, id=id) is None
    assert (await outsider.ask(LIST))["nodes"] == []
