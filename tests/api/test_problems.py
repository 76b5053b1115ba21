"""Problems and errors say which part of the input is refused, in the viewer's language."""

from typing import Any
from uuid import uuid4

from tests.support.api import Desk

SELL = """
mutation($input: SellInput!) { sell(input: $input) { ... on Problem { code message path } } }
"""
ADD = """
mutation($input: CreateProductInput!) { createProduct(input: $input) {
  ... on Problem { code message path }
} }
"""
ARCHIVE = """
mutation($input: ArchiveProductInput!) { archiveProduct(input: $input) {
  ... on WrongState { reason state }
} }
"""
BATCHES = (
    "query($within: Int) { batches(expiringWithinDays: $within) { nodes { batch { number } } } }"
)
MOVEMENTS = "query($kinds: [MovementKind!]) { movements(kinds: $kinds) { nodes { id } } }"
REPORT = """
query($day: Date!) { channelReport(since: $day, until: $day) { __typename } }
"""


async def raw(desk: Desk, query: str, by: str | None, language: str, **variables: Any) -> Any:
    headers = {"accept-language": language} | ({"authorization": f"Bearer {by}"} if by else {})
    body = {"query": query, "variables": variables}
    response = await desk.asking.http.post("/graphql", json=body, headers=headers)
    return response.json()


async def sell(desk: Desk, language: str, *lines: Any) -> Any:
    values = {"key": str(uuid4()), "storeId": desk.store, "lines": list(lines)}
    return await raw(desk, SELL, desk.cashier, language, input=values)


async def test_a_problem_names_the_line_and_the_field(desk: Desk) -> None:
    await desk.receive("米", 5)
    good = {"productId": await desk.product("米"), "quantity": "1"}
    several = [
        ({**good, "quantity": "9"}, ["input", "lines", "1", "quantity"], "库存不足：米需要"),
        ({**good, "quantity": "1.5"}, ["input", "lines", "1", "quantity"], "米数量 1.5 无效"),
        ({"code": "nobody"}, ["input", "lines", "1", "code"], "没有这个商品：nobody"),
    ]
    other = {"productId": await desk.product("油"), "quantity": "1"}
    await desk.receive("油", 5)
    for line, path, message in several:
        refused = (await sell(desk, "zh", other, line))["data"]["sell"]
        assert (refused["path"], refused["message"][: len(message)]) == (path, message)


async def test_a_wrong_state_has_the_old_field_as_well(desk: Desk) -> None:
    await desk.receive("米", 5)
    stocked = await desk.product("米")
    refused = await desk.ask(ARCHIVE, input={"key": str(uuid4()), "productId": stocked})
    assert refused == {"reason": "HAS_STOCK", "state": "HAS_STOCK"}


async def test_what_is_taken_names_its_field(desk: Desk) -> None:
    values = {"key": str(uuid4()), "sku": uuid4().hex, "name": "盐", "unit": "袋"}
    await raw(desk, ADD, desk.owner, "zh", input=values)
    values["key"] = str(uuid4())
    refused = (await raw(desk, ADD, desk.owner, "zh", input=values))["data"]["createProduct"]
    assert refused["path"] == ["input", "sku"]
    assert refused["message"] == f"货号 {values['sku']} 已存在"
    refused = (await raw(desk, ADD, desk.owner, "en", input=values | {"key": str(uuid4())}))["data"]
    assert refused["createProduct"]["message"] == f"SKU {values['sku']} already exists."


async def error(desk: Desk, query: str, by: str | None, language: str, **variables: Any) -> Any:
    [first] = (await raw(desk, query, by, language, **variables))["errors"]
    extensions = first["extensions"]
    return extensions["code"], extensions.get("path"), first["message"]


async def test_errors_are_localised_and_name_the_argument(desk: Desk) -> None:
    values = {"key": str(uuid4()), "storeId": desk.store, "lines": []}
    assert await error(desk, SELL, desk.cashier, "zh", input=values) == (
        "BAD_INPUT",
        ["input", "lines"],
        "明细须为 1 至 500 行",
    )
    assert await error(desk, BATCHES, desk.owner, "en", within=-1) == (
        "BAD_INPUT",
        ["expiringWithinDays"],
        "Days to expiry: give 0 to 3650.",
    )
    values["lines"] = [{"productId": str(uuid4()), "quantity": "1e3"}]
    code, path, message = await error(desk, SELL, desk.cashier, "zh", input=values)
    assert (code, path) == ("BAD_INPUT", ["input", "lines", "0", "quantity"])
    assert message.startswith("数量须为精确的数字")


async def test_a_missing_permission_is_named_in_words(desk: Desk) -> None:
    values = {"key": str(uuid4()), "sku": "x", "name": "x", "unit": "袋"}
    forbidden = await error(desk, ADD, desk.cashier, "zh", input=values)
    assert forbidden == ("FORBIDDEN", None, "您没有“管理商品”权限，请联系老板")
    assert (await error(desk, ADD, None, "zh", input=values))[2] == "请先登录"
    assert (await error(desk, ADD, None, "en", input=values))[2] == "Sign in first."


async def test_a_date_has_one_spelling(desk: Desk) -> None:
    for day in ("20261123", "2026-W48-1", "2026-1-2", "二〇二六"):
        code, path, message = await error(desk, REPORT, desk.owner, "zh", day=day)
        assert (code, path, message) == ("BAD_INPUT", ["day"], "日期须为年-月-日，例如 2026-11-23")


async def test_a_list_of_kinds_is_bounded(desk: Desk) -> None:
    code, path, _ = await error(desk, MOVEMENTS, desk.owner, "zh", kinds=["SALE"] * 101)
    assert (code, path) == ("BAD_INPUT", ["kinds"])
    assert "errors" not in await raw(desk, MOVEMENTS, desk.owner, "zh", kinds=["SALE"] * 100)
