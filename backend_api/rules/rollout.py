"""What happens next to a canary: the plan's steps, moved by verdicts and never by silence."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import log

from backend_api.rules.judge import FALSE_LIMIT, Judgement
from backend_api.rules.rollout_plan import FULL, Plan, next_share
from backend_api.rules.sequential import log_share
from backend_api.states import RolloutState, Verdict


class Action(StrEnum):
    """What the watch does about a rollout."""

    WAIT = "wait"
    ADVANCE = "advance"
    COMPLETE = "complete"
    PAUSE = "pause"
    ROLL_BACK = "roll_back"
    GIVE_UP = "give_up"


@dataclass(frozen=True)
class Move:
    """An action, the share that it leads to, and why in a sentence."""

    action: Action
    share: int
    sentence: str


def skew(canary: int, stable: int, share: int) -> str | None:
    """What is wrong with the split if users of both arms do not fit the share, beyond chance.

    A sample ratio mismatch: arms that were filled otherwise than by the hash of the key cannot
    be compared.
    """
    if canary + stable == 0 or log_share(canary, canary + stable, share / 100) < -log(FALSE_LIMIT):
        return None
    return (
        f"{canary:,} of {canary + stable:,} users got the canary, but its share is {share} %:"
        " the split is not what was set, so the arms cannot be compared."
    )


def next_move(
    plan: Plan, state: RolloutState, share: int, judgement: Judgement, idle: timedelta,
    skewed: str | None = None,
) -> Move:  # fmt: skip
    """Decide from the newest verdict and how long both arms gave nothing to compare.

    A bad canary goes back also while it is paused; a pause only stops it from going on.
    """
    if judgement.verdict == Verdict.ROLL_BACK:
        if plan.on_bad == "roll_back":
            return Move(Action.ROLL_BACK, 0, judgement.sentence)
        return Move(Action.PAUSE, share, judgement.sentence)
    if skewed is not None:
        return Move(Action.PAUSE, share, skewed)
    if idle >= plan.patience:
        hours = idle.total_seconds() / 3600
        return Move(
            Action.GIVE_UP, 0,
            f"Nothing could be compared for {hours:.1f} h. That is not the canary's fault, but"
            " nobody knows how it does.",
        )  # fmt: skip
    if state == RolloutState.PAUSED or judgement.verdict == Verdict.NOT_ENOUGH:
        return Move(Action.WAIT, share, judgement.sentence)
    to = next_share(plan, share)
    action = Action.COMPLETE if to == FULL else Action.ADVANCE
    return Move(action, to, judgement.sentence)
