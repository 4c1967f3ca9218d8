"""What each handler refuses: the sentence names the field and says what to do."""

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from training import catalogue, serving, tabular
from training.anomaly_detection.fields import FIELDS as PAYMENT
from training.credit_risk.fields import FIELDS as APPLICATION
from training.text import MAX_CHARACTERS

HASHER = {"kind": "word", "buckets": 64, "width": 6, "max_tokens": 16}
CONFIGS: dict[str, dict[str, Any]] = {
    "intent_classifier": {"hasher": HASHER, "labels": ["pay", "save"]},
    "credit_risk": {"features": [field.config() for field in APPLICATION]},
    "anomaly_detection": {"features": [field.config() for field in PAYMENT]},
}
INTENT, CREDIT, ANOMALY = CONFIGS
GONE = object()

REFUSED = [
    (INTENT, "query", GONE, "query is missing; send it as a text"),
    (INTENT, "query", None, "query is of type NoneType; send a text"),
    (INTENT, "query", 5, "query is of type int; send a text"),
    (INTENT, "query", ["pay"], "query is of type list; send a text"),
    (INTENT, "query", "", "query is empty; send at least one word"),
    (INTENT, "query", " \n\t", "query is empty; send at least one word"),
    (INTENT, "query", "x" * (MAX_CHARACTERS + 1), "query has 5,001 characters; shorten it"),
    (INTENT, "query", "a\x00b", "query holds a NUL or half of a character; remove it"),
    (INTENT, "query", "\ud800", "query holds a NUL or half of a character; remove it"),
    (INTENT, "user_id", 7, "user_id is of type int; send a text or leave it out"),
    (INTENT, "user_id", "\ud800", "user_id holds a NUL or half of a character; remove it"),
    (INTENT, "qeury", "pay", "qeury is not a field of this model; rename it to query"),
    (INTENT, "\ud800", "pay", "? is not a field of this model; remove it"),
    (CREDIT, "age", GONE, "age is missing; send a whole number from 18 to 75"),
    (CREDIT, "age", None, "age is null; send a whole number from 18 to 75"),
    (CREDIT, "age", "41", "age is of type str; send a whole number from 18 to 75"),
    (CREDIT, "age", True, "age is of type bool; send a whole number from 18 to 75"),
    (CREDIT, "age", 41.5, "age is 41.5; send a whole number from 18 to 75"),
    (CREDIT, "age", 17, "age is below 18; send a whole number from 18 to 75"),
    (CREDIT, "age", 10**400, "age is above 75; send a whole number from 18 to 75"),
    (CREDIT, "monthly_income", math.nan, "monthly_income is not a finite number; send a number"),
    (CREDIT, "monthly_income", math.inf, "monthly_income is not a finite number; send a number"),
    (CREDIT, "monthly_income", -1, "monthly_income is below 3,000; send a number from 3,000"),
    (CREDIT, "savings", -math.inf, "savings is not a finite number; send a number"),
    (CREDIT, "city_tier", "Tier 1", "city_tier has the unknown value 'Tier 1'; send one of"),
    (CREDIT, "city_tier", 1, "city_tier is of type int; send one of tier_1, tier_2"),
    (CREDIT, "has_co_applicant", 1, "has_co_applicant is of type int; send true or false"),
    (CREDIT, "credit_score", [], "credit_score is of type list; send a whole number from 300"),
    (CREDIT, "creditscore", 700, "creditscore is not a field of this model; rename it to credit_"),
    (CREDIT, "user_id", {}, "user_id is of type dict; send a text or leave it out"),
    (ANOMALY, "amount", 0, "amount is below 1; send a number from 1 to 50,000,000"),
    (ANOMALY, "hour", 24, "hour is above 23; send a whole number from 0 to 23"),
    (ANOMALY, "channel", "fax", "channel has the unknown value 'fax'; send one of upi, card"),
    (ANOMALY, "new_payee", "yes", "new_payee is of type str; send true or false"),
    (ANOMALY, "zzz", 1, "zzz is not a field of this model; remove it"),
]  # fmt: skip


