"""What one check found."""

from dataclasses import dataclass

GOOD, NOTE, BAD = "good", "note", "bad"


@dataclass(frozen=True)
class Finding:
    """``NOTE`` is something that one can do without. ``way_out`` says what to do."""

    name: str
    state: str
    sentence: str
    way_out: str = ""
