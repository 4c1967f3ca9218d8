"""Picture of a plan walked through past traffic: values in, plotly figure out."""

from collections.abc import Callable
from datetime import datetime

import plotly.graph_objects as go

from backend_api.schemas import DryRunResult
from console.charts import BLUE, GREY, ORANGE

ROW_PX, TOP_PX, BOTTOM_PX = 44, 40, 36
BAR = 0.5


def _bar(
    name: str, colour: str, pattern: str, spans: list[tuple[str, datetime, datetime]]
) -> go.Bar:
    return go.Bar(
        name=name, orientation="h", width=BAR, y=[row for row, _, _ in spans],
        base=[since for _, since, _ in spans],
        x=[1000 * (until - since).total_seconds() for _, since, until in spans],
        marker={
            "color": colour,
            "pattern": {"shape": pattern, "bgcolor": colour, "fgcolor": "white", "solidity": 0.25},
        },
        hovertemplate="%{y}: %{base|%-d %b %H:%M} to %{x|%-d %b %H:%M}<extra>" + name + "</extra>",
    )  # fmt: skip


def course(found: DryRunResult, local: Callable[[datetime], datetime]) -> go.Figure:
    """Each step's time, what of it stood still, and when an assumed bad canary is caught.

    ``local`` takes a moment into the reader's zone.
    """
    rows = [f"{step.share} %" for step in found.steps]
    end = local(found.ends_at or found.until)
    spans = [
        (f"{s.share} %", local(s.since), local(s.until) if s.until else end) for s in found.steps
    ]
    figure = go.Figure(_bar("Compared", BLUE, "", spans))
    if found.stalls:
        stalls = [(f"{s.share} %", local(s.since), local(s.until)) for s in found.stalls]
        figure.add_trace(_bar("Nothing to compare", GREY, "/", stalls))
    reached = [(f"{s.share} %", local(s.least_at)) for s in found.steps if s.least_at is not None]
    if reached:
        figure.add_trace(_marks("Minimum reached", "diamond", reached))
    if found.assumed is not None and found.assumed.caught_at is not None:
        caught = (f"{found.assumed.share} %", local(found.assumed.caught_at))
        figure.add_trace(_marks("Bad canary goes back", "x", [caught]))
    # Else plotly takes a per cent for a number.
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=rows[::-1],
        fixedrange=True,
        automargin=True,
    )
    figure.update_xaxes(type="date", fixedrange=True)
    figure.update_layout(
        barmode="overlay", height=TOP_PX + BOTTOM_PX + ROW_PX * max(1, len(rows)),
        margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    return figure


def _marks(name: str, symbol: str, points: list[tuple[str, datetime]]) -> go.Scatter:
    return go.Scatter(
        x=[at for _, at in points], y=[row for row, _ in points], mode="markers", name=name,
        hovertemplate="%{y}: %{x|%-d %b %H:%M}<extra>" + name + "</extra>",
        marker={"symbol": symbol, "size": 14, "color": ORANGE,
                "line": {"width": 1, "color": "white"}},
    )  # fmt: skip
