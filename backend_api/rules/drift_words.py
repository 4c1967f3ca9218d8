"""What a judgement says to people, in a sentence or two."""

from collections.abc import Iterable

from backend_api.rules.data_quality import Finding, Quality
from backend_api.rules.drift import HIGH, MEDIUM, ROWS_HIGH, ROWS_MEDIUM, Judgement, Part
from backend_api.states import DriftState

NAMES = {"prediction": "predictions", "input": "inputs", "text": "texts"}
# What is unseen or out of range may as well be a changed world.
FAULTS = ("empty", "wrong")
RETRAIN = "Retrain on newer data."
MEND = "Mend the data before anything is trained on it:"


def fault(odd: Iterable[Finding]) -> str | None:
    """What has to be mended in the data before anything is trained on it, if anything has."""
    return next((one.sentence for one in odd if one.kind in FAULTS), None)


def sentence(version: str, rows: int, found: Judgement, quality: Quality, widened: int = 1) -> str:
    """The state, what made it, and what to do first; ``rows`` are the window's.

    ``widened`` is how many days had to be taken together to say so. Odd values come before
    retraining: a version that is trained on a fault learns it.
    """
    told = [_told(version, rows, found)]
    if widened > 1:
        first = told[0]
        told = [
            f"Over the last {widened} days, as a day has too few requests:"
            f" {first[0].lower()}{first[1:]}"
        ]
    mend = fault(quality.findings)
    if mend is not None:
        told.append(f"{MEND} {mend}")
    elif found.state == DriftState.HIGH:
        told.append(RETRAIN)
    elif quality.findings:
        told.append(quality.findings[0].sentence)
    return " ".join(told)


def _told(version: str, rows: int, found: Judgement) -> str:
    if found.state == DriftState.INSUFFICIENT:
        return _too_few(rows, found)
    leading = [part for part in found.parts if part.state == found.state]
    if found.state == DriftState.NONE:
        known = ", ".join(f"{NAMES[p.name]} {p.distance:.2f}" for p in found.parts
                          if p.distance is not None)  # fmt: skip
        return (
            f"Requests look like what {version} was made for: {rows:,} rows lie {known} from it,"
            f" and {MEDIUM} would be a lot."
        )
    moved = " and ".join(_moved(part) for part in leading)
    word = "no longer look" if found.state == DriftState.HIGH else "look less"
    return f"Requests {word} like what {version} was made for: {moved}."


def _moved(part: Part) -> str:
    line = f"over {HIGH}" if part.state == DriftState.HIGH else f"at {MEDIUM} or more"
    mean, worst = part.distance or 0.0, part.worst_distance or 0.0
    if part.name == "input" and worst >= MEDIUM:
        return f"{part.worst} moved by {worst:.2f}, {line} (the inputs by {mean:.2f} in the mean)"
    if part.name == "prediction":
        return f"the answers' {part.worst} moved by {worst:.2f}, {line}"
    return f"the {NAMES[part.name]} moved by {mean:.2f}, {line}"


def _too_few(rows: int, found: Judgement) -> str:
    if found.rows < rows:
        return (
            f"What it is compared with has only {found.rows:,} rows: too few to say how far"
            f" requests moved; {ROWS_MEDIUM} are needed."
        )
    seen = f"Only {rows:,} {'row' if rows == 1 else 'rows'}" if rows else "No row"
    clear = f", and nothing is over {HIGH}" if rows >= ROWS_HIGH else ""
    return f"{seen}: {ROWS_MEDIUM - rows:,} more are needed to say{clear}."
