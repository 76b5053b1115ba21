"""The commands `kucun jobs`: list the scheduled jobs, run one now, delete failures."""

import asyncio
from typing import Annotated

import typer

from app.run import premises
from app.run.connected import connected

app = typer.Typer(
    no_args_is_help=True,
    help="定时任务 / Scheduled jobs: list them, run one now, delete failures.",
)
JobName = Annotated[str, typer.Argument(help="任务名 / Name of the job, as `list` prints it.")]


@app.command("list")
def list_jobs() -> None:
    """列出定时任务和失败记录 / List the jobs, and the businesses for which they fail."""
    # Imported here, so that `kucun --help` does not load the whole program.
    from app.jobs import admin

    with connected() as chosen:
        for job in asyncio.run(admin.list_jobs(chosen)):
            last = job.last_run_at.isoformat(timespec="seconds") if job.last_run_at else "-"
            typer.echo(f"{job.name:<20} {job.when:<14} {last}")
            for each in job.failing:
                since = each.since.isoformat(timespec="seconds")
                typer.echo(f"  {each.tenant} 失败 / failed {each.failures}x, {since}: {each.error}")


@app.command()
def retry(name: JobName) -> None:
    """立即运行任务 / Run a job now for every business; exits with 1 if it still fails."""
    from app.jobs import admin

    with connected() as chosen:
        failing = asyncio.run(admin.retry_job(chosen, known_job(name)))
    for tenant in failing:
        typer.echo(f"仍然失败 / still failing: {tenant}", err=True)
    if failing:
        raise typer.Exit(1)
    typer.echo(f"已完成 / done: {name}")


@app.command()
def drop(name: JobName) -> None:
    """清除失败记录 / Delete a job's failures; the job runs again when it is next due."""
    from app.jobs import admin

    with connected() as chosen:
        # `list` also names what runs all the time, such as alerts, when it fails.
        count = asyncio.run(admin.drop_failures(chosen, name))
    if not count:
        known_job(name)
    typer.echo(f"已清除 / dropped: {count}")


def known_job(name: str) -> str:
    """The name, if a job has it. Raises Unusable with the names of all jobs."""
    from app.jobs.runner import SCHEDULE

    if name not in SCHEDULE:
        names = ", ".join(sorted(SCHEDULE))
        raise premises.Unusable(
            f"没有任务 {name}，可用：{names}\nNo job {name}; there are {names}."
        )
    return name
