"""`health` for owners and integrators."""

from app.db import health
from app.db.core.unit import Database
from app.db.tables import AuditResult
from tests.support.api import Desk

HEALTH = """
{ health { revisionLag busConnected oldestUnsent auditedAt auditDrift
    deliveries { pending dead } jobs { name lastRunAt nextRunAt failures failedSince error } } }
"""


SCHEDULED = """
INSERT INTO jobs.pgqueuer_schedules (expression, entrypoint) VALUES ('* * * * *', 'expire')
ON CONFLICT DO NOTHING
"""


async def test_a_quiet_chain(fresh: Desk) -> None:
    state = await fresh.ask(HEALTH)
    assert (state["revisionLag"], state["busConnected"]) == (0, True)
    assert (state["oldestUnsent"], state["auditedAt"], state["auditDrift"]) == (None, None, None)
    assert state["deliveries"] == {"pending": 0, "dead": 0}


async def test_what_fails_and_waits_is_shown(fresh: Desk, db: Database) -> None:
    tenant = fresh.chain.founded.store.tenant_id
    async with db.unit(tenant) as unit:
        unit.session.add(
            AuditResult(tenant_id=tenant, audited_at=unit.now, breaches=2, invariants=["I3"])
        )
        await unit.raw.execute(SCHEDULED)
    await health.record_failure(db, tenant, "expire", KeyError("a row"))
    state = await fresh.ask(HEALTH)
    assert state["auditDrift"] == 2
    [job] = [each for each in state["jobs"] if each["name"] == "expire"]
    assert (job["failures"], job["error"]) == (1, "KeyError")
    assert job["failedSince"]


async def test_who_sees_it(fresh: Desk) -> None:
    for other in (fresh.manager, fresh.cashier):
        assert await fresh.asking.code(HEALTH, other) == "FORBIDDEN"
    assert await fresh.asking.code(HEALTH) == "UNAUTHENTICATED"
