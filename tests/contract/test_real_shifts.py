"""Real data shift, a real service answers, and drift is seen: in the terminal and over HTTP.

The project's own models are trained on public data, registered with their references, and served
by a real inference process; its log is counted and judged as in operation.
"""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend_api import db, text_drift
from backend_api.catalog import Catalog
from tests import real_data
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.makers import INTENT
from tests.queued import work
from tests.real_data import Row
from tests.served import moved, trained
from training.credit_risk.train import train as train_credit
from training.intent_classifier.train import train as train_intents

pytestmark = [real_data.wanted, pytest.mark.long]

OUT = "out_of_scope"
FRAUD = ("report_fraud", "account_blocked")


@pytest.fixture(autouse=True)
def _terminal(
    backend: Backend, mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal knows the backend, and training the MLflow server."""
    for name, value in (
        ("MLFLOW_TRACKING_URI", mlflow_uri), ("NIVESH_HOME", str(tmp_path / "home")),
        ("BACKEND_URL", backend.url), ("NIVESH_TOKEN", backend.token("viewer")),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)


# CLINC150: trained on what people ask their bank, later asked of cards


def dealt(rows: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """A file to train on, half of whose other rows become the reference; and rows held out."""
    split = {"train": 0.52, "val": 0.08, "test": 0.16}
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    kept, begin = [], 0
    for name, share in split.items():
        end = begin + round(share * len(rows))
        kept += [{**row, "split": name} for row in shuffled[begin:end]]
        begin = end
    return kept, shuffled[begin:]


def days_ago(number: int) -> date:
    return (db.now() - timedelta(days=number)).date()


def queries(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"query": row["text"]} for row in rows]


def drawn(rows: Sequence[Row], number: int, seed: int = 3) -> list[Row]:
    places = np.random.default_rng(seed).integers(len(rows), size=number)
    return [rows[i] for i in places]


def test_a_bank_that_is_asked_other_things_is_seen_in_answers_and_texts(
    backend: Backend, catalog: Catalog, serve: Callable[..., Inference], tmp_path: Path
) -> None:
    bank = [row for row in real_data.clinc() if row["intent"] not in real_data.CARDS]
    kept, held_out = dealt(bank, 7)
    file = tmp_path / "bank.json"
    file.write_text(json.dumps(kept))
    served = trained(backend, serve, catalog.get(INTENT), INTENT, train_intents(file, quick=True))

    # The same mix: questions that it neither learned nor has in its reference.
    served.ask(queries(held_out))
    found = served.drift()
    assert (found["state"], moved(found), served.exit_code()) == ("none", {}, 0), found["sentence"]
    served.past(5)

    # Fraud is in the news: the same kinds of question, many more of some.
    fraud = drawn([row for row in held_out if row["intent"] in FRAUD], 400)
    for back in (4, 3):
        served.ask(queries([*held_out[:300], *fraud]))
        found = served.drift()
        parts = {part["name"]: part for part in found["parts"]}
        assert parts["prediction"]["state"] in ("medium", "high")
        assert parts["prediction"]["worst"] == "output.intent"
        mix = found["state"]
        assert served.exit_code() == {"medium": 10, "high": 20}[mix]
        served.past(back)

    # Another business of the same house: what is asked of the issuer of cards.
    cards = [row for row in real_data.clinc() if row["intent"] in real_data.CARDS]
    for back, asked in ((2, cards[:600]), (1, cards[-600:])):
        served.ask(queries(asked))
        found = served.drift()
        assert {"output.confidence", "output.intent"} <= moved(found).keys()
        assert (found["state"], served.exit_code()) == ("high", 20)
        served.past(back)

    # The day is over: the watch has its words compared, and judges it with what they said.
    served.judge()
    assert [one["day"] for one in served.kept()] == [str(days_ago(n)) for n in range(2, 6)]
    work(backend, text_drift.KIND)
    served.judge(later=1)
    assert [(one["seen"], one["state"]) for one in reversed(served.kept())] == [
        ("none", "none"), (mix, "none"), (mix, mix), ("high", mix), ("high", "high"),
    ]  # fmt: skip
    assert served.kept()[0]["text_score"] > 0.3
    place = f"/models/{INTENT}/versions/v1.0.0/texts/results"
    (texts,) = backend.client("analyst").get(place).json()
    assert (texts["state"], texts["rows"]) == ("high", 600)
    assert "card" in texts["words"]
    (opened,) = backend.client("viewer").get("/incidents", params={"model": INTENT}).json()
    assert (opened["kind"], opened["state"]) == ("drift", "triggered")


# German credit


def test_dearer_credits_to_older_people_are_named(
    backend: Backend, catalog: Catalog, serve: Callable[..., Inference], tmp_path: Path
) -> None:
    rows = [real_data.credit()[i] for i in np.random.default_rng(4).permutation(1000)]
    file = tmp_path / "credit.csv"
    kept, held_out = rows[:650], rows[650:]
    splits = ["train"] * 350 + ["val"] * 100 + ["test"] * 200
    with file.open("w") as out:
        writer = csv.DictWriter(out, [*kept[0], "split"])
        writer.writeheader()
        writer.writerows({**row, "split": s} for row, s in zip(kept, splits, strict=True))
    served = trained(
        backend, serve, catalog.get("credit_risk"), "credit_risk", train_credit(file, quick=True)
    )
    served.ask(applications(held_out))
    found = served.drift()
    # 300 rows of reference are too few to call anything alike; nothing is called drift either.
    assert (found["state"], moved(found), served.exit_code()) == ("insufficient", {}, 30)
    served.past(1)
    served.ask(applications(real_data.shifted(held_out, 2.0, 12)))
    found = served.drift()
    assert (found["state"], served.exit_code()) == ("high", 20)
    print(moved(found))  # noqa: T201
    worst = sorted(moved(found), key=lambda name: -moved(found)[name])
    assert set(worst[:2]) == {"credit_amount", "age_years"}
    assert "credit_amount moved by" in found["sentence"] or "age_years" in found["sentence"]


def applications(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """As a client sends them, numbers as numbers and within what the version accepts."""
    told = [{**row, "credit_amount": min(row["credit_amount"], 36_000)} for row in rows]
    return [
        {k: int(v) if str(v).isdigit() else v for k, v in row.items() if k != "default"}
        for row in told
    ]
