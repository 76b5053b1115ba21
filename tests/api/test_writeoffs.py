"""Write-offs over HTTP: requested, decided by another person, permissions, and cost."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk, unnamed, verify_change
from tests.support.identity import CREATE_KEY

PHOTOS = ["https://photos.example/1.jpg", "https://photos.example/2.jpg"]
WRITE_OFFS = """
query($stores: [UUID!], $state: WriteOffState, $first: Int, $after: String) {
  writeOffs(storeIds: $stores, state: $state, first: $first, after: $after) {
    nodes { id state value lines { cost } } pageInfo { hasNextPage endCursor }
  }
}
"""
WRITE_OFF = """
query($id: UUID!) { writeOff(id: $id) { id state value lines { quantity cost }
  requestedBy { name } decidedBy { name } movements { kind lines { cost to { bin } } } } }
"""
LIMITS = "{ writeOffLimits { role amount } }"


async def request(desk: Desk, *lines: tuple[Any, ...], **more: Any) -> Any:
    """A request of the cashier's: `("米", 2)`, or `("米", 2, {"from": "QUARANTINE"})`."""
    line_inputs = [
        {**await desk.line(name, quantity), **(extra[0] if extra else {})}
        for name, quantity, *extra in lines
    ]
    by = more.pop("by", desk.cashier)
    given = {"storeId": desk.store, "reason": "破损", "lines": line_inputs, **more}
    return await desk.do("requestWriteOff", by=by, **given)


async def stocked(desk: Desk, name: str, quantity: int, cost: str = "3.00") -> None:
    lines = [{**await desk.line(name, quantity), "unitCost": cost}]
    created = await desk.do("receive", storeId=desk.store, lines=lines)
    assert "code" not in created, created


async def bins(desk: Desk, name: str) -> tuple[str, str]:
    """The available and quarantined quantities."""
    level = await desk.level(name)
    return level["available"], level["quarantined"]


async def hired(desk: Desk, role: str, *stores: str) -> str:
    """The token of a new staff account."""
    _, tokens = await desk.chain.hired(role=role, storeIds=list(stores))
    return tokens["accessToken"]


