"""The picture of accuracy: a symbol for each state, a dashed estimate, and words of the same."""

from datetime import date

from backend_api.schemas import AccuracyDay
from backend_api.states import AccuracyState
from console import accuracy_charts


def day(number: int, state: AccuracyState, share: float | None, *, mature: bool) -> AccuracyDay:
    labelled = 0 if share is None else 100
    return AccuracyDay(
        day=date(2026, 11, number), predictions=400, labelled=labelled,
        right=round(labelled * (share or 0)), coverage=labelled / 400, share=share, low=0.8,
        high=0.99, state=state, needed=None, sentence="", mature=mature, estimate=0.93,
    )  # fmt: skip


DAYS = [
    day(3, AccuracyState.MISSED, 0.9, mature=True),
    day(2, AccuracyState.MET, 0.98, mature=False),
    day(1, AccuracyState.NOT_ENOUGH, None, mature=False),
]


def test_each_state_has_its_own_symbol_and_days_without_labels_have_no_point() -> None:
    figure = accuracy_charts.days(DAYS, 0.97, 0.991)
    met, missed, few, estimate = figure.data
    assert len({met.marker.symbol, missed.marker.symbol, few.marker.symbol}) == 3
    assert (list(met.y), list(missed.y), list(few.y)) == ([98.0], [90.0], [])
    assert list(met.marker.opacity) == [0.45], "pale: it does not count"
    assert list(missed.error_y.array) == [9.0]
    assert estimate.line.dash == "dash"
    assert list(estimate.y) == [93.0, 93.0, 93.0]
    said = [note.text for note in figure.layout.annotations]
    assert said == ["objective 97 %", "it was 99.10 %"]


def test_the_same_in_words() -> None:
    words = accuracy_charts.days_words(DAYS)
    assert "03 Nov: 90 of 100 right, between 80.00 % and 99.00 %; 25 % labelled." in words
    assert "02 Nov" in words
    assert "immature" in words
    assert "01 Nov" not in words
    assert accuracy_charts.days_words(DAYS[2:]) == "No day has a label yet."