def handler(model: str) -> serving.Handler:
    return serving.load(model, json.loads(json.dumps(CONFIGS[model])))


def good(model: str) -> dict[str, Any]:
    """The first validation request of a model."""
    return dict(catalogue.entry(model)["validation"]["cases"][0]["request"])


@pytest.mark.parametrize(("model", "field", "value", "message"), REFUSED)
def test_refused(model: str, field: str, value: Any, message: str) -> None:
    request = {**good(model), field: value}
    if value is GONE:
        del request[field]
    with pytest.raises(ValueError) as refused:  # noqa: PT011, the whole message is compared
        handler(model).validate(request)
    assert str(refused.value).startswith(message)
    str(refused.value).encode("utf-8")


ACCEPTED = [
    (INTENT, "query", "मेरा बैलेंस कितना है?"),
    (INTENT, "query", "😀"),
    (INTENT, "query", "?!…\u200b"),
    (INTENT, "query", "x" * MAX_CHARACTERS),
    (INTENT, "query", "தமிழ் ఆంధ్ర ² Ⅳ ﷺ é́́"),
    (INTENT, "user_id", None),
    (INTENT, "user_id", "u-1"),
    (CREDIT, "age", 41.0),
    (CREDIT, "savings", None),
    (CREDIT, "user_id", "u-1"),
    (ANOMALY, "amount", 449.5),
    (ANOMALY, "hour", 23),
    (ANOMALY, "hour", 13.0),
]


@pytest.mark.parametrize(("model", "field", "value"), ACCEPTED)
def test_accepted_and_encoded(model: str, field: str, value: Any) -> None:
    request = {**good(model), field: value}
    own = handler(model)
    own.validate(request)
    for array in own.encode([request]).values():
        assert len(array) == 1
        assert array.dtype.kind in "if"


@pytest.mark.parametrize("model", CONFIGS)
def test_validation_requests_are_valid(model: str) -> None:
    for case in catalogue.entry(model)["validation"]["cases"]:
        handler(model).validate(case["request"])


@pytest.mark.parametrize("model", CONFIGS)
def test_a_batch_is_encoded_as_its_rows_are_alone(model: str) -> None:
    own = handler(model)
    cases = [case["request"] for case in catalogue.entry(model)["validation"]["cases"]]
    ((name, batch),) = own.encode(cases).items()
    for row, request in zip(batch, cases, strict=True):
        alone = own.encode([request])[name][0]
        if alone.ndim == 2:  # tokens are padded to the longest text
            assert not row[len(alone) :].any()
            row = row[: len(alone)]
        assert row.tolist() == alone.tolist()


def test_rows_are_encoded_as_said() -> None:
    fields = (
        tabular.Feature("size", "number", minimum=0, maximum=100, log=True),
        tabular.Feature("hour", "slot", minimum=0, maximum=2),
        tabular.Feature("kind", "category", categories=("a", "b"), optional=True),
        tabular.Feature("new", "flag", optional=True),
    )
    rows = [{"size": 0, "hour": 2, "kind": "b", "new": True}, {"size": 99, "hour": 0}]
    fitted = tabular.fit(fields, rows)
    assert tabular.widths(fitted) == [1, 3, 3, 2]
    assert tabular.encode(fitted, rows).tolist() == [
        [-1, 0, 0, 1, 0, 1, 0, 1, 0],
        [1, 1, 0, 0, 0, 0, 1, 0, 1],
    ]
    wild = tabular.encode(fitted, [{"size": 1e300, "hour": 0}])
    assert wild[0, 0] == tabular.FURTHEST


def test_a_model_without_a_handler_is_named() -> None:
    with pytest.raises(ValueError, match="no handler for model 'churn'; use one of intent_class"):
        serving.load("churn", {})


def test_serving_needs_no_torch_and_no_mlflow() -> None:
    code = (
        "import sys, importlib, training.serving\n"
        "for name in training.serving.MODELS:\n"
        "    importlib.import_module(f'training.{name}.serving')\n"
        "sys.exit(bool({'torch', 'mlflow', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
