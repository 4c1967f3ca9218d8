"""References that come another way than by registration: from artefacts, and from a file."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend_api import db, drift_counts, references
from backend_api.catalog import Catalog
from backend_api.errors import NotFound
from backend_api.mlflow_registry import MlflowRegistry
from ops.commands.reference import _profile
from ops.errors import OpsError
from shared.profile import as_document, read
from shared.reference import infer, make
from tests.makers import INTENT, Registry

# Nothing answers there: folders are read without it.
MLFLOW = MlflowRegistry("http://127.0.0.1:9")
ROWS = [{"input": {"amount": float(n)}, "output": {"score": n / 200}} for n in range(200)]


def test_the_watch_looks_once_at_each_artefact(
    engine: Engine, catalog: Catalog, tmp_path: Path
) -> None:
    registry = Registry(engine, catalog)
    said = {
        "v1.0.0": json.dumps(as_document(make(infer(ROWS), ROWS))),
        "v1.1.0": json.dumps({"rows": 3, "features": {"words": {"kind": "numeric"}}}),
        "v1.2.0": "{",
        "v1.3.0": None,
    }
    for version, document in said.items():
        folder = tmp_path / version
        folder.mkdir()
        (folder / "MLmodel").write_text("flavors: {}")
        if document is not None:
            (folder / "reference.json").write_text(document)
        registry.register(version, artifact_uri=folder.resolve().as_uri())
    for _ in said:
        references.fetch_missing(engine, MLFLOW, INTENT, db.now())
    with db.transaction(engine, None) as session:
        found = drift_counts.reference(session, INTENT, "v1.0.0")
        assert [f.name for f in found.features] == ["amount", "output.score"]
        for version, why in (
            ("v1.1.0", "written before references"), ("v1.2.0", "is not JSON"),
            ("v1.3.0", "holds no reference.json"),
        ):  # fmt: skip
            with pytest.raises(NotFound, match=why):
                drift_counts.reference(session, INTENT, version)


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_file_of_rows_becomes_a_reference(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    head = "amount,new,channel,output.score\n"
    lines = {
        "rows.csv": head + "".join(f"{n}.5,{n % 2 == 0},upi,{n / 99}\n" for n in range(150)),
        "rows.jsonl": "".join(
            json.dumps({"input": {"amount": n + 0.5, "new": n % 2 == 0, "channel": "upi"},
                        "output": {"score": n / 99}}) + "\n" for n in range(150)
        ),
    }  # fmt: skip
    file.write_text(lines[name])
    profile = read(_profile(file))
    kinds = {f.name: f.type for f in profile.features}
    assert kinds == {
        "amount": "number", "channel": "text", "new": "flag", "output.score": "number",
    }  # fmt: skip
    assert profile.rows == 150


def test_a_file_with_a_broken_line_is_named_by_it(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("amount,age\n1,2\n3\n")
    with pytest.raises(OpsError, match=r"Line 3 of rows\.csv: it has 1 cells, the head has 2"):
        _profile(file)
