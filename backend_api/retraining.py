"""A version's successor: trained beside the stack on old rows and new labels, and registered."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from backend_api import export, registry, successor, training_process
from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.errors import ConsoleError, Unavailable
from backend_api.jobs import Interrupted, begun, note
from backend_api.operations.order import Order
from backend_api.registry import version_row
from backend_api.rules import promotion as rule
from backend_api.states import JobState

KIND = "retraining"
# By this a job that is begun anew finds what it registered before it died.
JOB_TAG = "retraining_job"
# Fewer labelled answers teach nothing.
LEAST_LABELS = 50


def folder(context: Context, job_id: UUID) -> Path:
    """Where a job's rows lie; the training file stays if a version was made, to measure it on."""
    return context.settings.nivesh_home.expanduser().resolve() / "retraining" / str(job_id)


def retrain(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Export, train, register a candidate, judge it. What fails in between leaves none.

    Raises:
        Interrupted: ``stop`` was set.
    """
    job_id = UUID(arguments["job_id"])
    model, parent = arguments["model"], arguments["version"]
    say = begun(context, job_id)
    order = Order(arguments["actor"], arguments["reason"], job_id, now())
    try:
        with transaction(context.engine, None) as session:
            made = registry.made_by(session, model, JOB_TAG, job_id)
        if made is None:
            found = _trained(context, arguments, order, stop)
            say(0.95, "Registering it")
            made = _register(context, order, model, parent, found)
        said = _judged(context, model, made)
    except Interrupted:
        _forget(context, job_id, model)
        raise
    except ConsoleError as error:
        _forget(context, job_id, model)
        note(context, job_id, JobState.FAILED, 1.0, error.message)
        return
    note(context, job_id, JobState.SUCCEEDED, 1.0, f"{made} succeeds {parent}. {said}")


def _forget(context: Context, job_id: UUID, model: str) -> None:
    """Delete the rows of a job that registered nothing: what people asked is kept in the log."""
    with transaction(context.engine, None) as session:
        # What failed may have come after the version was there.
        if registry.made_by(session, model, JOB_TAG, job_id) is None:
            shutil.rmtree(folder(context, job_id), ignore_errors=True)


def _exported(context: Context, model: str, days: int, order: Order, path: Path) -> int:
    """Labelled answers of the last days as training reads them; how many there are."""
    asked = export.Asked(model, order.now - timedelta(days=days), order.now, labelled=True)
    count = 0
    with path.open("wb") as handle:
        for piece in export.jsonl(export.pages(context.engine, asked)):
            handle.write(piece)
            count += piece.count(b"\n")
    return count


def _trained(
    context: Context, arguments: dict[str, str], order: Order, stop: threading.Event
) -> dict[str, Any]:
    """The logged run and what its rows were.

    Raises:
        Unavailable: too few labels, or training failed; the message says why.
        Interrupted: ``stop`` was set.
    """
    job_id, model, parent = order.request_id, arguments["model"], arguments["version"]
    days = int(arguments["days"])
    place = folder(context, job_id)
    place.mkdir(parents=True, exist_ok=True)
    path = place / "labelled.jsonl"
    try:
        labels = _exported(context, model, days, order, path)
        if labels < LEAST_LABELS:
            raise Unavailable(
                f"The last {days} days of {model} hold {labels:,} labels; {LEAST_LABELS} are needed"
                " to learn anything. Give labels first, on the Accuracy page or by `nivesh labels`."
            )
        run_id = successor.run_of(context, model, parent)

        def heard(said: dict[str, Any]) -> None:
            if "progress" in said:
                note(context, job_id, JobState.RUNNING, float(said["progress"]), said["message"])

        quick = ["--quick"] if arguments.get("quick") else []
        return training_process.run(
            context, "training.retrain",
            [model, run_id, str(path), "--folder", str(place), "--version", parent, *quick],
            stop, heard,
        )  # fmt: skip
    finally:
        # What people asked stays in the log, whose days are counted.
        path.unlink(missing_ok=True)


def _register(
    context: Context, order: Order, model: str, parent: str, found: dict[str, Any]
) -> str:
    tags = {
        "retrained_from": parent, JOB_TAG: str(order.request_id),
        "old_rows": str(found["old_rows"]), "new_rows": str(found["new_rows"]),
    }  # fmt: skip
    said = f"{parent} trained anew with {found['new_rows']:,} labelled answers"
    return successor.register(context, order, model, found["model_uri"], said, tags)


def _judged(context: Context, model: str, made: str) -> str:
    """What the acceptance criteria say of a candidate, in a sentence."""
    entry = context.catalog.get(model)
    with transaction(context.engine, None) as session:
        row = version_row(session, model, made)
        seen = registry.evidence(session, entry, row, now(), breaking=False, supersede=False)
    judged = [rule.judge(criterion, seen.metrics) for criterion in seen.criteria]
    missed = [one.sentence for one in judged if not one.passed]
    if missed:
        return f"It misses {len(missed)} of {len(judged)} criteria: {' '.join(missed)}"
    return f"It meets all {len(judged)} criteria; stage and validate it next."
