"""Does a version take all that another one takes? Schemas are field to properties."""

from collections.abc import Callable
from typing import Any

# A field's bounds: which way a change shuts callers out.
_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "minimum": lambda was, now: now > was,
    "maximum": lambda was, now: now < was,
    "max_length": lambda was, now: now < was,
}
# What is taken by one kind is taken by the other too. No kind takes anything.
_WIDER = {("integer", "number")}


def _kind(about: dict[str, Any]) -> str | None:
    kind: str | None = about.get("dtype") or about.get("format") or about.get("type")
    return kind


def _fits(was: list[int], now: list[int]) -> bool:
    return len(was) == len(now) and all(b in (-1, a) for a, b in zip(was, now, strict=True))


def _shut_out(name: str, was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    kinds = _kind(was), _kind(now)
    if kinds[0] != kinds[1] and kinds[1] is not None and kinds not in _WIDER:
        return [f"field {name!r} was {kinds[0]} and is {kinds[1]}"]
    problems = []
    if now.get("required") and not was.get("required"):
        problems.append(f"field {name!r} has become required")
    for bound, is_narrower in _BOUNDS.items():
        if bound in now and (bound not in was or is_narrower(was[bound], now[bound])):
            problems.append(f"{bound} of field {name!r} was {was.get(bound)} and is {now[bound]}")
    if "enum" in now and "enum" not in was:
        problems.append(f"field {name!r} takes certain values only")
    lost = [value for value in was.get("enum", ()) if value not in now.get("enum", (value,))]
    if lost:
        problems.append(f"field {name!r} no longer takes {', '.join(map(str, lost))}")
    if "shape" in now and not _fits(was.get("shape", []), now["shape"]):
        problems.append(f"shape of field {name!r} was {was.get('shape')} and is {now['shape']}")
    return problems + _inside(name, was, now)


def _inside(name: str, was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The same of what lists and objects hold."""
    problems = []
    for part in ("items", "values"):
        if part in now:
            problems += _shut_out(f"{name}.{part}", was.get(part, {}), now[part])
    if "properties" in now:
        parts = narrower(was.get("properties", {}), now["properties"])
        problems += [f"in field {name!r}: {problem}" for problem in parts]
    return problems


def narrower(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What callers of ``old`` may send and ``new`` refuses."""
    problems = []
    for name, was in old.items():
        if name in new:
            problems += _shut_out(name, was, new[name])
        else:
            problems.append(f"field {name!r} is no longer accepted")
    problems += [
        f"field {name!r} is new and required"
        for name, now in new.items()
        if name not in old and now.get("required")
    ]
    return problems
