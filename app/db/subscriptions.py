"""Messages of mini-programs: templates, the identities of staff in them, and their credits."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import MessageCredit, MessageTemplate, MiniApp, StaffMiniApp


class Subscription(NamedTuple):
    """A mini-program of the chain for one member of staff: whether their identity is bound, the
    template (None if it is not set), and their credits."""

    channel: str
    bound: bool
    template: str | None
    credits: int


class Inbox(NamedTuple):
    """Where a member of staff receives a channel's messages."""

    app: MiniApp
    identity: StaffMiniApp
    page: str | None


async def templates(session: AnySession, tenant: UUID) -> Sequence[MessageTemplate]:
    """The chain's templates, by channel."""
    query = select(MessageTemplate).where(MessageTemplate.tenant_id == tenant)
    return (await session.scalars(query.order_by(MessageTemplate.channel))).all()


async def put_template(unit: Unit, template: MessageTemplate) -> None:
    """Write the template of its channel; it replaces the former one."""
    values: dict[str, Any] = {
        "template": template.template,
        "page": template.page,
        "fields": template.fields,
        "parts": template.parts,
        "set_by": template.set_by,
        "set_at": unit.now,
    }
    put = insert(MessageTemplate).values(tenant_id=unit.tenant, channel=template.channel, **values)
    keys = [MessageTemplate.tenant_id, MessageTemplate.channel]
    await unit.session.execute(put.on_conflict_do_update(index_elements=keys, set_=values))


async def put_identity(unit: Unit, identity: StaffMiniApp) -> None:
    """Write the identity of a member of staff in a channel; it replaces the former one."""
    values: dict[str, Any] = {
        "app_id": identity.app_id,
        "sealed_openid": identity.sealed_openid,
        "bound_at": unit.now,
    }
    put = insert(StaffMiniApp).values(
        tenant_id=unit.tenant, staff_id=identity.staff_id, channel=identity.channel, **values
    )
    keys = [StaffMiniApp.tenant_id, StaffMiniApp.staff_id, StaffMiniApp.channel]
    await unit.session.execute(put.on_conflict_do_update(index_elements=keys, set_=values))


async def remove_identity(unit: Unit, staff: UUID, channel: str) -> None:
    """Delete the identity of a member of staff in a channel, if there is one."""
    T = StaffMiniApp
    mine = and_(T.tenant_id == unit.tenant, T.staff_id == staff, T.channel == channel)
    await unit.session.execute(delete(T).where(mine))


async def subscriptions(session: AnySession, tenant: UUID, staff: UUID) -> list[Subscription]:
    """The chain's mini-programs for this member of staff, by channel."""
    A, T, S, C = MiniApp, MessageTemplate, StaffMiniApp, MessageCredit
    mine = and_(C.tenant_id == T.tenant_id, C.staff_id == staff, C.template == T.template)
    query = (
        select(A.channel, S.staff_id.is_not(None), T.template, C.credits)
        .outerjoin(T, and_(T.tenant_id == A.tenant_id, T.channel == A.channel))
        .outerjoin(S, and_(_bound(), S.staff_id == staff))
        .outerjoin(C, mine)
        .where(A.tenant_id == tenant)
        .order_by(A.channel)
    )
    rows: Any = await session.execute(query)
    return [Subscription(channel, bound, name, left or 0) for channel, bound, name, left in rows]


async def bound(
    session: AnySession, tenant: UUID, staff: Collection[UUID]
) -> set[tuple[UUID, str]]:
    """The members of staff among these who are bound in a channel's present mini-program."""
    query = select(StaffMiniApp.staff_id, StaffMiniApp.channel).join(MiniApp, _bound())
    query = query.where(StaffMiniApp.tenant_id == tenant, among(StaffMiniApp.staff_id, staff))
    rows: Any = await session.execute(query)
    return {tuple(row) for row in rows}


async def inbox(session: AnySession, tenant: UUID, staff: UUID, channel: str) -> Inbox | None:
    """Where a member of staff receives the channel's messages; None when they are not bound."""
    S, T = StaffMiniApp, MessageTemplate
    query = (
        select(MiniApp, S, T.page)
        .join(S, _bound())
        .outerjoin(T, and_(T.tenant_id == S.tenant_id, T.channel == S.channel))
        .where(S.tenant_id == tenant, S.staff_id == staff, S.channel == channel)
    )
    row: Any = (await session.execute(query)).first()
    return row and Inbox(*row)


def _bound() -> Any:
    """SQL: an identity is of the channel's present mini-program; one of a former app does not
    count."""
    A, S = MiniApp, StaffMiniApp
    return and_(S.tenant_id == A.tenant_id, S.channel == A.channel, S.app_id == A.app_id)


async def add_credits(unit: Unit, staff: UUID, template: str, count: int, most: int) -> int:
    """Add credits, up to `most` in all. Returns the new number."""
    C = MessageCredit
    new = insert(C).values(
        tenant_id=unit.tenant, staff_id=staff, template=template, credits=min(count, most)
    )
    total = func.least(C.credits + count, most)
    put = new.on_conflict_do_update(
        index_elements=[C.tenant_id, C.staff_id, C.template], set_={"credits": total}
    )
    return (await unit.session.scalars(put.returning(C.credits))).one()


async def with_credit(
    session: AnySession, tenant: UUID, staff: Collection[UUID]
) -> set[tuple[UUID, str]]:
    """Pairs of these members of staff and the templates for which they have credits."""
    C = MessageCredit
    query = select(C.staff_id, C.template).where(C.tenant_id == tenant, C.credits > 0)
    rows: Any = await session.execute(query.where(among(C.staff_id, staff)))
    return {tuple(row) for row in rows}


async def spend_credit(unit: Unit, staff: UUID, template: str) -> bool:
    """Spend one credit. False when none is left."""
    C = MessageCredit
    mine = and_(C.tenant_id == unit.tenant, C.staff_id == staff, C.template == template)
    spent = update(C).where(mine, C.credits > 0).values(credits=C.credits - 1)
    return (await unit.session.scalar(spent.returning(C.credits))) is not None


async def end_credits(unit: Unit, staff: UUID, template: str) -> None:
    """Set the credits to 0, because the platform reports that there is no subscription left."""
    C = MessageCredit
    mine = and_(C.tenant_id == unit.tenant, C.staff_id == staff, C.template == template)
    await unit.session.execute(update(C).where(mine).values(credits=0))
