"""Fields of a table row: what a request may hold, and the numbers a network reads. No torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.profile import Source
from training.serving import USER, Arrays, Request, refuse_unknown, require_user

KINDS = ("number", "whole", "slot", "flag", "category")
# Far outside what was seen nothing is learnt; a cut keeps one wild value from deciding alone.
FURTHEST = 8.0
TYPES = {
    "number": "number", "whole": "integer", "slot": "integer",
    "flag": "boolean", "category": "string",
}  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """One field of a request.

    ``kind``: ``number``; ``whole`` number; ``slot``, a whole number whose every value stands for
    itself, such as an hour; ``flag``; or ``category``. ``minimum`` and ``maximum`` bound the
    first three. ``optional`` fields may be left out or null. Sizes that span powers of ten are
    read as ``log(1 + value)``. ``mean`` and ``scale`` come from ``fit``.
    """

    name: str
    kind: str
    about: str = ""
    minimum: float = 0.0
    maximum: float = 0.0
    categories: tuple[str, ...] = ()
    optional: bool = False
    log: bool = False
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Feature":
        """Build from the dict that ``config`` gave; ``ValueError`` on an unknown kind."""
        if config["kind"] not in KINDS:
            raise ValueError(f"feature kind {config['kind']!r} is unknown; use {', '.join(KINDS)}")
        return cls(**{**config, "categories": tuple(config.get("categories", ()))})

    def config(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "categories": list(self.categories)}

    @cached_property
    def places(self) -> dict[Any, int]:
        """Column of each value that stands for itself; empty for a quantity."""
        if self.kind == "slot":
            lowest, highest = int(self.minimum), int(self.maximum)
            return {value: value - lowest for value in range(lowest, highest + 1)}
        return {name: place for place, name in enumerate(self.categories)}

    @property
    def wanted(self) -> str:
        """What to send, in words."""
        if self.kind == "flag":
            return "true or false"
        if self.kind == "category":
            return f"one of {', '.join(self.categories)}"
        noun = "number" if self.kind == "number" else "whole number"
        return f"a {noun} from {_figure(self.minimum)} to {_figure(self.maximum)}"

    def schema(self) -> dict[str, Any]:
        """Entry of ``input_schema.json``."""
        entry: dict[str, Any] = {"type": TYPES[self.kind], "required": not self.optional}
        if self.kind == "category":
            entry["enum"] = list(self.categories)
        elif self.kind != "flag":
            entry |= {"minimum": self.minimum, "maximum": self.maximum}
        return {**entry, "description": self.about} if self.about else entry


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def schema(features: Sequence[Feature]) -> dict[str, dict[str, Any]]:
    """``input_schema.json`` of a request with these fields and ``user_id``."""
    fields = {feature.name: feature.schema() for feature in features}
    return {**fields, USER: {"type": "string", "required": False}}


def _require_number(feature: Feature, value: object) -> None:
    name = feature.name
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is of type {type(value).__name__}; send {feature.wanted}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number; send {feature.wanted}")
    if feature.kind != "number" and isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{name} is {value:g}; send {feature.wanted}")
    if not feature.minimum <= value <= feature.maximum:
        side = "below" if value < feature.minimum else "above"
        limit = _figure(feature.minimum if side == "below" else feature.maximum)
        raise ValueError(f"{name} is {side} {limit}; send {feature.wanted}")


def _require_value(feature: Feature, value: object) -> None:
    name = feature.name
    if feature.kind == "flag":
        if not isinstance(value, bool):
            raise ValueError(f"{name} is of type {type(value).__name__}; send {feature.wanted}")
    elif feature.kind == "category":
        if not isinstance(value, str):
            raise ValueError(f"{name} is of type {type(value).__name__}; send {feature.wanted}")
        if value not in feature.categories:
            raise ValueError(f"{name} has the unknown value {value[:40]!r}; send {feature.wanted}")
    else:
        _require_number(feature, value)


def require_row(features: Sequence[Feature], request: Request) -> None:
    """``ValueError`` naming the field and what to do, unless the request can be answered."""
    refuse_unknown(request, [feature.name for feature in features])
    for feature in features:
        value = request.get(feature.name)
        if value is not None:
            _require_value(feature, value)
        elif not feature.optional:
            state = "null" if feature.name in request else "missing"
            raise ValueError(f"{feature.name} is {state}; send {feature.wanted}")


def _quantity(feature: Feature, value: float) -> float:
    return math.copysign(math.log1p(abs(value)), value) if feature.log else float(value)


def fit(features: Sequence[Feature], rows: Sequence[Request]) -> list[Feature]:
    """The features with ``mean`` and ``scale`` of these rows, which should be training rows."""
    fitted = []
    for feature in features:
        if feature.kind in ("number", "whole"):
            values = [row.get(feature.name) for row in rows]
            numbers = [_quantity(feature, v) for v in values if v is not None] or [0.0]
            mean, spread = float(np.mean(numbers)), float(np.std(numbers))
            feature = replace(feature, mean=mean, scale=spread if spread > 0.0 else 1.0)
        fitted.append(feature)
    return fitted


def widths(features: Sequence[Feature]) -> list[int]:
    """Columns that each feature takes in ``encode``."""
    return [(len(f.places) or 1) + int(f.optional) for f in features]


def _columns(feature: Feature, value: Any) -> list[float]:
    places = feature.places
    if places:
        columns = [0.0] * len(places)
        if value is not None:
            columns[places[value]] = 1.0
    elif value is None:
        columns = [0.0]
    else:
        standard = (_quantity(feature, value) - feature.mean) / feature.scale
        columns = [min(max(standard, -FURTHEST), FURTHEST)]
    return [*columns, float(value is None)] if feature.optional else columns


def encode(features: Sequence[Feature], rows: Sequence[Request]) -> NDArray[np.float32]:
    """Matrix (rows, sum of ``widths``) of validated rows.

    Quantities are standardised, an absent one is 0; choices are one-hot; an optional feature has
    a column more that says whether it is absent.
    """
    # One row at a time in plain Python: requests mostly come alone, and arrays cost more to start.
    cells = [[c for f in features for c in _columns(f, row.get(f.name))] for row in rows]
    return np.array(cells, dtype=np.float32).reshape(len(rows), sum(widths(features)))


def watched(features: Sequence[Feature]) -> dict[str, Source]:
    """The fields of a request, each as it is."""
    return {feature.name: Source(("input", feature.name)) for feature in features}


class RowHandler:
    """The way in that all table models share; what they answer is their own."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build from ``{"features": [...]}``."""
        return cls([Feature.from_config(entry) for entry in config["features"]])

    def validate(self, request: Request) -> None:
        """Raise ``ValueError`` naming the field and what to do."""
        require_row(self.features, request)
        require_user(request)

    def encode(self, requests: Sequence[Request]) -> Arrays:
        """``features`` of shape (batch, width)."""
        return {"features": encode(self.features, requests)}
