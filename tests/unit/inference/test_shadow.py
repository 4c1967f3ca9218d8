"""The queue of mirrored requests: bounded, beside the traffic, and never in its way."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from inference.dialect import Said
from inference.log import PredictionLog
from inference.rotation import Rotation
from inference.routing import SHADOW, Route, Snapshot, Wanted, served
from inference.shadow import Shadows
from inference.spool import Spool
from tests.makers import INTENT


class Slow:
    """A model that answers when it is let."""

    schema: dict[str, Any] = {}  # noqa: RUF012
    milliseconds = 0.0
    executor = None
    example: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def __init__(self) -> None:
        self.let = threading.Event()

    def check(self, row: dict[str, Any]) -> None:
        """Take anything."""

    def answer(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Wait, then answer."""
        assert self.let.wait(10)
        return [{"intent": "a", "confidence": 0.5} for _ in rows]


def said(number: int, model: Slow, arm: str = "production") -> Said:
    """What was answered."""
    answers = [{"intent": "a", "confidence": 0.25}]
    ids = [f"00000000-0000-7000-8000-{number:012d}"]
    return Said(INTENT, served(INTENT, "v1.0.0", arm, model), 1, answers, ids, 1.0, None)


@pytest.mark.parametrize("places", [3, 10])
def test_a_full_queue_drops_and_the_caller_is_never_kept(
    tmp_path: Path, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Slow()
    row = Wanted(
        model_name=INTENT, epoch=1, production=None, canary=None, share=0, salt="", target=None,
        staged=(), degraded=None, shadow_share=100, shadow_salt="s",
    )  # fmt: skip
    route = Route(row, None, None, served(INTENT, "v1.1.0", SHADOW, model))
    records: list[dict[str, Any]] = []
    kept = PredictionLog(Spool(tmp_path / "spool", "0"), 10**9, "drop")
    monkeypatch.setattr(kept, "keep", records.append)
    rotation = Rotation.__new__(Rotation)
    rotation.snapshot = Snapshot({INTENT: route}, {})

    async def run() -> None:
        shadows = Shadows(rotation, kept, places)
        shadows.start()
        # The first is being asked, and waits; the queue is empty then.
        shadows.mirror(route, said(0, model), [{}], "u0", 0.001)
        await asyncio.sleep(0)
        for number in range(1, 21):
            shadows.mirror(route, said(number, model), [{}], f"u{number}", 0.001)
        shadows.mirror(route, said(99, model, arm="fallback"), [{}], "u99", 0.001)
        model.let.set()
        while len(records) < 1 + places:
            await asyncio.sleep(0.01)
        shadows.stop()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert [record["twin"] for record in records] == [
        said(n, model).ids[0] for n in range(1 + places)
    ]
    assert {record["arm"] for record in records} == {SHADOW}
    assert {(record["agrees"], record["apart"]) for record in records} == {(True, 0.25)}
