"""Would a version take what clients send now? Decided from counts of the log, not from rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# JSON's kinds that a type takes; a type that is not here takes anything.
KINDS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"number", "integer"}),
    "integer": frozenset({"integer"}),
    "boolean": frozenset({"boolean"}),
    "array": frozenset({"array"}),
    "object": frozenset({"object"}),
}


@dataclass(frozen=True)
class SentField:
    """A field as it was sent: requests by kind of its value, and the extremes of all values.

    Kinds are JSON's, with ``integer`` for whole numbers; ``null`` is counted in none.
    """

    kinds: Mapping[str, int]
    low: float | None = None
    high: float | None = None
    longest: int | None = None

    @property
    def requests(self) -> int:
        """In how many requests it had a value."""
        return sum(self.kinds.values())


@dataclass(frozen=True)
class Sent:
    """What the newest ``requests`` requests that were answered had in their fields."""

    requests: int
    fields: Mapping[str, SentField]


_BOUNDS: dict[str, Callable[[SentField, float], bool]] = {
    "minimum": lambda sent, bound: sent.low is not None and sent.low < bound,
    "maximum": lambda sent, bound: sent.high is not None and sent.high > bound,
    "max_length": lambda sent, bound: sent.longest is not None and sent.longest > bound,
}


def refused(schema: Mapping[str, Mapping[str, Any]], sent: Sent, key: str) -> list[str]:
    """What of it a version with this input schema would refuse; ``key`` is the entity key's field.

    Names fields and never values: who may read the badge may not read what people sent.
    """
    problems = []
    for name, field in sent.fields.items():
        if name not in schema:
            if name != key:
                problems.append(f"{name} is sent, and is no field of it")
            continue
        problems += _unfit(name, schema[name], field)
    for name, about in schema.items():
        field = sent.fields.get(name, SentField({}))
        if about.get("required") and field.requests < sent.requests:
            missing = sent.requests - field.requests
            problems.append(f"{name} is required, and {missing} of {sent.requests} lack it")
    return problems


def _unfit(name: str, about: Mapping[str, Any], field: SentField) -> list[str]:
    kind = str(about.get("type"))
    # Of a tensor's values only the model itself can say whether they fit.
    if "dtype" in about:
        return []
    takes = KINDS.get(kind)
    wrong = sorted(k for k in field.kinds if takes is not None and k not in takes)
    if wrong:
        return [f"{name} is sent as {' and '.join(wrong)}, and it takes {kind}"]
    return [
        f"{name} is sent past its {bound.replace('_', ' ')} of {about[bound]}"
        for bound, is_past in _BOUNDS.items()
        if bound in about and is_past(field, about[bound])
    ]
