"""Lines of the log into counts: exactly what counting their records all at once gives."""

import json
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import drift
from inference.drift import ARMS, HOUR_MICROSECONDS, References
from inference.predict import Predict
from inference.routing import served
from shared.counting import CHUNK, count
from shared.profile import Profile, Source, as_document
from shared.reference import make

# Names as features may have them; numbers that are 0 and 1 as well, where a flag is none.
NAMES = ("a", "is new", "ähn.lich", "")
SAMPLE = [
    {"input": {"a": n + 0.5, "is new": n % 2, "ähn.lich": n * 1e300, "": "xyz"[n % 3]},
     "output": {"flag": n % 2 == 0, "deep": {"a": n}, "said": "so " * n, "a": 1 / (n + 1)}}
    for n in range(60)
]  # fmt: skip
MANY = make(
    {
        **{f"in {name}": Source(("input", name)) for name in NAMES},
        "a twice": Source(("input", "a")),
        "flag": Source(("output", "flag")),
        "deep": Source(("output", "deep", "a")),
        "words": Source(("output", "said"), "words"),
        "size": Source(("output", "list"), "length"),
        "a out": Source(("output", "a")),
        "said as a number": Source(("output", "both")),
        "both": Source(("output", "both"), "digit_share"),
    },
    [{**r, "output": {**r["output"], "list": [1] * n, "both": n if n % 2 else "7 up"}}
     for n, r in enumerate(SAMPLE)],
)  # fmt: skip
# msgspec cannot look for a name like this.
QUOTED = make({"q": Source(("input", 'say "a"'))}, [{"input": {'say "a"': n}} for n in range(9)])
WORDS = make({"d": Source(("output", "said"))}, [{"output": {"said": "so"}}])
NUMBERS = make({"a": Source(("input", "a"))}, SAMPLE)
PROFILES: dict[tuple[str, str], Profile] = {
    ("many", "v1"): MANY, ("many", "v2"): NUMBERS, ('"quoted"', "v1"): QUOTED,
    ("wörter", "v1"): WORDS,
}  # fmt: skip

VALUES = (
    st.sampled_from([None, True, False, 0, 1, 0.0, 1.0, -0.0, 2**53 + 1, 2**63, 2**64 - 1, 1e300])
    | st.sampled_from(["", "1", "x", "so so", "NaN", [], [1], {}, {"a": 3}, {"a": True}])
    | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)  # fmt: skip
NUMERIC = st.sampled_from([0, 1, 0.5, 7, 2.5e-324]) | st.floats(-9, 99)
OTHERS = st.none() | st.just([1]) | st.just("text")
INPUT = OTHERS | st.dictionaries(st.sampled_from([*NAMES, 'say "a"', "model", "more"]), VALUES)
OUTPUT = OTHERS | st.dictionaries(
    st.sampled_from(["flag", "deep", "said", "list", "a", "both"]), VALUES
)
WHOLE = st.fixed_dictionaries({name: NUMERIC | st.none() for name in NAMES})
RECORD = st.fixed_dictionaries(
    {
        "id": st.integers(1, 25).map(lambda n: str(UUID(int=n))),
        "at": st.sampled_from([5, HOUR_MICROSECONDS, HOUR_MICROSECONDS + 9]),
        "key": st.sampled_from([*PROFILES, ("unheard_of", "v1")]),
        "arm": st.sampled_from([*ARMS, *ARMS, "shadow"]),
        "status": st.sampled_from(["ok", "ok", "ok", "error"]),
        "input": INPUT | WHOLE,
        "output": OUTPUT,
    }
)


def as_logged(record: dict[str, Any], user: str | None = None) -> dict[str, Any]:
    """In the order in which a worker writes it."""
    return {
        "id": record["id"], "at": record["at"], "model": record["key"][0],
        "version": record["key"][1], "arm": record["arm"], "key": user,
        "output": record["output"], "confidence": None, "ms": 1.0, "status": record["status"],
        "error": None, "input": record["input"],
    }  # fmt: skip


def compact(record: dict[str, Any]) -> bytes:
    """Everything that is not ASCII is escaped."""
    return json.dumps(record, separators=(",", ":")).encode()


def turned(record: dict[str, Any]) -> bytes:
    return json.dumps(dict(reversed(record.items()))).encode()


def huge(record: dict[str, Any]) -> bytes:
    """With an integer that no processor holds, where there are other numbers."""
    if isinstance(record["input"], dict):
        record = {**record, "input": {**record["input"], "a": -(10**30)}}
    return compact(record)


def twice(record: dict[str, Any]) -> bytes:
    """Its model and input stand there again, as others; whoever reads JSON takes the last."""
    return compact(record)[:-1] + b',"model":"many","version":"v1","input":{"a":3,"a":4.5}}'


WRITERS: list[Callable[[dict[str, Any]], bytes]] = [
    orjson.dumps, orjson.dumps, orjson.dumps, compact, turned, huge, twice,
]  # fmt: skip
LINE = st.builds(lambda record, write: write(as_logged(record)), RECORD, st.sampled_from(WRITERS))


