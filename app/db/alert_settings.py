"""Settings of alert rules: one row for each rule and subject."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import AlertSetting, AlertWatch
from app.domain.rules.alert_settings import Setting

SUBJECT = ["tenant_id", "rule", "store_id", "category_id", "product_id"]


async def put_setting(unit: Unit, id: UUID, actor: UUID, setting: Setting) -> AlertSetting:
    """Write the setting, in place of an earlier one of the same rule and subject."""
    values: dict[str, Any] = {
        **setting._asdict(),
        "days": None if setting.days is None else list(setting.days),
        "set_by": actor,
        "set_at": unit.now,
    }
    new = insert(AlertSetting).values(tenant_id=unit.tenant, id=id, **values)
    written = await unit.session.scalars(
        new.on_conflict_do_update(
            index_elements=SUBJECT,
            set_={name: new.excluded[name] for name in values if name not in SUBJECT},
        ).returning(AlertSetting),
        execution_options={"populate_existing": True},
    )
    return written.one()


async def setting_about(session: AnySession, tenant: UUID, setting: Setting) -> AlertSetting:
    """The setting of the same rule and subject."""
    query = select(AlertSetting).where(_is_about(tenant, setting))
    return (await session.scalars(query)).one()


async def remove_setting(unit: Unit, setting: Setting) -> None:
    """Delete the setting of the same rule and subject, if there is one."""
    await unit.session.execute(delete(AlertSetting).where(_is_about(unit.tenant, setting)))


def _is_about(tenant: UUID, setting: Setting) -> Any:
    return and_(
        AlertSetting.tenant_id == tenant,
        AlertSetting.rule == setting.rule,
        AlertSetting.store_id.is_not_distinct_from(setting.store_id),
        AlertSetting.category_id.is_not_distinct_from(setting.category_id),
        AlertSetting.product_id.is_not_distinct_from(setting.product_id),
    )


async def settings_of(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> Sequence[AlertSetting]:
    """Settings of these stores, and of all stores, by rule."""
    query = select(AlertSetting).where(
        AlertSetting.tenant_id == tenant,
        or_(AlertSetting.store_id.is_(None), among(AlertSetting.store_id, stores)),
    )
    return (await session.scalars(query.order_by(AlertSetting.rule, AlertSetting.id))).all()


async def judge_anew(unit: Unit, store: UUID | None) -> None:
    """Make the watch judge all products of a store, or of all stores, in its next turn."""
    query = update(AlertWatch).where(AlertWatch.tenant_id == unit.tenant)
    if store is not None:
        query = query.where(AlertWatch.store_id == store)
    await unit.session.execute(query.values(day=date.min))
