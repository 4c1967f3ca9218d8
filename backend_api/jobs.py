"""Long work on the queue; a job row shows how far it is, and never stays open for nothing."""

import threading
import time
from collections.abc import Callable
from typing import NoReturn
from uuid import UUID, uuid4

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend_api import queue
from backend_api.catalog import ModelEntry
from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.errors import Conflict, ConsoleError, NotFound, Unavailable
from backend_api.operations.order import Order
from backend_api.operations.version import record_validation
from backend_api.registry import REMEMBERED
from backend_api.rules.validation import Answered, verdict
from backend_api.schemas import Job
from backend_api.states import JobState
from backend_api.tables import JobRow, ReplicaModelRow, ReplicaRow

ROUNDS = 10
# As long as a worker may take to fetch an artefact.
LOAD_DEADLINE_SECONDS = 180.0
# The version is not loaded yet: 404 where it is not known, 503 where it is on its way.
NOT_LOADED = (404, 503)
OPEN = (JobState.QUEUED, JobState.RUNNING)

log = structlog.get_logger()


class Interrupted(Exception):
    """The worker is told to stop; the job goes back to the queue."""


def enqueue(
    session: Session, kind: str, order: Order, model: str, version: str,
    more: dict[str, str] | None = None,
) -> UUID:  # fmt: skip
    """Put a job on the queue in the caller's transaction: both are there, or neither is.

    ``more`` are arguments of this kind's own.

    Raises:
        Conflict: the same is on the queue already.
    """
    same = session.scalar(
        select(JobRow.id).where(
            JobRow.kind == kind,
            JobRow.model_name == model,
            JobRow.version == version,
            JobRow.state.in_(OPEN),
        )
    )
    if same is not None:
        raise Conflict(
            f"The {kind} of {model} {version} is under way already.",
            "Wait for its end; the page shows how far it is.",
            job_id=str(same),
        )
    job_id = uuid4()
    row = JobRow(id=job_id, kind=kind, model_name=model, version=version)
    row.created_by, row.created_at = order.actor, order.now
    session.add(row)
    session.flush()
    arguments = {
        "job_id": str(job_id),
        "model": model,
        "version": version,
        "actor": order.actor,
        "reason": order.reason,
        **(more or {}),
    }
    queue.defer(session, kind, f"{kind}:{model}", arguments)
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


def newest(session: Session, kind: str, model: str | None, most: int) -> list[Job]:
    """The last jobs of a kind, of one model or of all, newest first."""
    query = select(JobRow).where(JobRow.kind == kind).order_by(JobRow.created_at.desc())
    if model is not None:
        query = query.where(JobRow.model_name == model)
    return [wire_job(row) for row in session.scalars(query.limit(most))]


def note(context: Context, job_id: UUID, state: JobState, progress: float, message: str) -> None:
    """Say on the job's row how far it is."""
    with transaction(context.engine, "worker") as session:
        row = session.get_one(JobRow, job_id)
        row.state, row.progress, row.message = state, progress, message
        if state in (JobState.SUCCEEDED, JobState.FAILED):
            row.finished_at = now()


Say = Callable[[float, str], None]


def begun(context: Context, job_id: UUID) -> Say:
    """Say that a job runs; what comes back says how far it is."""

    def say(progress: float, message: str) -> None:
        note(context, job_id, JobState.RUNNING, progress, message)

    say(0.0, "Starting")
    return say


def _loading(context: Context, model: str, version: str) -> str:
    """How far the workers are with a version, and why one has failed."""
    with transaction(context.engine, None) as session:
        found = session.execute(
            select(ReplicaModelRow.loaded[version])
            .join(ReplicaRow, ReplicaRow.replica_id == ReplicaModelRow.replica_id)
            .where(
                ReplicaModelRow.model_name == model,
                ReplicaRow.stopped_at.is_(None),
                ReplicaRow.heartbeat_at > now() - REMEMBERED,
            )
        )
        states = [state or {} for (state,) in found]
    ready = sum(state.get("state") == "ready" for state in states)
    errors = [state["error"] for state in states if state.get("error")]
    return f"{ready} of {len(states)} have it" + (f"; {errors[0]}" if errors else "")


