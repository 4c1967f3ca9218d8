"""What a version takes and gives in the terms of the Open Inference Protocol; pure."""

from collections.abc import Mapping
from typing import Any

from inference.database import Acknowledgement
from inference.models import Model
from inference.routing import Served, Snapshot, Standby, answering
from inference.v2.infer import outputs, whole
from inference.v2.tensors import BYTES, NAMES, Tensor

PLATFORM = "nivesh"
EXTENSIONS = ["binary_tensor_data", "model_repository"]
KINDS = {"boolean": "BOOL", "integer": "INT64", "number": "FP64"}


def _input(name: str, about: Mapping[str, Any]) -> dict[str, Any]:
    optional = {} if about.get("required") else {"optional": True}
    if "shape" in about:
        kind = NAMES.get(about["dtype"], BYTES)
        return {"name": name, "datatype": kind, "shape": about["shape"], **optional}
    kind = KINDS.get(str(about.get("type")), BYTES)
    return {"name": name, "datatype": kind, "shape": [-1, 1], **optional}


def _output(tensor: Tensor) -> dict[str, Any]:
    shape = [-1, *tensor.shape[1:]]
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": shape}


def describe(name: str, versions: list[str], model: Model) -> dict[str, Any]:
    """Metadata of a model: inputs by its schema, outputs by what it answered to its example."""
    _, answer = model.example
    return {
        "name": name, "versions": versions, "platform": PLATFORM,
        "inputs": [_input(field, about) for field, about in model.schema.items()],
        "outputs": [_output(tensor) for tensor in outputs([answer], whole(model.schema))],
    }  # fmt: skip


def chosen(
    snapshot: Snapshot, standby: Standby | None, name: str, version: str | None
) -> Served | None:
    """Who answers callers without a key, or the named version; ``None`` if nobody can."""
    if version is not None:
        return snapshot.direct.get(name, {}).get(version)
    return answering(snapshot.routes.get(name), None, standby)


def index(seen: Acknowledgement) -> list[dict[str, str]]:
    """Entries of the repository index: each version that is or should be in memory."""
    states = {"ready": "READY", "loading": "LOADING", "failed": "UNAVAILABLE"}
    return [
        {
            "name": seen.model, "version": version, "state": states[str(about["state"])],
            "reason": about["error"] or "",
        }
        for version, about in seen.loaded.items()
    ]  # fmt: skip
