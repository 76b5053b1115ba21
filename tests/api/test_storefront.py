"""The storefront for guests: labels instead of numbers."""

from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type

from app.resolvers import SCHEMA
from app.schema.boundary import EVERY, permission_of, sight_of
from app.schema.documents import SHARED_ROOTS
from tests.support.api import Desk
from tests.support.statements import read_statements

STOREFRONT = """
query($store: String!, $search: String, $category: UUID, $first: Int, $after: String) {
  storefront(store: $store) {
    store { name code }
    categories { name }
    products(search: $search, categoryId: $category, first: $first, after: $after) {
      nodes {
        id name spec unit imageUrl price availability { label remaining text }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
LABEL = """
query($product: UUID!, $store: UUID!) {
  product(id: $product) { availability(storeId: $store) { label remaining text } }
}
"""


async def seen(desk: Desk, language: str = "", **filters: Any) -> Any:
    """The storefront, read without a token."""
    body = {
        "query": STOREFRONT,
        "variables": {"store": desk.chain.founded.store.code, **filters},
    }
    headers = {"accept-language": language} if language else {}
    response = await desk.asking.http.post("/graphql", json=body, headers=headers)
    answer = response.json()
    assert "errors" not in answer, answer
    return answer["data"]["storefront"]


async def names(desk: Desk, **filters: Any) -> list[str]:
    return [product["name"] for product in (await seen(desk, **filters))["products"]["nodes"]]


async def label(desk: Desk, name: str, language: str = "") -> tuple[str, int | None, str]:
    page = await seen(desk, language, search=name)
    [product] = page["products"]["nodes"]
    answer = product["availability"]
    return answer["label"], answer["remaining"], answer["text"]


async def test_a_page_is_read_once_until_the_store_changes(desk: Desk) -> None:
    name = f"米{uuid4().hex}"
    await desk.receive(name, 20)
    assert (await label(desk, name))[0] == "PLENTY"
    with read_statements() as statements:
        assert (await label(desk, name))[0] == "PLENTY"
        assert (await label(desk, name, "en"))[2] == "In stock"
        # The English page only: its words differ.
        assert statements.transactions == 1
    await desk.post("sell", (name, 18))
    assert (await label(desk, name))[0] == "FEW"
    price = {"productId": await desk.product(name), "price": "9.90"}
    await desk.do("updateProduct", **price)
    [product] = (await seen(desk, search=name))["products"]["nodes"]
    assert product["price"] == "9.90"


async def test_a_token_that_expired_never_reads_a_shared_page(desk: Desk) -> None:
    assert await seen(desk)
    variables = {"store": desk.chain.founded.store.code}
    assert await desk.asking.code(STOREFRONT, "expired", **variables) == "UNAUTHENTICATED"


def test_everything_below_the_storefront_is_public() -> None:
    core = SCHEMA._schema
    assert core.query_type
    waiting, reached = [core.query_type.fields[name].type for name in SHARED_ROOTS], set[str]()
    while waiting:
        type_ = get_named_type(waiting.pop())
        if is_abstract_type(type_):
            waiting += core.get_possible_types(type_)
        if not isinstance(type_, GraphQLObjectType) or type_.name in reached:
            continue
        reached.add(type_.name)
        assert sight_of(type_).public is EVERY, type_.name
        fields = type_.extensions["strawberry-definition"].fields
        assert not [each.python_name for each in fields if permission_of(each)], type_.name
        waiting += [field.type for field in type_.fields.values()]
    assert "StorefrontProduct" in reached


async def test_a_passer_by_sees_what_is_sold(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="粮油"))["id"]
    rice = {"categoryId": category, "price": "12.50", "spec": "5kg", "imageUrl": "https://a/b"}
    product = await fresh.product("大米", **rice)
    for name, more in (("洗车", {"kind": "SERVICE"}), ("面", {"kind": "DISH"}), ("旧货", {})):
        await fresh.product(name, **more)
    await fresh.do("archiveProduct", productId=await fresh.product("旧货"))
    await fresh.do("setAssortment", productIds=[product], listed=True)
    page = await seen(fresh)
    assert page["store"] == {"name": "南山店", "code": fresh.chain.founded.store.code}
    assert page["categories"] == [{"name": "粮油"}]
    nodes = {each["name"]: each for each in page["products"]["nodes"]}
    assert set(nodes) == {"大米", "面", "洗车"}
    assert nodes["大米"] == {
        "id": product,
        "name": "大米",
        "spec": "5kg",
        "unit": "袋",
        "imageUrl": "https://a/b",
        "price": "12.50",
        "availability": {"label": "SOLD_OUT", "remaining": 0, "text": "已售罄"},
    }


BOUNDARIES = [
    ("袋", None, ("SOLD_OUT", 0, "已售罄")),
    ("袋", "1", ("FEW", 1, "仅剩 1 袋")),
    ("袋", "5", ("FEW", 5, "仅剩 5 袋")),
    ("袋", "6", ("PLENTY", None, "库存充足")),
    ("kg", "0.001", ("FEW", 0, "仅剩 0.001 公斤")),
    ("kg", "0.8", ("FEW", 0, "仅剩 0.8 公斤")),
    ("kg", "5", ("FEW", 5, "仅剩 5 公斤")),
    ("kg", "5.001", ("PLENTY", None, "库存充足")),
]


@pytest.mark.parametrize(("unit", "quantity", "shown"), BOUNDARIES)
async def test_a_label_at_its_boundary(
    desk: Desk, unit: str, quantity: str | None, shown: tuple[str, int | None, str]
) -> None:
    name = f"米{uuid4().hex}"
    product = await desk.product(name, unit=unit)
    await desk.do("setAssortment", productIds=[product], listed=True)
    if quantity:
        await desk.receive(name, quantity)
    assert await label(desk, name) == shown
    inside = await desk.ask(LABEL, product=product, store=desk.store)
    assert tuple(inside["availability"].values()) == shown


async def test_only_what_can_be_sold_counts(desk: Desk) -> None:
    name = f"米{uuid4().hex}"
    await desk.receive(name, 6)
    await desk.post("adjust", (name, 4), kind="QUARANTINE")
    assert (await label(desk, name))[:2] == ("FEW", 2)


async def test_english_is_spoken(desk: Desk) -> None:
    name = f"米{uuid4().hex}"
    await desk.do("setAssortment", productIds=[await desk.product(name)], listed=True)
    assert (await label(desk, name, "en-GB"))[2] == "Sold out"
    await desk.receive(name, 2)
    assert (await label(desk, name, "en"))[2] == "Only 2 left"
    await desk.receive(name, 20)
    assert (await label(desk, name, "en"))[2] == "In stock"
    assert (await label(desk, name, "fr"))[2] == "库存充足"


async def test_products_are_searched_and_paged(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="粮油"))["id"]
    for number in range(7):
        more = {"categoryId": category} if number < 2 else {}
        product = await fresh.product(f"货{number}", **more)
        await fresh.do("setAssortment", productIds=[product], listed=True)
    assert await names(fresh, search="hw") == []
    assert await names(fresh, search="huo3") == ["货3"]
    assert await names(fresh, search="%") == []
    assert await names(fresh, category=category) == ["货0", "货1"]
    answers: list[str] = []
    after = None
    while True:
        page = (await seen(fresh, first=3, after=after))["products"]
        answers += [product["name"] for product in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        more = await fresh.product(f"货{len(answers)}{len(answers)}")
        await fresh.do("setAssortment", productIds=[more], listed=True)
    assert answers == [f"货{number}" for number in range(3)] + answers[3:]
    assert len(answers) == len(set(answers))
    assert {f"货{number}" for number in range(7)} <= set(answers)


async def test_each_store_has_its_own_code(fresh: Desk, outsider: Desk) -> None:
    await fresh.receive("大米", 1)
    assert await names(fresh) == ["大米"]
    code = outsider.chain.founded.store.code
    assert "大米" not in await names(fresh, store=code)
    assert await seen(fresh, store="no-such-store") is None
    assert await names(fresh, store=fresh.chain.founded.store.code.upper()) == ["大米"]


NUMBERS = '{ storefront(store: "x") { products { nodes { %s } } } }'


@pytest.mark.parametrize("field", ["onHand", "level", "reorderPoint", "sku", "shelf", "few"])
async def test_no_number_has_a_field(desk: Desk, field: str) -> None:
    assert await desk.asking.code(NUMBERS % field) == "BAD_INPUT"
