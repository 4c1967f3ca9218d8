"""Pictures of a canary beside the stable version: values in, plotly figure out."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from backend_api.schemas import ArmRate, Comparison, CountedMinute
from console.charts import BLUE, GREY, ORANGE

ROW_PX, GAP_PX, TOP_PX, BOTTOM_PX = 46, 58, 64, 30
TIMELINE_PX = 260
# A point for every so many minutes: what a single one shows is chance.
WINDOW = 10


def _point(arm: ArmRate) -> float:
    return 100 * arm.bad / arm.units if arm.units else 0.0


def _interval(name: str, arm: ArmRate, colour: str, symbol: str, first: bool) -> go.Scatter:
    middle = _point(arm)
    return go.Scatter(
        x=[middle], y=[name], name=name, legendgroup=name, showlegend=first, mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 11},
        error_x={
            "type": "data", "symmetric": False, "array": [100 * arm.high - middle],
            "arrayminus": [middle - 100 * arm.low], "color": colour, "thickness": 2, "width": 6,
        },
        hovertemplate=(
            f"{name}: {middle:.2f} % ({arm.bad:,} of {arm.units:,}),"
            f" between {100 * arm.low:.2f} % and {100 * arm.high:.2f} %<extra></extra>"
        ),
    )  # fmt: skip


def arms(canary: str, stable: str, comparisons: Sequence[Comparison]) -> go.Figure:
    """Each comparison's rates in per cent with intervals that hold at every look."""
    shown = [c for c in comparisons if c.canary.units and c.stable.units]
    body = max(1, len(shown)) * (2 * ROW_PX) + GAP_PX * max(0, len(shown) - 1)
    figure = make_subplots(
        rows=max(1, len(shown)), cols=1,
        subplot_titles=[f"{c.title.capitalize()}, per cent" for c in shown],
        vertical_spacing=GAP_PX / body if len(shown) > 1 else 0.0,
    )  # fmt: skip
    for row, found in enumerate(shown, start=1):
        first = row == 1
        figure.add_trace(_interval(stable, found.stable, BLUE, "diamond", first), row, 1)
        figure.add_trace(_interval(canary, found.canary, ORANGE, "circle", first), row, 1)
    figure.update_yaxes(range=[-0.6, 1.6], fixedrange=True, automargin=True, showgrid=False)
    figure.update_xaxes(fixedrange=True, rangemode="tozero", nticks=6, zeroline=False)
    figure.update_annotations(x=0, xanchor="left", font_size=12)
    figure.update_layout(
        height=body + TOP_PX + BOTTOM_PX,
        margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1 + 30 / body, "yanchor": "bottom"},
    )
    return figure


def arms_words(canary: str, stable: str, comparisons: Sequence[Comparison]) -> str:
    """The same picture for those who hear it."""
    return " ".join(
        f"{c.title.capitalize()}: {canary} {_point(c.canary):.2f} % of {c.canary.units:,},"
        f" {stable} {_point(c.stable):.2f} % of {c.stable.units:,}."
        for c in comparisons
    )


def _rates(
    minutes: Sequence[CountedMinute], arm: str
) -> tuple[list[object], list[float], list[int]]:
    at: list[object] = []
    rates, units = [], []
    for start in range(0, len(minutes), WINDOW):
        part = minutes[start : start + WINDOW]
        total = sum(getattr(m, f"{arm}_units") for m in part)
        if total:
            at.append(part[0].at)
            rates.append(100 * sum(getattr(m, f"{arm}_errors") for m in part) / total)
            units.append(total)
    return at, rates, units


def timeline(canary: str, stable: str, minutes: Sequence[CountedMinute]) -> go.Figure:
    """Failed users' minutes in per cent over time, with a line where the share changed."""
    figure = go.Figure()
    looks = (("stable", stable, BLUE, "diamond", "dot"), ("canary", canary, ORANGE, "circle", None))
    for arm, name, colour, symbol, dash in looks:
        at, rates, units = _rates(minutes, arm)
        figure.add_scatter(
            x=at, y=rates, name=name, mode="lines+markers", customdata=units,
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 7},
            hovertemplate="%{x|%H:%M}: %{y:.2f} % of %{customdata:,}<extra>" + name + "</extra>",
        )  # fmt: skip
    for before, after in zip([None, *minutes], minutes, strict=False):
        if before is None or before.share != after.share:
            figure.add_vline(x=after.at.timestamp() * 1000, line={"color": GREY, "dash": "dot"})
            figure.add_annotation(
                x=after.at, y=1, yref="paper", yanchor="bottom", xanchor="left", showarrow=False,
                text=f"{after.share} %",
            )  # fmt: skip
    figure.update_yaxes(rangemode="tozero", ticksuffix=" %", fixedrange=True)
    figure.update_xaxes(fixedrange=True)
    figure.update_layout(
        height=TIMELINE_PX, margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1.12, "yanchor": "bottom"},
    )  # fmt: skip
    return figure
