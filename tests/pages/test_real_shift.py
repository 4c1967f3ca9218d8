"""A real service is asked other things than its reference holds: counted, judged, on the page."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from backend_api.catalog import Catalog
from shared.profile import as_document
from shared.reference import make
from tests.artefacts import tiny_anomaly
from tests.conftest import Backend
from tests.inference_process import Inference
from tests.makers import Registry
from tests.pages.conftest import Opened
from tests.pages.reading import row, words
from tests.served import VERSION, Served, moved
from training.anomaly_detection import data, serving
from training.anomaly_detection.fields import FIELDS
from training.serving import Request

MODEL = "anomaly_detection"
ROWS, POOL = 520, 6_000


@cache
def payments() -> list[list[Request]]:
    """Three times as many generated payments, dealt by chance: an account has many of them."""
    table = data.generated(POOL, seed=1)
    every = table.requests([*table.dataset.train, *table.dataset.val, *table.dataset.test])
    order = np.random.default_rng(1).permutation(len(every))
    return [[every[i] for i in order[n * ROWS : (n + 1) * ROWS]] for n in range(3)]


@pytest.fixture
def served(
    backend: Backend, catalog: Catalog, serve: Callable[..., Inference], tmp_path: Path
) -> Served:
    """A version whose reference is given: what it answered to payments of three days ago."""
    Registry(backend.engine, catalog, MODEL).promoted(VERSION, **tiny_anomaly(tmp_path / "tiny"))
    made = Served(backend, serve(INFERENCE_WORKERS="1"), catalog.get(MODEL), MODEL)
    asked = payments()[0]
    answers = made.ask(asked)
    made.past(3)
    watched = serving.ModelHandler(FIELDS).watched()
    records = [{"input": i, "output": o} for i, o in zip(asked, answers, strict=True)]
    body = {"request_id": str(uuid4()), "reason": "what it answered at first",
            "profile": as_document(make(watched, records))}  # fmt: skip
    place = f"/models/{MODEL}/versions/{VERSION}/reference"
    told = backend.client("lead").post(place, json=body)
    assert told.status_code == 200, told.text
    made.fold()
    return made


def test_dearer_payments_are_seen_on_the_page(served: Served, opened: Opened) -> None:
    served.ask(payments()[1])
    found = served.drift()
    assert (found["state"], found["rows"], moved(found)) == ("none", ROWS, {})
    served.past(1)
    served.ask([{**one, "amount": 6 * one["amount"]} for one in payments()[2]])
    app = opened("analyst", "drift", model=MODEL, days="1", figures="true")
    assert "Requests no longer look like what v1.0.0 was made for: amount moved by" in words(app)
    assert "High" in row(app, "amount")
    assert "No drift" in row(app, "channel")
    assert app.selectbox(key=f"choice.feature.{MODEL}.{VERSION}").value == "amount"
