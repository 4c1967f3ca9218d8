"""Pictures of drift say what must be read, and no more."""

import re
from datetime import UTC, date, datetime

import pytest

from backend_api.schemas import DriftDistribution, DriftScore
from backend_api.states import Against, DriftState
from console import drift_bins, drift_charts, drift_scale

DAYS = (date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25))
S = DriftState


def score(name: str, *days: tuple[float | None, DriftState]) -> DriftScore:
    return DriftScore(
        name=name, is_output=False, weight=1.0, state=S.NONE, distance=0.05, psi=0.01, noise=0.03,
        adjusted=1.0, rows=3000, reference_rows=2000, days=tuple(d for d, _ in days),
        day_states=tuple(s for _, s in days),
    )  # fmt: skip


def test_numbers_stand_on_the_cells_that_drifted_only() -> None:
    scores = (
        score("amount", (0.02, S.NONE), (0.14, S.MEDIUM), (0.41, S.HIGH)),
        score("age", (0.09, S.NONE), (None, S.INSUFFICIENT), (0.01, S.NONE)),
    )
    written = drift_charts.heat(DAYS, (900, 900, 900), scores, dark=False).data[2]
    cells = zip(written.y, written.x, written.text, strict=True)
    assert list(cells) == [
        ("amount", DAYS[1], "▲ 0.14"), ("amount", DAYS[2], "● 0.41"), ("age", DAYS[1], "·"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("distance", "noise", "places"),
    [
        (0.225, 0.045, {"score": 50.0, "noise": 10.0}),
        (0.9, 0.03, {"score": 87.0, "noise": 2.9}),
        (None, 0.9, {"noise": 87.0}),
    ],
)
def test_a_score_lies_between_the_lines_and_never_leaves_the_scale(
    distance: float | None, noise: float, places: dict[str, float]
) -> None:
    drawn = drift_scale.scale(distance, noise)
    for name in ("score", "noise"):
        there = f'class="{name}" style="left:'
        if name in places:
            assert f"{there}{places[name]:.1f}%" in drawn
        else:
            assert there not in drawn


def test_the_scale_is_said_in_words() -> None:
    said = 'aria-label="On a scale: score 0.280, noise 0.036; medium from 0.1, high from 0.3."'
    assert said in drift_scale.scale(0.28, 0.036)
    assert "no score, noise 0.036" in drift_scale.scale(None, 0.036)


def test_bins_show_both_sides_and_leave_out_what_never_was() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    found = DriftDistribution(
        model_name="m", version="v1.0.0", against=Against.REFERENCE, since=at, until=at,
        score=score("city"), bins=("<b>Pune</b>", "Delhi", "OTHER", "NULL"),
        reference=(30, 10, 0, 0), window=(100, 250, 0, 50),
    )  # fmt: skip
    drawn = drift_bins.table(found, "this window", "reference")
    lines = re.findall(r'scope="row">(.*?)</th>.*?width:(.*?)%.*?width:(.*?)%', drawn)
    assert lines == [
        ("&lt;b&gt;Pune&lt;/b&gt;", "100.0", "33.3"), ("Delhi", "33.3", "83.3"),
        ("NULL", "0.0", "16.7"),
    ]  # fmt: skip
    assert re.findall(r"<td>([\d.]+ %)</td>", drawn) == [
        "75.0 %", "25.0 %", "25.0 %", "62.5 %", "0.0 %", "12.5 %",
    ]  # fmt: skip
