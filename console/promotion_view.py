"""Promotion requests on the Registry page: asking, and deciding on what was asked."""

from datetime import UTC, datetime
from uuid import UUID

import streamlit as st

from backend_api.schemas import (
    DecidePromotion,
    Explain,
    Outcome,
    Promotion,
    RequestPromotion,
    VersionDetail,
)
from backend_api.states import Permission, PromotionStatus, Strategy
from console import badges, forms, plan_form, session, times
from console.markdown import plain, say
from console.registry_view import held_back

P = Permission
# Gates that an approval by break-glass lets a request past.
BREAKABLE = ("budget",)
# Gates that a tick in the form answers: that it is meant to break callers, or to end a canary.
TICKED = ("schema", "rollout")


def ask(detail: VersionDetail, production: str | None) -> None:
    """The form that asks for a validated version's promotion, or why it cannot be asked for."""
    version = detail.version
    key = f"ask.{version.model_name}.{version.version}"
    # Every other gate has to pass first; the error budget can be let past by whoever approves.
    firm = [g for g in held_back(detail.gates) if g.name not in (*TICKED, *BREAKABLE)]
    if not session.can(P.REQUEST_PROMOTION):
        forms.barred("Asking for a promotion", P.REQUEST_PROMOTION)
        return
    if firm:
        names = ", ".join(gate.title for gate in firm)
        st.caption(
            f":material/lock: It cannot be asked for yet, held by: {plain(names)}."
            " Each gate says what it needs."
        )
        return

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = RequestPromotion(
            request_id=request_id,
            reason=reason,
            version=version.version,
            strategy=Strategy(str(forms.value(key, "strategy"))),
            share=st.session_state.get(f"{key}.share", 10),
            plan=plan_form.written(key) if st.session_state.get(f"{key}.own") else None,
            supersede=bool(st.session_state.get(f"{key}.supersede", False)),
            breaking=bool(forms.value(key, "breaking")),
            expected_production=production,
        )
        return session.backend().request_promotion(version.model_name, body)

    with st.container(border=True):
        st.markdown(f"**Ask for the promotion of {version.version}**")
        if _spent(detail):
            st.caption(
                ":material/gavel: The error budget holds it back: a lead can approve it by"
                " break-glass only."
            )
        canary = _strategy(key, version.version, production)
        own = canary and st.checkbox("By a plan of its own, not the usual one", key=f"{key}.own")
        with st.form(key, border=False):
            if canary:
                _beginning(key, detail, own=own)
            st.checkbox("It breaks callers, and they know", key=f"{key}.breaking")
            forms.reason(key, "better on new phrases, see the comparison")
            forms.button(key, "Request promotion", verb, icon="send", kind="primary")


def _beginning(key: str, detail: VersionDetail, *, own: bool) -> None:
    """Where a canary begins, by which plan, and whether another has to make way."""
    st.slider("Share at the start, per cent", 1, 99, 10, key=f"{key}.share")
    if own:
        plan_form.fields(key, plan_form.USUAL)
    if any(gate.name == "rollout" for gate in held_back(detail.gates)):
        words = "End the canary that is under way: this one takes its place"
        st.checkbox(words, key=f"{key}.supersede")


def _spent(detail: VersionDetail) -> bool:
    return any(g.name in BREAKABLE for g in held_back(detail.gates))


def _strategy(key: str, version: str, production: str | None) -> bool:
    """How it begins, and what that would mean; whether it is a canary."""
    words = {Strategy.FULL: "All traffic at once", Strategy.CANARY: "Canary first"}
    options = [Strategy.CANARY, Strategy.FULL] if production else [Strategy.FULL]
    picked = st.radio(
        "How it begins", options, format_func=lambda s: words[s], key=f"{key}.strategy"
    )
    canary = picked == Strategy.CANARY
    if canary:
        said = f"{version} gets the share below, {production} the rest; a judge raises it."
    elif production:
        said = f"Every request goes to {version}; {production} stays warm as the way back."
    else:
        said = f"Every request goes to {version}. Nothing is in production before it."
    st.caption(f"Once another lead has approved: {said}")
    return canary


def mine(actor: str | None) -> bool:
    """Whether the ledger's name is the reader's, as a person or by a token."""
    person = session.me()
    return person is not None and actor in (person.username, f"token:{person.username}")


def decide(request: Promotion, detail: VersionDetail) -> None:
    """The open request: who, why, until when, on what evidence; and the decision on it."""
    with st.container(border=True):
        _request(request, detail)
        own, lead = mine(request.requested_by), session.can(P.APPROVE)
        if own:
            st.caption(
                ":material/lock: You made this request, so you cannot approve it: another lead"
                " must. You can withdraw it."
            )
        elif not lead:
            forms.barred("Approving", P.APPROVE)
        if own or lead:
            glass = "my own request" if own else "in spite of the error budget"
            needed = own or _spent(detail)
            _decision(
                request, own=own, lead=lead, void=bool(detail.moved), glass=glass if needed else ""
            )


