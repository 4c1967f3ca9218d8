"""What the Drift page shows of a window: the answer, its parts, features by day, one of them."""

from datetime import datetime

import streamlit as st

from backend_api.schemas import Drift, DriftPart, DriftResult, DriftScore
from backend_api.states import DRIFT_ALARMS, Against, DriftState, Health, Permission
from console import badges, choice, drift_bins, drift_charts, drift_scale, forms, parts, session
from console.markdown import grid, plain

HEALTHS = {
    DriftState.NONE: Health.OK,
    DriftState.INSUFFICIENT: Health.UNKNOWN,
    DriftState.MEDIUM: Health.DEGRADED,
    DriftState.HIGH: Health.DOWN,
}
QUALITY = {Health.OK: ("none", "As before"), Health.DEGRADED: ("high", "Odd values"),
           Health.UNKNOWN: ("insufficient", "Too few rows")}  # fmt: skip
WINDOWS = {"1": "Today", "7": "7 days", "30": "30 days", "90": "90 days"}
AGAINST = {
    Against.REFERENCE: "Its reference",
    Against.PREVIOUS: "The days before",
    Against.WEEKDAY: "Same weekdays before",
}
THERE = {Against.REFERENCE: "reference", Against.PREVIOUS: "before",
         Against.WEEKDAY: "same weekdays"}  # fmt: skip
TITLES = {"prediction": "Prediction", "input": "Input", "text": "Text"}
ABSENT = {
    "prediction": "No output is watched.",
    "input": "No input is watched.",
    "text": "The words were not compared.",
}
ORDER = {state: place for place, state in enumerate(DriftState)}
SHOWN = 30
QUIET = {"displayModeBar": False}


def read(
    model: str, version: str | None, against: Against, days: int, until: datetime | None = None
) -> session.Reading[Drift]:
    """A window's drift; the last good reading where the backend does not answer."""
    return session.read(
        f"drift:{model}:{version}:{against}:{days}:{until}",
        lambda: session.backend().drift(
            model, version=version, against=against, days=days, until=until
        ),
    )


def answer(found: Drift) -> tuple[Health, str]:
    """The page's question, answered."""
    kept = found.kept
    if (
        found.against == Against.REFERENCE
        and kept is not None
        and kept.state in DRIFT_ALARMS
        and ORDER[kept.state] > ORDER[found.state]
    ):
        # A long window may hide what the newest days are full of.
        return HEALTHS[kept.state], (
            f"Day by day it stands at {kept.state}; this window as a whole does not."
            f" {kept.day:%-d %B}: {kept.sentence}"
        )
    if _too_few(found) and kept is not None and kept.days > 1 and not _too_few(kept):
        told = f"{found.sentence} Day by day it is {kept.state}: {kept.sentence}"
        return HEALTHS[found.state], told
    state = HEALTHS[found.state]
    if found.quality == Health.DEGRADED and state != Health.DOWN:
        state = Health.DEGRADED
    return state, found.sentence


def _too_few(found: Drift | DriftResult) -> bool:
    return found.state == DriftState.INSUFFICIENT


def cards(found: Drift) -> None:
    """Prediction, input, text and data quality, each with its state and what stands behind it."""
    by_name: dict[str, DriftPart] = {part.name: part for part in found.parts}
    columns = st.columns(4)
    for column, name in zip(columns, TITLES, strict=False):
        with column.container(border=True, height="stretch"):
            _card(TITLES[name], by_name.get(name), ABSENT[name])
    with columns[3].container(border=True, height="stretch"):
        look, word = QUALITY[found.quality]
        st.markdown(f":small[:gray[Data quality]]  \n{badges.badge(look, word)}")
        st.markdown(f"**{len(found.odd)}** odd {'kind' if len(found.odd) == 1 else 'kinds'}")
        first = found.odd[0] if found.odd else None
        st.caption(
            f"{plain(first.feature)}: {first.share:.1%} {_kind(first.kind)}" if first
            else "Missing, unseen, out of range, of another type."
        )  # fmt: skip
    if found.unjudged:
        st.info(plain(found.unjudged), icon=":material/visibility_off:")


def _kind(kind: str) -> str:
    return {"empty": "missing", "wrong": "of another type"}.get(kind, kind)


