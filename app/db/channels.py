"""Rules of channels: what each wants of a product."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.statement import among
from app.db.tables import ChannelRule
from app.db.unit import Unit


async def rules_of(
    session: AsyncSession, tenant: UUID, products: Collection[UUID]
) -> Sequence[ChannelRule]:
    query = (
        select(ChannelRule)
        .where(ChannelRule.tenant_id == tenant, among(ChannelRule.product_id, products))
        .order_by(ChannelRule.product_id, ChannelRule.channel)
    )
    return (await session.scalars(query)).all()


async def set_days_left(unit: Unit, product: UUID, channel: str, days: int) -> None:
    """0 days are no rule."""
    named = {"tenant_id": unit.tenant, "product_id": product, "channel": channel}
    if days:
        put = insert(ChannelRule).values(**named, days_left=days)
        await unit.session.execute(
            put.on_conflict_do_update(index_elements=list(named), set_={"days_left": days})
        )
    else:
        mine = (getattr(ChannelRule, name) == value for name, value in named.items())
        await unit.session.execute(delete(ChannelRule).where(*mine))
