"""What was recorded of a moment, as plain sentences: for the History page and the command line."""

from datetime import datetime

from backend_api.schemas import Approval, Decided, Moment
from console import times

HASH_SHOWN = 12
PARTS = (
    ("production", "Production"),
    ("canary", "Canary"),
    ("fallback", "Rules"),
    ("hold", "Hold"),
)


def parts(moment: Moment) -> list[tuple[str, Decided]]:
    """What was decided, by the name of each part."""
    found = [(word, getattr(moment, name)) for name, word in PARTS]
    return [(word, decided) for word, decided in found if decided is not None]


def what(decided: Decided) -> str:
    """The version, and its share if it has one."""
    share = f" at\u00a0{decided.share}\u00a0%" if decided.share is not None else ""
    return f"{decided.version}{share}" if decided.version else "set"


def since(decided: Decided, now: datetime) -> str:
    """From when on."""
    return f"{times.utc(decided.since, now)}{' or earlier' if decided.baseline else ''}"


def until(decided: Decided, now: datetime) -> str:
    """Until when."""
    return times.utc(decided.until, now) if decided.until else "still so"


def why(decided: Decided) -> str:
    """The reason and the ledger row that holds it."""
    entry = decided.entry
    if entry is None:
        return "No ledger row tells of it."
    reason = f"{entry.reason.rstrip('.')}." if entry.reason else "No reason was given."
    return f"{reason} Ledger row {entry.seq:,}: {entry.action}."


def signed(approval: Approval, now: datetime) -> str:
    """Who asked, who approved, and whether the evidence is what was signed."""
    one = approval.promotion
    decided = times.utc(one.decided_at, now) if one.decided_at else "at an unknown time"
    glass = ", breaking the glass" if one.break_glass else ""
    seen = ""
    if one.break_glass:
        seen = f" Reviewed by {one.reviewed_by}." if one.reviewed_by else " Not reviewed yet."
    kept = f"Ledger row {approval.seq:,} holds the same" if approval.seq else "No ledger row has it"
    if approval.seq is not None and not approval.intact:
        kept = f"Ledger row {approval.seq:,} holds another: the request was altered since"
    return (
        f"{one.requested_by} asked for {one.version}, {one.decided_by} approved it{glass},"
        f" {decided}.{seen} Evidence {one.evidence_hash[:HASH_SHOWN]}…: {kept}."
    )


def approvals(moment: Moment) -> list[Approval]:
    """Of production and of the canary, where there are any."""
    return [d.approval for _, d in parts(moment) if d.approval is not None]


def unapproved(moment: Moment) -> list[str]:
    """Versions that nobody had approved by then."""
    return [d.version for _, d in parts(moment) if d.version and d.approval is None]