def _card(title: str, part: DriftPart | None, absent: str) -> None:
    if part is None:
        st.markdown(f":small[:gray[{title}]]  \n{badges.badge('insufficient', 'Not watched')}")
        st.caption(absent)
        return
    st.markdown(f":small[:gray[{title}]]  \n{badges.badge(part.state)}")
    lead = part.worst_distance if part.worst else part.distance
    score = "–" if lead is None else f"{lead:.2f}"
    st.markdown(f"**{score}** :gray[{plain(part.worst or '')}]")
    mean = f"Mean {part.distance:.2f} of all; its noise" if (
        part.name == "input" and part.distance is not None) else "Noise"  # fmt: skip
    st.caption(f"{mean} {part.noise:.2f}")


def features(found: Drift) -> list[DriftScore]:
    """Those that moved most first."""
    return sorted(found.scores, key=lambda s: (-ORDER[s.state], -(s.distance or 0.0)))


def heat(found: Drift) -> None:
    """Features by days."""
    st.header("Features by days", anchor=False)
    ordered = tuple(features(found)[:SHOWN])
    picture = drift_charts.heat(tuple(found.days), tuple(found.day_rows), ordered, dark=_is_dark())
    st.plotly_chart(
        picture, width="stretch", config=QUIET,
        alt=drift_charts.heat_words(found.days, ordered),
        key=f"heat.{found.model_name}.{found.version}.{found.against}.{len(found.days)}",
    )  # fmt: skip
    rest = (
        f" The {SHOWN} that moved most of {len(found.scores)}." if len(found.scores) > SHOWN else ""
    )
    st.caption(
        f"Each day (UTC) by itself against {_there(found)}: ● high, ▲ medium, · too few rows to"
        f" say; a quiet day is greener the further it moved.{rest}"
    )
    # Fifty lines that nobody has unfolded would cost as much time as the picture.
    figures = st.expander(
        "Every feature in figures", type="compact", key="figures", bind="query-params"
    )
    if not figures.open:
        return
    with figures:
        headings = ("Feature", "State", "Score", "Noise", "PSI", "p", "Rows")
        grid(headings, [_row(score) for score in features(found)])
        st.caption(
            "Score: Jensen-Shannon distance to base 2. A state takes a score over its line (0.1,"
            " 0.3), over the noise that 999 of 1,000 windows without drift stay under, and p under"
            " 0.001 among all features. PSI is shown and decides nothing."
        )


def _is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


def _there(found: Drift) -> str:
    words = {Against.REFERENCE: f"the reference of {found.version}",
             Against.PREVIOUS: f"the {len(found.days)} days before",
             Against.WEEKDAY: "the same weekdays before"}  # fmt: skip
    return f"{words[found.against]} ({found.reference_rows:,} rows)"


def _row(score: DriftScore) -> tuple[str, ...]:
    side = " :gray[answer]" if score.is_output else ""
    return (
        f"{plain(score.name)}{side}", badges.badge(score.state), number(score.distance),
        f"{score.noise:.3f}", number(score.psi), f"{score.adjusted:.2g}", f"{score.rows:,}",
    )  # fmt: skip


def number(value: float | None) -> str:
    """A score with three places, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def one(found: Drift) -> None:
    """One feature's two distributions."""
    st.header("One feature", anchor=False)
    ordered = features(found)
    names = [score.name for score in ordered]
    name = choice.option(
        "Feature", "feature", names, {n: n for n in names}, names[0],
        of=f"{found.model_name}.{found.version}",
    )  # fmt: skip
    score = next(s for s in ordered if s.name == name)
    st.markdown(
        f"{badges.badge(score.state)} {score.rows:,} rows against {score.reference_rows:,};"
        f" score {number(score.distance)}, noise {score.noise:.3f}, PSI {number(score.psi)}"
    )
    st.html(drift_scale.scale(score.distance, score.noise))
    if not session.can(Permission.READ_PREDICTIONS):
        forms.barred("Reading what was asked and answered", Permission.READ_PREDICTIONS)
        return
    reading = session.read(
        f"drift:{found.model_name}:{found.version}:{found.against}:{found.days}:{name}",
        lambda: session.backend().drift_feature(
            found.model_name, name, version=found.version, against=found.against,
            days=len(found.days), until=found.until,
        ),
    )  # fmt: skip
    parts.stale(reading)
    if reading.value is None:
        return
    st.html(drift_bins.table(reading.value, "this window", THERE[found.against]))


def odd(found: Drift) -> None:
    """Values that should not come, if there are any."""
    if not found.odd:
        return
    st.header("Odd values", anchor=False)
    st.caption(
        "Missing values and other types are faults on the way to the model: mend them there, as"
        " retraining would learn them. What is out of range or unseen may be either."
    )
    st.markdown("\n".join(f"- {plain(one.sentence)}" for one in found.odd))
