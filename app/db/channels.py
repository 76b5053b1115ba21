"""Rules of channels: limits of a product in one store or in all."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import ChannelRule


class Subject(NamedTuple):
    """The subject of a rule: a channel, one product or all, one store or all."""

    channel: str
    product_id: UUID | None = None
    store_id: UUID | None = None


async def rules_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> Sequence[ChannelRule]:
    """The rules with a limit that apply to these products alone, the most general first."""
    query = (
        select(ChannelRule)
        .where(ChannelRule.tenant_id == tenant, among(ChannelRule.product_id, products), _limits())
        .order_by(ChannelRule.product_id, ChannelRule.channel, ChannelRule.store_id.nulls_first())
    )
    return (await session.scalars(query)).all()


async def rules(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    channel: str | None,
    span: Span,
) -> Sequence[ChannelRule]:
    """A page of the rules that set a limit in these stores, the newest first."""
    there = or_(ChannelRule.store_id.is_(None), among(ChannelRule.store_id, stores))
    query = select(ChannelRule).where(ChannelRule.tenant_id == tenant, there, _limits())
    if channel is not None:
        query = query.where(ChannelRule.channel == channel)
    return await span.scalars(session, query, ChannelRule.id, newest=True)


def _limits() -> Any:
    R = ChannelRule
    return or_(
        R.days_left.is_not(None), R.buffer.is_not(None), R.quota.is_not(None), R.paused.is_not(None)
    )


async def put_rule(unit: Unit, subject: Subject, name: str, value: int | bool | None) -> None:
    """Set one column of the subject's rule; None removes the limit."""
    about = {"tenant_id": unit.tenant, **subject._asdict()}
    put = insert(ChannelRule).values(id=uuid7(), **about, **{name: value})
    await unit.session.execute(
        put.on_conflict_do_update(index_elements=list(about), set_={name: value})
    )


async def rule_about(session: AnySession, tenant: UUID, subject: Subject) -> ChannelRule | None:
    """The rule of this subject; None if there is none."""
    R = ChannelRule
    query = select(R).where(
        R.tenant_id == tenant,
        R.channel == subject.channel,
        R.product_id.is_not_distinct_from(subject.product_id),
        R.store_id.is_not_distinct_from(subject.store_id),
    )
    return await session.scalar(query)
