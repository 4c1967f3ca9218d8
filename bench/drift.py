"""How long drift takes: records into counts, counts of a month into scores, and the page of them.

python -m bench.drift
"""

import random
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import orjson
from sqlalchemy import Engine, text

from backend_api import db, drift
from backend_api.rules.drift_kept import WHOLE
from backend_api.spans import DAY, HOUR, floor
from backend_api.states import Against
from bench import drift_page, machine
from bench import pages as every
from bench.drift_page import MODEL, VERSION, Kept, Page
from bench.stack import Stack, stack
from inference.drift import References
from inference.log import BATCH_BYTES
from shared.profile import Profile, as_document
from shared.reference import infer, make

FEATURES, WATCHED, DAYS = 20, 50, 30
RECORDS, DISTINCT = 1_000_000, 20_000
MOVED, MOVED_DAYS = 5, 3
VOLUMES = (1_000_000, 10_000_000)
LOOKS = 30
SEED = 20260125


@dataclass(frozen=True)
class Drift:
    """``counted`` seconds of one core for ``RECORDS`` records; ``read`` milliseconds by volume."""

    counted: float
    read: dict[int, float]
    pages: dict[int, Page]
    kept: Kept
    console: dict[str, float]

    @property
    def sentences(self) -> list[str]:
        """For the report."""
        told = ", ".join(f"{ms:.0f} ms at {n / 1e6:.0f} M" for n, ms in self.read.items())
        shown = "; ".join(
            f"at {n / 1e6:.0f} M predictions {page.reached:.0f} ms by its link and"
            f" {page.loaded:.0f} ms by its address ({page.loaded / page.floor:.2f} of what a page"
            " takes that shows nothing)"
            for n, page in self.pages.items()
        )
        return [
            f"Drift, counting: {RECORDS / 1e6:.0f} M log records of {FEATURES} features from JSON"
            f" into bins in {self.counted:.1f} s of one core.",
            f"Drift, reading: {WATCHED} features over {DAYS} days, summed and scored as a whole and"
            f" per day in the backend, median of {LOOKS}: {told} predictions.",
            f"Drift, page: until Chromium has drawn all of it, median of {drift_page.OPENINGS}:"
            f" {shown}.",
            self.kept.sentence,
            every.sentence(self.console),
        ]


def _records(features: int, number: int) -> list[dict[str, object]]:
    chance = random.Random(SEED)
    return [
        {
            "id": f"{n:036d}", "at": n, "model": MODEL, "version": VERSION, "arm": "production",
            "key": "user-1",
            "output": {"risk_band": chance.choice("abc"), "confidence": chance.random()},
            "confidence": 0.93, "ms": 0.8, "status": "ok", "error": None,
            "input": {f"feature_{i}": round(chance.gauss(0, 50), 4) for i in range(features - 2)},
        }
        for n in range(number)
    ]  # fmt: skip


def counted() -> float:
    """Seconds of processor time for ``RECORDS`` lines of the log; fewer of them, many times.

    They are counted as a delivery counts them, in pieces of its size.
    """
    made = _records(FEATURES, DISTINCT)
    references = References()
    references.learn((MODEL, VERSION), as_document(make(infer(made), made)))
    lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in made]
    each = BATCH_BYTES // len(lines[0])
    pieces = [b"".join(lines[at : at + each]) for at in range(0, DISTINCT, each)]
    begun = time.process_time()
    for _ in range(RECORDS // DISTINCT):
        for piece in pieces:
            references.deltas(piece, None, lambda _: None)
    return time.process_time() - begun


def _fill(engine: Engine, profile: Profile, predictions: int, now: datetime) -> None:
    """Counts as folding leaves them, of so many predictions over the days.

    Some features lie elsewhere in the last days."""
    rng, hours = np.random.default_rng(SEED), DAYS * 24
    first, each = floor(now, DAY) - (DAYS - 1) * DAY, predictions // hours
    made = np.concatenate(
        [
            rng.multinomial(each, profile.counts[part] / profile.rows, size=hours)
            for part in profile.slices.values()
        ],
        axis=1,
    )
    # The page is opened when something moved.
    for feature in profile.features[:MOVED]:
        part = profile.slices[feature.name]
        made[-MOVED_DAYS * 24 :, part] = np.roll(made[-MOVED_DAYS * 24 :, part], 3, axis=1)
    days = made.reshape(DAYS, 24, -1).sum(axis=1)
    rows = [("hour", first + n * HOUR, each, vector) for n, vector in enumerate(made)]
    rows += [("day", first + n * DAY, each * 24, vector) for n, vector in enumerate(days)]
    with db.transaction(engine, "bench") as session:
        session.execute(text("TRUNCATE drift_counts"))
        session.execute(
            text("INSERT INTO drift_counts VALUES (:m, :v, :span, :at, :rows, :counts)"),
            [
                {"m": MODEL, "v": VERSION, "span": span, "at": at, "rows": number,
                 "counts": vector.astype("<i8").tobytes()}
                for span, at, number, vector in rows
            ],
        )  # fmt: skip


def _look(engine: Engine, now: datetime) -> float:
    begun = time.perf_counter()
    with db.transaction(engine, None) as session:
        found = drift.read(session, MODEL, VERSION, Against.REFERENCE, now, DAYS, now, WHOLE)
    assert len(found.scores) == WATCHED
    return (time.perf_counter() - begun) * 1000


def _keep(engine: Engine, profile: Profile) -> None:
    with db.transaction(engine, "bench") as session:
        session.execute(
            text(
                "INSERT INTO drift_profiles (model_name, version, profile, origin) VALUES"
                " (:m, :v, CAST(:p AS jsonb), 'records')"
            ),
            {"m": MODEL, "v": VERSION, "p": orjson.dumps(as_document(profile)).decode()},
        )


def measure(built: Stack) -> Drift:
    """All of it, on a database of the run's own; the log really grows to each volume."""
    records = _records(WATCHED, 5_000)
    profile, now = make(infer(records), records), db.now()
    read, pages = {}, {}
    with drift_page.console(built) as opened:
        _keep(built.engine, profile)
        for volume in VOLUMES:
            _fill(built.engine, profile, volume, now)
            drift_page.log(built.engine, volume, now, DAYS)
            read[volume] = statistics.median(_look(built.engine, now) for _ in range(LOOKS))
            kept = drift_page.results(opened, now)
            pages[volume] = drift_page.measure(opened, DAYS)
        every.crowd(opened)
        console = every.measure(opened)
    return Drift(counted(), read, pages, kept, console)


if __name__ == "__main__":
    said = machine.sentence()
    with stack() as built:
        found = measure(built)
    sys.stdout.write("\n".join([said, *found.sentences, ""]))
