"""Products over HTTP: create, update, packs, limits and search."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import PRODUCT, Desk, mutation, unnamed, verify_change

BY_ID = f"query($id: UUID!) {{ product(id: $id) {{ {PRODUCT} }} }}"
BY_SKU = "query($sku: String!) { product(sku: $sku) { id } }"
BY_BARCODE = "query($code: String!) { product(barcode: $code) { id } }"
CATEGORIES = "{ categories { id name parentId path } }"
PRODUCTS = """
query($search: String, $category: UUID, $kind: ProductKind, $archived: Boolean,
      $first: Int, $after: String) {
  products(search: $search, categoryId: $category, kind: $kind, archived: $archived,
           first: $first, after: $after) {
    nodes { name } pageInfo { hasNextPage endCursor }
  }
}
"""
GTIN = "036000291452"
EDITS = ("updateProduct", "archiveProduct", "addBarcode", "setReorderPoint")


def sku() -> str:
    return f"S-{uuid4().hex[:12]}"


async def values_for(desk: Desk, name: str) -> dict[str, Any]:
    """An input that works, but for the product it is about."""
    return {
        "createProduct": {"sku": sku(), "name": "盐", "unit": "袋"},
        "createCategory": {"name": uuid4().hex},
        "updateProduct": {"name": "新名"},
        "archiveProduct": {},
        "addBarcode": {"code": sku()},
        "setReorderPoint": {"quantity": "3"},
    }[name]


async def names(desk: Desk, **filters: Any) -> list[str]:
    answer = await desk.ask(PRODUCTS, **filters)
    return [product["name"] for product in answer["nodes"]]


async def test_a_product_is_made_with_all_that_is_said(desk: Desk) -> None:
    category = await desk.do("createCategory", name=f"粮油 {uuid4().hex[:8]}")
    number = sku()
    created = await desk.do(
        "createProduct",
        sku=f" {number} ",
        name=" 五常大米 ",
        spec="5kg/袋",
        unit="kg",
        price="12.50",
        categoryId=category["id"],
        imageUrl="https://example.com/a.png",
        overstockPoint="100.5",
        barcodes=["4006381333931", number],
    )
    assert created == {
        "id": created["id"],
        "sku": number,
        "name": "五常大米",
        "spec": "5kg/袋",
        "unit": "kg",
        "kind": "GOODS",
        "price": "12.50",
        "imageUrl": "https://example.com/a.png",
        "archivedAt": None,
        "reorderPoint": "0",
        "overstockPoint": "100.5",
        "category": category,
        "barcodes": [
            {"code": "4006381333931", "packQuantity": "1"},
            {"code": number, "packQuantity": "1"},
        ],
    }
    assert await desk.ask(BY_ID, id=created["id"]) == created
    assert category in await desk.ask(CATEGORIES, desk.cashier)


async def test_only_what_is_given_changes(desk: Desk) -> None:
    await desk.product("米", price="3", spec="一", overstockPoint="50")
    await desk.receive("米", 10)
    product = await desk.product("米")
    renamed = desk.do("updateProduct", productId=product, name="东北米", price="4.05")
    changed = await verify_change(desk, renamed)
    assert (changed["name"], changed["price"], changed["spec"]) == ("东北米", "4.05", "一")
    assert changed["overstockPoint"] == "50"
    judged = desk.do("updateProduct", productId=product, overstockPoint="9")
    assert (await verify_change(desk, judged))["overstockPoint"] == "9"
    assert (await desk.level("米"))["status"] == "OVERSTOCKED"


async def test_an_archived_product_leaves_searches_and_comes_back(desk: Desk) -> None:
    name = f"米{uuid4().hex[:8]}"
    await desk.receive(name, 10)
    product = await desk.product(name)
    archiving = desk.do("archiveProduct", productId=product, withStock=True)
    archived = await verify_change(desk, archiving)
    assert archived["archivedAt"]
    again = await desk.do("archiveProduct", productId=product, withStock=True)
    assert again["archivedAt"] == archived["archivedAt"]
    assert await names(desk, search=name) == []
    assert await names(desk, search=name, archived=True) == [name]
    back = desk.do("archiveProduct", productId=product, archived=False)
    assert (await verify_change(desk, back))["archivedAt"] is None
    assert await names(desk, search=name) == [name]


@pytest.mark.parametrize("one_store", [True, False], ids=["one-store", "all-stores"])
async def test_a_level_is_low_at_its_point(desk: Desk, one_store: bool) -> None:
    await desk.receive("米", 10)
    values = {"productId": await desk.product("米"), "quantity": "10"}
    if one_store:
        values["storeId"] = desk.store
    answer = await verify_change(desk, desk.do("setReorderPoint", **values))
    assert answer["reorderPoint"] == ("0" if one_store else "10")
    level = await desk.level("米")
    assert (level["status"], level["reorderPoint"]) == ("LOW", "10")
    await desk.receive("米", 1)
    assert (await desk.level("米"))["status"] == "NORMAL"


async def test_a_stores_own_point_outlives_the_chains(desk: Desk) -> None:
    await desk.receive("米", 10)
    values = {"productId": await desk.product("米")}
    await desk.do("setReorderPoint", quantity="7", storeId=desk.store, by=desk.manager, **values)
    chains = await desk.do("setReorderPoint", quantity="9", **values)
    assert chains["reorderPoint"] == "9"
    assert (await desk.level("米"))["reorderPoint"] == "7"
    everywhere = {"quantity": "1", **values}
    assert await desk.code("setReorderPoint", by=desk.manager, **everywhere) == "BAD_INPUT"


async def test_a_new_store_takes_the_products_points(desk: Desk) -> None:
    product = await desk.product("米", overstockPoint="3")
    await desk.do("setReorderPoint", productId=product, quantity="2")
    await desk.receive("米", 2)
    assert (await desk.level("米"))["status"] == "LOW"
    await desk.receive("米", 2)
    assert (await desk.level("米"))["status"] == "OVERSTOCKED"


async def test_packs_hold_what_they_say(desk: Desk) -> None:
    product, code = await desk.product("苹果", unit="kg"), sku()
    answer = await desk.do("addBarcode", productId=product, code=code, packQuantity="2.5")
    assert answer["barcodes"] == [{"code": code, "packQuantity": "2.5"}]
    for quantity in ("0", "-1", "0.0001"):
        refused = await desk.do("addBarcode", productId=product, code=sku(), packQuantity=quantity)
        assert (refused["code"], refused["quantity"]) == ("INVALID_QUANTITY", quantity)


async def test_names_are_taken_once(desk: Desk) -> None:
    number, code, name = sku(), sku(), uuid4().hex
    values = {"name": "米", "unit": "袋"}
    product = (await desk.do("createProduct", sku=number, barcodes=[code], **values))["id"]
    taken = await desk.do("createProduct", sku=number, **values)
    assert (taken["code"], taken["field"], taken["value"]) == ("ALREADY_TAKEN", "sku", number)
    taken = await desk.do("createProduct", sku=sku(), barcodes=[code], **values)
    assert (taken["code"], taken["field"], taken["value"]) == ("ALREADY_TAKEN", "barcode", code)
    taken = await desk.do("addBarcode", productId=product, code=code)
    assert (taken["code"], taken["field"]) == ("ALREADY_TAKEN", "barcode")
    await desk.do("createCategory", name=name)
    taken = await desk.do("createCategory", name=name)
    assert (taken["code"], taken["field"], taken["value"]) == ("ALREADY_TAKEN", "name", name)


async def test_a_refused_product_leaves_nothing(desk: Desk) -> None:
    number, code = sku(), sku()
    values = {"sku": number, "name": "米", "unit": "袋", "barcodes": [code, code]}
    assert (await desk.do("createProduct", **values))["code"] == "ALREADY_TAKEN"
    assert await desk.ask(BY_SKU, sku=number) is None
    assert await desk.ask(BY_BARCODE, code=code) is None


async def test_two_chains_share_every_name(desk: Desk, outsider: Desk) -> None:
    number = sku()
    for one in (desk, outsider):
        created = await one.do("createProduct", sku=number, name="米", unit="袋", barcodes=[number])
        assert (await one.ask(BY_SKU, sku=number))["id"] == created["id"]
        assert (await one.ask(BY_BARCODE, code=number))["id"] == created["id"]


@pytest.mark.parametrize("name", ["createProduct", "updateProduct"])
async def test_foreign_categories_look_absent(desk: Desk, outsider: Desk, name: str) -> None:
    foreign = await outsider.do("createCategory", name=uuid4().hex)
    more = {"productId": await desk.product("米")} if name == "updateProduct" else {}
    answers = []
    for category in (foreign["id"], str(uuid4())):
        answer = await desk.do(name, **await values_for(desk, name), categoryId=category, **more)
        assert answer["code"] == "UNKNOWN_CATEGORY"
        answers.append(unnamed(answer, category))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", EDITS)
async def test_foreign_products_look_absent(desk: Desk, outsider: Desk, name: str) -> None:
    answers = []
    for product in (await outsider.product("米"), str(uuid4())):
        answer = await desk.do(name, productId=product, **await values_for(desk, name))
        assert answer["code"] == "UNKNOWN_PRODUCT"
        assert await desk.ask(BY_ID, id=product) is None
        answers.append(unnamed(answer, product))
    assert answers[0] == answers[1]


async def test_foreign_stores_look_absent(desk: Desk, outsider: Desk) -> None:
    answers = []
    for store in (outsider.store, str(uuid4())):
        answer = await desk.do(
            "setReorderPoint", productId=await desk.product("米"), quantity="1", storeId=store
        )
        assert answer["code"] == "UNKNOWN_STORE"
        answers.append(unnamed(answer, store))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", [*EDITS, "createProduct", "createCategory"])
async def test_one_key_has_one_effect(desk: Desk, name: str) -> None:
    values = {"key": str(uuid4()), **await values_for(desk, name)}
    if name in EDITS:
        values["productId"] = await desk.product("米")
    first = await desk.do(name, **values)
    assert "code" not in first
    assert await desk.do(name, **values) == first
    field, value = {
        "archiveProduct": ("archived", False),
        "addBarcode": ("code", sku()),
        "setReorderPoint": ("quantity", "4"),
    }.get(name, ("name", uuid4().hex))
    assert (await desk.do(name, **{**values, field: value}))["code"] == "KEY_REUSED"


@pytest.mark.parametrize("name", [*EDITS, "createProduct", "createCategory"])
async def test_who_may_not(desk: Desk, name: str) -> None:
    values = {"key": str(uuid4()), **await values_for(desk, name)}
    if name in EDITS:
        values["productId"] = await desk.product("米")
    assert await desk.asking.code(mutation(name), desk.cashier, input=values) == "FORBIDDEN"
    assert await desk.asking.code(mutation(name), None, input=values) == "UNAUTHENTICATED"


async def test_a_barcode_is_found_however_it_is_spelled(fresh: Desk) -> None:
    product = await fresh.product("口香糖", barcodes=[GTIN])
    for spelled in (GTIN, f"0{GTIN}", f"00{GTIN}", f" {GTIN} "):
        assert (await fresh.ask(BY_BARCODE, code=spelled))["id"] == product
        assert await names(fresh, search=spelled) == ["口香糖"]
    assert await fresh.ask(BY_BARCODE, code=GTIN[:-1]) is None
    taken = await fresh.do("addBarcode", productId=product, code=f"0{GTIN}")
    assert (taken["code"], taken["value"]) == ("ALREADY_TAKEN", f"00{GTIN}")


async def test_one_way_of_asking_at_a_time(desk: Desk) -> None:
    for arguments in ("", '(sku: "a", barcode: "b")', f'(id: "{uuid4()}", sku: "a")'):
        assert (
            await desk.asking.code(f"{{ product{arguments} {{ id }} }}", desk.owner) == "BAD_INPUT"
        )


SEARCHES = [
    ("dm", ["大米"]),
    ("DM", ["大米"]),
    ("大米", ["大米"]),
    ("米", ["大米", "小米 100%"]),
    ("dami", ["大米"]),
    ("cq", ["重庆小面"]),
    ("sku-rice", ["大米"]),
    ("SKU-RICE", ["大米"]),
    ("rice", ["大米"]),
    ("可口", ["可口可乐_330ml"]),
    ("330", ["可口可乐_330ml"]),
    ("%", ["小米 100%"]),
    ("_", ["可口可乐_330ml"]),
    ("\\", ["反\\斜"]),
    ("a%b", []),
    ("'; drop table products; --", []),
    ("  大米  ", ["大米"]),
    (".*", []),
]


async def test_products_are_found(fresh: Desk) -> None:
    await fresh.product("大米", sku="SKU-RICE")
    for name in ("小米 100%", "可口可乐_330ml", "反\\斜", "重庆小面"):
        await fresh.product(name, sku=uuid4().hex.translate(str.maketrans("0123456789", "g" * 10)))
    for search, expected in SEARCHES:
        assert sorted(await names(fresh, search=search)) == sorted(expected), search
    everything = ["大米", "反\\斜", "可口可乐_330ml", "小米 100%", "重庆小面"]
    assert await names(fresh) == await names(fresh, search=" ")
    assert sorted(await names(fresh)) == sorted(everything)


async def test_the_very_thing_comes_first(fresh: Desk) -> None:
    await fresh.product("大米糕", sku="A1")
    await fresh.product("阿大米", sku="A2")
    await fresh.product("果汁", sku="大米")
    assert await names(fresh, search="大米") == ["果汁", "大米糕", "阿大米"]


async def test_products_are_filtered(fresh: Desk) -> None:
    category = (await fresh.do("createCategory", name="菜"))["id"]
    await fresh.product("面", kind="DISH", categoryId=category)
    await fresh.product("碗")
    assert await names(fresh, kind="DISH") == ["面"]
    assert await names(fresh, category=category) == ["面"]
    assert await names(fresh, category=category, kind="GOODS") == []
    assert await names(fresh, category=str(uuid4())) == []


async def test_pages_tell_each_product_once_while_others_come_and_go(fresh: Desk) -> None:
    for number in range(12):
        await fresh.product(f"货{number:02}")
    seen: list[str] = []
    after = None
    while True:
        page = await fresh.ask(PRODUCTS, first=5, after=after)
        seen += [product["name"] for product in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        await fresh.product(f"货00 {len(seen)}")
        gone = await fresh.product(seen[0])
        await fresh.do("archiveProduct", productId=gone)
    assert seen == [f"货{number:02}" for number in range(12)]


async def test_english_is_spoken(desk: Desk) -> None:
    values = {
        "query": mutation("createProduct"),
        "variables": {
            "input": {
                "key": str(uuid4()),
                "sku": "x",
                "name": "x",
                "unit": "袋",
                "categoryId": str(uuid4()),
            }
        },
    }
    headers = {"authorization": f"Bearer {desk.owner}"}
    for language, said in (("en-US,en;q=0.9", "No such category"), ("zh-CN", "没有这个分类")):
        response = await desk.asking.http.post(
            "/graphql", json=values, headers={**headers, "accept-language": language}
        )
        answer = response.json()["data"]["createProduct"]
        assert answer["message"].startswith(said)
        assert answer["code"] == "UNKNOWN_CATEGORY"


OPTIONAL = """mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
  ... on Product { name spec price imageUrl overstockPoint category { name } } } }"""


async def test_null_empties_what_may_be_empty(desk: Desk) -> None:
    category = (await desk.do("createCategory", name=f"类{uuid4().hex[:8]}"))["id"]
    fields = {"price": "3", "spec": "大", "overstockPoint": "50", "imageUrl": "https://a.example/x"}
    name = f"米{uuid4().hex[:8]}"
    product = await desk.product(name, categoryId=category, **fields)

    async def update(**input: Any) -> Any:
        values = {"key": str(uuid4()), "productId": product, **input}
        return await desk.ask(OPTIONAL, input=values)

    kept = await update(forSale=True)
    assert (kept["price"], kept["spec"], kept["overstockPoint"]) == ("3.00", "大", "50")
    assert kept["imageUrl"]
    assert kept["category"]
    emptied = await update(**dict.fromkeys(fields), categoryId=None, name=None)
    assert emptied == {
        "name": name,
        "spec": "",
        "price": None,
        "imageUrl": None,
        "overstockPoint": None,
        "category": None,
    }
    given = {"price": "4", "spec": "小"}
    assert (await update(**given))["spec"] == "小"
    assert (await update(spec=""))["spec"] == ""
