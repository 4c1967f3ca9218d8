"""Pictures: values in, plotly figure out. No clock, no network, no Streamlit.

Colours keep a contrast of 3:1 on white and on near-black; every series also differs by its
symbol, pattern or written name, so that no picture needs its colours to be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import plotly.graph_objects as go
from plotly.subplots import make_subplots

BLUE = "#2a74c8"
ORANGE = "#b8590b"
GREY = "#808891"
# Plotly takes a fifth of a second for one, and a page is drawn anew at every click.
PICTURES = 64
PASSING = "rgba(46, 160, 103, 0.16)"
LINE_PX = 36
# Between two axes: the numbers of the upper one and the title of the lower one.
GAP_PX = 56
TOP_PX, BOTTOM_PX = 60, 28
BAR_PX = 42
# Below this share, in per cent, a bar has no room for its version's name on a telephone.
NARROW = 40


@dataclass(frozen=True)
class Measure:
    """One metric of a version beside production's, with the line it must keep to.

    ``op`` is one of ``>``, ``>=``, ``<``, ``<=``; None stands for a metric that was not logged.
    """

    label: str
    op: str
    threshold: float
    candidate: float | None
    production: float | None


@dataclass(frozen=True)
class Split:
    """What a place (the decision, or workers) gives to each arm; ``share`` in per cent."""

    place: str
    production: str | None
    canary: str | None
    share: int


def blocks(measures: Sequence[Measure]) -> list[list[Measure]]:
    """Metrics that must keep to the same line, together; in the order of the first of each."""
    found: dict[tuple[str, float], list[Measure]] = {}
    for measure in measures:
        found.setdefault((measure.op, measure.threshold), []).append(measure)
    return list(found.values())


def bounds(block: list[Measure]) -> tuple[float, float]:
    """Ends of a block's axis: every known value and the line, with room on both sides."""
    known = [v for m in block for v in (m.candidate, m.production) if v is not None]
    values = [block[0].threshold, *known]
    low, high = min(values), max(values)
    room = 0.25 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _points(name: str, values: dict[str, float], look: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=list(values.values()),
        y=list(values),
        name=name,
        legendgroup=name,
        showlegend=False,
        mode="markers",
        marker=look,
        hovertemplate=f"%{{y}}, {name}: %{{x:.4g}}<extra></extra>",
    )


def _line(figure: go.Figure, block: list[Measure], row: int) -> None:
    low, high = bounds(block)
    op, threshold = block[0].op, block[0].threshold
    passing = (threshold, high) if ">" in op else (low, threshold)
    figure.add_vrect(*passing, fillcolor=PASSING, line_width=0, row=row, col=1)
    figure.add_vline(threshold, line={"color": GREY, "dash": "dot"}, row=row, col=1)
    figure.update_xaxes(range=[low, high], nticks=6, row=row, col=1)
    # Named even where nothing was logged, from the top down.
    labels = [m.label for m in block]
    figure.update_yaxes(
        categoryorder="array", categoryarray=labels[::-1], range=[-0.6, len(block) - 0.4],
        tickvals=labels, row=row, col=1,
    )  # fmt: skip


@lru_cache(maxsize=PICTURES)
def comparison(candidate: str, production: str | None, measures: tuple[Measure, ...]) -> go.Figure:
    """This version and production, metric by metric, with the side of the line that passes shaded.

    Metrics that must keep to the same line share an axis.
    """
    found = blocks(measures)
    body = LINE_PX * len(measures) + GAP_PX * (len(found) - 1)
    figure = make_subplots(
        rows=max(1, len(found)), cols=1,
        row_heights=[len(block) for block in found] or None,
        subplot_titles=[f"must be {b[0].op} {b[0].threshold:g}" for b in found],
        vertical_spacing=GAP_PX / body if len(found) > 1 else 0.0,
    )  # fmt: skip
    ring = {"symbol": "circle-open", "size": 15, "color": ORANGE, "line": {"width": 3}}
    diamond = {"symbol": "diamond", "size": 11, "color": BLUE}
    for row, block in enumerate(found, start=1):
        if production is not None:
            there = {m.label: m.production for m in block if m.production is not None}
            figure.add_trace(_points(f"{production} (production)", there, ring), row, 1)
        here = {m.label: m.candidate for m in block if m.candidate is not None}
        figure.add_trace(_points(candidate, here, diamond), row, 1)
        _line(figure, block, row)
    for trace in figure.data[: 2 if production is not None else 1]:
        trace.showlegend = True
    _frame(figure, max(body, LINE_PX))
    return figure


def _frame(figure: go.Figure, body: int) -> None:
    figure.update_yaxes(showgrid=False, zeroline=False, fixedrange=True, automargin=True)
    figure.update_xaxes(showgrid=False, zeroline=False, fixedrange=True)
    figure.update_annotations(x=0, xanchor="left", font_size=12)
    figure.update_layout(
        height=body + TOP_PX + BOTTOM_PX,
        margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"orientation": "h", "x": 0, "y": 1 + 28 / body, "yanchor": "bottom"},
    )


def comparison_words(candidate: str, production: str | None, measures: Sequence[Measure]) -> str:
    """The same picture for those who hear it."""

    def said(value: float | None) -> str:
        return "logged no value" if value is None else f"has {value:.4g}"

    parts = []
    for m in measures:
        beside = f", {production} {said(m.production)}" if production else ""
        line = f"must be {m.op} {m.threshold:g}"
        parts.append(f"{m.label}: {candidate} {said(m.candidate)}{beside}, {line}")
    return ". ".join(parts) + "."


def _written(version: str | None, share: int) -> str:
    if not version or not share:
        return ""
    return f"{version} · {share} %" if share >= NARROW else f"{share} %"


@lru_cache(maxsize=PICTURES)
def split(rows: tuple[Split, ...]) -> go.Figure:
    """How requests are shared between the arms, a bar per place."""
    places = [row.place for row in rows]
    figure = go.Figure()
    arms = (
        ("Production", BLUE, "", [(r.production, 100 - r.share) for r in rows]),
        ("Canary", ORANGE, "/", [(r.canary, r.share) for r in rows]),
    )
    for name, colour, pattern, shares in arms:
        figure.add_bar(
            name=name,
            x=[share if version else 0 for version, share in shares],
            y=places,
            orientation="h",
            text=[_written(version, share) for version, share in shares],
            textposition="inside",
            insidetextanchor="middle",
            insidetextfont={"color": "white"},
            textangle=0,
            marker={
                "color": colour,
                "pattern": {
                    "shape": pattern,
                    "fillmode": "overlay",
                    "fgcolor": "white",
                    "fgopacity": 0.2,
                    "size": 7,
                },
            },
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        bargap=0.3,
        height=BAR_PX * len(rows) + 56,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    )
    figure.update_xaxes(range=[0, 101], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    return figure
