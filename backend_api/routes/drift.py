"""Do requests still look like what a version was made for?"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from backend_api import db, deep_report, drift, drift_results, text_drift
from backend_api.drift_windows import MOST_DAYS
from backend_api.operations import drift as alarms
from backend_api.operations import reference
from backend_api.operations.order import Order
from backend_api.registry import version_row
from backend_api.routes.edge import ERRORS, Analyst, Ctx, Reader, Reading, Registrar, write
from backend_api.schemas import (
    Drift,
    DriftDistribution,
    DriftResults,
    GiveReference,
    Job,
    JudgeAlarm,
    Lookback,
    Outcome,
    Recount,
    TextDrift,
)
from backend_api.states import Against

router = APIRouter(tags=["drift"], responses=ERRORS)  # type: ignore[arg-type]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="whole days of UTC, the last one too")]
Until = Annotated[
    datetime | None,
    Query(description="any time of the last day but its first moment, at which the day before"
                      " ends; today where none is given", examples=["2026-03-03T12:00:00Z"]),
]  # fmt: skip
Version = Annotated[str | None, Query(description="that in production where none is given",
                                      examples=["v1.1.0"])]  # fmt: skip
Of = Annotated[Against, Query(description="what the window is held against")]
MOST = 2**63 - 1


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


@router.get("/models/{name}/drift")
def read_drift(
    name: str, ctx: Ctx, session: Reading, caller: Reader, version: Version = None,
    against: Of = Against.REFERENCE, days: Days = 7, until: Until = None,
) -> Drift:  # fmt: skip
    """Scores and states of any window: the model's, each feature's, and day by day."""
    rules = ctx.catalog.get(name).privacy.log
    return drift.read(session, name, version, against, _utc(until), days, db.now(), rules)


@router.get("/models/{name}/drift/features/{feature:path}")
def read_feature(
    name: str, feature: str, ctx: Ctx, session: Reading, caller: Analyst,
    version: Version = None, against: Of = Against.REFERENCE, days: Days = 7,
    until: Until = None,
) -> DriftDistribution:  # fmt: skip
    """One feature's distribution in the window, beside what it is held against."""
    rules = ctx.catalog.get(name).privacy.log
    return drift.distribution(
        session, name, version, feature, against, _utc(until), days, db.now(), rules
    )


@router.get("/drift/results")
def list_results(
    ctx: Ctx, session: Reading, caller: Reader, model: str | None = None,
    version: str | None = None, alarms: bool = False,
    before: Annotated[int | None, Query(ge=0, le=MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> DriftResults:  # fmt: skip
    """What the watch found each day, newest first; and how often its alarms were true."""
    if model is not None:
        ctx.catalog.get(model)
    return drift_results.page(session, model, version, alarms=alarms, before=before, limit=limit)


@router.post("/drift/results/{result_id}/alarm")
def judge_alarm(
    result_id: Annotated[int, Path(ge=0, le=MOST)], body: JudgeAlarm, ctx: Ctx, caller: Analyst
) -> Outcome:
    """Say whether an alarm was true; feeds the precision that stands beside every alarm."""
    return write(
        ctx, caller, f"judge alarm {result_id}", body,
        lambda s, o: alarms.judge_alarm(s, o, result_id, body),
    )  # fmt: skip


@router.post("/models/{name}/versions/{version}/reference")
def give_reference(
    name: str, version: str, body: GiveReference, ctx: Ctx, caller: Registrar
) -> Outcome:
    """Give a version that came without one a reference to compare with; it is never overwritten."""
    ctx.catalog.get(name)

    def act(session: Session, order: Order) -> Outcome:
        if body.profile is not None:
            return reference.give(session, order, name, version, body.profile)
        assert body.from_log_days is not None
        return reference.give_from_log(session, order, name, version, body.from_log_days)

    return write(ctx, caller, f"reference {name} {version}", body, act)


@router.post("/models/{name}/versions/{version}/recount")
def recount(name: str, version: str, body: Recount, ctx: Ctx, caller: Registrar) -> Outcome:
    """Have the last days of the log counted again, hour by hour, beside the traffic."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"recount {name} {version}", body,
        lambda s, o: reference.recount(s, o, name, version, body.days),
    )  # fmt: skip


@router.post("/models/{name}/versions/{version}/texts", status_code=202)
def compare_texts(name: str, version: str, body: Lookback, ctx: Ctx, caller: Analyst) -> Outcome:
    """Put on the queue: texts of the last days beside a sample of those of the reference."""
    rules = ctx.catalog.get(name).privacy.log
    return write(
        ctx, caller, f"texts {name} {version}", body,
        lambda s, o: text_drift.order(s, o, name, version, body.days, rules),
    )  # fmt: skip


@router.get("/models/{name}/versions/{version}/texts")
def read_texts(
    name: str, version: str, ctx: Ctx, session: Reading, caller: Analyst
) -> TextDrift | None:
    """What the last comparison of texts found, with words and examples typical of the new ones."""
    ctx.catalog.get(name)
    version_row(session, name, version)
    return next(iter(text_drift.newest(session, name, version)), None)


@router.get("/models/{name}/versions/{version}/texts/results")
def list_texts(
    name: str, version: str, ctx: Ctx, session: Reading, caller: Analyst,
    limit: Annotated[int, Query(ge=1, le=200)] = 30,
) -> list[TextDrift]:  # fmt: skip
    """Every comparison that is kept, of the watch's days and of people's windows, newest first."""
    ctx.catalog.get(name)
    version_row(session, name, version)
    return text_drift.newest(session, name, version, limit)


@router.post("/models/{name}/versions/{version}/drift-report", status_code=202)
def make_report(name: str, version: str, body: Lookback, ctx: Ctx, caller: Analyst) -> Outcome:
    """Put on the queue: Evidently's report on the last days, against as many before them."""
    ctx.catalog.get(name)
    return write(
        ctx, caller, f"drift report {name} {version}", body,
        lambda s, o: deep_report.order(s, o, name, version, body.days),
    )  # fmt: skip


@router.get("/drift/reports")
def list_reports(
    ctx: Ctx, session: Reading, caller: Analyst, model: str | None = None
) -> list[Job]:
    """Reports that were ordered, newest first; each is at /drift/reports/ID once it succeeded."""
    if model is not None:
        ctx.catalog.get(model)
    return deep_report.listed(session, model)


@router.get("/drift/reports/{job_id}", response_class=FileResponse)
def read_report(job_id: UUID, ctx: Ctx, caller: Analyst) -> FileResponse:
    """One report, as an HTML page that needs nothing else."""
    return FileResponse(deep_report.read(ctx, job_id), media_type="text/html")