def _request(request: Promotion, detail: VersionDetail) -> None:
    now = datetime.now(UTC)
    how = "all traffic at once"
    if request.strategy == Strategy.CANARY:
        how = f"canary at {request.share} %"
        how += ", in place of the one under way" if request.supersede else ""
    breaking = ", breaking for callers" if request.breaking else ""
    say(
        f"{badges.badge(request.status)} **{request.version}: {how}{breaking}**  \n"
        f"Asked by **{plain(request.requested_by)}**,"
        f" {times.since(request.requested_at, now)}: {plain(request.reason)}  \n"
        f":gray[Expires {times.since(request.expires_at, now)}]"
    )
    if request.plan is not None:
        st.caption(f"Plan: {plain(plan_form.words(request.plan))}")
    if detail.moved:
        st.warning(
            f"**An approval would be void: {plain('; '.join(detail.moved))}.**"
            " Withdraw or reject the request, and ask again.",
            icon=":material/difference:",
        )
    with st.expander("Evidence that the approver signs"):
        st.caption(f"SHA-256 `{request.evidence_hash}`")
        signed = request.evidence.get("gates", {}).values()
        told = [f"{badges.badge(gate['state'])} {plain(gate['sentence'])}" for gate in signed]
        st.markdown("  \n".join(told))
        st.json(request.evidence, expanded=1)


def _decision(request: Promotion, *, own: bool, lead: bool, void: bool, glass: str) -> None:
    """``glass`` is what only break-glass lets through, empty if nothing needs it."""
    key = f"decide.{request.id}"

    def body(request_id: UUID, reason: str) -> DecidePromotion:
        return DecidePromotion(
            request_id=request_id,
            reason=reason,
            evidence_hash=request.evidence_hash,
            break_glass=bool(st.session_state.get(f"{key}.glass", False)),
        )

    backend = session.backend()
    with st.form(key, border=False):
        if glass and lead and not void:
            st.checkbox(
                f"Break glass: approve {glass}. It is marked, and reviewed within a day.",
                key=f"{key}.glass",
            )
        forms.reason(key, "looked at the gates and the comparison")
        with st.container(horizontal=True):
            if lead and not void:
                forms.button(
                    key, "Approve by break-glass" if glass else "Approve",
                    lambda i, r: backend.approve(request.id, body(i, r)),
                    icon="check", kind="secondary" if glass else "primary", action="approve",
                )  # fmt: skip
            if lead:
                forms.button(
                    key, "Reject", lambda i, r: backend.reject(request.id, body(i, r)),
                    icon="close", action="reject",
                )  # fmt: skip
            if own:
                forms.button(
                    key, "Withdraw", lambda i, r: backend.withdraw(request.id, body(i, r)),
                    icon="undo", action="withdraw",
                )  # fmt: skip


def last_request(request: Promotion | None) -> None:
    """How the newest request ended; one that was voided says what had moved."""
    if request is None or request.status == PromotionStatus.PENDING:
        return
    by = f", decided by {plain(request.decided_by)}" if request.decided_by else ""
    why = f": {plain(request.decision_reason)}" if request.decision_reason else ""
    at = f", {times.since(request.decided_at, datetime.now(UTC))}" if request.decided_at else ""
    asked = f"Last request, by {plain(request.requested_by)}"
    say(f"{badges.badge(request.status)} {asked}{by}{at}{why}")
    if request.reviewed_by and request.reviewed_at:
        age = times.since(request.reviewed_at, datetime.now(UTC))
        say(f"Reviewed by {plain(request.reviewed_by)}, {age}: {plain(request.review or '')}")
    elif request.break_glass and request.review_due_at:
        st.warning(
            f"Approved by break-glass. Its review is due by {times.when(request.review_due_at)}.",
            icon=":material/gavel:",
        )


def review(request: Promotion | None) -> None:
    """What another lead says afterwards to an approval by break-glass."""
    if request is None or not request.break_glass or request.reviewed_by:
        return
    if not session.can(P.APPROVE):
        forms.barred("Reviewing a break-glass approval", P.APPROVE)
        return
    if mine(request.decided_by):
        st.caption(":material/lock: You broke the glass; another lead must review it.")
        return
    key = f"review.{request.id}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        return session.backend().review(request.id, Explain(request_id=request_id, reason=reason))

    with st.container(border=True):
        st.markdown(f"**Review what {plain(request.decided_by or 'somebody')} let through**")
        with st.form(key, border=False):
            forms.reason(key, "right at that hour: the old version was down")
            forms.button(key, "Put the review on record", verb, icon="rate_review", kind="primary")
