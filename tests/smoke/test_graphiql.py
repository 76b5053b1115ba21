"""GraphiQL in a real Chromium: it asks nobody but us, signs in, queries and hears live changes."""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from graphql import parse, validate
from playwright.async_api import Browser, async_playwright, expect

from app.db.core.unit import Database
from app.domain.people.stores import create_tenant
from app.resolvers import SCHEMA
from app.web.graphiql import BUILD
from tests.api.conftest import asking
from tests.support.identity import INVITE, PASSWORD, Asking, Chain
from tests.support.screen import FLAGS, Shown

__all__ = ["asking"]

CHROMIUM = shutil.which("chromium")
EXAMPLES = sorted(Path("web/src/examples").glob("*.graphql"))
CREATE = """
mutation($input: CreateProductInput!) { createProduct(input: $input) {
  ... on Product { id }
  ... on Problem { message }
} }
"""
RECEIVE = """
mutation($input: ReceiveInput!) { receive(input: $input) {
  ... on Movement { id }
  ... on Problem { message }
} }
"""
RECIPE = """
mutation($input: SetRecipeInput!) { setRecipe(input: $input) {
  ... on Product { id }
  ... on Problem { message }
} }
"""
SELL = RECEIVE.replace("ReceiveInput", "SellInput").replace("receive(", "sell(")
PRODUCTS = (
    ("RICE-5KG", "东北大米", "5 kg", "39.90", "24"),
    ("RICE-10KG", "五常大米", "10 kg", "89.00", "6"),
    ("SOY-500", "生抽酱油", "500 ml", "9.90", "60"),
)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def shown(browser: Browser, asking: Asking) -> AsyncIterator[Shown]:
    """GraphiQL freshly opened; when the test is over it must have behaved."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    shown = Shown(page, str(asking.http.base_url).rstrip("/"))
    shown.watch()
    await page.goto(f"{shown.origin}/graphiql")
    await expect(page.locator(".graphiql-query-editor .CodeMirror")).to_be_visible()
    yield shown
    await page.close()
    assert shown.strayed == []
    assert shown.complaints == []


@dataclass
class Counter:
    """A manager of a store that holds the products of the examples."""

    owner: str
    login: str
    token: str
    store_id: str
    asking: Asking

    async def sell(self, code: str, quantity: str) -> None:
        lines = [{"code": code, "quantity": quantity}]
        input = {"key": str(uuid4()), "storeId": self.store_id, "lines": lines}
        assert "id" in await self.asking(SELL, self.token, input=input)


@pytest.fixture
async def counter(db: Database, asking: Asking) -> Counter:
    login = uuid4().hex
    founded = await create_tenant(db, "小满超市", login, PASSWORD, login, "南山店")
    chain = Chain(founded, (await asking.sign_in(login))["accessToken"], asking)
    lines = []
    for sku, name, spec, price, quantity in PRODUCTS:
        product: dict[str, Any] = {
            "sku": sku,
            "name": name,
            "spec": spec,
            "price": price,
            "unit": "袋",
        }
        lines.append({"code": sku, "quantity": quantity})
        assert "id" in await chain.do(CREATE, **product)
    assert "id" in await chain.do(RECEIVE, storeId=str(chain.store), lines=lines)
    person = chain.person(name="王店长", role="MANAGER")
    await chain.do(INVITE, **person)
    token = (await asking.sign_in(person["login"]))["accessToken"]
    return Counter(login, person["login"], token, str(chain.store), asking)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_schema_and_is_in_the_build(example: Path) -> None:
    text = example.read_text()
    assert validate(SCHEMA._schema, parse(text)) == []
    (script,) = BUILD.glob("assets/*.js")
    assert text in script.read_text(), "run web/build.sh and commit what it writes"


async def test_assets_are_kept_for_ever_and_the_page_is_not(asking: Asking) -> None:
    page = await asking.http.get("/graphiql")
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; ")
    names = re.findall(r'(?:src|href)="(/graphiql/assets/[^"]+)"', page.text)
    assert len(names) == len(list(BUILD.glob("assets/*")))
    for name in names:
        for coding in ("gzip", "identity"):
            asset = await asking.http.get(name, headers={"accept-encoding": coding})
            assert asset.content == (BUILD / name.removeprefix("/graphiql/")).read_bytes()
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert asset.headers.get("content-encoding", "identity") == coding


@pytest.mark.parametrize("name", ["missing.js", "..%2findex.html", "..%2f..%2fgraphiql.py"])
async def test_nothing_else_is_served(asking: Asking, name: str) -> None:
    assert (await asking.http.get(f"/graphiql/assets/{name}")).status_code == 404


async def test_a_range_is_not_even_read(asking: Asking) -> None:
    answer = await asking.http.get("/graphiql", headers={"range": "bytes=0-0,0-0,0-0"})
    assert answer.status_code == 200
    assert "content-range" not in answer.headers


async def test_it_opens_and_knows_the_schema(shown: Shown) -> None:
    tabs = await shown.page.locator(".graphiql-tab-button").all_inner_texts()
    assert tabs == [
        *("SignIn", "Products", "Receive", "Sell", "StoreFeed", "Storefront", "Scan"),
        *("Order", "Payment", "Menu", "Replenish", "WriteOff", "Batches", "Alerts"),
        *("Stocktake", "Count", "Report", "Import", "AddScans", "BulkQuery"),
    ]
    await shown.page.get_by_label("Show Documentation Explorer").click()
    await expect(shown.page.locator(".graphiql-doc-explorer")).to_contain_text("Subscription")


async def test_an_introduction_stands_above_the_docs(shown: Shown) -> None:
    await shown.page.get_by_label("Show Documentation Explorer").click()
    introduction = shown.page.get_by_label("接口简介 Introduction")
    for title in ("这是什么", "登录与密钥", "幂等键", "实时订阅", "问题与错误"):
        await expect(introduction).to_contain_text(title)
    await introduction.get_by_text("实时订阅 · Feeds").click()
    await expect(introduction).to_contain_text("A subscription such as storeFeed")
    explorer = shown.page.locator(".graphiql-doc-explorer")
    await explorer.get_by_text("Query", exact=True).first.click()
    await expect(introduction).to_have_count(0)
    await shown.page.get_by_label("Go back to Docs").click()
    await expect(introduction).to_be_visible()


async def test_the_examples_work_as_they_stand(shown: Shown, counter: Counter) -> None:
    await shown.sign_in(counter.login)
    for tab, *texts in (
        ("Scan", "东北大米", '"available": "24"'),
        ("Order", '"__typename": "Order"', '"total": "79.80"'),
        ("Payment", '"state": "PAID"', "WX-20260101-0001"),
        ("Replenish", '"state": "REQUESTED"', '"requested": "20"'),
        ("WriteOff", '"state": "REQUESTED"', '"quantity": "1"'),
        ("Batches", '"nodes": []'),
        ("Alerts", '"nodes": []'),
        ("Stocktake", '"state": "OPEN"'),
        ("Count", '"counted": "20"'),
        ("Report", '"revenue"'),
        ("Import", "UNKNOWN_IMPORT"),
        ("AddScans", "UNKNOWN_SCAN_SESSION"),
        ("BulkQuery", '"requestedAt"'),
    ):
        await shown.run(tab)
        await shown.answers(*texts)


async def test_a_bad_token_ends_a_subscription_at_once(shown: Shown) -> None:
    await shown.page.get_by_label("Authorization: Bearer").fill("rubbish")
    await shown.run("StoreFeed")
    await shown.answers("WebSocket closed: 4403")


async def test_a_wrong_password_is_told(shown: Shown, counter: Counter) -> None:
    await shown.page.get_by_placeholder("账号 login").fill(counter.login)
    await shown.page.get_by_placeholder("密码 password").fill("not the password")
    await shown.page.get_by_role("button", name="登录 Sign in").click()
    await expect(shown.page.get_by_role("alert")).to_have_text("账号或密码不正确")


async def test_a_pasted_token_is_sent(shown: Shown, counter: Counter) -> None:
    await shown.run("Products")
    await shown.answers("UNAUTHENTICATED")
    await shown.page.get_by_label("Authorization: Bearer").fill(f"Bearer {counter.token}")
    await expect(shown.page.get_by_label("门店 Store")).to_contain_text("南山店")
    await shown.run("Products")
    await shown.answers("五常大米", '"onHand": "6"')
    await shown.page.get_by_role("button", name="退出 Sign out").click()
    await shown.run("Products")
    await shown.answers("UNAUTHENTICATED")


async def test_the_headers_editor_wins(shown: Shown, counter: Counter) -> None:
    await shown.page.get_by_label("Authorization: Bearer").fill("rubbish")
    await expect(shown.page.get_by_role("alert")).to_contain_text("令牌无效")
    await shown.page.get_by_role("button", name="Headers").click()
    await shown.page.locator(".graphiql-editor-tool .CodeMirror").last.click()
    await shown.page.keyboard.insert_text(f'{{"Authorization": "Bearer {counter.token}"}}')
    await shown.write("query Me { viewer { name } }")
    await shown.page.get_by_label("Execute query").click()
    await shown.answers("王店长")


async def test_a_session_is_renewed_before_it_ends(shown: Shown, counter: Counter) -> None:
    await shown.sign_in(counter.login)
    kept = "sessionStorage.getItem('kucun.refreshToken')"
    before = await shown.page.evaluate(kept)
    await shown.page.evaluate("sessionStorage.setItem('kucun.expiresAt', new Date().toISOString())")
    await shown.run("Products")
    await shown.answers("五常大米")
    # Not the access tokens: two of the same second are equal.
    assert await shown.page.evaluate(kept) not in (before, None)


async def test_a_subscription_hears_a_sale_posted_over_http(shown: Shown, counter: Counter) -> None:
    await shown.sign_in(counter.login)
    await shown.run("Products")
    await shown.answers("东北大米", '"onHand": "24"', '"status": "NORMAL"')
    await shown.keep("graphiql.png")
    await shown.run("Sell")
    await shown.answers('"onHandAfter": "23"')
    await shown.run("StoreFeed")
    await shown.answers("StoreSnapshot", '"onHand": "23"')
    await counter.sell("RICE-5KG", "3")
    await shown.answers("StoreChange", '"onHand": "20"')
    await shown.keep("graphiql-live.png")
    await shown.page.get_by_label("Stop query").click()


async def test_from_a_scanned_code_to_the_menu(shown: Shown, counter: Counter) -> None:
    """Scan a GS1 code, receive it, sell a dish, watch the menu change: as somebody would."""
    code = await furnished(counter)
    await shown.sign_in(counter.login)
    scanned = "]d201069012345678921727123110A-7"
    await shown.write(
        f'query Scan {{ scan(storeId: "{counter.store_id}", code: "{scanned}") '
        "{ content { form batch expiresOn } product { name } level { available } } }"
    )
    await shown.page.get_by_label("Execute query").click()
    await shown.answers('"form": "GS1"', '"batch": "A-7"', '"expiresOn": "2027-12-31"', "鲜奶")
    await shown.write(
        f'mutation In {{ receive(input: {{key: "{uuid4()}", storeId: "{counter.store_id}", '
        f'lines: [{{code: "{scanned}", packs: 6}}]}}) '
        "{ ... on Movement { lines { batch { number } onHandAfter } } } }"
    )
    await shown.page.get_by_label("Execute query").click()
    await shown.answers('"number": "A-7"', '"onHandAfter": "6"')
    await shown.write(
        f'subscription Menu {{\n  menuFeed(store: "{code}") {{\n'
        "    dishes { name makeable limiting { name } soldOut }\n  }\n}"
    )
    await shown.page.get_by_label("Execute query").click()
    await shown.answers("双皮奶", '"makeable": 3')
    await counter.sell("DISH", "1")
    await shown.answers('"makeable": 2', '"name": "鲜奶"')
    await shown.keep("graphiql-menu.png")
    await shown.page.get_by_label("Stop query").click()


async def furnished(counter: Counter) -> str:
    """A dish of two cartons of milk that is kept by batches; the store's public code."""
    owner = (await counter.asking.sign_in(counter.owner))["accessToken"]
    ids = []
    for product in (
        {"sku": "MILK", "name": "鲜奶", "tracksBatches": True, "barcodes": ["6901234567892"]},
        {"sku": "DISH", "name": "双皮奶", "kind": "DISH"},
    ):
        input = {"key": str(uuid4()), "unit": "份", **product}
        ids.append((await counter.asking(CREATE, owner, input=input))["id"])
    product = {"key": str(uuid4()), "productId": ids[1]}
    parts = [{"productId": ids[0], "quantity": "2"}]
    assert "id" in await counter.asking(RECIPE, owner, input={**product, "components": parts})
    return counter.owner


async def test_dialogs_and_menus_obey_the_policy(shown: Shown) -> None:
    await shown.page.get_by_label("Open settings dialog").click()
    await expect(shown.page.get_by_role("dialog")).to_contain_text("Theme")
    await shown.page.get_by_role("button", name="Dark").click()
    await shown.page.keyboard.press("Escape")
    await expect(shown.page.get_by_role("dialog")).to_have_count(0)
    await shown.write("query One { viewer { name } } query Two { __typename }")
    await shown.page.wait_for_timeout(300)
    await shown.page.get_by_label("Execute query").click()
    await shown.page.get_by_role("menuitem", name="Two").click()
    await shown.answers('"__typename": "Query"')
