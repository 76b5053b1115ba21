"""Roll-ups: how `post` adds to them, and how they are rebuilt from the ledger."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Subquery, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.audit_flows import ROLLUPS_OF_LEDGER
from app.db.core.postgres import connect
from app.db.core.statement import rows
from app.db.days import store_day
from app.db.tables import RollUp, Store

U = RollUp.__table__.c


class RollUpKey(NamedTuple):
    """One flow of a product in a store, in one hour; see `tables.RollUp`."""

    store_id: UUID
    day: date
    product_id: UUID
    flow: str
    hour: int
    channel: str
    reason: str


class FlowSums(NamedTuple):
    """The amounts that a `post` adds to a roll-up, in base units, 1/10000 yuan, fen and fen."""

    quantity: int = 0
    cost: int = 0
    discount: int = 0
    amount: int = 0


KEY = ["tenant_id", *RollUpKey._fields]
SUMS = list(FlowSums._fields)
COLUMNS = [*RollUpKey._fields, *SUMS]

DEMAND = ("SOLD", "USED", "RETURNED")
"""The flows that make up demand: sales and use in the kitchen, less returns."""
DEMANDED = case((U.flow == "RETURNED", -U.quantity), else_=U.quantity)
"""SQL: base units that a flow of DEMAND adds to the demand."""


def addition() -> Any:
    """SQL: adds the rows bound as `rollup_<column>` to the roll-ups, as part of a statement."""
    added = rows("rollup", *(U[name] for name in COLUMNS))
    tenant = bindparam("tenant", type_=U.tenant_id.type)
    new = insert(RollUp).from_select(
        ["tenant_id", *COLUMNS], select(tenant, *(added.c[name] for name in COLUMNS))
    )
    sums = {name: U[name] + new.excluded[name] for name in SUMS}
    return new.on_conflict_do_update(index_elements=KEY, set_=sums).cte("rolled_up")


def demand(tenant: UUID, store: UUID, days: int, now: Any = None) -> Subquery:
    """SQL: base units of each product sold or used in a store, less returns of customers.

    Covers the last `days` days of the store before `now`, and its day of today.
    """
    today = (
        select(store_day(Store.timezone, func.now() if now is None else now))
        .where(Store.tenant_id == tenant, Store.id == store)
        .scalar_subquery()
    )
    return (
        select(U.product_id, func.sum(DEMANDED).label("quantity"))
        .where(U.tenant_id == tenant, U.store_id == store, U.day > today - days)
        .where(U.flow.in_(DEMAND))
        .group_by(U.product_id)
        .subquery("demand")
    )


REBUILD = f"""
    INSERT INTO rollups ({", ".join([*KEY, *SUMS])})
    SELECT {", ".join([*KEY, *SUMS])} FROM ({ROLLUPS_OF_LEDGER}) l
"""


async def rebuild(owner_url: str) -> int:
    """Replace all roll-ups with the sums of the ledger, connected as the owner of the schema, and
    drop the sums of stock.

    Writers wait until it is done. Returns the number of rows.
    """
    raw = await connect(owner_url)
    try:
        async with raw.transaction():
            # A writer that has not taken this lock yet has written nothing to the ledger.
            await raw.execute("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE")
            await raw.execute("SET LOCAL row_security = off")
            # Without sums the overview reads the levels, until the next job keeps them again.
            for table in ("store_sums", "category_sums", "level_sums", "rollups"):
                await raw.execute(f"DELETE FROM {table}")
            return int((await raw.execute(REBUILD)).split()[-1])
    finally:
        await raw.close()
