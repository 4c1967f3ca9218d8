"""What the folder of a fetched model says of itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend_api.candidate import Reference
from backend_api.errors import BadRequest
from shared import mlmodel
from shared.artifact import folder_digest
from shared.mlmodel import MlModelError
from shared.profile import ProfileError, read

# Written by training, which exports a native model and compares both.
OWN, COMPARED = "handler.json", "onnx_max_abs_diff"
# An int8 graph is made of a graph: no native model is behind it.
QUANTISED = "int8_max_abs_diff"


@dataclass(frozen=True)
class Artefact:
    """``has_onnx``: it is the ONNX export of a native model, so both can be compared."""

    digest: str
    input_schema: dict[str, Any]
    has_onnx: bool
    reference: Reference


def describe(folder: Path, metrics: Mapping[str, float]) -> Artefact:
    """Read a folder; the input schema is the project's own file, else MLflow's signature.

    Raises:
        BadRequest: workers could not serve it; says what to log it with.
        FileNotFoundError: it holds no files.
    """
    own = (folder / OWN).exists() or COMPARED in metrics
    return Artefact(
        digest=folder_digest(folder),
        input_schema=_input_schema(folder),
        has_onnx=own and QUANTISED not in metrics and any(folder.rglob("*.onnx")),
        reference=reference(folder),
    )


def reference(folder: Path) -> Reference:
    """What drift is measured from; a version can be served without, so nothing is refused."""
    # MLflow may give the folder around the model.
    written = next(folder.rglob("reference.json"), None)
    if written is None:
        return Reference(None, "its artefact holds no reference.json")
    try:
        document = json.loads(written.read_text(encoding="utf-8"))
        read(document)
    except ProfileError as error:
        return Reference(None, f"its reference.json cannot be used: {error}")
    except ValueError:
        return Reference(None, "its reference.json is not JSON")
    return Reference(document)


def _input_schema(folder: Path) -> dict[str, Any]:
    written = folder / "input_schema.json"
    try:
        if written.exists():
            found: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
            return found
        return mlmodel.read(folder).signature.schema()
    except json.JSONDecodeError as error:
        raise BadRequest(f"The model's input_schema.json is not JSON: {error}.") from error
    except MlModelError as error:
        raise BadRequest(
            f"This model cannot be registered: {error}.",
            "Log it again, and register that run. docs/runbook.md has an example per framework.",
        ) from error
