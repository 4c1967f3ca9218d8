"""The one file that speaks to the job queue, which lives in PostgreSQL."""

import asyncio
import json
from collections.abc import Callable

import procrastinate
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from sqlalchemy import text
from sqlalchemy.orm import Session

# A job is begun this often at most: one that kills its worker must not kill them all.
ATTEMPTS = 3
RETRY_SECONDS = 2
BEAT_SECONDS, DEAD_AFTER_SECONDS = 3.0, 15.0

Task = Callable[[dict[str, str], int], None]
"""Does a job, given its arguments and how often it was begun before."""


def schema() -> str:
    """The queue's own tables, in the version that is installed."""
    return str(SchemaManager.get_schema())


def defer(session: Session, task: str, lock: str, arguments: dict[str, str]) -> None:
    """Put a job on the queue in the caller's transaction; one of a lock runs at a time."""
    session.execute(
        text(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', :task, 0, :lock, NULL,"
            " CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
        ),
        {"task": task, "lock": lock, "args": json.dumps(arguments)},
    )


def application(database_url: str, tasks: dict[str, Task]) -> procrastinate.App:
    """The queue with its tasks; an error out of a task puts its job back, up to ``ATTEMPTS``."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_url))
    retry = procrastinate.RetryStrategy(max_attempts=ATTEMPTS - 1, wait=RETRY_SECONDS)

    def bind(act: Task) -> Callable[..., None]:
        def run(running: procrastinate.JobContext, /, **arguments: str) -> None:
            act(arguments, running.job.attempts)

        return run

    for name, act in tasks.items():
        app.task(name=name, pass_context=True, retry=retry)(bind(act))
    return app


async def work(app: procrastinate.App) -> None:
    """Take jobs until cancelled, those of dead workers too."""
    async with app.open_async():
        reviver = asyncio.create_task(_revive(app))
        try:
            await app.run_worker_async(
                install_signal_handlers=False,
                concurrency=2,
                delete_jobs="always",
                shutdown_graceful_timeout=10,
                update_heartbeat_interval=BEAT_SECONDS,
                stalled_worker_timeout=DEAD_AFTER_SECONDS,
            )
        finally:
            reviver.cancel()


async def _revive(app: procrastinate.App) -> None:
    manager = app.job_manager
    while True:
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS):
            if job.attempts + 1 < ATTEMPTS:
                await manager.retry_job(job)
            else:
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        await asyncio.sleep(BEAT_SECONDS)
