"""What is loaded is exactly what was registered, and answers as recorded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inference import artefacts
from inference.artefacts import FetchError
from inference.cache import Cache
from inference.models import ArtefactError
from inference.routing import Key, Version
from inference.runtimes.handler import HandlerModel
from inference.runtimes.load import load
from inference.runtimes.warm import same
from tests.artefacts import columns, tiny_intent, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good artefact."""
    tiny_intent(tmp_path / "artefact", "out_of_scope")
    return tmp_path / "artefact"


def named(folder: Path) -> tuple[Key, Version]:
    """The version that the registry would name."""
    row = columns(folder)
    version = Version(version="v1.0.0", digest=row["artifact_digest"], uri=row["artifact_uri"])
    return version.key("intent_classifier"), version


def cache(tmp_path: Path) -> Cache:
    """A cache that fetches files and has no MLflow."""
    return Cache(
        tmp_path / "cache", lambda uri, place: artefacts.fetch(uri, place, "http://127.0.0.1:9")
    )


def test_a_good_artefact_answers(folder: Path) -> None:
    model = load(folder, "user_id")
    assert model.answer([{"query": "hello"}])[0]["intent"] == "out_of_scope"
    assert model.milliseconds > 0


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _other_answer(folder: Path) -> None:
    golden = json.loads((folder / "golden.json").read_text())
    golden[1]["answer"]["confidence"] -= 0.01
    write(folder, {"golden.json": golden})


def _other_field(folder: Path) -> None:
    write(folder, {"golden.json": [{"request": {"words": "x"}, "answer": {}}]})


BROKEN: list[tuple[str, Callable[[Path], None], str]] = [
    ("no network", _remove("model.onnx"), "model.onnx cannot be loaded"),
    ("no handler", _remove("handler.json"), "handler.json is missing"),
    ("no golden rows", _remove("golden.json"), "golden.json is missing"),
    ("empty golden", lambda f: write(f, {"golden.json": []}), "golden.json is empty"),
    ("half a network", lambda f: _cut(f / "model.onnx"), "model.onnx cannot be loaded"),
    ("not JSON", lambda f: _cut(f / "handler.json"), "handler.json is not JSON"),
    ("strange handler", lambda f: write(f, {"handler.json": {"model_name": "x", "config": {}}}),
     "handler.json cannot be used"),
    ("another answer", _other_answer, "golden row 1 gives"),
    ("another field", _other_field, "golden row 0 fails: words is not a field"),
]  # fmt: skip


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "says"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_broken_artefact_is_refused_with_its_file(
    folder: Path, damage: Callable[[Path], None], says: str
) -> None:
    damage(folder)
    with pytest.raises(ArtefactError, match=says):
        load(folder, "user_id")


@pytest.mark.parametrize(
    ("expected", "got", "alike"),
    [
        (0.5, 0.50005, True),
        (0.5, 0.51, False),
        (1e6, 1e6 + 50, True),
        (1, 1.0, True),
        (True, 1, False),
        ({"a": [1.0, "x"]}, {"a": [1.00001, "x"]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False),
        (["x"], "x", False),
        (None, None, True),
        ("a", "b", False),
    ],
)
def test_same(expected: object, got: object, alike: bool) -> None:
    assert same(expected, got) is alike


def test_an_artefact_is_fetched_once(folder: Path, tmp_path: Path) -> None:
    key, version = named(folder)
    kept = cache(tmp_path)
    place = kept.get(key, version)
    shutil.rmtree(folder)
    assert kept.get(key, version) == place
    assert (place / "model.onnx").exists()


def test_an_artefact_altered_after_registration_is_never_kept(folder: Path, tmp_path: Path) -> None:
    key, version = named(folder)
    with (folder / "model.onnx").open("ab") as network:
        network.write(b"\0")
    with pytest.raises(ArtefactError, match="altered after registration"):
        cache(tmp_path).get(key, version)
    assert [p for p in (tmp_path / "cache").iterdir() if p.is_dir()] == []


def test_a_copy_that_was_altered_on_disk_is_fetched_anew(folder: Path, tmp_path: Path) -> None:
    key, version = named(folder)
    kept = cache(tmp_path)
    place = kept.get(key, version)
    (place / "handler.json").write_text("{}")
    assert (kept.get(key, version) / "handler.json").read_text() != "{}"
    (place / "handler.json").write_text("{}")
    shutil.rmtree(folder)
    with pytest.raises(FetchError):
        kept.get(key, version)


def test_what_cannot_be_had_says_why(folder: Path, tmp_path: Path) -> None:
    key, version = named(folder)
    kept = cache(tmp_path)
    nameless = version.model_copy(update={"digest": None})
    with pytest.raises(ArtefactError, match="no digest is registered"):
        kept.get(nameless.key("intent_classifier"), nameless)
    with pytest.raises(ArtefactError, match="no artefact address"):
        kept.get(key, version.model_copy(update={"uri": None}))
    with pytest.raises(FetchError, match="cannot be copied"):
        kept.get(key, version.model_copy(update={"uri": "file:///nowhere/at/all"}))


def test_clearing_keeps_what_is_named(folder: Path, tmp_path: Path) -> None:
    key, version = named(folder)
    tiny_intent(tmp_path / "other", "spending_analysis")
    other_key, other = named(tmp_path / "other")
    kept = cache(tmp_path)
    kept.get(other_key, other)
    place = kept.get(key, version)
    assert kept.clear({key.digest}) == 1
    assert place.exists()


def test_threads_are_those_of_the_setting(tmp_path: Path) -> None:
    tiny_intent(tmp_path / "one", "out_of_scope")
    for threads in (1, 2):
        model = load(tmp_path / "one", "user_id", threads)
        assert isinstance(model, HandlerModel)
        assert model.session.get_session_options().intra_op_num_threads == threads
