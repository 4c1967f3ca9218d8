"""The one vocabulary of states: a word, a symbol and a colour for each, as markdown."""

from typing import NamedTuple

from backend_api.schemas import Readiness


class Look(NamedTuple):
    """How a state is shown: never by its colour alone."""

    word: str
    icon: str
    colour: str


LOOKS: dict[str, Look] = {
    # health, ordered worst first
    "down": Look("Down", "error", "red"),
    "degraded": Look("Degraded", "warning", "orange"),
    "unknown": Look("Unknown", "help", "gray"),
    "ok": Look("Fine", "check_circle", "green"),
    # versions and deployments
    "registered": Look("Registered", "inventory_2", "gray"),
    "staging": Look("Staging", "layers", "blue"),
    "validated": Look("Validated", "fact_check", "violet"),
    "canary": Look("Canary", "call_split", "orange"),
    "production": Look("Production", "check_circle", "green"),
    "active": Look("Active", "check_circle", "green"),
    "archived": Look("Archived", "archive", "gray"),
    "rejected": Look("Rejected", "block", "red"),
    "rolled_back": Look("Rolled back", "undo", "red"),
    "shadow": Look("In the shadow", "join_inner", "violet"),
    "fallback": Look("Rules answer", "rule", "orange"),
    # a canary's verdicts and steps
    "promote": Look("Good to go on", "trending_up", "green"),
    "roll_back": Look("Go back", "undo", "red"),
    "not_enough": Look("Not enough evidence", "hourglass_empty", "gray"),
    "done": Look("Done", "check", "green"),
    "now": Look("Now", "autorenew", "blue"),
    "paused": Look("Paused", "pause_circle", "orange"),
    "next": Look("Next", "schedule", "gray"),
    "completed": Look("Completed", "check_circle", "green"),
    "superseded": Look("Superseded", "swap_horiz", "gray"),
    "aborted": Look("Went back", "undo", "red"),
    # accuracy, and incidents
    "met": Look("Met", "check_circle", "green"),
    "missed": Look("Missed", "trending_down", "red"),
    "not_enough_labels": Look("Not enough labels", "hourglass_empty", "gray"),
    "triggered": Look("Triggered", "notifications_active", "red"),
    "acknowledged": Look("Acknowledged", "visibility", "orange"),
    "mitigated": Look("Mitigated", "healing", "blue"),
    "resolved": Look("Resolved", "task_alt", "green"),
    "closed": Look("Closed", "archive", "gray"),
    # drift
    "none": Look("No drift", "check_circle", "green"),
    "insufficient": Look("Too few rows", "hourglass_empty", "gray"),
    "medium": Look("Medium", "change_history", "orange"),
    "high": Look("High", "error", "red"),
    # freeze windows
    "frozen": Look("Frozen", "ac_unit", "blue"),
    "open": Look("Open", "lock_open", "green"),
    # accounts and tokens
    "disabled": Look("Disabled", "block", "gray"),
    "revoked": Look("Revoked", "block", "gray"),
    # gates
    "pass": Look("Passed", "check", "green"),
    "fail": Look("Failed", "close", "red"),
    "not_applicable": Look("Does not apply", "remove", "gray"),
    # promotion requests
    "pending": Look("Pending", "hourglass_empty", "orange"),
    "applied": Look("Applied", "check", "green"),
    "withdrawn": Look("Withdrawn", "undo", "gray"),
    "void": Look("Void", "cancel", "gray"),
    "expired": Look("Expired", "timer_off", "gray"),
    # jobs, and versions in a worker's memory
    "queued": Look("Queued", "schedule", "gray"),
    "running": Look("Running", "autorenew", "blue"),
    "succeeded": Look("Succeeded", "check", "green"),
    "failed": Look("Failed", "close", "red"),
    "loading": Look("Loading", "autorenew", "blue"),
    "ready": Look("Ready", "check", "green"),
}


def look(state: str) -> Look:
    """The look of a state; one without a look of its own shows its own name."""
    return LOOKS.get(str(state), Look(str(state).replace("_", " ").capitalize(), "help", "gray"))


def badge(state: str, word: str | None = None) -> str:
    """Markdown of a state: symbol, word and colour."""
    found = look(state)
    return f":{found.colour}-badge[:material/{found.icon}: {word or found.word}]"


def readiness(found: Readiness) -> str:
    """Markdown of the way back: is there one, and how warm is it."""
    if found.target is None:
        return badge(found.state, "No way back yet")
    return badge(found.state, f"Back to {found.target}: warm on {found.warm} of {found.replicas}")


def by_hand(actor: str) -> str:
    """Markdown that marks what was typed as SQL, past the console; empty for everybody else."""
    if not actor.startswith("sql:"):
        return ""
    return " :violet-badge[:material/terminal: by hand]"
