"""The way into the models for a serving process: numpy and the standard library, no torch.

An artefact folder holds ``model.onnx`` and ``handler.json``. A serving process does

    handler = load(spec["model_name"], spec["config"])
    handler.validate(request)
    outputs = session.run(None, handler.encode([request]))
    answer = handler.decode(outputs, [request])[0]
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source

Request = Mapping[str, Any]
Answer = dict[str, Any]
Arrays = dict[str, NDArray[np.generic]]

USER = "user_id"
# JSON can carry a NUL and half of a surrogate pair, UTF-8 and databases cannot.
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
MODELS = ("intent_classifier", "financial_ner", "credit_risk", "anomaly_detection")


class Handler(Protocol):
    """Turns requests into ONNX feeds and ONNX outputs into answers. Safe to share by threads."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build from the ``config`` of ``handler.json``."""
        ...

    def validate(self, request: Request) -> None:
        """Raise ``ValueError`` naming the field and what to do."""
        ...

    def encode(self, requests: Sequence[Request]) -> Arrays:
        """Feeds by ONNX input name; axis 0 is the batch. Expects validated requests."""
        ...

    def decode(
        self, outputs: Sequence[NDArray[np.generic]], requests: Sequence[Request]
    ) -> list[Answer]:
        """One answer per request, from the outputs in the order of the ONNX graph."""
        ...

    def watched(self) -> dict[str, Source]:
        """What drift is watched on: inputs by name, outputs as ``output.<name>``."""
        ...


def refuse_unknown(request: Request, fields: Sequence[str]) -> None:
    """``ValueError`` on a field that is neither among these nor ``user_id``."""
    for field in request:
        if field not in fields and field != USER:
            near = difflib.get_close_matches(str(field), fields, n=1)
            advice = f"rename it to {near[0]} or remove it" if near else "remove it"
            shown = UNSTORABLE.sub("?", str(field)[:60])
            raise ValueError(f"{shown} is not a field of this model; {advice}")


def require_user(request: Request) -> None:
    """``ValueError`` unless ``user_id`` is absent, null or a text that can be stored."""
    user = request.get(USER)
    if user is None:
        return
    if not isinstance(user, str):
        raise ValueError(f"{USER} is of type {type(user).__name__}; send a text or leave it out")
    if UNSTORABLE.search(user):
        raise ValueError(f"{USER} holds a NUL or half of a character; remove it")


def load(model_name: str, config: Mapping[str, Any]) -> Handler:
    """Handler of a model; ``ValueError`` on a name that is none of the four."""
    if model_name not in MODELS:
        known = ", ".join(MODELS)
        raise ValueError(f"no handler for model {model_name!r}; use one of {known}")
    module = import_module(f"training.{model_name}.serving")
    handler: Handler = module.ModelHandler.from_config(config)
    return handler
