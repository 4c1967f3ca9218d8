"""Evidently's report on a sample of the log, as a job; the newest ones are kept on disk."""

import math
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from backend_api import predictions
from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.drift_counts import reference
from backend_api.errors import Conflict, NotFound, Unavailable
from backend_api.jobs import Interrupted, begun, enqueue, newest, note
from backend_api.operations.order import Order
from backend_api.rules.drift_kept import judgeable
from backend_api.schemas import Job, Outcome
from backend_api.states import JobState
from shared.columns import Columns
from shared.profile import Profile

KIND = "drift-report"
# Evidently holds all of it in memory, and the page all of its HTML.
MOST_ROWS, FEWEST_ROWS, KEPT = 5_000, 30, 20
DEADLINE_SECONDS = 600.0


def order(session: Session, wanted: Order, model: str, version: str, days: int) -> Outcome:
    """Put a report on the last days, against as many before them, on the queue.

    Raises:
        NotFound: no such version, or no reference says what is watched.
        Conflict: one is under way.
    """
    reference(session, model, version)
    job = enqueue(session, KIND, wanted, model, version, {"days": str(days)})
    return Outcome(
        sentence=f"A report on the last {days} days of {model} {version} is on the queue.",
        model_name=model,
        version=version,
        job_id=job,
    )


def listed(session: Session, model: str | None) -> list[Job]:
    """As many as are kept, newest first."""
    return newest(session, KIND, model, KEPT)


def _folder(context: Context) -> Path:
    return context.settings.nivesh_home / "drift-reports"


def make(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Sample both times, and let Evidently write what it sees; what fails leaves no file.

    Raises:
        Interrupted: ``stop`` was set.
    """
    job, model, version = UUID(arguments["job_id"]), arguments["model"], arguments["version"]
    say = begun(context, job)
    days, until = timedelta(days=int(arguments["days"])), now()
    try:
        with transaction(context.engine, None) as session:
            rules = context.catalog.get(model).privacy.log
            profile, _ = judgeable(reference(session, model, version), rules)
            sides = [
                predictions.sample(
                    session,
                    model,
                    version,
                    until - (back + 1) * days,
                    until - back * days,
                    MOST_ROWS,
                )
                for back in (1, 0)
            ]
        if any(len(side) < FEWEST_ROWS for side in sides):
            raise Conflict(
                f"There are {len(sides[1]):,} predictions of these days and {len(sides[0]):,} of"
                f" those before; each needs {FEWEST_ROWS}.",
            )
        say(0.2, f"Evidently looks at {sum(map(len, sides)):,} predictions")
        _written(context, job, _sample(profile, *sides), stop)
    except (Conflict, NotFound, Unavailable) as error:
        note(context, job, JobState.FAILED, 1.0, error.message)
        return
    note(context, job, JobState.SUCCEEDED, 1.0, "The report is kept on the Drift page.")


def _sample(
    profile: Profile, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> dict[str, Any]:
    """Watched values of both sides; texts of people are measured, and do not leave the log."""
    sides = [_values(profile, records) for records in (before, after)]
    known = [
        f for f in profile.features
        if all(any(v is not None for v in side[f.name]) for side in sides)
    ]  # fmt: skip
    return {
        "numbers": [f.name for f in known if f.type == "number"],
        "categories": [f.name for f in known if f.type != "number"],
        "before": {f.name: sides[0][f.name] for f in known},
        "now": {f.name: sides[1][f.name] for f in known},
    }


def _values(profile: Profile, records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    columns = Columns(records)
    found: dict[str, list[Any]] = {}
    for f in profile.features:
        if f.type == "number":
            numbers = columns.numbers(f.source)[0].tolist()
            found[f.name] = [None if math.isnan(n) else n for n in numbers]
        else:
            values = columns.values(f.source.path)
            found[f.name] = [str(v) if isinstance(v, str | bool) else None for v in values]
    return found


def _written(context: Context, job: UUID, sample: dict[str, Any], stop: threading.Event) -> None:
    folder = _folder(context)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder.resolve() / f"{job}.html"
    with subprocess.Popen(
        [sys.executable, "-m", "backend_api.evidently_report", str(target)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ,
    ) as process:  # fmt: skip
        data: bytes | None = orjson.dumps(sample)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                _, complaint = process.communicate(data, timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                # What was begun to be sent goes on by itself.
                data = None
                if stop.is_set() or time.monotonic() > deadline:
                    process.kill()
                    process.communicate()
                    if stop.is_set():
                        raise Interrupted from None
                    raise Unavailable("Evidently took longer than ten minutes.") from None
    if process.returncode:
        last = (complaint.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"Evidently made no report: {last[:300]}.")
    kept = sorted(folder.glob("*.html"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in kept[KEPT:]:
        old.unlink(missing_ok=True)


def read(context: Context, job: UUID) -> Path:
    """The file of a report.

    Raises:
        NotFound: it is not kept here.
    """
    file = _folder(context) / f"{job}.html"
    if not file.is_file():
        raise NotFound(
            f"There is no report {job}.",
            f"The newest {KEPT} are kept, on the host of the worker that made them; make it again.",
        )
    return file
