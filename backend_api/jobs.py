"""Long work on the queue; a job row shows how far it is."""

import json
import time
from uuid import UUID, uuid4

import procrastinate
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.errors import ConsoleError, NotFound
from backend_api.operations.order import Order
from backend_api.operations.version import record_validation
from backend_api.rules.validation import Answered, verdict
from backend_api.schemas import Job
from backend_api.states import JobState
from backend_api.tables import JobRow

ROUNDS = 10
LOAD_DEADLINE_SECONDS = 60.0


def enqueue(session: Session, kind: str, order: Order, model: str, version: str) -> UUID:
    """Put a job on the queue in the caller's transaction: both are there, or neither is."""
    job_id = uuid4()
    session.add(
        JobRow(id=job_id, kind=kind, model_name=model, version=version, created_by=order.actor)
    )
    session.flush()
    arguments = {
        "job_id": str(job_id),
        "model": model,
        "version": version,
        "actor": order.actor,
        "reason": order.reason,
    }
    session.execute(
        text(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', :task, 0, :lock, NULL,"
            " CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
        ),
        {"task": kind, "lock": f"{kind}:{model}", "args": json.dumps(arguments)},
    )
    return job_id


def read(session: Session, job_id: UUID) -> Job:
    """How far a job is.

    Raises:
        NotFound: no such job.
    """
    row = session.get(JobRow, job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.", "Start it again from the Registry page.")
    return wire_job(row)


def wire_job(row: JobRow) -> Job:
    """A job as the wire shows it."""
    return Job(
        id=row.id,
        kind=row.kind,
        model_name=row.model_name,
        version=row.version,
        state=JobState(row.state),
        progress=row.progress,
        message=row.message,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _note(context: Context, job_id: UUID, state: JobState, progress: float, message: str) -> None:
    with transaction(context.engine, "worker") as session:
        row = session.get_one(JobRow, job_id)
        row.state, row.progress, row.message = state, progress, message
        if state in (JobState.SUCCEEDED, JobState.FAILED):
            row.finished_at = now()


def _ask(context: Context, entry: ModelEntry, job_id: UUID, version: str) -> list[list[Answered]]:
    """Ask each validation query several times, after waiting for the version to be loaded."""
    cases = entry.validation.cases
    deadline = time.monotonic() + LOAD_DEADLINE_SECONDS
    while True:
        status, body, _ = context.inference.predict(entry.endpoint, cases[0].request, version)
        if status not in (404, 503) or time.monotonic() > deadline:
            break
        _note(context, job_id, JobState.RUNNING, 0.05, "Waiting for workers to load the version")
        time.sleep(0.5)
    answers: list[list[Answered]] = [[] for _ in cases]
    for turn in range(ROUNDS):
        for tries, case in zip(answers, cases, strict=True):
            status, body, ms = context.inference.predict(entry.endpoint, case.request, version)
            tries.append(Answered(status, body, ms))
        _note(
            context,
            job_id,
            JobState.RUNNING,
            0.1 + 0.9 * (turn + 1) / ROUNDS,
            f"Round {turn + 1} of {ROUNDS}",
        )
    return answers


def validate(context: Context, arguments: dict[str, str]) -> None:
    """Run the validation suite against a staged version through the real inference path."""
    job_id = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    entry = context.catalog.get(model)
    _note(context, job_id, JobState.RUNNING, 0.0, "Starting")
    try:
        passed, detail = verdict(entry.validation, _ask(context, entry, job_id, version))
        order = Order(arguments["actor"], arguments["reason"], job_id, now())
        with transaction(context.engine, order.actor) as session:
            record_validation(session, order, model, version, passed=passed, detail=detail)
    except ConsoleError as error:
        # Could not measure is not the same as bad: no evaluation is recorded.
        _note(context, job_id, JobState.FAILED, 1.0, error.message)
        return
    state = JobState.SUCCEEDED if passed else JobState.FAILED
    _note(context, job_id, state, 1.0, detail["sentence"])


def queue(context: Context) -> procrastinate.App:
    """The queue's application with every task bound to this process's context."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=context.settings.database_url)
    )

    @app.task(name="validation", retry=procrastinate.RetryStrategy(max_attempts=3, wait=2))
    def validation(**arguments: str) -> None:
        validate(context, arguments)

    return app
