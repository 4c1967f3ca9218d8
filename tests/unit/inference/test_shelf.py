"""What stays in memory, what goes, and what happens to a version that cannot be loaded."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference import artefacts
from inference.cache import Cache
from inference.routing import Key, Version
from inference.runtimes.load import load
from inference.shelf import Shelf
from tests.artefacts import columns, tiny_intent
from tests.makers import wait_until

MODEL = "intent_classifier"


class Shop:
    """A shelf of two, and versions to put on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes = 0
        cache = Cache(
            folder / "cache", lambda uri, place: artefacts.fetch(uri, place, "http://127.0.0.1:9")
        )
        self.shelf = Shelf(cache, 2, lambda _, place: load(place, "user_id"), self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def version(self, number: int) -> tuple[Key, Version]:
        """A version whose artefact exists."""
        place = self.folder / f"v{number}"
        if not place.exists():
            tiny_intent(place, "out_of_scope")
            (place / "number").write_text(str(number))
        row = columns(place)
        made = Version(
            version=f"v1.{number}.0", digest=row["artifact_digest"], uri=row["artifact_uri"]
        )
        return made.key(MODEL), made

    def put(self, number: int, now: float) -> Key:
        """Want a version and wait until it was dealt with."""
        key, version = self.version(number)
        self.shelf.want(key, version, now)
        wait_until(lambda: not self.shelf.entries[key].loading, 20, "the load has ended")
        return key


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An empty shelf."""
    return Shop(tmp_path)


def test_the_least_recently_used_goes_first_and_a_pinned_one_never(shop: Shop) -> None:
    first, second, third = (shop.put(n, float(n)) for n in (1, 2, 3))
    assert shop.shelf.evict({first}) == [second]
    assert set(shop.shelf.ready()) == {first, third}
    assert shop.shelf.evict({first, third}) == []
    assert shop.shelf.evict({first}, size=0) == [third]


def test_pinned_versions_may_exceed_the_size(shop: Shop) -> None:
    keys = {shop.put(n, float(n)) for n in (1, 2, 3)}
    assert shop.shelf.evict(keys) == []
    assert len(shop.shelf.ready()) == 3


def test_a_failed_load_is_named_tried_again_when_due_and_forgotten_when_unneeded(
    shop: Shop,
) -> None:
    key, version = shop.version(1)
    bad = version.model_copy(update={"uri": "file:///nowhere/at/all"})
    shop.shelf.want(key, bad, 0.0)
    wait_until(lambda: shop.shelf.entries[key].error, 20, "the load has failed")
    entry = shop.shelf.entries[key]
    assert entry.state == "failed"
    assert "cannot be copied" in str(entry.error)
    wait_until(lambda: not entry.loading, 5, "the loader is done with it")
    due = shop.shelf.next_retry()
    assert due is not None
    assert due > time.monotonic() - 1
    shop.shelf.want(key, bad, due - 0.5)
    assert entry.failures == 1
    entry.version = version
    shop.shelf.want(key, version, due)
    wait_until(lambda: entry.model, 20, "the second attempt has succeeded")
    assert (entry.state, entry.error) == ("ready", None)


def test_an_unneeded_failure_goes_at_once(shop: Shop) -> None:
    key, version = shop.version(1)
    bad = version.model_copy(update={"uri": "file:///nowhere/at/all"})
    shop.shelf.want(key, bad, 0.0)
    wait_until(lambda: shop.shelf.entries[key].error, 20, "the load has failed")
    wait_until(lambda: not shop.shelf.entries[key].loading, 5, "the loader is done with it")
    assert shop.shelf.evict({key}) == []
    assert shop.shelf.evict(set()) == [key]
    assert shop.shelf.next_retry() is None


def test_a_reload_that_fails_leaves_what_serves(shop: Shop, tmp_path: Path) -> None:
    key = shop.put(1, 1.0)
    serving = shop.shelf.entries[key].model
    for path in (tmp_path / "cache").glob("*/handler.json"):
        path.write_text("{}")
    (tmp_path / "v1" / "handler.json").write_text("{}")
    shop.shelf.load(key).result(20)
    entry = shop.shelf.entries[key]
    assert entry.model is serving
    assert "altered after registration" in str(entry.error)
