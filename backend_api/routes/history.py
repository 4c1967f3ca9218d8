"""What was decided at a moment, and what answered a request."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from backend_api import db, history, predictions
from backend_api.errors import BadRequest
from backend_api.routes.edge import ERRORS, Ctx, Reader, Reading
from backend_api.schemas import Answered, Moment
from backend_api.states import Permission, may

router = APIRouter(tags=["history"], responses=ERRORS)  # type: ignore[arg-type]
At = Annotated[
    datetime | None,
    Query(description="UTC where no zone is given; now where none is given at all",
          examples=["2026-03-03T14:05:00Z"]),
]  # fmt: skip
Model = Annotated[str | None, Query(description="every model where none is given",
                                    examples=["intent_classifier"])]  # fmt: skip


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise BadRequest(f"at: {at} is a time that no calendar has.", "Send one since 1970.") from (
            None
        )


@router.get("/history/at")
def read_moment(
    ctx: Ctx, session: Reading, caller: Reader, at: At = None, model: Model = None
) -> list[Moment]:
    """Who had which version live at a moment, on whose word and on what evidence."""
    now = db.now()
    moment = now if at is None else _utc(at)
    names = list(ctx.catalog.models) if model is None else [model]
    for name in names:
        ctx.catalog.get(name)
    return [history.moment(session, name, moment, now) for name in names]


@router.get("/predictions/{prediction_id}")
def read_prediction(
    prediction_id: Annotated[str, Path(examples=["01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11"])],
    ctx: Ctx, session: Reading, caller: Reader,
) -> Answered:  # fmt: skip
    """What answered a request. What was asked and answered is for those who may read it."""
    return predictions.answered(
        session, prediction_id, db.now(), kept_days=ctx.settings.prediction_days,
        may_see=may(caller.role, Permission.READ_PREDICTIONS),
    )  # fmt: skip
