"""Health of the system for one chain: feeds, deliveries, jobs and the nightly audit."""

from dataclasses import dataclass
from datetime import datetime

import strawberry

from app.db import tables
from app.db.health import ScheduleRow, Unsent


@strawberry.type(description="A scheduled job. 定时任务")
class JobHealth:
    name: str = strawberry.field(description="Name of the job, as in `kucun jobs list`. 任务名")
    last_run_at: datetime | None = strawberry.field(
        description="Time of its last run; null before the first. 上次运行"
    )
    next_run_at: datetime | None = strawberry.field(
        description="Time of its next run; null for a job that never pauses. 下次运行"
    )
    failures: int = strawberry.field(
        description="Number of failures in a row for your chain; 0 if it works. 连续失败次数"
    )
    failed_since: datetime | None = strawberry.field(
        description="Time of the first of these failures; null if it works. 失败开始时间"
    )
    error: str | None = strawberry.field(
        description="Kind of the latest error; null if it works. The operator reads the whole "
        "error with `kucun jobs list`. 错误类型"
    )


@strawberry.type(description="Notifications and webhook events of the chain. 发送情况")
class DeliveryHealth:
    pending: int = strawberry.field(
        description="Number of notifications and events that are not sent yet. 待发送"
    )
    dead: int = strawberry.field(
        description="Number of deliveries that failed for good; send one again with `redeliver`. "
        "发送失败"
    )


@strawberry.type(description="State of the system, as it concerns your chain. 系统状态")
class Health:
    revision_lag: int = strawberry.field(
        description="Largest number of revisions that a live feed of this process is behind its "
        "store; 0 if no feed is behind. 实时更新延迟"
    )
    bus_connected: bool = strawberry.field(
        description="Whether this process is connected to the message bus. While it is not, "
        "feeds poll twice a second. 消息总线"
    )
    oldest_unsent: datetime | None = strawberry.field(
        description="Time of the oldest notification or event that is not sent yet; null if none "
        "waits. 最早未发送时间"
    )
    deliveries: DeliveryHealth = strawberry.field(
        description="Counts of notifications and webhook events. 发送情况"
    )
    audited_at: datetime | None = strawberry.field(
        description="Time of the latest check of your ledger, which runs every night; null before "
        "the first. 上次核对时间"
    )
    audit_drift: int | None = strawberry.field(
        description="Number of faults that this check found in the ledger, 0 if it is "
        "consistent; null before the first check. 账本差异"
    )
    jobs: list[JobHealth] = strawberry.field(description="Scheduled jobs, by name. 定时任务")


@dataclass(frozen=True, slots=True)
class HealthRows:
    """The rows that `health` reads from the database."""

    audit: tables.AuditResult | None
    unsent: Unsent
    schedule: list[ScheduleRow]
    failures: dict[str, tables.JobFailure]

    @property
    def jobs(self) -> list[ScheduleRow]:
        """The scheduled jobs, and the failing ones that run all the time without a schedule."""
        scheduled = {row.job for row in self.schedule}
        others = [ScheduleRow(job, None, None) for job in self.failures if job not in scheduled]
        return [*self.schedule, *others]


def health_of(lag: int, connected: bool, rows: HealthRows) -> Health:
    """The answer of `health`."""
    return Health(
        revision_lag=lag,
        bus_connected=connected,
        oldest_unsent=rows.unsent.oldest,
        deliveries=DeliveryHealth(pending=rows.unsent.pending, dead=rows.unsent.dead),
        audited_at=rows.audit and rows.audit.audited_at,
        audit_drift=rows.audit and rows.audit.breaches,
        jobs=[_job(each, rows.failures.get(each.job)) for each in rows.jobs],
    )


def _job(row: ScheduleRow, failure: tables.JobFailure | None) -> JobHealth:
    return JobHealth(
        name=row.job,
        last_run_at=row.last_run_at,
        next_run_at=row.next_run_at,
        failures=failure.failures if failure else 0,
        failed_since=failure and failure.failed_since,
        error=failure and failure.error.partition(":")[0],
    )
