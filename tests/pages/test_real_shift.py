"""A trained version in a real service, other applicants than it was made for: seen on the page."""

from collections.abc import Callable
from typing import Any

import pytest

from backend_api.catalog import Catalog
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.pages.conftest import Opened
from tests.pages.reading import row, words
from tests.served import Served, moved
from training.credit_risk import data
from training.credit_risk.train import train

MODEL = "credit_risk"
ROWS = 520


def applications(dearer: float, older: int) -> list[dict[str, Any]]:
    """Households that training has not drawn, with loans so many times as large, and older."""
    table = data.generated(ROWS, seed=99)
    every = [*table.dataset.train, *table.dataset.val, *table.dataset.test]
    return [
        {**one, "loan_amount": one["loan_amount"] * dearer, "age": min(one["age"] + older, 75)}
        for one in table.requests(every)
    ]


@pytest.mark.long
def test_dearer_loans_to_older_people_are_seen_on_the_page(
    backend: Backend, mlflow_uri: str, catalog: Catalog, serve: Callable[..., Inference],
    opened: Opened, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    served = Served(backend, serve, catalog, MODEL, train(quick=True))
    served.ask(applications(1.0, 0))
    found = served.drift()
    assert (found["state"], found["rows"], moved(found)) == ("none", ROWS, {})
    served.past(1)
    served.ask(applications(2.5, 12))
    seen = words(app := opened("analyst", "drift", model=MODEL, days="1"))
    assert "Requests no longer look like what v1.0.0 was made for: age moved by" in seen
    assert "High" in row(app, "age")
    assert "High" in row(app, "loan_amount")
    assert "No drift" in row(app, "dependants")
    assert app.selectbox(key="choice.feature.credit_risk.v1.0.0").value == "age"
