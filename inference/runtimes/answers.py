"""From what a model gives to answers: ``prediction``, and with it how sure a classifier is."""

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.models import Answer

# Names of outputs that hold a chance per class: those of skl2onnx, onnxmltools, and of most people.
CHANCES = ("probabilities", "probability", "output_probability")
ONLY = {"prediction", "probabilities", "confidence"}


class UnfitAnswer(ValueError):
    """What the model gave cannot be an answer; the message says why."""


def plain(value: Any) -> Any:
    """As JSON can carry it.

    Raises:
        UnfitAnswer: it holds a number that is not finite, or something that JSON has no form for.
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _finite(value, math.isfinite(value))
    # What a graph gives is one of these, and each answer passes here: before all that is rarer.
    if isinstance(value, np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise UnfitAnswer(f"the model answered with a {type(value).__name__}, which JSON cannot carry")


def _array(value: Any) -> Any:
    """Numbers at once, anything else one by one."""
    kind, found = value.dtype.kind, value.tolist()
    if kind in "biu":
        return found
    if kind == "f":
        if value.ndim == 1:
            return _finite(found, all(map(math.isfinite, found)))
        return _finite(found, bool(np.isfinite(value).all()))
    # Dates of nanoseconds come out as plain numbers.
    return plain(str(value) if kind == "M" and value.ndim == 0 else found)


def _finite(value: Any, finite: bool) -> Any:
    if not finite:
        raise UnfitAnswer("the model answered with a number that is not finite")
    return value


def answer(prediction: Any, chances: Any = None) -> Answer:
    """One answer; ``chances`` are a number per class, by name or in the model's order.

    Of a whole batch they are a list of those, and the confidence is that of its least sure row.
    """
    if chances is None:
        return _lifted(plain(prediction))
    named = plain(chances)
    return {
        "prediction": plain(prediction), "probabilities": named, "confidence": _confidence(named),
    }  # fmt: skip


def _confidence(chances: Any) -> float:
    if isinstance(chances, dict):
        return float(max(chances.values()))
    if isinstance(chances[0], list | dict):
        return min(map(_confidence, chances))
    return float(max(chances))


def _lifted(prediction: Any) -> Answer:
    """A model of one's own may give an object with ``prediction`` and how sure it is."""
    if isinstance(prediction, dict) and {"prediction"} <= prediction.keys() <= ONLY:
        sure = prediction.get("confidence", 0.0)
        if isinstance(sure, int | float) and not isinstance(sure, bool):
            return prediction
    return {"prediction": prediction}