def references(*keys: tuple[str, str]) -> References:
    made = References()
    for key in keys:
        made.learn(key, as_document(PROFILES[key]))
    return made


def found(
    counted: References, lines: list[bytes], fresh: list[str] | None = None
) -> dict[tuple[str, str, int], tuple[int, list[int]]]:
    def find(key: tuple[str, str]) -> dict[str, Any] | None:
        return as_document(PROFILES[key]) if key in PROFILES else None

    return {
        (one.model, one.version, int(one.hour.timestamp() // 3600)): (
            one.rows, np.frombuffer(one.counts, dtype="<i8").tolist(),
        )
        for one in counted.deltas(b"".join(line + b"\n" for line in lines), fresh, find)
    }  # fmt: skip


def wanted(
    lines: list[bytes], fresh: list[str] | None = None
) -> dict[tuple[str, str, int], tuple[int, list[int]]]:
    groups, left = defaultdict(list), set(fresh or ())
    for record in map(orjson.loads, lines):
        key = record["model"], record["version"]
        if record["arm"] not in ARMS or record["status"] != "ok":
            continue
        if fresh is not None and record["id"] not in left:
            continue
        left.discard(record["id"])
        if key in PROFILES:
            groups[(*key, record["at"] // HOUR_MICROSECONDS)].append(record)
    return {
        place: (len(records), count(PROFILES[place[:2]], records).tolist())
        for place, records in groups.items()
    }


@given(
    st.lists(LINE, max_size=40),
    st.none() | st.lists(st.integers(1, 25).map(lambda n: str(UUID(int=n))), unique=True),
    st.lists(st.sampled_from(list(PROFILES)), unique=True),
)
def test_lines_of_any_mixture_are_counted_as_their_records_are(
    lines: list[bytes], fresh: list[str] | None, known: list[tuple[str, str]]
) -> None:
    assert found(references(*known), lines, fresh) == wanted(lines, fresh)


@given(st.lists(st.tuples(NUMERIC | st.none(), NUMERIC | VALUES), min_size=1, max_size=30))
def test_numbers_nulls_and_flags_are_told_apart(values: list[tuple[Any, Any]]) -> None:
    lines = [orjson.dumps(line("many", "v1", {"a": a, "is new": b}, {"a": b})) for a, b in values]
    assert found(references(("many", "v1")), lines) == wanted(lines)


def line(model: str, version: str, before: Any, after: Any) -> dict[str, Any]:
    record = {"id": str(UUID(int=1)), "at": 5, "key": (model, version), "arm": "canary",
              "status": "ok", "input": before, "output": after}  # fmt: skip
    return as_logged(record, "user-1")


def test_many_lines_of_several_models_in_turn() -> None:
    good = [line("many", f"v{1 + n % 2}", {"a": n * 0.7, "is new": n % 2}, {"said": "x"})
            for n in range(3 * CHUNK)]  # fmt: skip
    flags = [{**record, "input": {"a": True}} for record in good]
    empty = [{**record, "input": {"a": None}, "output": None} for record in good]
    for records in (good, good + flags, empty + good[:7], flags[:5] + good + empty[:5]):
        lines = [orjson.dumps(record) for record in records]
        assert found(references(("many", "v1")), lines) == wanted(lines)


def test_a_worker_writes_what_decides_before_the_input() -> None:
    kept: list[dict[str, Any]] = []
    predictor = Predict.__new__(Predict)
    predictor._kept = SimpleNamespace(keep=kept.append)  # type: ignore[assignment]
    arm = served("many", "v1", "canary", cast(Any, None))
    predictor._note("many", arm, 1, [{"a": 1}], "user-1", [{"a": 2}], 0.0, None, None)
    (record,) = kept
    assert list(record) == list(line("many", "v1", {}, {}))


def test_a_line_that_names_two_models_is_of_the_last() -> None:
    said = line("many", "v2", {"a": 3.5}, {})
    lines = [orjson.dumps(said), twice(said)]
    assert found(references(("many", "v1"), ("many", "v2")), lines) == wanted(lines)
    assert len(wanted(lines)) == 2


@pytest.mark.parametrize("key", [("many", "v1"), ("many", "v2"), ("wörter", "v1")])
def test_a_line_as_it_is_logged_is_read_quickly(
    key: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds as it ought to, nulls and gaps included."""
    sides: list[tuple[Any, Any]] = [
        ({"a": 3, "is new": None, "ähn.lich": 1e-9}, {"said": None}),
        ({"a": 2**70 / 3, "model": "other", "": 3}, {"said": "so", "deep": [1], "a": 0}),
        ({}, {}),
    ]
    lines = [orjson.dumps(line(*key, before, after)) for before, after in sides]
    counted = references(key)

    def slowly(_: bytes) -> Any:
        raise AssertionError("read the slow way")

    monkeypatch.setattr(drift, "read_any", slowly)
    assert found(counted, lines) == wanted(lines)
    with pytest.raises(AssertionError, match="slow"):
        found(counted, [orjson.dumps(line(*key, None, {}))])
