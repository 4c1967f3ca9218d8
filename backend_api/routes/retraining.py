"""Predictions on their way out, and training a candidate with them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend_api import db, export, jobs, ledger
from backend_api.errors import Unavailable
from backend_api.operations import retraining as operation
from backend_api.retraining import KIND
from backend_api.routes.edge import (
    ERRORS,
    Analyst,
    Ctx,
    Reader,
    Reading,
    Registrar,
    actor,
    write,
)
from backend_api.schemas import Job, Outcome, Retrain
from shared.privacy import Redaction

router = APIRouter(tags=["retraining"], responses=ERRORS)  # type: ignore[arg-type]
Form = Literal["jsonl", "csv"]
MEDIA = {"jsonl": "application/jsonl", "csv": "text/csv"}
LISTED = 10


@router.get("/models/{name}/predictions", response_class=StreamingResponse)
def export_predictions(
    name: str,
    ctx: Ctx,
    caller: Analyst,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
    form: Form = "jsonl",
    labelled: bool = False,
) -> StreamingResponse:
    """What users were answered in the last days, with labels, redacted as models.yaml says."""
    entry = ctx.catalog.get(name)
    key = ctx.settings.privacy_key.get_secret_value().encode()
    redaction = Redaction(entry.privacy.export, key)
    if "hash" in redaction.rules.values() and not redaction.key:
        raise Unavailable(
            f"models.yaml has fields of {name} hashed, and there is no key for it.",
            "Set PRIVACY_KEY for the backend and inference, the same for both.",
        )
    now = db.now()
    asked = export.Asked(name, now - timedelta(days=days), now, labelled)
    with db.transaction(ctx.engine, actor(caller)) as session:
        evidence = {"days": days, "labelled": labelled, "redacted": dict(redaction.rules)}
        ledger.append(session, actor(caller), "predictions.export", model=name, evidence=evidence)
    found = (
        [export.redacted(row, entry, redaction) for row in page]
        for page in export.pages(ctx.engine, asked)
    )
    content: Iterator[bytes] = export.table(found) if form == "csv" else export.jsonl(found)
    name_of_file = f"{name}_{now:%Y%m%d}.{form}"
    return StreamingResponse(
        content, media_type=MEDIA[form],
        headers={"Content-Disposition": f'attachment; filename="{name_of_file}"'},
    )  # fmt: skip


@router.post("/models/{name}/retrain", status_code=202)
def retrain(name: str, body: Retrain, ctx: Ctx, caller: Registrar) -> Outcome:
    """Put on the queue: a candidate trained on old rows and new labels. Promotes nothing."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"retrain {name}", body, lambda s, o: operation.retrain(s, o, name, body)
    )


@router.get("/models/{name}/retrainings")
def list_retrainings(name: str, ctx: Ctx, session: Reading, caller: Reader) -> list[Job]:
    """The last retrainings of a model, newest first."""
    ctx.catalog.get(name)
    return jobs.newest(session, KIND, name, LISTED)
