"""Real shifts on public data through profile, counts and scores, and what Evidently says too."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend_api.rules.data_quality import quality
from backend_api.rules.drift import Judgement, judge
from backend_api.states import DriftState, Health
from shared.counting import count
from shared.reference import infer, make
from tests import real_data
from tests.real_data import Row

with warnings.catch_warnings():
    # Evidently imports names that numpy has given another place.
    warnings.simplefilter("ignore", DeprecationWarning)
    from evidently import Report
    from evidently.presets import DataDriftPreset

pytestmark = real_data.wanted
S = DriftState


def halves(seed: int) -> tuple[list[Row], list[Row]]:
    """500 applications as reference and the 500 others, by chance."""
    rows = list(real_data.credit())
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[i] for i in order[:500]], [rows[i] for i in order[500:]]


def judged(reference: Sequence[Row], window: Sequence[Row]) -> Judgement:
    made = make(infer(reference), reference)
    return judge(made, made.counts, count(made, window))


def moved(found: Judgement) -> set[str]:
    return {s.name for s in found.scores if s.state in (S.MEDIUM, S.HIGH)}


# German credit


def test_the_other_half_of_the_applications_has_no_drift() -> None:
    model, (here, there) = real_data.credit_model(), halves(1)
    found = judged(model.log(here), model.log(there))
    assert (found.state, moved(found)) == (S.NONE, set())


def test_dearer_credits_to_older_people_are_seen_and_named() -> None:
    model, (here, there) = real_data.credit_model(), halves(1)
    found = judged(model.log(here), model.log(real_data.shifted(there, 2.0, 12)))
    assert found.state == S.HIGH
    assert {"credit_amount", "age_years"} <= moved(found)
    assert moved(found) <= {"credit_amount", "age_years", "output.risk", "output.decision"}
    part = found.part("input")
    assert part is not None
    assert part.worst in ("credit_amount", "age_years")


def test_an_attribute_that_is_no_longer_delivered_is_a_fault_and_not_a_new_world() -> None:
    model, (here, there) = real_data.credit_model(), halves(1)
    window = model.log(there)
    for record in window[:100]:
        record["input"]["savings"] = None
    made = make(infer(model.log(here)), model.log(here))
    odd = quality(made, made.counts, count(made, window))
    assert odd.state == Health.DEGRADED
    assert [(one.feature, one.kind, one.count) for one in odd.findings] == [
        ("savings", "empty", 100)
    ]


# CLINC150


def questions(split: str) -> list[Row]:
    return [row for row in real_data.clinc() if row["split"] == split]


def texts(rows: Sequence[Row]) -> list[str]:
    return [row["text"] for row in rows]


def test_questions_of_the_same_kind_have_no_drift() -> None:
    known = [row for row in real_data.clinc() if row["split"] != "train"]
    order = np.random.default_rng(2).permutation(len(known))
    here, there = ([known[i]["text"] for i in part] for part in (order[:850], order[850:]))
    assert judged(real_data.asked(here), real_data.asked(there)).state == S.NONE


def test_a_changed_mix_of_intents_is_prediction_drift() -> None:
    here = texts(questions("test"))
    fraud = [r for r in questions("test") if r["intent"] in ("report_fraud", "account_blocked")]
    there = texts(questions("val")) + texts(fraud) * 20
    found = judged(real_data.asked(here), real_data.asked(there))
    part = found.part("prediction")
    assert part is not None
    assert (part.name, part.state, part.worst) == ("prediction", S.HIGH, "output.intent")
    assert found.state == S.HIGH


def test_questions_of_another_domain_are_seen() -> None:
    bank, cards = [], []
    for row in real_data.clinc():
        if row["split"] != "train" and row["intent"] != "out_of_scope":
            (cards if row["intent"] in real_data.CARDS else bank).append(row["text"])
    found = judged(real_data.asked(bank), real_data.asked(cards))
    assert found.state == S.HIGH
    assert "output.intent" in moved(found)


def test_questions_that_are_no_banks_business_make_the_model_unsure() -> None:
    known = texts([r for r in questions("test") if r["intent"] != "out_of_scope"])
    strange = texts([r for r in real_data.clinc() if r["intent"] == "out_of_scope"])
    found = judged(real_data.asked(known), real_data.asked(strange * 2))
    states = {score.name: score.state for score in found.scores}
    assert states["output.confidence"] == S.HIGH
    assert states["output.intent"] == S.HIGH


# Beside Evidently's defaults: the table of docs/drift.md


@dataclass(frozen=True)
class Theirs:
    """Columns that Evidently calls drifted, and whether it calls the whole so."""

    columns: set[str]
    whole: bool


def evidently(reference: Sequence[Row], window: Sequence[Row]) -> Theirs:
    sides = [pd.DataFrame([_flat(row) for row in rows]) for rows in (window, reference)]
    with warnings.catch_warnings():
        # Of its tests on few rows, which is what it is asked here.
        warnings.simplefilter("ignore")
        found: dict[str, Any] = Report([DataDriftPreset()], include_tests=True).run(*sides).dict()
    columns, whole = set(), False
    for test in found["tests"]:
        if test["status"] == "FAIL":
            name = test["metric_config"]["params"].get("column")
            columns |= {name} if name else set()
            whole = whole or name is None
    return Theirs(columns, whole)


def _flat(row: Row) -> Row:
    return {**row["input"], **{f"output.{name}": value for name, value in row["output"].items()}}


@pytest.mark.long
def test_ours_and_evidentlys_verdicts() -> None:
    model = real_data.credit_model()
    told = []
    for name, rows, amount, years in (
        ("no change", 500, 1.0, 0), ("no change", 100, 1.0, 0), ("amounts +20 %", 500, 1.2, 0),
        ("amounts x2, ages +12", 500, 2.0, 12), ("amounts x2, ages +12", 250, 2.0, 12),
    ):  # fmt: skip
        ours, theirs = [], []
        for seed in range(10):
            here, there = halves(seed)
            window = model.log(real_data.shifted(there, amount, years)[:rows])
            ours.append(judged(model.log(here), window))
            theirs.append(evidently(model.log(here), window))
        told.append((
            name, rows, np.mean([len(moved(one)) for one in ours]),
            [str(one.state) for one in ours], np.mean([len(one.columns) for one in theirs]),
            sum(one.whole for one in theirs),
        ))  # fmt: skip
        print(told[-1])  # noqa: T201
    quiet, few, _, moved_far, _ = told
    assert quiet[2] == 0
    assert quiet[4] > 0
    assert set(few[3]) == {"insufficient"}
    assert set(moved_far[3]) == {"high"}
    assert moved_far[2] == 2
    assert moved_far[5] == 0
