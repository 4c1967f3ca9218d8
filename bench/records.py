"""Writes prediction records at a pace, through the same spool and delivery as a worker.

    python -m bench.records SLOT FIRST COUNT PER_SECOND

Standard output has a line ``kept N`` after each batch: records below N are in the spool. Then
``waits BYTES`` is what was not delivered by then, and ``delivered`` comes once all of it is.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from inference import database
from inference.log import Deliverer, PredictionLog
from inference.spool import Spool

LIMIT = 10_000_000_000
BATCH_SECONDS = 0.01
# In one batch, however late it is.
MOST = 500
FEATURES = {f"feature_{n}": n / 7 for n in range(20)}


def record(number: int) -> dict[str, Any]:
    """A record of a model with 20 features; its id holds its number."""
    return {
        "id": str(identity(number)), "at": time.time_ns() // 1000, "model": "credit_risk",
        "version": "v1.0.0", "arm": "production", "key": f"user-{number % 1000}",
        "input": FEATURES, "output": {"risk_band": "low", "confidence": 0.93},
        "confidence": 0.93, "ms": 0.8, "status": "ok", "error": None,
    }  # fmt: skip


def identity(number: int) -> UUID:
    """Prediction id of a number."""
    return UUID(int=(0x01900000_0000_7000_8000 << 48) | number)


def main() -> None:
    """Keep up the pace, then wait until all is delivered."""
    slot, first, count, pace = sys.argv[1], *map(int, sys.argv[2:5])
    spool = Spool(Path(os.environ["RECORDS_SPOOL"]), slot)
    kept = PredictionLog(spool, LIMIT, "refuse")
    deliverer = Deliverer(kept, partial(database.connect, os.environ["DATABASE_URL"], "records"))
    deliverer.start()
    begun, upto, end = time.monotonic(), first, first + count
    _say(f"kept {first}")
    while upto < end:
        late = int((time.monotonic() - begun + BATCH_SECONDS) * pace)
        due = min(end, upto + MOST, first + late)
        for number in range(upto, due):
            kept.keep(record(number))
        upto = due
        _say(f"kept {upto}")
        if due - first >= late:
            time.sleep(BATCH_SECONDS)
    _say(f"waits {spool.undelivered()}")
    while spool.undelivered():
        time.sleep(BATCH_SECONDS)
    _say("delivered 0")
    deliverer.stop(10)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