def _await_loaded(
    context: Context, model: str, version: str, say: Say, stop: threading.Event
) -> None:
    """Return once a worker answers for the version.

    Raises:
        Unavailable: none has it loaded in time; the message carries the workers' reason.
    """
    entry = context.catalog.get(model)
    deadline = time.monotonic() + LOAD_DEADLINE_SECONDS
    while True:
        status, _, _ = context.inference.predict(
            entry.endpoint, entry.validation.cases[0].request, version
        )
        if status not in NOT_LOADED:
            return
        if time.monotonic() > deadline:
            raise Unavailable(
                f"No worker answers for {version} after {LOAD_DEADLINE_SECONDS:.0f} s:"
                f" {_loading(context, model, version)}.",
                "Deployments shows each worker; run Validate again when one has it.",
            )
        say(0.05, f"Waiting for workers to load it: {_loading(context, model, version)}")
        if stop.wait(0.5):
            raise Interrupted


def _ask(
    context: Context, entry: ModelEntry, version: str, say: Say, stop: threading.Event
) -> list[list[Answered]]:
    """The answers to each validation query, asked several times."""
    cases = entry.validation.cases
    answers: list[list[Answered]] = [[] for _ in cases]
    for turn in range(ROUNDS):
        for tries, case in zip(answers, cases, strict=True):
            if stop.is_set():
                raise Interrupted
            tries.append(
                Answered(*context.inference.predict(entry.endpoint, case.request, version))
            )
        say(0.1 + 0.9 * (turn + 1) / ROUNDS, f"Round {turn + 1} of {ROUNDS}")
    return answers


def validate(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Run the validation suite against a staged version through the real inference path.

    Raises:
        Interrupted: ``stop`` was set.
    """
    job_id = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    say = begun(context, job_id)
    try:
        entry = context.catalog.get(model)
        _await_loaded(context, model, version, say, stop)
        passed, detail = verdict(entry.validation, _ask(context, entry, version, say, stop))
        order = Order(arguments["actor"], arguments["reason"], job_id, now())
        with transaction(context.engine, order.actor) as session:
            record_validation(session, order, model, version, passed=passed, detail=detail)
    except ConsoleError as error:
        # Could not measure is not the same as bad: no evaluation is recorded.
        note(context, job_id, JobState.FAILED, 1.0, error.message)
        return
    state = JobState.SUCCEEDED if passed else JobState.FAILED
    note(context, job_id, state, 1.0, detail["sentence"])


def broke_off(context: Context, job_id: UUID, attempts: int, error: Exception) -> NoReturn:
    """Say on the job's row what happens next, and let the queue know by the error."""
    interrupted = isinstance(error, Interrupted)
    if not interrupted:
        log.error("job.broke_off", job=str(job_id), exc_info=error)
    if attempts + 1 < queue.ATTEMPTS:
        why = "Its worker was stopped" if interrupted else f"It broke off ({error})"
        note(context, job_id, JobState.QUEUED, 0.0, f"{why}; it is begun anew.")
    else:
        note(context, job_id, JobState.FAILED, 1.0, f"It broke off {queue.ATTEMPTS} times: {error}")
    raise error


def close_abandoned(session: Session) -> None:
    """Fail jobs that no queue entry stands behind, and drop entries whose job has ended."""
    session.execute(
        text(
            "UPDATE jobs SET state = 'failed', progress = 1, finished_at = now(), message ="
            " 'Its worker died in the middle, more than once; start it again.'"
            " WHERE state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs"
            "  WHERE args ->> 'job_id' = jobs.id::text AND status IN ('todo', 'doing'))"
        )
    )
    session.execute(
        text(
            "DELETE FROM procrastinate_jobs USING jobs WHERE args ->> 'job_id' = jobs.id::text"
            " AND status = 'doing' AND jobs.finished_at < now() - interval '1 minute'"
        )
    )
