"""What is written down of a request: whole, as a keyed hash, or not at all."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backend_api import catalog as backend_catalog
from backend_api.errors import BadRequest
from inference import catalogue
from inference.catalogue import CatalogueError, Entry, Kept
from inference.privacy import Privacy
from ops.settings import PROJECT
from shared.privacy import Redaction

RECORD: dict[str, Any] = {
    "id": "1", "model": "intent", "key": "user-7", "input": {"query": "my PAN", "n": 3},
    "output": {"intent": "savings"}, "error": "ValueError: my PAN is no number",
}  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def entry(**log: Any) -> dict[str, Entry]:
    return {
        "intent": Entry(
            title="Intent", endpoint="/predict/intent", entity_key="user_id",
            privacy=Kept(log=log),
        )
    }  # fmt: skip


def test_records_of_a_model_without_rules_stay_the_very_same() -> None:
    assert Privacy(entry(), "")(RECORD) is RECORD


def test_a_field_is_hashed_or_gone_and_its_error_says_only_its_kind() -> None:
    private = Privacy(entry(query="hash", n="drop", user_id="hash"), "key")
    kept = private(RECORD)
    assert set(kept["input"]) == {"query"}
    assert kept["input"]["query"].startswith("h:")
    assert kept["key"].startswith("h:")
    assert kept["output"] == {"intent": "savings"}
    assert kept["error"] == "ValueError"
    assert "PAN" not in str(kept)
    assert private(RECORD) == kept, "the same value, the same hash"
    assert Privacy(entry(query="hash"), "other")(RECORD)["input"]["query"] != kept["input"]["query"]


def test_a_dropped_entity_key_leaves_none() -> None:
    assert Privacy(entry(user_id="drop"), "")(RECORD)["key"] is None


def test_without_a_key_nothing_is_hashed_and_nothing_starts() -> None:
    with pytest.raises(CatalogueError, match="set PRIVACY_KEY"):
        Privacy(entry(query="hash"), "")


@given(values, values)
def test_hashes_meet_where_values_do(one: Any, other: Any) -> None:
    redaction = Redaction({"a": "hash"}, b"key")
    first, second = redaction.of({"a": one}), redaction.of({"a": other})
    alike = one == other and type(one) is type(other)
    if alike:
        assert first == second
    if first == second and not alike:
        # JSON knows one kind of whole number and of truth each.
        assert one == other or (one is None and other is None)


def test_both_sides_read_the_same_rules_and_refuse_what_would_be_lost(tmp_path: Path) -> None:
    content = yaml.safe_load((PROJECT / "models.yaml").read_text())
    model = content["models"]["intent_classifier"]
    model["privacy"] = {"log": {"query": "hash"}, "export": {"user_id": "drop"}}
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(content))
    assert backend_catalog.load(file).get("intent_classifier").privacy.log == {"query": "hash"}
    assert catalogue.load(file)["intent_classifier"].privacy.log == {"query": "hash"}
    model["privacy"] = {"log": {"output.intent": "hash"}}
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(BadRequest, match=r"output\.intent is compared"):
        backend_catalog.load(file)
    model["privacy"] = {"log": {"query": "forget"}}
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(BadRequest):
        backend_catalog.load(file)
