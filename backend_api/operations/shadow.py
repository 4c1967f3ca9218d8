"""A version in the shadow: asked what others answer, and never answering anybody."""

from sqlalchemy.orm import Session

from backend_api.deployment import desired
from backend_api.errors import Conflict, StaleView
from backend_api.operations.order import Order, locked
from backend_api.operations.traffic import compiled_epoch
from backend_api.registry import version_row
from backend_api.schemas import Outcome, SetShadow
from backend_api.states import VersionStatus
from backend_api.tables import ModelRow, VersionRow

ANSWERS = (VersionStatus.PRODUCTION, VersionStatus.CANARY)


def put(session: Session, order: Order, model: str, body: SetShadow) -> Outcome:
    """Mirror a share of the requests to a version; share 0 ends that.

    Raises:
        StaleView: another version or share is in the shadow than the caller saw.
        Conflict: the version answers already, was rejected, or has no artefact to load.
    """
    row = locked(session, model)
    want = desired(session, model)
    was, share = (want.shadow, want.shadow_share) if want else (None, 0)
    if (was, share) != (body.expected_version, body.expected_share):
        raise StaleView(
            f"{model} has {f'{was} at {share} %' if was else 'nothing'} in the shadow by now.",
            "Look at the page again and decide on what it shows.",
            version=was,
            share=share,
        )
    if body.share == 0:
        if was is None:
            raise StaleView(f"{model} has nothing in the shadow.", "Look at the page again.")
        return _end(session, order, row, was)
    version = version_row(session, model, body.version, lock=True)
    _refuse_unfit(version)
    if body.version != was:
        row.shadow_id, row.shadow_at, row.shadow_by = version.id, order.now, order.actor
    row.shadow_share = body.share
    # (Unlike "start", which mirrors another version than before.)
    action = "shadow.share" if body.version == was else "shadow.start"
    return _told(
        session, order, row, body.version, action,
        f"{body.share} % of the requests to {model} are mirrored to {body.version}; nobody gets"
        " its answers.",
        {"from": share if body.version == was else 0, "to": body.share, "instead_of": was},
    )  # fmt: skip


def _end(session: Session, order: Order, row: ModelRow, was: str) -> Outcome:
    row.shadow_id = row.shadow_at = row.shadow_by = None
    row.shadow_share = 0
    sentence = f"{row.model_name} {was} has left the shadow; no request is mirrored."
    return _told(session, order, row, was, "shadow.end", sentence, {})


def _refuse_unfit(row: VersionRow) -> None:
    if row.status in ANSWERS or row.status == VersionStatus.REJECTED:
        raise Conflict(
            f"{row.model_name} {row.version} is {row.status}, so it cannot be in the shadow.",
            "Choose a version that answers nobody, and was not rejected.",
        )
    if row.artifact_digest is None:
        raise Conflict(
            f"{row.model_name} {row.version} was registered without a digest, so no worker loads"
            " it.",
            "Register its run anew.",
        )


def _told(
    session: Session, order: Order, row: ModelRow, version: str, action: str, sentence: str,
    evidence: dict[str, object],
) -> Outcome:  # fmt: skip
    epoch = compiled_epoch(session, row.model_name)
    order.record(
        session, action, model=row.model_name, version=version,
        evidence={**evidence, "epoch": epoch},
    )  # fmt: skip
    return Outcome(sentence=sentence, model_name=row.model_name, version=version, epoch=epoch)
