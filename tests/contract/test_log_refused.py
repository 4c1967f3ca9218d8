"""Lines of a spool that nobody will ever take: each is counted, named by its id, and holds up no
other; what was asked never gets into the service's own log.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from backend_api import db
from backend_api.candidate import Reference
from backend_api.catalog import Catalog
from backend_api.operations import reference
from inference import database, metrics
from inference.log import Deliverer, PredictionLog
from inference.spool import SUFFIX, Spool
from shared.profile import as_document
from tests.makers import Registry
from tests.profiles import number, profile

MODEL, VERSION = "credit_risk", "v1.0.0"
SECRET = "PAN ABCDE1234F"


def record(place: int, **changes: Any) -> dict[str, Any]:
    made = {
        "id": str(UUID(int=place + 1)), "at": int(db.now().timestamp() * 1e6), "model": MODEL,
        "version": VERSION, "arm": "production", "key": "asha", "input": {"amount": 3.0},
        "output": {"risk": "low"}, "confidence": 0.9, "ms": 1.0, "status": "ok", "error": None,
    }  # fmt: skip
    return {**made, **changes}


def line(place: int, **changes: Any) -> bytes:
    """As a worker writes it."""
    return orjson.dumps(record(place, **changes), option=orjson.OPT_APPEND_NEWLINE)


def cut_in_a_character(place: int) -> bytes:
    """A record that PostgreSQL refuses, whose 500th byte is the second of a character's three."""
    for padding in range(3):
        asked = SECRET + "." * padding + "₹" * 300
        made = line(place, input={"query": asked, "amount": 3.0}, output="\0")
        if made[500] & 0xC0 == 0x80:
            return made
    raise AssertionError("three paddings meet every place in a character")


NESTED = b'{"id":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n"
WRONG = {
    "a NUL, cut in a character": cut_in_a_character(1),
    "half a character": line(1)[:-2] + "₹".encode()[:2] + b'"}\n',
    "a character's rest in a text": line(1, key="?").replace(b"?", b"\xff\xfe"),
    "torn and gone on": line(1)[:90] + line(2),
    "another status": line(1, status=SECRET),
    "no time": line(1, at=None),
    "a time as a text": line(1, at=str(record(1)["at"])),
    "a time after all calendars": line(1, at=7_000_000_000_000_000_000),
    "a year of five digits": line(1, at=400_000_000_000_000_000),
    "a version that is a number": line(1, version=7),
    "a number without an end": line(1).replace(b"3.0", b"1e999"),
    "a number of many digits": line(1).replace(b"3.0", b"9" * 400),
    "no object": b"[]\n",
    "half a pair of UTF-16": line(1, key="?").replace(b"?", b"\\ud83d"),
    "empty": b"\n",
    "the end of a COPY": b"\\.\n",
    "a quote of the COPY": b'\x01{"input":"' + SECRET.encode() + b'"}\n',
    "two columns": line(1)[:-1] + b"\x02" + line(2),
    "two lines in one": line(1)[:-1] + b"\r" + line(2),
    "zeros": b"\0" * 80 + b"\n",
    "deeper than PostgreSQL goes": NESTED,
}  # fmt: skip


@pytest.fixture
def counted(engine: Engine, catalog: Catalog) -> None:
    """The version's predictions are counted for drift, too."""
    Registry(engine, catalog, MODEL).register(VERSION)
    with db.transaction(engine, "tests") as session:
        made = Reference(as_document(profile(number("amount"))))
        assert reference.keep(session, MODEL, VERSION, made, "artefact")


def lost(reason: str) -> float:
    return float(metrics.LOG_LOST.labels(reason)._value.get())


def delivered(url: str, folder: Path) -> list[dict[str, Any]]:
    """What the service says while all that is there is delivered."""
    kept = PredictionLog(Spool(folder, "0"), 10**9, "drop")
    deliverer = Deliverer(kept, partial(database.connect, url, "tests"))
    with capture_logs() as said:
        deliverer.start()
        deliverer.stop(60)
    assert not deliverer.is_alive()
    return [dict(one) for one in said]


def ids(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        found = connection.scalars(
            text("SELECT prediction_id FROM model_predictions ORDER BY prediction_id")
        )
        return [one.int - 1 for one in found]


@pytest.mark.usefixtures("counted")
def test_a_wrong_line_holds_up_no_other_and_is_not_quoted(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    for place, wrong in enumerate(WRONG.values(), start=1):
        around = line(10 * place) + line(10 * place + 1) + wrong + line(10 * place + 2)
        (tmp_path / f"{100 + place}-dead{SUFFIX}").write_bytes(around)
    before = lost("refused")
    said = delivered(database_url, tmp_path)
    places = range(1, len(WRONG) + 1)
    assert ids(engine) == [10 * place + n for place in places for n in range(3)]
    assert [one["event"] for one in said] == ["log.refused"] * len(WRONG)
    assert all(one["reason"] for one in said)
    assert lost("refused") == before + len(WRONG)
    assert SECRET not in json.dumps(said, default=str)
    with engine.connect() as connection:
        rows = connection.scalar(text("SELECT sum(rows) FROM drift_deltas"))
    assert rows == 3 * len(WRONG)
    assert list(tmp_path.glob(f"*{SUFFIX}")) == []


@pytest.mark.usefixtures("counted")
def test_a_refused_record_is_named_by_its_id_and_the_reason(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    asked = {"id": str(UUID(int=99)), "query": SECRET}
    wrong = line(7, status="?", input=asked) + b"\0\n" + line(8, id=SECRET) + line(9, ms=SECRET)
    (tmp_path / f"1-dead{SUFFIX}").write_bytes(wrong)
    said = delivered(database_url, tmp_path)
    assert [one["prediction_id"] for one in said] == [
        str(UUID(int=8)), "unreadable", "unreadable", str(UUID(int=10)),
    ]  # fmt: skip
    assert "model_predictions_status_check" in said[0]["reason"]
    assert said[2]["reason"] == "invalid input syntax for type uuid"
    assert said[3]["reason"] == "invalid input syntax for type real"
    assert SECRET not in json.dumps(said, default=str)


def test_a_file_that_cannot_be_read_is_told_and_holds_up_no_other(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / f"1-dead{SUFFIX}").mkdir()
    (tmp_path / f"2-dead{SUFFIX}").write_bytes(line(7))
    said = delivered(database_url, tmp_path)
    assert ids(engine) == [7]
    assert {one["event"] for one in said} == {"log.waits"}
    assert "Is a directory" in said[0]["reason"]
