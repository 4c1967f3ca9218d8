"""Labels of predictions, and how right a model is by them."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Query
from sqlalchemy.orm import Session

from backend_api import accuracy, db
from backend_api.catalog import AccuracyPlan, Catalog
from backend_api.context import Context
from backend_api.errors import BadRequest, NotFound
from backend_api.identity.verify import Caller
from backend_api.operations import labels
from backend_api.operations.order import Order, once
from backend_api.registry import version_row
from backend_api.routes.edge import ERRORS, Analyst, Ctx, Reader, Reading, actor
from backend_api.rules import label as rule
from backend_api.rules.label import Line
from backend_api.schemas import Accuracy, LabelFile, LabelsTaken, NewLabels, Write, holds_zero

router = APIRouter(tags=["accuracy"], responses=ERRORS)  # type: ignore[arg-type]
SHOWN_DAYS = 30
CSV = "text/csv"


def _take(ctx: Context, caller: Caller, body: Write, rows: list[Line]) -> LabelsTaken:
    def act(session: Session, order: Order) -> LabelsTaken:
        return labels.take(session, order, ctx.catalog, ctx.settings.prediction_days, rows)

    return once(ctx.engine, "take labels", body, actor(caller), db.now(), act, LabelsTaken)


@router.post("/labels")
def take_labels(body: NewLabels, ctx: Ctx, caller: Analyst) -> LabelsTaken:
    """Say what answers should have been. Good rows are taken at once, bad ones named and left out.

    The same label again changes nothing; another one corrects the first, which is recorded.
    """
    rows = [
        Line(
            place,
            one.prediction_id,
            one.label,
            one.labelled_at,
            problem="the label holds a zero byte" if holds_zero(one.label) else None,
        )
        for place, one in enumerate(body.labels, start=1)
    ]
    return _take(ctx, caller, body, rows)


@router.post("/labels/csv")
def take_label_file(
    ctx: Ctx,
    caller: Analyst,
    content: Annotated[bytes, Body(media_type=CSV)] = b"",
    request_id: UUID | None = None,
    reason: Annotated[str, Query(min_length=3, max_length=2000)] = "labels from a file",
) -> LabelsTaken:
    """The same from a CSV file with the columns prediction_id, label and, if known, labelled_at."""
    try:
        rows = list(rule.lines(content))
    except rule.FileError as error:
        raise BadRequest(str(error), "Nothing was changed.") from error
    if not rows:
        raise BadRequest("The file holds a header and no rows.", "Nothing was changed.")
    body = LabelFile(
        request_id=request_id or uuid4(), reason=reason, csv=content.decode("utf-8-sig")
    )
    return _take(ctx, caller, body, rows)


@router.get("/models/{name}/accuracy")
def read_accuracy(
    name: str,
    ctx: Ctx,
    session: Reading,
    caller: Reader,
    days: Annotated[int, Query(ge=1, le=90)] = SHOWN_DAYS,
    version: str | None = None,
) -> Accuracy:
    """How often a model was right, by the day of the prediction; of one version if given."""
    plan = _plan(ctx.catalog, name)
    if version is not None:
        version_row(session, name, version)
    return accuracy.read(session, name, plan, db.now(), days, version)


def _plan(catalog: Catalog, name: str) -> AccuracyPlan:
    plan = catalog.get(name).accuracy
    if plan is None:
        raise NotFound(
            f"models.yaml does not say what labels of {name} are compared with.",
            "Give its entry `accuracy: {output: FIELD, objective: 0.99}` and restart the backend.",
        )
    return plan
