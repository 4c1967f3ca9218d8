"""Rehearsals: a version that a rollback would go to is asked, and nobody gets its answers.

The backend puts questions into a row and tells all workers; each asks its own copy of the version,
one question after the other on one thread, and writes what came. Nothing of it is logged or counted
as a prediction.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import structlog

from inference import database
from inference.database import Connection
from inference.models import Model, Row, WrongField
from inference.rotation import Rotation

# An answer that takes longer is none.
ANSWER_SECONDS = 10.0
# After this, no further recent request is asked: users come first.
SAMPLE_SECONDS = 10.0

log = structlog.get_logger()


class Rehearser(threading.Thread):
    """The thread that asks; ``connect`` opens a connection of its own for each rehearsal."""

    def __init__(self, rotation: Rotation, replica: str, connect: Callable[[], Connection]) -> None:
        super().__init__(name="rehearsal", daemon=True)
        self._rotation, self._replica, self._connect = rotation, replica, connect
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()

    def order(self, rehearsal: str) -> None:
        """Carry a rehearsal out, once however often it is ordered; never waited for."""
        self._orders.put(rehearsal)

    def run(self) -> None:
        """One rehearsal after the other."""
        while True:
            rehearsal = self._orders.get()
            try:
                with self._connect() as connection:
                    self._rehearse(connection, rehearsal)
            # Its row is gone, or the database; the backend says that this worker did not answer.
            except database.OUTAGES as error:
                log.warning("rehearsal.not_answered", reason=str(error).strip()[:200])
            # Without this thread no later rehearsal would be answered.
            except Exception:
                log.exception("rehearsal.broke")

    def _rehearse(self, connection: Connection, rehearsal: str) -> None:
        asked = database.rehearsal(connection, rehearsal, self._replica)
        if asked is None:
            return
        name, version, questions = asked
        arm = self._rotation.snapshot.direct.get(name, {}).get(version)
        if arm is None:
            found: dict[str, Any] = {"trouble": self._absent(name, version)}
        else:
            found = answers(arm.model, questions["cases"], questions["sample"])
        database.answer_rehearsal(connection, rehearsal, self._replica, found)

    def _absent(self, name: str, version: str) -> str:
        """Why a version cannot be asked."""
        for wanted, seen in self._rotation.report:
            if wanted.model_name == name and version in seen.loaded:
                return seen.loaded[version]["error"] or "it is still being loaded"
        return "it is not in memory"


def answers(model: Model, cases: Sequence[Row], sample: Sequence[Row]) -> dict[str, Any]:
    """What a version makes of the catalogue's queries and of recent requests.

    Of recent requests only the time and the kind of a failure, and nothing that users sent.
    """
    found: dict[str, Any] = {"cases": [_asked(model, row) for row in cases], "sample": []}
    begun = time.monotonic()
    for row in sample:
        if time.monotonic() - begun > SAMPLE_SECONDS:
            break
        asked = _asked(model, row)
        found["sample"].append({"ms": asked["ms"], "error": asked["error"]})
    return found


def _asked(model: Model, row: Row) -> dict[str, Any]:
    begun = time.perf_counter()
    body, error = None, None
    try:
        model.check(row)
        body = _answer(model, row)
    except WrongField as wrong:
        error = f"field {wrong.field} is refused"
    # Whatever breaks is the version's failure; its text may hold what a user sent.
    except Exception as broken:
        error = type(broken).__name__
    return {"ms": round((time.perf_counter() - begun) * 1000, 3), "error": error, "body": body}


def _answer(model: Model, row: Row) -> dict[str, Any]:
    if model.executor is None:
        return model.answer([row])[0]
    waiting: Future[list[dict[str, Any]]] = model.executor.submit(model.answer, [row])
    return waiting.result(ANSWER_SECONDS)[0]
