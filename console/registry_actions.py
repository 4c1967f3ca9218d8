"""What may be done with a version on the Registry page, by its status and the reader's rights."""

from uuid import UUID

import streamlit as st

from backend_api.schemas import MoveVersion, Outcome, RegisterVersion, VersionDetail
from backend_api.states import LEGAL_MOVES, Permission, PromotionStatus, VersionStatus
from console import forms, promotion_view, session
from console.registry_view import UNDER_WAY

V, P = VersionStatus, Permission


def actions(detail: VersionDetail, production: str | None) -> None:
    """Everything that is legal from here: the next step open, the rest folded."""
    st.header("What can be done", anchor=False)
    version, request = detail.version, detail.promotion
    if request is not None and request.status == PromotionStatus.PENDING:
        promotion_view.decide(request, detail)
    elif version.status == V.VALIDATED:
        promotion_view.ask(detail, production)
    promotion_view.review(request)
    if version.status == V.CANARY or version.status == V.PRODUCTION:
        st.caption("Its share of the traffic and the way back are under Deployments.")
    if version.status == V.REJECTED:
        st.caption("Nothing: a refused version stays refused. Register a better one below.")
    _stage(detail)
    _validate(detail)
    _refuse(detail)


def _move(key: str, label: str, detail: VersionDetail, deed: str, icon: str, example: str) -> None:
    version = detail.version

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = MoveVersion(request_id=request_id, reason=reason, expected_status=version.status)
        backend = session.backend()
        call = {
            "stage": backend.stage,
            "validate": backend.validate,
            "refuse": backend.reject_version,
        }[deed]
        return call(version.model_name, version.version, body)

    kind = "secondary" if deed == "refuse" else "primary"
    with st.form(key, border=False):
        forms.reason(key, example)
        forms.button(key, label, verb, icon=icon, kind=kind)  # type: ignore[arg-type]


def _key(deed: str, detail: VersionDetail) -> str:
    version = detail.version
    return f"{deed}.{version.model_name}.{version.version}.{version.status}"


def _stage(detail: VersionDetail) -> None:
    status, name = detail.version.status, detail.version.version
    if V.STAGING not in LEGAL_MOVES[status]:
        return
    if not session.can(P.REGISTER):
        forms.barred("Staging", P.REGISTER)
        return
    again = status != V.REGISTERED
    with st.expander(f"Stage {name}{' again' if again else ''}", expanded=not again):
        st.caption(
            "Every worker loads the version; it gets no traffic. Takes the staged place of any"
            " other version of this model."
        )
        _move(
            _key("stage", detail), f"Stage {name}", detail, "stage", "layers",
            "candidate of this week's training",
        )  # fmt: skip


def _validate(detail: VersionDetail) -> None:
    status, name = detail.version.status, detail.version.version
    if status not in (V.STAGING, V.VALIDATED):
        return
    if not session.can(P.REGISTER):
        forms.barred("Validating", P.REGISTER)
        return
    if detail.job is not None and detail.job.state in UNDER_WAY:
        st.caption(":material/autorenew: Validation is under way; its progress stands above.")
        return
    with st.expander(f"Validate {name}", expanded=status == V.STAGING):
        st.caption(
            "Asks the staged copy every question of its validation suite, through the real"
            " inference path, as a job."
        )
        _move(
            _key("validate", detail), f"Validate {name}", detail, "validate", "fact_check",
            "before asking for its promotion",
        )  # fmt: skip


def _refuse(detail: VersionDetail) -> None:
    name = detail.version.version
    if V.REJECTED not in LEGAL_MOVES[detail.version.status]:
        return
    if not session.can(P.APPROVE):
        forms.barred("Refusing a version for good", P.APPROVE)
        return
    with st.expander(f"Refuse {name} for good"):
        st.caption("There is no way back from this; an open request for it is closed with it.")
        _move(
            _key("refuse", detail), f"Refuse {name}", detail, "refuse", "block",
            "trained on a faulty export",
        )  # fmt: skip


def register(model: str) -> None:
    """Make a run's model a version."""
    key = f"register.{model}"

    def verb(request_id: UUID, reason: str) -> Outcome:
        body = RegisterVersion(
            request_id=request_id,
            reason=reason,
            model_uri=str(forms.value(key, "uri")).strip(),
            version=str(forms.value(key, "version")).strip() or None,
            description=str(forms.value(key, "description")).strip(),
        )
        return session.backend().register(model, body)

    with st.expander("Register a run's model", icon=":material/add:"):
        if not session.can(P.REGISTER):
            forms.barred("Registering", P.REGISTER)
            return
        with st.form(key, border=False):
            st.text_input(
                "Model address in MLflow", key=f"{key}.uri", placeholder="runs:/RUN_ID/model"
            )
            st.text_input(
                "Version", key=f"{key}.version", placeholder="left empty: the next one",
                help="Three numbers, such as v1.2.0. A version is never overwritten.",
            )  # fmt: skip
            st.text_area("Description", key=f"{key}.description", height=68, max_chars=5000)
            forms.reason(key, "weekly training")
            forms.button(key, "Register", verb, icon="add", kind="primary")
