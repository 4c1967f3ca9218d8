"""A rehearsal of the way back: every worker answers by the target, and nobody gets the answers.

Workers are told through the database and answer into it, as they learn of a rollback: an HTTP
address reaches one of several workers behind a socket, and a rollback needs no HTTP either.
"""

import threading
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from backend_api.catalog import ModelEntry
from backend_api.context import Context
from backend_api.db import notify, now, transaction
from backend_api.deployment import desired, observed
from backend_api.errors import Conflict, ConsoleError
from backend_api.jobs import Interrupted, Say, begun, note
from backend_api.operations.order import Order, locked
from backend_api.rules.rehearsal import Asked, Judged, Reply, judge
from backend_api.sent import sample
from backend_api.states import GateState, JobState
from backend_api.tables import RehearsalAnswerRow, RehearsalRow, ReplicaRow

RECENT = 50
PATIENCE_SECONDS = 30.0
# A worker whose connection was just being made anew did not hear the first time.
REPEAT_SECONDS = 3.0
LOOK_SECONDS = 0.1


def rehearse(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Ask all workers, wait, judge and record; a job of kind ``rehearsal``.

    Raises:
        Interrupted: ``stop`` was set.
    """
    job_id = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    say = begun(context, job_id)
    order = Order(arguments["actor"], arguments["reason"], job_id, now())
    try:
        entry = context.catalog.get(model)
        with transaction(context.engine, order.actor) as session:
            questions = _questions(session, entry, model, order.now)
            asked = _begin(session, context, order, model, version, questions)
        _await_all(context, job_id, asked, say, stop)
        with transaction(context.engine, order.actor) as session:
            judged = _record(session, entry, order, asked, len(questions["sample"]))
    except ConsoleError as error:
        note(context, job_id, JobState.FAILED, 1.0, error.message)
        return
    state = JobState.SUCCEEDED if judged.result == GateState.PASS else JobState.FAILED
    note(context, job_id, state, 1.0, judged.sentence)


def _questions(
    session: Session, entry: ModelEntry, model: str, at: datetime
) -> dict[str, list[dict[str, Any]]]:
    return {
        "cases": [case.request for case in entry.validation.cases],
        "sample": sample(session, model, entry, at, RECENT),
    }


def _begin(
    session: Session, context: Context, order: Order, model: str, version: str,
    questions: dict[str, Any],
) -> list[Asked]:  # fmt: skip
    """The row that workers read, and the workers that have to answer.

    Raises:
        Conflict: a rollback would go elsewhere by now.
    """
    locked(session, model)
    want = desired(session, model)
    if want is None or want.target != version:
        raise Conflict(
            f"{version} is no longer what a rollback would go to, so it was not rehearsed.",
            "Rehearse again: the target of now is asked.",
        )
    # What an interrupted try has left.
    session.execute(delete(RehearsalRow).where(RehearsalRow.id == order.request_id))
    session.add(
        RehearsalRow(
            id=order.request_id, model_name=model, version=version, asked_by=order.actor,
            questions=questions,
        )
    )  # fmt: skip
    workers = observed(session, model, want, order.now, context.settings.replica_timeout_seconds)
    return [Asked(one.replica_id, one.host, one.pid) for one in workers if one.live]


def _await_all(
    context: Context, job_id: UUID, asked: list[Asked], say: Say, stop: threading.Event
) -> None:
    """Tell all workers, and return when each has answered or the time is over."""
    names = {one.replica_id for one in asked}
    deadline = time.monotonic() + PATIENCE_SECONDS
    told_at, seen = float("-inf"), -1
    while names and time.monotonic() < deadline:
        with transaction(context.engine, None) as session:
            if time.monotonic() - told_at >= REPEAT_SECONDS:
                notify(session, "nivesh_admin", {"do": "rehearse", "id": str(job_id)})
                told_at = time.monotonic()
            found = set(
                session.scalars(
                    select(RehearsalAnswerRow.replica_id).where(
                        RehearsalAnswerRow.rehearsal_id == job_id
                    )
                )
            )
        if names <= found:
            return
        if len(found) != seen:
            seen = len(found)
            say(seen / len(names), f"{seen} of {len(names)} workers have answered")
        if stop.wait(LOOK_SECONDS):
            raise Interrupted


def _record(
    session: Session, entry: ModelEntry, order: Order, asked: list[Asked], recent: int
) -> Judged:
    """Judge what came, keep the outcome, and forget the questions."""
    first = session.get_one(RehearsalRow, order.request_id)
    locked(session, first.model_name)
    row = session.get_one(RehearsalRow, order.request_id, populate_existing=True)
    replies = {
        one.replica_id: Reply((one.answered_at - row.asked_at).total_seconds(), one.found)
        for one in session.scalars(
            select(RehearsalAnswerRow).where(RehearsalAnswerRow.rehearsal_id == row.id)
        )
    }
    here = set(
        session.scalars(select(ReplicaRow.replica_id).where(ReplicaRow.stopped_at.is_(None)))
    )
    asked = [
        Asked(a.replica_id, a.host, a.pid, gone=a.replica_id not in here | set(replies))
        for a in asked
    ]
    judged = judge(entry.validation, row.version, asked, replies, recent, PATIENCE_SECONDS)
    row.questions, row.ended_at = None, now()
    row.result, row.sentence, row.seconds = judged.result, judged.sentence, judged.seconds
    row.workers = [one.model_dump(mode="json") for one in judged.workers]
    session.execute(delete(RehearsalAnswerRow).where(RehearsalAnswerRow.rehearsal_id == row.id))
    order.record(
        session, "model.rehearse", model=row.model_name, version=row.version,
        evidence={
            "result": judged.result, "sentence": judged.sentence, "seconds": judged.seconds,
            "workers": row.workers, "recent_requests": recent,
        },
    )  # fmt: skip
    return judged


def close_abandoned(session: Session) -> None:
    """End rehearsals whose job has ended without them, and forget what they were to ask."""
    session.execute(
        text(
            "UPDATE rehearsals SET questions = NULL, ended_at = now(), result = 'unknown',"
            " sentence = 'It broke off: ' || jobs.message FROM jobs"
            " WHERE jobs.id = rehearsals.id AND rehearsals.ended_at IS NULL"
            " AND jobs.state IN ('succeeded', 'failed')"
        )
    )
