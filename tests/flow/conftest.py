"""The whole stack, started once for all tests that run through it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ops.settings import PROJECT
from ops.stack.home import Home
from tests.candidates import Candidates
from tests.makers import INTENT
from tests.people import CALLBACK, CLIENT
from tests.stack import Stack


def lenient_models(file: Path) -> Path:
    """models.yaml with bars for the intent classifier that a quick training can reach.

    Whatever it answers to the validation queries is right, if only it answers.
    """
    content = yaml.safe_load((PROJECT / "models.yaml").read_text(encoding="utf-8"))
    intent = content["models"][INTENT]
    for criterion in intent["criteria"]:
        criterion["value"] = 0.5
    for case in intent["validation"]["cases"]:
        case["expect"] = {}
    intent["validation"] |= {"confidence_floor": 0.0, "p95_limit_ms": 2000}
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that `nivesh up` starts, with a watch that looks more often."""
    folder = tmp_path_factory.mktemp("flow")
    running = Stack(
        Home.at(folder / "home"),
        MODELS_FILE=str(lenient_models(folder / "models.yaml")),
        WATCH_SECONDS="1",
        OIDC_CLIENT_SECRET=CLIENT[1],
        OIDC_REDIRECT_URIS=CALLBACK,
    )
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="session")
def candidates(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    """Makes versions on the stack."""
    return Candidates(stack, tmp_path_factory.mktemp("artefacts"))
