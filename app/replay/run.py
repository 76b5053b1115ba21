"""The replay: catalogue, opening stock, baskets in time order, a report and the audit."""

import time
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any, Protocol
from uuid import UUID

import httpx2
import typer

from app.db.audit import audit
from app.db.unit import Database
from app.domain.errors import Refused as RefusedUnit
from app.domain.stores import create_tenant
from app.replay.dataset import Basket, Story
from app.replay.shop import STAFF, STORE, Shop, several
from app.settings import Settings

PASSWORD = "replay-replay"


class Bar(Protocol):
    def update(self, n_steps: int) -> None: ...


async def replay(settings: Settings, url: str, story: Story, name: str) -> bool:
    """Replays the story for a tenant of this name; True when the audit is clean."""
    await found(settings, name, story.stores[0])
    limits = httpx2.Limits(max_connections=40)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        shop = Shop(http, name)
        await shop.sign_in(f"{name}-owner", PASSWORD)
        with bar("商品 / catalogue", len(story.goods)) as shown:
            ids = await shop.catalogue(story.goods, lambda: shown.update(1))
        stores = await open_stores(shop, story, ids)
        await shop.sign_in(f"{name}-manager", PASSWORD)
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


async def found(settings: Settings, name: str, store: str) -> None:
    """The tenant, unless an earlier run founded it."""

    async def unheard(_tenant: UUID, _stores: object) -> None:
        """Nobody follows a store that has just been opened."""

    db = Database(settings.database_url, unheard, pool_size=1)
    try:
        await create_tenant(db, name, f"{name}-owner", PASSWORD, f"{name}-{store}", f"{store} 号店")
    except RefusedUnit:
        typer.echo(
            f"继续使用已有的 {name}: 相同的 key 不会重复入账 / the same keys book nothing twice"
        )
    finally:
        await db.close()


async def open_stores(shop: Shop, story: Story, ids: dict[str, UUID]) -> dict[str, UUID]:
    """The stores with their opening stock, exactly what will be sold; and who sells in them."""
    first = await shop.ask("{ stores { id code } }")
    stores = {each["code"].removeprefix(f"{shop.name}-"): each["id"] for each in first}
    for name in story.stores:
        if name not in stores:
            code = f"{shop.name}-{name}"
            made = await shop.make(STORE, "store", name, code=code, name=f"{name} 号店")
            stores[name] = made["id"]
    with bar("期初 / opening", len(story.stores)) as shown:
        for name in story.stores:
            await shop.open_stock(stores[name], story.sold(name), ids)
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
    shop: Shop, story: Story, stores: dict[str, UUID], ids: dict[str, UUID]
) -> tuple[Counter[str], float]:
    began = time.monotonic()
    with bar("销售 / baskets", len(story.baskets)) as shown:

        async def one(basket: Basket) -> str:
            outcome = await shop.sell(stores[basket.store], basket, ids)
            shown.update(1)
            return outcome

        outcomes = Counter(await several(story.baskets, one))
    return outcomes, time.monotonic() - began


def report(story: Story, outcomes: Counter[str], seconds: float) -> None:
    lines = sum(len(basket.lines) for basket in story.baskets)
    posted = outcomes.pop("Movement", 0)
    rate = len(story.baskets) / seconds
    typer.echo(
        f"入账 / posted: {posted} 单 baskets, 共 {lines} 行 lines, {rate:.0f} 单/秒 per second"
    )
    typer.echo(f"拒绝 / refused: {sum(outcomes.values())}")
    for reason, count in outcomes.most_common(10):
        typer.echo(f"  {count} × {reason}")
    typer.echo("异常数据 / odd rows:")
    for decision, count in story.decisions.most_common():
        typer.echo(f"  {count} × {decision}")
