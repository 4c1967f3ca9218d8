"""Pictures: values in, plotly figure out. No clock, no network, no Streamlit.

Colours keep a contrast of 3:1 on white and on near-black; every series also differs by its
symbol, pattern or written name, so that no picture needs its colours to be read.
"""

from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

BLUE = "#2a74c8"
ORANGE = "#b8590b"
GREY = "#808891"
PASSING = "rgba(46, 160, 103, 0.16)"
ROW_PX = 100
# Between two metrics: the numbers of the upper axis and the title of the lower one.
GAP_PX = 60
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


def bounds(measure: Measure) -> tuple[float, float]:
    """Ends of a metric's axis: every known value and the line, with room on both sides."""
    known = [v for v in (measure.candidate, measure.production) if v is not None]
    values = [measure.threshold, *known]
    low, high = min(values), max(values)
    room = 0.25 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _point(name: str, value: float | None, look: dict[str, object], first: bool) -> go.Scatter:
    return go.Scatter(
        x=[] if value is None else [value],
        y=[] if value is None else [0],
        name=name,
        legendgroup=name,
        showlegend=first,
        mode="markers",
        marker=look,
        hovertemplate=f"{name}: %{{x:.4g}}<extra></extra>",
    )


def _line(figure: go.Figure, measure: Measure, row: int) -> None:
    low, high = bounds(measure)
    passing = (measure.threshold, high) if ">" in measure.op else (low, measure.threshold)
    figure.add_vrect(*passing, fillcolor=PASSING, line_width=0, row=row, col=1)
    figure.add_vline(measure.threshold, line={"color": GREY, "dash": "dot"}, row=row, col=1)
    figure.update_xaxes(range=[low, high], nticks=5, row=row, col=1)


def comparison(candidate: str, production: str | None, measures: list[Measure]) -> go.Figure:
    """Each metric on its own axis: this version, production, and the side that passes shaded."""
    titles = [f"{m.label}  ·  must be {m.op} {m.threshold:g}" for m in measures]
    count = max(1, len(measures))
    figure = make_subplots(
        rows=count, cols=1, subplot_titles=titles, vertical_spacing=GAP_PX / (ROW_PX * count)
    )
    for row, measure in enumerate(measures, start=1):
        if production is not None:
            open_circle = {"symbol": "circle-open", "size": 15, "color": ORANGE}
            open_circle["line"] = {"width": 3, "color": ORANGE}
            name = f"{production} (production)"
            figure.add_trace(_point(name, measure.production, open_circle, row == 1), row, 1)
        filled = {"symbol": "diamond", "size": 11, "color": BLUE}
        figure.add_trace(_point(candidate, measure.candidate, filled, row == 1), row, 1)
        _line(figure, measure, row)
    figure.update_yaxes(
        showticklabels=False, showgrid=False, zeroline=False, range=[-1, 1], fixedrange=True
    )
    figure.update_xaxes(showgrid=False, zeroline=False, fixedrange=True)
    figure.update_annotations(x=0, xanchor="left", font_size=13)
    figure.update_layout(
        height=ROW_PX * count + 70,
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1 + 44 / (ROW_PX * count), "yanchor": "bottom"},
    )
    return figure


def comparison_words(candidate: str, production: str | None, measures: list[Measure]) -> str:
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


def split(rows: list[Split]) -> go.Figure:
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
