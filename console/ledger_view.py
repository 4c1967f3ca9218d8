"""The ledger on the History page: one line per row, its evidence a click away, and as CSV."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import streamlit as st

from backend_api.schemas import LedgerEntry, LedgerProof
from console import badges, session, times
from console.errors import BackendError
from console.markdown import plain

CSV_PAGE, CSV_ROWS = 500, 20_000
REASON_SHOWN = 90


class Deed(NamedTuple):
    """How an action is told: a word and a symbol."""

    word: str
    icon: str


DEEDS = {
    "version.register": Deed("Registered", "inventory_2"),
    "version.stage": Deed("Staged", "layers"),
    "version.validate.ordered": Deed("Ordered validation of", "schedule"),
    "version.validate": Deed("Validated", "fact_check"),
    "version.quantize.ordered": Deed("Ordered int8 of", "compress"),
    "version.retrain.ordered": Deed("Ordered retraining of", "model_training"),
    "labels.take": Deed("Gave labels of", "label"),
    "predictions.export": Deed("Exported predictions of", "download"),
    "incident.open": Deed("Opened an incident of", "notifications_active"),
    "incident.acknowledged": Deed("Took on an incident of", "visibility"),
    "incident.mitigated": Deed("Mitigated an incident of", "healing"),
    "incident.resolved": Deed("Resolved an incident of", "task_alt"),
    "incident.closed": Deed("Closed an incident of", "archive"),
    "version.verify": Deed("Judged good in production", "verified"),
    "version.reject": Deed("Refused", "block"),
    "promotion.request": Deed("Requested promotion of", "send"),
    "promotion.approve": Deed("Approved promotion of", "check"),
    "promotion.break_glass": Deed("Broke the glass for", "gavel"),
    "promotion.review": Deed("Reviewed break-glass for", "rate_review"),
    "promotion.rejected": Deed("Rejected promotion of", "close"),
    "promotion.withdrawn": Deed("Withdrew promotion of", "undo"),
    "promotion.void": Deed("Voided promotion of", "cancel"),
    "promotion.expired": Deed("Let expire promotion of", "timer_off"),
    "model.promote": Deed("Promoted", "rocket_launch"),
    "model.roll_back": Deed("Rolled back to", "undo"),
    "rehearsal.order": Deed("Ordered rehearsal of", "schedule"),
    "model.rehearse": Deed("Rehearsed the way back to", "theater_comedy"),
    "model.walk_down": Deed("Walks down to", "stairs"),
    "canary.start": Deed("Started canary", "call_split"),
    "canary.share": Deed("Moved share of", "call_split"),
    "canary.abort": Deed("Aborted canary", "call_split"),
    "canary.pause": Deed("Paused canary", "pause_circle"),
    "canary.resume": Deed("Resumed canary", "play_arrow"),
    "canary.plan": Deed("Planned anew canary", "edit_calendar"),
    "canary.supersede": Deed("Superseded canary", "swap_horiz"),
    "canary.walked_down": Deed("Walked down", "stairs"),
    "freeze.make": Deed("Froze promotions", "ac_unit"),
    "freeze.lift": Deed("Lifted a freeze", "lock_open"),
    "fallback.on": Deed("Had rules answer", "rule"),
    "fallback.off": Deed("Let versions answer again for", "rule"),
    "shadow.start": Deed("Mirrored requests to", "join_inner"),
    "shadow.share": Deed("Moved shadow's share of", "join_inner"),
    "shadow.end": Deed("Ended shadow of", "join_inner"),
    "hold.raise": Deed("Held back", "lock"),
    "hold.lift": Deed("Lifted hold of", "lock_open"),
    "deployment.observed": Deed("Saw on all workers", "visibility"),
    "rollback.observed": Deed("Saw rolled back on all workers", "visibility"),
    "drift.medium": Deed("Saw medium drift of", "waves"),
    "drift.high": Deed("Saw high drift of", "waves"),
    "drift.none": Deed("Saw drift end for", "waves"),
    "drift.true_alarm": Deed("Called true a drift alarm of", "thumb_up"),
    "drift.false_alarm": Deed("Called false a drift alarm of", "thumb_down"),
    "mirror.repair": Deed("Repaired MLflow's copy of", "build"),
    "mirror.foreign_change": Deed("Found MLflow changed for", "difference"),
    "token.create": Deed("Created token", "key"),
    "token.revoke": Deed("Revoked token", "key_off"),
    "account.add": Deed("Added account", "person_add"),
    "account.restore": Deed("Let in again", "person_add"),
    "account.role": Deed("Changed role of", "manage_accounts"),
    "account.disable": Deed("Disabled account", "person_off"),
}


@dataclass(frozen=True)
class Filter:
    """Which rows; None leaves a side open."""

    model: str | None
    actor: str | None
    action: str | None


def deed(action: str) -> Deed:
    """How an action is told; a statement typed by hand tells itself."""
    if action.startswith("sql."):
        return Deed(f"Typed {action.removeprefix('sql.').replace('_', ' ')}:", "terminal")
    return DEEDS.get(action, Deed(action.replace(".", " ").replace("_", " ").capitalize(), "edit"))


def subject(entry: LedgerEntry) -> str:
    """Model and version, or the account or token, whichever the row is about."""
    whose = entry.evidence.get("username") or entry.evidence.get("name")
    parts = [entry.model_name, entry.version] if entry.model_name else [whose]
    return " ".join(str(part) for part in parts if part)


def title(entry: LedgerEntry) -> str:
    """The row on one line: time of day, deed, subject, who, and the beginning of why."""
    told = deed(entry.action)
    reason = plain((entry.reason or "")[:REASON_SHOWN])
    cut = "…" if len(entry.reason or "") > REASON_SHOWN else ""
    words = [
        f":gray[{times.clock(entry.at).split()[0]}]",
        f":material/{told.icon}:",
        f"**{plain(told.word)}** {plain(subject(entry))}".rstrip(),
        f":gray[by] {plain(entry.actor)}{badges.by_hand(entry.actor)}",
    ]
    return "\u2002".join(words) + (f" :gray[· {reason}{cut}]" if reason else "")


def days(entries: list[LedgerEntry]) -> None:
    """Rows under the day they belong to, in the reader's time zone."""
    for day, rows in groupby(entries, key=lambda entry: times.day(entry.at)):
        st.markdown(f":small[:gray[{day}]]")
        with st.container(gap=None):
            for entry in rows:
                _row(entry)


