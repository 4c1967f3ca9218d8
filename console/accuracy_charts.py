"""Pictures of how often a model was right: values in, plotly figure out."""

from collections.abc import Sequence

import plotly.graph_objects as go

from backend_api.schemas import AccuracyDay
from backend_api.states import AccuracyState
from console.charts import BLUE, GREY, ORANGE

HEIGHT_PX, TOP_PX, BOTTOM_PX = 340, 64, 30
MOST_TICKS = 10
RED = "#c0392b"
# Never by colour alone.
LOOKS = {
    AccuracyState.MET: ("Met", BLUE, "diamond"),
    AccuracyState.MISSED: ("Missed", RED, "x"),
    AccuracyState.NOT_ENOUGH: ("Not enough labels", GREY, "circle-open"),
}


def _hover(day: AccuracyDay) -> str:
    young = "" if day.mature else ", immature"
    return (
        f"{day.day:%d %b}: {day.right:,} of {day.labelled:,} right,"
        f" between {100 * day.low:.2f} % and {100 * day.high:.2f} %;"
        f" {100 * day.coverage:.0f} % labelled{young}"
    )


def _points(days: Sequence[AccuracyDay], state: AccuracyState) -> go.Scatter:
    name, colour, symbol = LOOKS[state]
    own = [d for d in days if d.state == state and d.share is not None]
    shares = [100 * (d.share or 0.0) for d in own]
    return go.Scatter(
        x=[d.day for d in own], y=shares, name=name, mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10,
                "opacity": [1.0 if d.mature else 0.45 for d in own]},
        error_y={
            "type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 4,
            "array": [100 * d.high - y for d, y in zip(own, shares, strict=True)],
            "arrayminus": [y - 100 * d.low for d, y in zip(own, shares, strict=True)],
        },
        hovertext=[_hover(d) for d in own], hoverinfo="text",
    )  # fmt: skip


def days(found: Sequence[AccuracyDay], objective: float, baseline: float | None) -> go.Figure:
    """Share right in per cent with its interval for each day, the estimate dashed beside it."""
    ordered = sorted(found, key=lambda day: day.day)
    figure = go.Figure([_points(ordered, state) for state in LOOKS])
    told = [d for d in ordered if d.estimate is not None]
    figure.add_scatter(
        x=[d.day for d in told], y=[100 * (d.estimate or 0.0) for d in told],
        name="Estimate without labels", mode="lines+markers", marker={"size": 4},
        line={"dash": "dash", "color": ORANGE, "width": 1.5},
        hovertemplate="%{x|%d %b}: %{y:.2f} % by confidence alone<extra></extra>",
    )  # fmt: skip
    lines = [(objective, f"objective {100 * objective:g} %", "dot", "bottom")]
    if baseline is not None:
        lines.append((baseline, f"it was {100 * baseline:.2f} %", "dashdot", "top"))
    for share, words, dash, side in lines:
        figure.add_hline(
            100 * share, line={"color": GREY, "dash": dash, "width": 1.5},
            annotation_text=words, annotation_position=f"{side} right",
        )  # fmt: skip
    figure.update_yaxes(ticksuffix=" %", fixedrange=True, zeroline=False)
    # Left to itself, an axis of a few days names each of them several times.
    ticks = [day.day for day in ordered][:: len(ordered) // MOST_TICKS + 1]
    figure.update_xaxes(fixedrange=True, tickformat="%d %b", tickvals=ticks)
    figure.update_layout(
        height=HEIGHT_PX, margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
    )  # fmt: skip
    return figure


def days_words(found: Sequence[AccuracyDay]) -> str:
    """The same picture for those who hear it."""
    return ". ".join(_hover(day) for day in found if day.labelled) or "No day has a label yet."
