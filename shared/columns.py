"""Values out of log records, a column at a time; each is read once, however many measure it."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.profile import LIST_MEASURES, TEXT_MEASURES, Source

Floats = NDArray[np.float64]
_PLAIN = {int, float}
_DIGIT, _UPPER, _NON_ASCII, _SPACE = 1, 2, 4, 8
_CODES = 0x110000


class Columns:
    """Columns of some records."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._values: dict[tuple[str, ...], Sequence[Any]] = {(): records}
        self._texts: dict[tuple[str, ...], tuple[dict[str, Floats], int]] = {}
        self._lists: dict[tuple[str, ...], _Lists] = {}

    @classmethod
    def of(cls, values: Mapping[tuple[str, ...], Sequence[Any]]) -> "Columns":
        """Columns of which some are known already; what stands inside of these can be read."""
        made = cls(())
        made._values |= values
        return made

    def values(self, path: tuple[str, ...]) -> Sequence[Any]:
        """What stands there in each record; None where nothing does."""
        if path not in self._values:
            self._values[path] = _inside(self.values(path[:-1]), path[-1])
        return self._values[path]

    def numbers(self, source: Source) -> tuple[Floats, int]:
        """What is measured in each record, NaN where it cannot be.

        The second is in how many there is something of another type.
        """
        if source.measure in TEXT_MEASURES:
            if source.path not in self._texts:
                self._texts[source.path] = measured(self.values(source.path))
            found, wrong = self._texts[source.path]
            return found[source.measure], wrong
        if source.measure in LIST_MEASURES:
            if source.path not in self._lists:
                self._lists[source.path] = _Lists(self.values(source.path))
            lists = self._lists[source.path]
            return lists.counted(source.label), lists.wrong
        return _plain(self.values(source.path))


def _inside(around: Sequence[Any], name: str) -> Sequence[Any]:
    try:
        # Most often all of them have it.
        return list(map(itemgetter(name), around))
    except (KeyError, TypeError, IndexError):
        return [one.get(name) if type(one) is dict else None for one in around]


def _plain(values: Sequence[Any]) -> tuple[Floats, int]:
    types = list(map(type, values))
    # The quick look first: this runs for every feature of every prediction.
    if types.count(float) == len(types) or set(types) <= _PLAIN:
        return np.fromiter(values, np.float64, len(values)), 0
    numbers = np.array([v if type(v) in _PLAIN else np.nan for v in values], dtype=np.float64)
    empty = sum(v is None for v in values)
    return numbers, int(np.count_nonzero(np.isnan(numbers))) - empty


class _Lists:
    """Lists of objects that may carry a label."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.wrong = sum(v is not None and type(v) is not list for v in values)
        self._known = np.array([type(v) is list for v in values], dtype=bool)
        self._sizes = np.array([len(v) if type(v) is list else 0 for v in values], dtype=np.intp)
        self._owner = np.repeat(np.arange(len(values)), self._sizes)
        self._labels = np.array(
            [e.get("label") if type(e) is dict else None
             for v in values if type(v) is list for e in v],
            dtype=object,
        )  # fmt: skip

    def counted(self, label: str | None) -> Floats:
        """How many of each list have the label; without one, all."""
        sizes = self._sizes
        if label is not None:
            hit = self._owner[self._labels == label]
            sizes = np.bincount(hit, minlength=len(self._sizes))
        return np.where(self._known, sizes.astype(np.float64), np.nan)


@cache
def _marks() -> NDArray[np.uint8]:
    """What each character is, by its code; made once, in a tenth of a second."""
    marks = np.zeros(_CODES, dtype=np.uint8)
    marks[128:] = _NON_ASCII
    for code in range(_CODES):
        one = chr(code)
        marks[code] |= _DIGIT * one.isdigit() | _UPPER * one.isupper() | _SPACE * one.isspace()
    return marks


def measured(values: Sequence[Any]) -> tuple[dict[str, Floats], int]:
    """``TEXT_MEASURES`` of each text, NaN for others; how many others are not None.

    Words are what stands between white space, as ``str.split`` has it.
    """
    known = np.array([type(v) is str for v in values], dtype=bool)
    texts = [v if type(v) is str else "" for v in values]
    sizes = np.array([len(t) for t in texts], dtype=np.intp)
    ends = np.cumsum(sizes)
    # A surrogate alone is a character like any other here.
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    marks = _marks()[codes]
    letters = (marks & _SPACE) == 0
    # A word begins where a letter follows white space or the beginning of its text.
    before = np.concatenate(([False], letters[:-1]))[: len(letters)]
    starts = ends - sizes
    before[starts[sizes > 0]] = False

    def total(of: NDArray[np.bool_]) -> Floats:
        sums = np.concatenate(([0], np.cumsum(of, dtype=np.int64)))
        found: Floats = (sums[ends] - sums[starts]).astype(np.float64)
        return found

    words, characters = total(letters & ~before), sizes.astype(np.float64)
    share = np.maximum(characters, 1.0)
    measures = {
        "characters": characters,
        "words": words,
        "mean_word_characters": total(letters) / np.maximum(words, 1.0),
        "digit_share": total((marks & _DIGIT) > 0) / share,
        "upper_share": total((marks & _UPPER) > 0) / share,
        "non_ascii_share": total((marks & _NON_ASCII) > 0) / share,
    }
    wrong = len(values) - int(known.sum()) - sum(v is None for v in values)
    return {name: np.where(known, value, np.nan) for name, value in measures.items()}, wrong
