"""The replay: catalogue, opening stock, baskets in time order, a report and the audit."""

import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import typer

from app.db.core.audit import audit
from app.db.core.unit import Database
from app.domain.errors import Refused as RefusedUnit
from app.domain.people.stores import create_tenant
from app.replay.dataset import Basket, Story
from app.replay.shop import AT_ONCE, STAFF, STORE, Shop, several
from app.settings import Settings

PASSWORD = "replay-replay"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay, on which server, and with which login; without a login a tenant is created
    for it."""

    url: str
    name: str
    story: Story
    percent: int = 100
    """Opening stock in percent of the quantity that will be sold."""
    login: str = ""
    password: str = ""


async def replay(settings: Settings, plan: Plan) -> bool:
    """Replay the story. Returns whether the audit found no breach. Raises Refused, Unreachable."""
    story = plan.story
    limits = httpx2.Limits(max_connections=AT_ONCE)
    async with httpx2.AsyncClient(base_url=plan.url, timeout=60, limits=limits) as http:
        shop = Shop(http, plan.name)
        await shop.ask("{ __typename }")
        if plan.login:
            await shop.sign_in(plan.login, plan.password)
        else:
            await create_chain(settings, plan.name, story.stores[0])
            await shop.sign_in(f"{plan.name}-owner", PASSWORD)
        with bar("商品 / catalogue", len(story.goods)) as shown:
            ids = await shop.catalogue(story.goods, lambda: shown.update(1))
        stores = await open_stores(shop, plan, ids)
        await shop.sign_in(f"{plan.name}-manager", PASSWORD)
        outcomes, seconds = await sell(shop, story, stores, ids)
    report(story, outcomes, seconds)
    findings = await audit(settings.owner_url)
    for finding in findings:
        typer.echo(f"  {finding.invariant}: {finding.where}")
    typer.echo(
        "审计 / audit: "
        + (f"{len(findings)} 处不一致 / breaches" if findings else "账实一致 / clean")
    )
    return not findings


def bar(label: str, length: int) -> AbstractContextManager[Any]:
    return typer.progressbar(length=length, label=label)


async def create_chain(settings: Settings, name: str, store: str) -> None:
    """Create the tenant, unless an earlier run has created it."""

    async def unheard(_tenant: UUID, _stores: object) -> None:
        """Sends no nudge: a new store has no followers."""

    db = Database(settings.database_url, unheard, pool_size=1)
    try:
        await create_tenant(db, name, f"{name}-owner", PASSWORD, f"{name}-{store}", f"{store} 号店")
    except RefusedUnit:
        typer.echo(f"继续使用已有的 {name} / going on with the {name} that is there")
    finally:
        await db.close()


async def open_stores(shop: Shop, plan: Plan, ids: dict[str, str]) -> dict[str, str]:
    """The stores with their opening stock, and their cashiers."""
    story = plan.story
    first = await shop.ask("{ stores { id code } }")
    stores = {each["code"].removeprefix(f"{shop.name}-"): each["id"] for each in first}
    for name in story.stores:
        if name not in stores:
            code = f"{shop.name}-{name}"
            answer = await shop.make(STORE, "store", name, code=code, name=f"{name} 号店")
            stores[name] = answer["id"]
    with bar("期初 / opening", len(story.stores)) as shown:
        for name in story.stores:
            await shop.open_stock(stores[name], story.opening(name, plan.percent), ids)
            shown.update(1)
    await shop.make(
        STAFF,
        "staff",
        "manager",
        login=f"{shop.name}-manager",
        name="店长",
        password=PASSWORD,
        role="MANAGER",
        storeIds=[stores[name] for name in story.stores],
    )
    return stores


async def sell(
    shop: Shop, story: Story, stores: dict[str, str], ids: dict[str, str]
) -> tuple[Counter[tuple[str, str]], float]:
    began = time.monotonic()
    with bar("销售 / baskets", len(story.baskets)) as shown:

        async def one(basket: Basket) -> tuple[str, str]:
            outcome = await shop.sell(stores[basket.store], basket, ids)
            shown.update(1)
            return outcome

        outcomes = Counter(await several(story.baskets, one))
    return outcomes, time.monotonic() - began


def report(story: Story, outcomes: Counter[tuple[str, str]], seconds: float) -> None:
    """The report: booked sales, refused ones with their reasons, and the decisions about odd
    rows."""
    lines = sum(len(basket.lines) for basket in story.baskets)
    baskets, rate = len(story.baskets), len(story.baskets) / seconds
    typer.echo(
        f"回放 / replayed: {baskets} 单 baskets, {lines} 行 lines, {len(story.goods)} 种 products"
    )
    posted = outcomes.pop(("Movement", ""), 0)
    typer.echo(f"入账 / posted: {posted} 单 baskets, {rate:.0f} 单/秒 per second")
    typer.echo(f"拒绝 / refused: {outcomes.total()}")
    for (kind, message), count in outcomes.most_common(10):
        typer.echo(f"  {count} × {kind}: {message}")
    typer.echo(f"异常数据 / odd rows: {story.decisions.total()}")
    for decision, count in story.decisions.most_common():
        typer.echo(f"  {count} × {decision}")
    typer.echo(
        "再次运行不会重复入账, 答复与首次相同 / "
        "run again, it books nothing twice: same keys, same answers"
    )
