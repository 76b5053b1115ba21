"""Categories over HTTP: a tree with paths, moved and renamed; filters include what is below."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.support.api import Desk

TREE = "{ categories { id name parentId path } }"
PRODUCTS = "query($id: UUID) { products(categoryId: $id) { nodes { name } } }"
LEVELS = "query($id: UUID) { levels(categoryId: $id) { nodes { product { name } } } }"
FRONT = """
query($store: String!, $id: UUID) {
  storefront(store: $store) { products(categoryId: $id) { nodes { name } } }
}
"""


async def category(desk: Desk, name: str, parent: str | None = None) -> str:
    created = await desk.do("createCategory", name=name, parentId=parent)
    assert "code" not in created, created
    return created["id"]


async def paths(desk: Desk) -> dict[str, str]:
    return {row["name"]: row["path"] for row in await desk.ask(TREE)}


async def test_a_path_names_every_category_above(fresh: Desk) -> None:
    food = await category(fresh, "食品")
    drinks = await category(fresh, "饮料", food)
    tea = await category(fresh, "茶", drinks)
    assert await paths(fresh) == {"食品": "食品", "饮料": "食品 / 饮料", "茶": "食品 / 饮料 / 茶"}
    parents = {row["id"]: row["parentId"] for row in await fresh.ask(TREE)}
    assert parents == {food: None, drinks: food, tea: drinks}


async def test_renamed_and_moved_with_all_below(fresh: Desk) -> None:
    food, other = await category(fresh, "食品"), await category(fresh, "其他")
    drinks = await category(fresh, "饮料", food)
    await category(fresh, "茶", drinks)
    renamed = await fresh.do("updateCategory", categoryId=drinks, name="饮品")
    assert (renamed["path"], renamed["parentId"]) == ("食品 / 饮品", food)
    moved = await fresh.do("updateCategory", categoryId=drinks, parentId=other)
    assert (moved["path"], moved["name"]) == ("其他 / 饮品", "饮品")
    assert (await paths(fresh))["茶"] == "其他 / 饮品 / 茶"
    top = await fresh.do("updateCategory", categoryId=drinks, parentId=None)
    assert (top["path"], top["parentId"]) == ("饮品", None)


async def test_a_retry_of_a_move_answers_the_same(fresh: Desk) -> None:
    food, drinks = await category(fresh, "食品"), await category(fresh, "饮料")
    move = {"key": str(uuid4()), "categoryId": drinks, "parentId": food}
    first = await fresh.do("updateCategory", **move)
    assert await fresh.do("updateCategory", **move) == first
    other = await fresh.do("updateCategory", **{**move, "parentId": None})
    assert other["code"] == "KEY_REUSED"


async def test_names_are_unique_below_one_parent(fresh: Desk) -> None:
    food, salon = await category(fresh, "食品"), await category(fresh, "美发")
    one, two = await category(fresh, "其他", food), await category(fresh, "其他", salon)
    taken = await fresh.do("createCategory", name="其他", parentId=food)
    assert (taken["code"], taken["value"]) == ("ALREADY_TAKEN", "其他")
    taken = await fresh.do("updateCategory", categoryId=two, parentId=food)
    assert taken["code"] == "ALREADY_TAKEN"
    taken = await fresh.do("updateCategory", categoryId=food, name="美发")
    assert taken["code"] == "ALREADY_TAKEN"
    await fresh.do("updateCategory", categoryId=one, name="干货")
    assert (await fresh.do("updateCategory", categoryId=two, parentId=food))["path"] == (
        "食品 / 其他"
    )


async def test_no_category_is_below_itself(fresh: Desk) -> None:
    food = await category(fresh, "食品")
    drinks = await category(fresh, "饮料", food)
    tea = await category(fresh, "茶", drinks)
    for parent in (food, drinks, tea):
        refused = await fresh.do("updateCategory", categoryId=food, parentId=parent)
        assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "OWN_SUBCATEGORY")
    assert (await paths(fresh))["茶"] == "食品 / 饮料 / 茶"


async def test_two_moves_at_once_make_no_circle(fresh: Desk) -> None:
    for _ in range(10):
        one, two = await category(fresh, uuid4().hex), await category(fresh, uuid4().hex)
        answers = await asyncio.gather(
            fresh.do("updateCategory", categoryId=one, parentId=two),
            fresh.do("updateCategory", categoryId=two, parentId=one),
        )
        assert sorted(answer.get("wrong", "") for answer in answers) == ["", "OWN_SUBCATEGORY"]


async def test_one_name_created_by_many_at_once_exists_once(fresh: Desk) -> None:
    answers = await asyncio.gather(*(fresh.do("createCategory", name="粮油") for _ in range(8)))
    assert sorted(answer.get("code", "") for answer in answers) == ["", *["ALREADY_TAKEN"] * 7]
    assert list(await paths(fresh)) == ["粮油"]


async def test_a_tree_is_not_deeper_than_ten(fresh: Desk) -> None:
    parent: str | None = None
    for depth in range(10):
        parent = await category(fresh, f"第{depth}级", parent)
    assert await fresh.code("createCategory", name="太深", parentId=parent) == "BAD_INPUT"
    branch = await category(fresh, "枝")
    leaf = await category(fresh, "叶", branch)
    assert await fresh.code("updateCategory", categoryId=leaf, parentId=parent) == "BAD_INPUT"


async def test_a_filter_includes_what_is_below(fresh: Desk) -> None:
    food = await category(fresh, "食品")
    drinks, snacks = await category(fresh, "饮料", food), await category(fresh, "零食", food)
    for name, where in (("米", food), ("茶", drinks), ("糖", snacks)):
        await fresh.product(name, categoryId=where, price="1")
        await fresh.receive(name, 1)
    code = fresh.chain.founded.store.code
    expected = {food: {"米", "茶", "糖"}, drinks: {"茶"}, str(uuid4()): set[str]()}
    for id, names in expected.items():
        listed = (await fresh.ask(PRODUCTS, id=id))["nodes"]
        assert {row["name"] for row in listed} == names
        levels = (await fresh.ask(LEVELS, id=id))["nodes"]
        assert {row["product"]["name"] for row in levels} == names
        shown = (await fresh.ask(FRONT, store=code, id=id))["products"]["nodes"]
        assert {row["name"] for row in shown} == names


async def test_names_have_no_slash_and_parents_exist(fresh: Desk, outsider: Desk) -> None:
    for name in ("食品/饮料", "食品／饮料", "", "长" * 51):
        assert await fresh.code("createCategory", name=name) == "BAD_INPUT"
    foreign = await category(outsider, uuid4().hex)
    for parent in (foreign, str(uuid4())):
        answer: Any = await fresh.do("createCategory", name="饮料", parentId=parent)
        assert answer["code"] == "UNKNOWN_CATEGORY"
        answer = await fresh.do("updateCategory", categoryId=parent, name="饮料")
        assert answer["code"] == "UNKNOWN_CATEGORY"
