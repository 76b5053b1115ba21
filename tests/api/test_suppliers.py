"""Suppliers over HTTP: search by initials, unique names, archive."""

from uuid import uuid4

from tests.api.test_purchases import came, ordered, supplier
from tests.support.api import Desk

SUPPLIERS = """
query($search: String, $archived: Boolean, $first: Int, $after: String) {
  suppliers(search: $search, archived: $archived, first: $first, after: $after) {
    nodes { id name phone note leadDays } pageInfo { hasNextPage endCursor }
  }
}
"""


async def test_suppliers_are_found_by_name_and_initials(fresh: Desk) -> None:
    arguments = {"contact": "陈先生", "phone": "13800138000", "note": "月结", "leadDays": 3}
    first = await supplier(fresh, "丰收粮油", **arguments)
    await supplier(fresh, "北山乳业")
    for search in ("粮油", "fsly", "FENGSHOU"):
        [row] = (await fresh.ask(SUPPLIERS, search=search))["nodes"]
        assert (row["id"], row["phone"], row["leadDays"]) == (first, "13800138000", 3)
    page = await fresh.ask(SUPPLIERS, first=1)
    assert [row["name"] for row in page["nodes"]] == ["北山乳业"]
    rest = await fresh.ask(SUPPLIERS, after=page["pageInfo"]["endCursor"])
    assert [row["name"] for row in rest["nodes"]] == ["丰收粮油"]
    # A manager may order but not edit suppliers.
    [seen] = (await fresh.ask(SUPPLIERS, by=fresh.manager, search="粮油"))["nodes"]
    assert (seen["phone"], seen["note"]) == ("138****8000", "月结")


async def test_a_supplier_changes_only_what_is_given(fresh: Desk) -> None:
    id = await supplier(fresh, "甲", phone="1", leadDays=2)
    other = await supplier(fresh, "乙")
    changed = await fresh.do("updateSupplier", supplierId=id, note="x")
    assert (changed["name"], changed["phone"], changed["leadDays"]) == ("甲", "1", 2)
    taken = await fresh.do("updateSupplier", supplierId=other, name="甲")
    assert (taken["code"], taken["field"], taken["value"]) == ("ALREADY_TAKEN", "name", "甲")
    assert (await fresh.do("createSupplier", name="甲"))["code"] == "ALREADY_TAKEN"
    changed = await fresh.do("updateSupplier", supplierId=id, name="丙", leadDays=0)
    assert (changed["name"], changed["leadDays"]) == ("丙", 0)
    [row] = (await fresh.ask(SUPPLIERS, search="b"))["nodes"]
    assert row["name"] == "丙"
    assert await fresh.code("createSupplier", name="丁", leadDays=366) == "BAD_INPUT"
    assert await fresh.code("updateSupplier", supplierId=id, leadDays=-1) == "BAD_INPUT"


async def test_an_archived_supplier_delivers_and_is_not_ordered_of(fresh: Desk) -> None:
    id = await supplier(fresh, "甲")
    order = await ordered(fresh, ("米", 5), supplierId=id)
    key = str(uuid4())
    gone = [await fresh.do("archiveSupplier", key=key, supplierId=id) for _ in range(2)]
    assert gone[0]["archivedAt"]
    assert gone[0] == gone[1]
    assert (await fresh.ask(SUPPLIERS))["nodes"] == []
    assert [row["name"] for row in (await fresh.ask(SUPPLIERS, archived=True))["nodes"]] == ["甲"]
    refused = await ordered(fresh, ("米", 5), supplierId=id)
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "ARCHIVED")
    assert (await came(fresh, order, ("米", 5)))["state"] == "RECEIVED"
    await fresh.do("archiveSupplier", supplierId=id, archived=False)
    assert (await ordered(fresh, ("米", 5), supplierId=id))["state"] == "OPEN"


async def test_null_empties_what_may_be_empty(fresh: Desk) -> None:
    fields = {"contact": "甲", "phone": "13700137000", "note": "旧"}
    supplier = await fresh.do("createSupplier", name="供应商", **fields)
    kept = await fresh.do("updateSupplier", supplierId=supplier["id"], leadDays=3)
    assert [kept[name] for name in fields] == [supplier[name] for name in fields]
    emptied = await fresh.do(
        "updateSupplier", supplierId=supplier["id"], **dict.fromkeys(fields), name=None
    )
    assert [emptied[name] for name in ("name", *fields)] == ["供应商", None, None, None]
