"""Jobs serve every tenant, whatever happens to one of them."""

from uuid import UUID, uuid4

from structlog.testing import capture_logs

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.people.stores import create_tenant
from app.jobs.runner import SCHEDULE
from app.jobs.tenants import for_every_tenant
from tests.support.identity import PASSWORD


async def a_tenant(db: Database) -> UUID:
    name = uuid4().hex
    return (await create_tenant(db, name, name, PASSWORD, name, "南山店")).store.tenant_id


async def test_one_tenants_failure_does_not_stop_another(db: Database, lane: Lane) -> None:
    tenants = [await a_tenant(db) for _ in range(3)]
    served: list[UUID] = []

    @for_every_tenant
    async def serve(_db: Database, _lane: Lane, tenant: UUID) -> None:
        if tenant in tenants[:2]:
            raise KeyError("an unforeseen row")
        served.append(tenant)

    with capture_logs() as logs:
        await serve(db, lane)
    assert tenants[2] in served
    assert {line["tenant"] for line in logs} == {str(tenant) for tenant in tenants[:2]}
    assert {(line["event"], line["job"]) for line in logs} == {("job.failed", "serve")}


def test_every_job_of_the_schedule_isolates_its_tenants() -> None:
    for _, job in SCHEDULE.values():
        assert hasattr(job, "__wrapped__"), job