async def test_asked_by_one_approved_by_another(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    asking = request(desk, ("米", 4), note="淋湿了", photoUrls=PHOTOS)
    row = await verify_change(desk, asking)
    assert (row["state"], row["reason"], row["note"]) == ("REQUESTED", "破损", "淋湿了")
    assert (row["photoUrls"], row["requestedBy"]["name"]) == (PHOTOS, "小李")
    # A cashier does not see what goods cost.
    assert (row["value"], row["lines"][0]["cost"]) == (None, None)
    assert await bins(desk, "米") == ("6", "4")
    seen = await desk.ask(WRITE_OFF, by=desk.manager, id=row["id"])
    assert (seen["value"], seen["lines"][0]["cost"]) == ("12.00", "12.00")
    approving = desk.do("approveWriteOff", by=desk.manager, writeOffId=row["id"], note="确认")
    done = await verify_change(desk, approving)
    assert (done["state"], done["value"], done["decisionNote"]) == ("APPROVED", "12.00", "确认")
    assert done["decidedBy"]["name"] == "王店长"
    assert [each["kind"] for each in done["movements"]] == ["WRITE_OFF_HOLD", "WRITE_OFF"]
    assert await bins(desk, "米") == ("6", "0")
    answer = await desk.ask(WRITE_OFF, id=row["id"])
    [wasted] = answer["movements"][1]["lines"]
    assert (wasted["to"]["bin"], wasted["cost"], answer["value"]) == ("WASTE", "12.00", "12.00")


async def test_rejected(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    row = await request(desk, ("米", 4))
    rejecting = desk.do("rejectWriteOff", by=desk.manager, writeOffId=row["id"], note="还能卖")
    done = await verify_change(desk, rejecting)
    assert (done["state"], done["value"], done["lines"][0]["cost"]) == ("REJECTED", None, None)
    assert await bins(desk, "米") == ("10", "0")
    late = await verify_change(
        desk, desk.do("approveWriteOff", writeOffId=row["id"]), announced=False
    )
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "REJECTED")


async def test_goods_in_quarantine(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    await desk.post("adjust", ("米", 3), kind="QUARANTINE")
    there = {"from": "QUARANTINE"}
    row = await request(desk, ("米", 2, there), ("米", 1))
    assert [(each["from"], each["quantity"]) for each in row["lines"]] == [
        ("SHELF", "1"),
        ("QUARANTINE", "2"),
    ]
    refused = await request(desk, ("米", 2, there))
    [short] = refused["shortages"]
    assert (short["requested"], short["available"]) == ("2", "1")
    # The owner cannot release the goods of an open request either.
    refused = await desk.post("adjust", ("米", 3), kind="RELEASE")
    assert refused["shortages"][0]["available"] == "1"
    done = await desk.do("rejectWriteOff", writeOffId=row["id"])
    assert done["state"] == "REJECTED"
    assert await bins(desk, "米") == ("7", "3")


async def test_what_the_shelf_lacks_comes_from_quarantine(fresh: Desk) -> None:
    await stocked(fresh, "米", 10)
    await fresh.post("adjust", ("米", 6), kind="QUARANTINE")
    row = await request(fresh, ("米", 3), ("米", 3))
    assert [(each["from"], each["quantity"]) for each in row["lines"]] == [
        ("SHELF", "3"),
        ("SHELF", "1"),
        ("QUARANTINE", "2"),
    ]
    refused = await request(fresh, ("米", 5))
    assert refused["shortages"][0]["requested"] == "5"
    rest = await request(fresh, ("米", 4))
    assert [(each["from"], each["quantity"]) for each in rest["lines"]] == [("QUARANTINE", "4")]
    done = await verify_change(fresh, fresh.do("approveWriteOff", writeOffId=row["id"]))
    assert done["value"] == "18.00"
    await fresh.do("rejectWriteOff", writeOffId=rest["id"])
    assert await bins(fresh, "米") == ("0", "4")


async def test_batches_codes_and_units(desk: Desk) -> None:
    await desk.product("奶", tracksBatches=True)
    await desk.do("setUnits", productId=desk.products["奶"], units=[{"name": "箱", "quantity": 6}])
    for number, days in (("A", "2998-01-01"), ("B", "2998-02-01")):
        line = {**await desk.line("奶", 12), "batchNo": number, "expiresOn": days}
        await desk.do("receive", storeId=desk.store, lines=[line])
    row = await request(desk, ("奶", 1, {"unit": "箱", "batchNo": "B"}), ("奶", 13))
    batches = [(each["batch"]["number"], each["quantity"]) for each in row["lines"]]
    assert batches == [("B", "6"), ("A", "12"), ("B", "1")]
    unknown = await request(desk, ("奶", 1, {"batchNo": "C"}))
    assert unknown["code"] == "UNKNOWN_BATCH"


async def test_a_requester_cannot_approve(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    row = await request(desk, ("米", 4), by=desk.owner)
    own = await verify_change(
        desk, desk.do("approveWriteOff", writeOffId=row["id"]), announced=False
    )
    assert (own["code"], own["wrong"]) == ("WRONG_STATE", "OWN_REQUEST")
    # The requester may withdraw it.
    assert (await desk.do("rejectWriteOff", writeOffId=row["id"]))["state"] == "REJECTED"


async def test_limits(fresh: Desk) -> None:
    await stocked(fresh, "米", 100)
    unset = await fresh.ask(LIMITS, by=fresh.manager)
    assert unset == [
        {"role": "CASHIER", "amount": None},
        {"role": "MANAGER", "amount": None},
        {"role": "PURCHASER", "amount": None},
    ]
    key = str(uuid4())
    for _ in range(2):
        put = await fresh.do("setWriteOffLimit", key=key, role="MANAGER", amount="30.00")
        assert put == {"role": "MANAGER", "amount": "30.00"}
    other = await fresh.do("setWriteOffLimit", key=key, role="MANAGER", amount="31")
    assert other["code"] == "KEY_REUSED"
    row = await request(fresh, ("米", 11))
    deciding = fresh.do("approveWriteOff", by=fresh.manager, writeOffId=row["id"])
    over = await verify_change(fresh, deciding, announced=False)
    assert (over["code"], over["limit"], over["costs"]) == ("OVER_LIMIT", "30.00", "33.00")
    assert (await fresh.do("approveWriteOff", writeOffId=row["id"]))["state"] == "APPROVED"
    for role in ("OWNER", "CUSTOMER", "INTEGRATOR"):
        assert await fresh.code("setWriteOffLimit", role=role, amount="1") == "BAD_INPUT"
    put = await fresh.do("setWriteOffLimit", role="MANAGER")
    assert put == {"role": "MANAGER", "amount": None}


async def test_one_key_is_one_request(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    key = str(uuid4())
    first = await request(desk, ("米", 2), key=key)
    again = await verify_change(desk, request(desk, ("米", 2), key=key), announced=False)
    assert again == first
    for more in ({"note": "x"}, {"reason": "x"}, {"photoUrls": PHOTOS}):
        assert (await request(desk, ("米", 2), key=key, **more))["code"] == "KEY_REUSED"
    assert await bins(desk, "米") == ("8", "2")
    key = str(uuid4())
    values = {"key": key, "writeOffId": first["id"]}
    done = [await desk.do("approveWriteOff", **values) for _ in range(2)]
    assert done[0] == done[1]
    assert (await desk.do("approveWriteOff", note="x", **values))["code"] == "KEY_REUSED"


async def test_listed_by_state_and_store(fresh: Desk) -> None:
    await stocked(fresh, "米", 10)
    rows = [(await request(fresh, ("米", 1)))["id"] for _ in range(3)]
    await fresh.do("approveWriteOff", writeOffId=rows[0])
    await fresh.do("rejectWriteOff", writeOffId=rows[1])
    newest = [each["id"] for each in (await fresh.ask(WRITE_OFFS))["nodes"]]
    assert newest == rows[::-1]
    page = await fresh.ask(WRITE_OFFS, first=2)
    more = await fresh.ask(WRITE_OFFS, first=2, after=page["pageInfo"]["endCursor"])
    assert [each["id"] for each in page["nodes"] + more["nodes"]] == newest
    for state, expected in (
        ("REQUESTED", rows[2:]),
        ("APPROVED", rows[:1]),
        ("REJECTED", rows[1:2]),
    ):
        nodes = (await fresh.ask(WRITE_OFFS, state=state))["nodes"]
        assert [each["id"] for each in nodes] == expected
    costs = {each["state"]: each["value"] for each in (await fresh.ask(WRITE_OFFS))["nodes"]}
    assert costs == {"REQUESTED": "3.00", "APPROVED": "3.00", "REJECTED": None}
    assert (await fresh.ask(WRITE_OFFS, stores=[str(uuid4())]))["nodes"] == []


async def test_roles_and_stores(fresh: Desk, outsider: Desk) -> None:
    """Staff of other stores and of other tenants find no write-off."""
    await stocked(fresh, "米", 50)
    branch = await fresh.ask(
        """mutation($input: CreateStoreInput!) { createStore(input: $input) {
          ... on Store { id } } }""",
        input={"key": str(uuid4()), "code": uuid4().hex, "name": "分店"},
    )
    there = [await hired(fresh, role, branch["id"]) for role in ("CASHIER", "MANAGER")]
    buyer = await hired(fresh, "PURCHASER")
    for token in (*there, outsider.owner):
        refused = await request(fresh, ("米", 1), by=token)
        assert refused["code"] == "UNKNOWN_STORE"
    row = await request(fresh, ("米", 1))
    absent = str(uuid4())
    for token in (*there, outsider.owner):
        for id in (row["id"], absent):
            assert await fresh.ask(WRITE_OFF, by=token, id=id) is None
        assert (await fresh.ask(WRITE_OFFS, by=token))["nodes"] == []
    for name in ("approveWriteOff", "rejectWriteOff"):
        for token in (there[1], outsider.owner):
            answers = [await fresh.do(name, by=token, writeOffId=id) for id in (row["id"], absent)]
            assert answers[0]["code"] == "UNKNOWN_WRITE_OFF"
            assert unnamed(answers[0], row["id"]) == unnamed(answers[1], absent)
    assert (await fresh.do("approveWriteOff", by=buyer, writeOffId=row["id"]))[
        "state"
    ] == "APPROVED"
    asking = [fresh.cashier, fresh.manager, buyer, fresh.owner]
    assert {(await request(fresh, ("米", 1), by=by))["state"] for by in asking} == {"REQUESTED"}


async def test_what_is_forbidden(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    row = await request(desk, ("米", 1), by=desk.manager)
    for name in ("approveWriteOff", "rejectWriteOff"):
        assert await desk.code(name, by=desk.cashier, writeOffId=row["id"]) == "FORBIDDEN"
    for token in (desk.cashier, desk.manager):
        values = {"role": "MANAGER", "amount": "1"}
        assert await desk.code("setWriteOffLimit", by=token, **values) == "FORBIDDEN"
    assert await desk.asking.code(LIMITS, desk.cashier) == "FORBIDDEN"
    created = await desk.chain.do(CREATE_KEY, name="erp", scopes=["WRITEOFF_READ", "COST_READ"])
    program = created["secret"]
    seen = await desk.ask(WRITE_OFF, by=program, id=row["id"])
    assert seen["value"] == "3.00"
    line = [await desk.line("米", 1)]
    values = {"storeId": desk.store, "lines": line, "reason": "x"}
    assert await desk.code("requestWriteOff", by=program, **values) == "FORBIDDEN"
    for name in ("approveWriteOff", "rejectWriteOff"):
        assert await desk.code(name, by=program, writeOffId=row["id"]) == "FORBIDDEN"


@pytest.mark.parametrize(
    "more",
    [
        {"reason": " "},
        {"reason": "x" * 201},
        {"note": "x" * 2001},
        {"lines": []},
        {"photoUrls": ["https://photos.example/"] * 11},
        {"photoUrls": ["http://photos.example/1.jpg"]},
        {"photoUrls": [PHOTOS[0], "https://photos.example/" + "x" * 500]},
    ],
    ids=lambda more: str(more)[:40],
)
async def test_bad_requests(desk: Desk, more: dict[str, Any]) -> None:
    values = {"storeId": desk.store, "reason": "x", "lines": [await desk.line("米", 1)]}
    assert await desk.code("requestWriteOff", **{**values, **more}) == "BAD_INPUT"


async def test_no_such_quantity(desk: Desk) -> None:
    await stocked(desk, "米", 10)
    for source in ("SHELF", "QUARANTINE"):
        for quantity in (0, -1, "0.5"):
            refused = await request(desk, ("米", quantity, {"from": source}))
            assert refused["code"] == "INVALID_QUANTITY"
