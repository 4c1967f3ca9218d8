"""What the store may add to a request, and what it must leave alone."""

import pytest

from inference.filling import Held, advice, converted, fill

SCHEMA = {
    "age": {"type": "integer", "required": True},
    "income": {"type": "number", "required": True},
    "insured": {"type": "boolean", "required": False},
    "city": {"type": "string", "required": False},
    "user_id": {"type": "string", "required": False},
}
NOW = 1_000.0


def always(**values: str) -> dict[str, Held]:
    """Features without an end of their own."""
    return {name: Held(text, None) for name, text in values.items()}


def test_what_is_sent_wins_and_null_is_sent_too() -> None:
    row = {"age": 30, "city": None, "user_id": "u"}
    held = always(age="60", city="Pune", income="1200.5", insured="true")
    filled, told = fill(SCHEMA, row, held, NOW)
    assert filled == {
        "age": 30, "city": None, "user_id": "u", "income": 1200.5, "insured": True,
    }  # fmt: skip
    assert told == {"from_store": ["income", "insured"], "missing": [], "stale": []}
    assert row == {"age": 30, "city": None, "user_id": "u"}


def test_only_fields_of_the_schema_are_taken() -> None:
    filled, _ = fill(SCHEMA, {"user_id": "u"}, always(age="30", shoe_size="44"), NOW)
    assert "shoe_size" not in filled


def test_what_is_too_old_or_not_there_is_named_and_not_used() -> None:
    held = {"age": Held("30", NOW), "income": Held("7", NOW + 1)}
    filled, told = fill(SCHEMA, {"user_id": "u"}, held, NOW)
    assert filled == {"user_id": "u", "income": 7}
    assert told == {"from_store": ["income"], "missing": ["insured", "city"], "stale": ["age"]}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("31", "integer", 31), ("31.0", "integer", 31), ("1e3", "number", 1000),
        ("12345678901234567", "integer", 12345678901234567), ("-0.25", "number", -0.25),
        ("True", "boolean", True), ("0", "boolean", False), ("31", "string", "31"),
        ('["a"]', "array", ["a"]),
        # What is not of its type stays a text, which the model's own check refuses.
        ("many", "integer", "many"), ("nan", "number", "nan"), ("inf", "number", "inf"),
        ("yes", "boolean", "yes"), ("[", "array", "["),
    ],
)  # fmt: skip
def test_texts_become_the_types_of_the_schema(text: str, kind: str, value: object) -> None:
    found = converted(text, {"type": kind})
    assert found == value
    assert type(found) is type(value)


def test_a_text_that_no_log_can_hold_counts_as_missing() -> None:
    _, told = fill(SCHEMA, {"user_id": "u"}, always(city="a\0b"), NOW)
    assert "city" in told["missing"]


def test_the_advice_says_whose_the_value_was_and_why_there_is_none() -> None:
    told = {"from_store": ["age"], "missing": ["city"], "stale": ["income"]}
    assert "feature store's" in advice("age", told)
    assert "too old" in advice("income", told)
    assert "backfill" in advice("city", told)
    assert "timeout" in advice("city", {**told, "store": "timeout"})
    assert advice("age", None) == "/docs shows an example."
