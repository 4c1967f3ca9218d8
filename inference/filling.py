"""What a caller left out, from what the feature store holds. Pure: values and a given ``now``."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

TRUTHS = {"true": True, "1": True, "false": False, "0": False}
# What an answer says of the fields that its caller left out: names by what the store has of them,
# and under ``store`` why it could not be read.
Told = dict[str, Any]


class Held(NamedTuple):
    """One stored feature: its text, and until when it is good (epoch seconds, None: always)."""

    text: str
    until: float | None


def advice(field: str, told: Told | None) -> str:
    """What a caller can do about a field that was refused."""
    if told is None:
        return "/docs shows an example."
    if field in told["from_store"]:
        return "That value is the feature store's: send the field, or write it there anew."
    if "store" in told:
        return f"Send it: the feature store could not be read ({told['store']})."
    if field in told["stale"]:
        return "Send it: what the feature store holds of it is too old."
    return "Send it, or write it into the feature store: `nivesh features backfill`."


def converted(text: str, about: Mapping[str, Any]) -> Any:
    """A stored text as the type that ``input_schema.json`` gives its field, else as it is."""
    kind = about.get("type")
    try:
        if kind == "boolean":
            return TRUTHS[text.strip().lower()]
        if kind in ("integer", "number"):
            return _number(text)
        return text if kind == "string" else json.loads(text)
    except (KeyError, ValueError):
        return text


def _number(text: str) -> float:
    """A whole number if it is one."""
    try:
        return int(text)
    except ValueError:
        found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return int(found) if found.is_integer() else found


def fill(
    schema: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any], held: Mapping[str, Held],
    now: float,
) -> tuple[dict[str, Any], Told]:  # fmt: skip
    """The row with those fields of the schema that it lacks and the store has; and which these are.

    What the row holds stays, null too: whoever sends null says that there is no value. A stored
    value that is not of the field's type is given as it is, for the model's own check to refuse.
    """
    filled = dict(row)
    told: Told = {"from_store": [], "missing": [], "stale": []}
    for field in schema:
        if field in row:
            continue
        found = held.get(field)
        # (A NUL could be neither sent nor logged.)
        if found is None or "\0" in found.text:
            told["missing"].append(field)
        elif found.until is not None and found.until <= now:
            told["stale"].append(field)
        else:
            filled[field] = converted(found.text, schema[field])
            told["from_store"].append(field)
    return filled, told
