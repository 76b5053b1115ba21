"""Rows of suppliers: compared with those that exist, by name, and written."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, cast
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import catalog, imports
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, Unit
from app.db.purchases import suppliers_by_id
from app.db.tables import Supplier
from app.domain.documents.purchases import LONGEST_LEAD, index_supplier
from app.domain.imports.products import CHANGED, CREATED, FAULTY, UNCHANGED, Check
from app.domain.imports.sheets import Planned, Row
from app.domain.rules.texts import clean

ATTEMPTS = 5
COLUMNS = {
    "SUPPLIER": ("name", 100),
    "CONTACT": ("contact", 100),
    "PHONE": ("phone", 30),
    "NOTE": ("note", 500),
}
"""The columns of the fields that are texts, and how many characters they take."""
Finish = Callable[[Unit, list[Planned]], Awaitable[None]]


class NameTaken(Exception):
    """Another request has created a supplier with the name of a row: plan again."""


async def plan_suppliers(
    session: AnySession, tenant: UUID, rows: Sequence[Row], locked: bool = False
) -> list[Planned]:
    """What importing each row would do; `locked` locks the suppliers of the rows."""
    names = {each.text("SUPPLIER") or "" for each in rows}
    known = await imports.suppliers_by_name(session, tenant, names, locked)
    return _plan(rows, {row.name: row for row in known})


def _plan(rows: Sequence[Row], known: dict[str, Supplier]) -> list[Planned]:
    first: dict[str, int] = {}
    planned: list[Planned] = []
    for row in rows:
        check = Check(row)
        columns = _columns(check)
        name = columns.get("name")
        if name is None and not check.errors:
            check.add("SUPPLIER", "请填写供应商名称", "Give the name of the supplier")
        earlier = first.setdefault(str(name), row.number)
        if name is not None and earlier != row.number:
            check.add(
                "SUPPLIER", f"与第 {earlier} 行重复", f"The same supplier is in row {earlier}"
            )
        supplier = None if name is None else known.get(name)
        if supplier is not None and supplier.archived_at is not None:
            check.add(
                "SUPPLIER", "该供应商已停用，请先恢复", "The supplier is archived: restore it first"
            )
        changes = tuple(
            column
            for column, value in columns.items()
            if supplier is not None and getattr(supplier, column) != value
        )
        action = CREATED if supplier is None else CHANGED if changes else UNCHANGED
        action = FAULTY if check.errors else action
        id = None if supplier is None else supplier.id
        planned.append(Planned(row, action, id, changes, tuple(check.errors)))
    return planned


def _columns(check: Check) -> dict[str, Any]:
    """The columns that the row gives; what cannot be kept is gathered as an error."""
    columns: dict[str, Any] = {}
    for field, (column, longest) in COLUMNS.items():
        if text := check.row.text(field):
            with check.of(field):
                columns[column] = clean(text, column, longest, lines=column == "note")
    days = cast(int | None, check.row.value("LEAD_DAYS"))
    if days is not None and days > LONGEST_LEAD:
        check.add(
            "LEAD_DAYS",
            f"交期须为 0 至 {LONGEST_LEAD} 天",
            f"The lead time is 0 to {LONGEST_LEAD} days",
        )
    elif days is not None:
        columns["lead_days"] = days
    return columns


async def save_suppliers(db: Database, tenant: UUID, rows: Sequence[Row], finish: Finish) -> None:
    """Writes the rows and then `finish`, in one unit. Raises what `finish` raises."""
    for attempt in range(ATTEMPTS):
        try:
            async with db.unit(tenant) as unit:
                planned = await plan_suppliers(unit.session, tenant, rows, locked=True)
                await _write(unit, planned)
                await finish(unit, planned)
            return
        except NameTaken:
            if attempt + 1 == ATTEMPTS:
                raise


async def _write(unit: Unit, planned: Collection[Planned]) -> None:
    changed = {each.product_id: each for each in planned if each.action == CHANGED}
    ids = {each.product_id for each in changed.values() if each.product_id}
    for supplier in await suppliers_by_id(unit.session, unit.tenant, ids):
        values = _columns(Check(changed[supplier.id].row))
        for column in changed[supplier.id].changes:
            setattr(supplier, column, values[column])
    # In one order, so that two imports of the same names do not wait for each other in turn.
    created = [each for each in planned if each.action == CREATED]
    for each in sorted(created, key=lambda each: each.row.text("SUPPLIER") or ""):
        values = {"lead_days": 0, **_columns(Check(each.row))}
        supplier = Supplier(tenant_id=unit.tenant, id=uuid7(), **values)
        index_supplier(supplier)
        if not await catalog.insert_unique(unit, supplier):
            raise NameTaken
