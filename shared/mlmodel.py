"""The file ``MLmodel`` of an artefact folder: flavours, signature, and the input example."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared import signature
from shared.signature import Signature, SignatureError

FILE = "MLmodel"
SERVED = {"onnx", "python_function"}
# More would only make every load slower.
EXAMPLE_ROWS = 8


Row = dict[str, Any]


class MlModelError(ValueError):
    """The folder cannot be served by what its ``MLmodel`` says; the message says what to do."""


@dataclass(frozen=True)
class MlModel:
    """What a folder says of itself; ``example`` are requests as ``/predict`` takes them."""

    flavors: Mapping[str, Mapping[str, Any]]
    signature: Signature
    example: tuple[Row, ...]


def read(folder: Path) -> MlModel:
    """What the folder's ``MLmodel`` says.

    Raises:
        MlModelError: it is missing, cannot be read, or has no signature or input example.
    """
    try:
        # libyaml's: a load in pure Python would keep requests waiting for its milliseconds.
        about = yaml.load((folder / FILE).read_text(encoding="utf-8"), yaml.CSafeLoader)
        flavors = dict(about["flavors"])
        found = signature.parse(about.get("signature"))
    except FileNotFoundError:
        raise MlModelError("MLmodel is missing: this is no MLflow model") from None
    except SignatureError as error:
        raise MlModelError(str(error)) from error
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise MlModelError(f"MLmodel cannot be read: {error!r}") from error
    if not flavors.keys() & SERVED:
        raise MlModelError(
            f"the model has the flavours {', '.join(flavors)}; log it with one of"
            f" {', '.join(sorted(SERVED))}"
        )
    return MlModel(flavors, found, _example(folder, about, found))


def _example(
    folder: Path, about: Mapping[str, Any], found: Signature
) -> tuple[dict[str, Any], ...]:
    name = (about.get("saved_input_example_info") or {}).get("serving_input_path")
    if not name:
        raise MlModelError(
            "the model has no input example, so nothing shows that a loaded version answers;"
            " log it with input_example=..., such as the first rows of the training data"
        )
    try:
        said = json.loads((folder / name).read_text(encoding="utf-8"))
        rows = _rows(said, found)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise MlModelError(f"{name} cannot be read: {error!r}") from error
    if not rows:
        raise MlModelError(f"{name} holds no row")
    return tuple(rows[:EXAMPLE_ROWS])


def _rows(said: Any, found: Signature) -> list[Row]:
    """Requests in one of the forms that MLflow's own scoring server takes."""
    names = [field.name for field in found.inputs]
    if "dataframe_split" in said:
        table = said["dataframe_split"]
        columns = table.get("columns") or names
        if not found.named:
            columns = names
        return [_row(dict(zip(columns, row, strict=True))) for row in table["data"]]
    if "dataframe_records" in said:
        return [_row(row) for row in said["dataframe_records"]]
    given = said["inputs"] if "inputs" in said else said["instances"]
    if found.tensors:
        return [given if found.named and isinstance(given, dict) else {names[0]: given}]
    if isinstance(given, dict):
        return [_row(given)] if not _lists(given) else _columns(given)
    if given and isinstance(given[0], dict) and found.named:
        return [_row(row) for row in given]
    return [{names[0]: value} for value in given]


def _lists(given: Mapping[str, Any]) -> bool:
    return all(isinstance(value, list) for value in given.values())


def _columns(given: Mapping[str, list[Any]]) -> list[Row]:
    return [
        _row(dict(zip(given, values, strict=True))) for values in zip(*given.values(), strict=True)
    ]


def _row(row: Mapping[str, Any]) -> Row:
    """Without what is missing, which MLflow writes as NaN or null."""
    return {
        str(name): value
        for name, value in row.items()
        if value is not None and not (isinstance(value, float) and math.isnan(value))
    }
