"""Markdowns 临期折扣: a lower price for a batch that would not be sold in time."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.db import identity
from app.db import markdowns as rows
from app.db.core.unit import Database, Unit, clock
from app.db.tables import BatchLevel, Markdown
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed, Refusal, Refused
from app.domain.rules.days import day_start, store_day
from app.domain.rules.fefo import NEVER

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class BatchNotHeld(Refusal):
    """The store holds nothing of a batch with this id."""

    asked: str


@dataclass(frozen=True, slots=True)
class MarkdownRequest:
    """Percent off a batch in a store, None to end the markdown; None for the day is the batch's
    last day of sale."""

    key: UUID
    store_id: UUID
    batch_id: UUID
    percent: int | None
    until: date | None


async def set_markdown(db: Database, viewer: Viewer, request: MarkdownRequest) -> BatchLevel:
    """Sell a batch at a lower price from now on; what the store holds of it.

    Raises Refused: UnknownStore, BatchNotHeld when the store holds nothing of the batch; Malformed
    for a percentage out of bounds, for an expired batch, and for a day in the past or
    behind the last day of sale.
    """
    store = access.at(viewer, Can.SET_PRICE, request.store_id)
    percent = request.percent
    if percent is not None and not 1 <= percent <= 99:
        raise Malformed("percent", "折扣须为 1 至 99", "The percentage is from 1 to 99.")
    async with db.unit(viewer.tenant) as unit:
        parts = ("setMarkdown", store, request.batch_id, percent, request.until)
        earlier = await claim(unit, viewer.claimant, request.key, request.batch_id, *parts)
        level = await rows.batch_level(unit.session, unit.tenant, store, request.batch_id)
        if level is None:
            raise Refused(BatchNotHeld(str(request.batch_id)))
        if earlier is None:
            await _write(unit, viewer, level, request)
    return level


async def _write(unit: Unit, viewer: Viewer, level: BatchLevel, request: MarkdownRequest) -> None:
    if request.percent is None:
        await rows.remove(unit, level.store_id, level.batch_id)
    else:
        [store] = await identity.stores_by_id(unit.session, unit.tenant, [level.store_id])
        until = _last_day(level, request.until, store_day(unit.now, store.timezone))
        markdown = Markdown(
            tenant_id=unit.tenant,
            store_id=level.store_id,
            product_id=level.product_id,
            batch_id=level.batch_id,
            percent=request.percent,
            until=until,
            ends_at=day_start(until + timedelta(days=1), store.timezone),
            set_by=viewer.actor,
        )
        await rows.put(unit, markdown)
    # Storefronts and staff see the new price at once.
    unit.changed(level.store_id, level.product_id)
    unit.document_changed(level.store_id, level.product_id)
    await record_act(
        unit,
        viewer,
        Act.SET_MARKDOWN,
        Subject.BATCH,
        level.batch_id,
        level.store_id,
        percent=request.percent,
    )


def _last_day(level: BatchLevel, until: date | None, today: date) -> date:
    """The last day of the markdown. Raises Malformed."""
    if level.expires_on < today:
        raise Malformed(
            "batchId",
            f"该批次已于 {level.expires_on} 过期，不能打折，请报损",
            f"The batch expired on {level.expires_on}: write it off, it cannot be sold.",
        )
    last = min(level.expires_on, today + LONGEST) if level.expires_on == NEVER else level.expires_on
    chosen = until or last
    if not today <= chosen <= last:
        raise Malformed(
            "until",
            f"折扣截止日须在 {today} 至 {last} 之间",
            f"The last day of the markdown lies between {today} and {last}.",
        )
    return chosen


async def end_markdowns(db: Database, tenant: UUID) -> None:
    """Ends the markdowns whose last day is over, so that storefronts show the usual price."""
    async with db.read(tenant) as session:
        if not await rows.any_lapsed(session, tenant, clock()):
            return
    async with db.unit(tenant) as unit:
        await rows.end_lapsed(unit)
