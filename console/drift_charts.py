"""Pictures of drift: values in, plotly figure out."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from backend_api.schemas import DriftScore
from backend_api.states import DRIFT_ALARMS, DriftState
from console.charts import GREY, PICTURES

MEDIUM, HIGH = 0.1, 0.3
CELL_PX, STRIP_PX, TOP_PX, BOTTOM_PX = 27, 54, 12, 34
# With more days than this a cell has no room for its number.
WRITTEN_DAYS = 8
# A state by its symbol as well as by its colour; where each state's colours lie on the scale.
SYMBOLS = {DriftState.NONE: "", DriftState.MEDIUM: "▲", DriftState.HIGH: "●",
           DriftState.INSUFFICIENT: "·"}  # fmt: skip
PLACES = {DriftState.INSUFFICIENT: 0.0, DriftState.NONE: 1.0, DriftState.MEDIUM: 2.6,
          DriftState.HIGH: 3.8}  # fmt: skip
FARTHEST = 4.0
# Written on a cell that lets the ground through, by whether that is dark; and on one that does not.
INK = {False: "#23302d", True: "#e6e9e4"}
ON_COLOUR = {DriftState.MEDIUM: "#23160a", DriftState.HIGH: "#ffffff"}
SCALE = [
    [0.0, "rgba(128,136,145,0.18)"], [0.24, "rgba(128,136,145,0.18)"],
    [0.24, "rgba(44,148,132,0.10)"], [0.51, "rgba(44,148,132,0.52)"],
    [0.51, "#dfa04c"], [0.8, "#dfa04c"], [0.8, "#d2574a"], [1.0, "#d2574a"],
]  # fmt: skip


def _place(state: DriftState, distance: float | None) -> float:
    """Where a cell lies on the scale; quiet ones are greener the further they moved."""
    if state == DriftState.NONE:
        return PLACES[state] + min((distance or 0.0) / MEDIUM, 1.0)
    return PLACES[state]


def _written(state: DriftState, distance: float | None, room: bool) -> str:
    # Quiet days say by their shade how far they moved: where all is well, nothing is to be read.
    if state not in DRIFT_ALARMS or distance is None or not room:
        return SYMBOLS[state]
    return f"{SYMBOLS[state]} {distance:.2f}".strip()


def _cell(score: DriftScore, place: int, day: date, rows: int) -> str:
    state, distance = score.day_states[place], score.days[place]
    told = "no request" if distance is None else f"{distance:.3f}, {state.value}"
    return f"{score.name}, {day:%a %-d %b}: {told} ({rows:,} rows)"


@lru_cache(maxsize=PICTURES)
def heat(
    days: tuple[date, ...], rows: tuple[int, ...], scores: tuple[DriftScore, ...], *, dark: bool
) -> go.Figure:
    """Each feature's distance on each day, worst feature on top, under the number of requests."""
    names = [_short(score.name) for score in scores]
    room = len(days) <= WRITTEN_DAYS
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.02,
        row_heights=[STRIP_PX, CELL_PX * max(1, len(scores))],
    )  # fmt: skip
    figure.add_bar(
        x=list(days), y=list(rows), marker={"color": GREY, "opacity": 0.5}, row=1, col=1,
        hovertemplate="%{x|%a %-d %b}: %{y:,} requests<extra></extra>",
    )  # fmt: skip
    states = [[(s.day_states[i], s.days[i]) for i in range(len(days))] for s in scores]
    figure.add_heatmap(
        x=list(days), y=names, z=[[_place(*cell) for cell in row] for row in states],
        zmin=0, zmax=FARTHEST, colorscale=SCALE, showscale=False, xgap=2, ygap=2,
        hovertext=[[_cell(s, i, day, rows[i]) for i, day in enumerate(days)] for s in scores],
        hoverinfo="text", row=2, col=1,
    )  # fmt: skip
    written = [
        (day, name, word, ON_COLOUR.get(cell[0], INK[dark]))
        for name, row in zip(names, states, strict=True)
        for day, cell in zip(days, row, strict=True)
        # Each text costs the browser as much as a line of a table, an empty one too.
        if (word := _written(*cell, room))
    ]
    figure.add_scatter(
        x=[w[0] for w in written], y=[w[1] for w in written], mode="text",
        text=[w[2] for w in written], hoverinfo="skip",
        textfont={"color": [w[3] for w in written]}, row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(fixedrange=True, automargin=True, showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", row=2, col=1)
    figure.update_yaxes(nticks=3, row=1, col=1)
    figure.update_xaxes(
        fixedrange=True,
        showgrid=False,
        tickformat="%-d %b",
        type="date",
        **({"tickvals": list(days)} if room else {"nticks": 12}),
    )
    figure.update_layout(
        height=STRIP_PX + CELL_PX * max(1, len(scores)) + TOP_PX + BOTTOM_PX, bargap=0.25,
        margin={"l": 8, "r": 8, "t": TOP_PX, "b": BOTTOM_PX}, showlegend=False,
    )  # fmt: skip
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"


def heat_words(days: Sequence[date], scores: Sequence[DriftScore]) -> str:
    """The same picture for those who hear it: what was not quiet, feature by feature."""
    told = []
    for score in scores:
        moved = [
            f"{day:%-d %b} {score.day_states[i].value}"
            for i, day in enumerate(days)
            if score.day_states[i] in DRIFT_ALARMS
        ]
        if moved:
            told.append(f"{score.name}: {', '.join(moved)}")
    return ". ".join(told) + "." if told else "No feature drifted on any day by itself."
