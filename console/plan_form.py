"""The fields of a rollout's plan, wherever one may be written: shares, times, and what ends it."""

import streamlit as st

from backend_api.schemas import Plan
from console import forms

USUAL = Plan(steps=[10, 50, 100], minutes=1440, min_requests=1000, patience_minutes=1440)
ON_BAD = {"roll_back": "Roll it back", "hold": "Only pause it"}


def words(plan: Plan) -> str:
    """A plan in one line."""
    steps = " → ".join(f"{share} %" for share in plan.steps)
    return (
        f"{steps}, {length(plan.minutes)} each, at least {plan.min_requests:,} units an arm;"
        f" without answers back after {length(plan.patience_minutes)}; a verdict against it"
        f" {'rolls it back' if plan.on_bad == 'roll_back' else 'only pauses it'}"
    )


def length(minutes: float) -> str:
    """Minutes as hours where that is the plainer word."""
    return f"{minutes / 60:g} h" if minutes >= 60 and minutes % 30 == 0 else f"{minutes:g} min"


def fields(key: str, plan: Plan) -> None:
    """The fields, filled with the plan that holds now."""
    st.text_input(
        "Shares in per cent, rising", ", ".join(map(str, plan.steps)), key=f"{key}.steps",
        help="After the last one the canary becomes production.",
    )  # fmt: skip
    left, middle, right = st.columns(3)
    left.number_input("Minutes a share", 1.0, 43_200.0, plan.minutes, key=f"{key}.minutes")
    middle.number_input("Units of each arm", 1, 10**9, plan.min_requests, key=f"{key}.least")
    right.number_input(
        "Minutes of patience", 1.0, 43_200.0, plan.patience_minutes, key=f"{key}.patience",
        help="So long may there be nothing to compare; then the share goes back.",
    )  # fmt: skip
    st.radio(
        "A verdict against it should", list(ON_BAD), list(ON_BAD).index(plan.on_bad),
        format_func=ON_BAD.__getitem__, key=f"{key}.on_bad", horizontal=True,
    )  # fmt: skip


def written(key: str) -> Plan:
    """The plan that stands in the fields now.

    Raises:
        ValidationError: the shares are no rising ones.
    """
    return Plan.model_validate(
        {
            "steps": forms.value(key, "steps"),
            "minutes": forms.value(key, "minutes"),
            "min_requests": forms.value(key, "least"),
            "patience_minutes": forms.value(key, "patience"),
            "on_bad": forms.value(key, "on_bad"),
        }
    )