def _row(entry: LedgerEntry) -> None:
    with st.expander(title(entry), type="compact"):
        if entry.reason:
            st.markdown(f"> {plain(entry.reason)}")
        if entry.evidence:
            st.json(entry.evidence, expanded=1)
        request = f", request `{entry.request_id}`" if entry.request_id else ""
        st.caption(f"Row {entry.seq:,}, {times.when(entry.at)}, hash `{entry.hash}`{request}")


def fetch(chosen: Filter, before: int | None, limit: int) -> tuple[list[LedgerEntry], int | None]:
    """A page of the filtered ledger and where the next one begins."""
    page = session.backend().ledger(
        before, model=chosen.model, actor=chosen.actor, action=chosen.action, limit=limit
    )
    return page.entries, page.next_before


def as_csv(chosen: Filter) -> str:
    """The newest rows of the filter, up to ``CSV_ROWS``, with their hashes."""
    out = io.StringIO()
    writer = csv.writer(out)
    fields = list(LedgerEntry.model_fields)
    writer.writerow(fields)
    for entry in _all(chosen):
        values = entry.model_dump(mode="json") | {"evidence": json.dumps(entry.evidence)}
        writer.writerow([_inert(values[field]) for field in fields])
    return out.getvalue()


def _inert(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _all(chosen: Filter) -> Iterator[LedgerEntry]:
    before, told = None, 0
    while True:
        entries, before = fetch(chosen, before, CSV_PAGE)
        yield from entries
        told += len(entries)
        if before is None or told >= CSV_ROWS:
            return


def verify() -> None:
    """Walk the chain and keep what was found for this run."""
    try:
        st.session_state["proof"] = session.backend().verify_ledger()
    except BackendError as error:
        st.session_state["proof"] = error


def show_proof() -> None:
    """What the last walk found, once."""
    proof: LedgerProof | BackendError | None = st.session_state.pop("proof", None)
    if isinstance(proof, BackendError):
        st.error(f"**Not verified.** {plain(proof.message)}", icon=":material/error:")
    elif proof is not None and proof.intact:
        head = f"  \nHead `{proof.head}`" if proof.head else ""
        st.success(f"**{plain(proof.sentence)}**{head}", icon=":material/verified:")
    elif proof is not None:
        st.error(f"**{plain(proof.sentence)}**", icon=":material/gpp_bad:")
