"""A load rests long while requests come, and hardly else."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.runtimes import pace
from inference.runtimes.load import load
from tests.artefacts import tiny_intent

WORKED = st.floats(min_value=0.0, max_value=60.0)


@given(WORKED)
def test_work_is_less_than_a_hundredth_of_the_time_while_requests_come(worked: float) -> None:
    rested = pace.pause(worked, busy=True)
    assert pace.LEAST_SECONDS <= rested <= pace.LONGEST_SECONDS
    if rested < pace.LONGEST_SECONDS:
        assert worked <= (worked + rested) / 100


@given(WORKED)
def test_without_requests_a_load_hardly_rests(worked: float) -> None:
    assert pace.pause(worked, busy=False) == pace.LEAST_SECONDS


def _rests(monkeypatch: pytest.MonkeyPatch, folder: Path, requests: int) -> list[float]:
    """How long each rest of a load would be, when so many requests come during each piece."""
    rested: list[float] = []
    came = 0

    def arrived() -> int:
        nonlocal came
        came += requests
        return came

    # The module's own clock, and not everybody's: other threads sleep too.
    clock = SimpleNamespace(sleep=rested.append, thread_time=time.thread_time)
    monkeypatch.setattr(pace, "time", clock)
    load(folder, "user_id", rest=pace.pace(arrived))
    return rested


def test_each_piece_of_a_load_is_followed_by_a_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "artefact"
    tiny_intent(folder, "out_of_scope")
    quiet, busy = (_rests(monkeypatch, folder, requests) for requests in (0, 1))
    # Digest, documents, graph; then every golden answer and every batch that is tried.
    assert len(quiet) == len(busy) > 5
    assert set(quiet) == {pace.LEAST_SECONDS}
    assert max(busy) > pace.LEAST_SECONDS
