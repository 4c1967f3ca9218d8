"""Pictures are told by their values, and never by colour alone."""

from typing import Any

import pytest

from console import charts

ACCURACY = charts.Measure("Accuracy", ">", 0.99, 0.981, 0.993)
LATENCY = charts.Measure("p95 latency ms", "<", 200, 40.0, None)


def shapes(figure: Any, kind: str) -> list[Any]:
    return [s for s in figure.layout.shapes if s.type == kind]


def test_each_line_has_an_axis_that_holds_its_values() -> None:
    figure = charts.comparison("v2.0.0", "v1.0.0", (ACCURACY, LATENCY))
    first, second = figure.layout.xaxis.range, figure.layout.xaxis2.range
    assert first[0] < 0.981 < 0.993 < first[1]
    assert second[0] < 40 < 200 < second[1]
    assert [line.x0 for line in shapes(figure, "line")] == [0.99, 200]


def test_metrics_with_the_same_line_share_an_axis() -> None:
    bank = charts.Measure("F1 of BANK", ">", 0.9, 0.95, 0.94)
    date = charts.Measure("F1 of DATE", ">", 0.9, 0.85, 0.91)
    figure = charts.comparison("v2", "v1", (bank, LATENCY, date))
    assert [line.x0 for line in shapes(figure, "line")] == [0.9, 200]
    assert list(figure.layout.yaxis.tickvals) == ["F1 of BANK", "F1 of DATE"]
    assert figure.layout.xaxis.range[0] < 0.85


def test_the_passing_side_is_shaded_by_the_direction_of_the_criterion() -> None:
    above, below = shapes(charts.comparison("v2", "v1", (ACCURACY, LATENCY)), "rect")
    assert above.x0 == 0.99
    assert below.x1 == 200


def test_a_metric_that_was_not_logged_is_left_out_and_said() -> None:
    gone = charts.Measure("F1", ">", 0.98, None, None)
    figure = charts.comparison("v2", "v1", (gone,))
    assert all(len(trace.x) == 0 for trace in figure.data)
    assert list(figure.layout.yaxis.tickvals) == ["F1"]
    assert "v2 logged no value" in charts.comparison_words("v2", "v1", [gone])


def test_versions_differ_by_symbol_and_are_named_once() -> None:
    figure = charts.comparison("v2", "v1", (ACCURACY, LATENCY))
    shown = [trace for trace in figure.data if trace.showlegend]
    assert [t.name for t in shown] == ["v1 (production)", "v2"]
    assert len({t.marker.symbol for t in shown}) == 2


def test_without_a_production_only_the_version_is_drawn() -> None:
    figure = charts.comparison("v2", None, (ACCURACY,))
    assert [trace.name for trace in figure.data] == ["v2"]


@pytest.mark.parametrize("value", [0.0, 5.0, -5.0])
def test_an_axis_is_never_without_width(value: float) -> None:
    low, high = charts.bounds([charts.Measure("m", ">", value, value, value)])
    assert low < value < high


def test_no_criteria_is_an_empty_figure_and_no_error() -> None:
    assert charts.comparison("v2", "v1", ()).data == ()


def test_shares_add_up_and_are_written_out() -> None:
    rows = [
        charts.Split("Decided", "v1", "v2", 45),
        charts.Split("host · 1", "v1", None, 0),
    ]
    production, canary = charts.split(tuple(rows)).data
    assert list(production.x) == [55, 100]
    assert list(canary.x) == [45, 0]
    assert list(production.text) == ["v1 · 55 %", "v1 · 100 %"]
    assert list(canary.text) == ["v2 · 45 %", ""]
    assert canary.marker.pattern.shape == "/"


def test_a_narrow_bar_says_only_its_share() -> None:
    _, canary = charts.split((charts.Split("Decided", "v1", "v2", 5),)).data
    assert list(canary.text) == ["5 %"]


def test_nothing_served_is_no_bar() -> None:
    production, _ = charts.split((charts.Split("host · 1", None, None, 0),)).data
    assert list(production.x) == [0]
