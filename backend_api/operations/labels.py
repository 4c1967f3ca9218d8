"""Taking labels in: every good row, all in one transaction; the others are named."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from backend_api import accuracy, predictions
from backend_api.catalog import AccuracyPlan, Catalog
from backend_api.errors import BadRequest
from backend_api.operations.order import Order
from backend_api.rules import label as rule
from backend_api.rules import prediction
from backend_api.rules.label import Line
from backend_api.schemas import LabelsTaken, RefusedLabel
from backend_api.spans import DAY, HOUR, floor

NAMED = 50
# Of each day's partition the primary key alone is read.
_FIND = text("""
    SELECT prediction_id, predicted_at, model_name, status, output, label
    FROM model_predictions
    WHERE prediction_id = ANY(CAST(:ids AS uuid[])) AND predicted_at >= :since
        AND predicted_at < :until
""")
_WRITE = text("""
    UPDATE model_predictions p
    SET label = v.label, labelled_at = v.labelled_at, labelled_by = :actor, correct = v.correct
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id uuid, at timestamptz, label jsonb,
        labelled_at timestamptz, correct boolean)
    WHERE p.prediction_id = v.id AND p.predicted_at = v.at
        AND p.predicted_at >= :since AND p.predicted_at < :until
""")
_CORRECT = text("""
    INSERT INTO label_corrections (prediction_id, predicted_at, model_name, was, label, at, actor,
        request_id)
    SELECT v.id, v.at, v.model, v.was, v.label, :now, :actor, :request
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id uuid, at timestamptz, model text,
        was jsonb, label jsonb)
""")


class Unfit(ValueError):
    """A row that cannot be taken; the sentence says why."""


@dataclass(frozen=True)
class Found:
    """A good row beside the prediction that it is about."""

    line: Line
    id: UUID
    at: datetime
    model: str
    label: Any
    labelled_at: datetime
    correct: bool
    was: Any


def take(
    session: Session, order: Order, catalog: Catalog, kept_days: int, rows: Sequence[Line]
) -> LabelsTaken:
    """Put every good row in; the same label again changes nothing, another one corrects it.

    Raises:
        BadRequest: not one row could be taken; ``details.named`` says why of the first.
    """
    for model in catalog.models:
        accuracy.lock(session, model)
    good, refused = _read(session, order, catalog, kept_days, rows)
    fresh = [one for one in good if one.was is None or one.was != one.label]
    corrected = [one for one in fresh if one.was is not None]
    if not good:
        named = [one.model_dump() for one in refused[:NAMED]]
        raise BadRequest(
            f"No label was taken. Line {refused[0].line}: {refused[0].problem}.",
            "Mend the rows and send them again.", refused=len(refused), named=named,
        )  # fmt: skip
    _write(session, order, fresh, corrected)
    unchanged = len(good) - len(fresh)
    if fresh:
        models = Counter(one.model for one in fresh)
        order.record(
            session, "labels.take", model=next(iter(models)) if len(models) == 1 else None,
            evidence={
                "taken": len(fresh), "corrected": len(corrected), "unchanged": unchanged,
                "refused": len(refused), "models": models,
            },
        )  # fmt: skip
    return LabelsTaken(
        sentence=_sentence(len(fresh), len(corrected), unchanged, len(refused)),
        taken=len(fresh), corrected=len(corrected), unchanged=unchanged, refused=len(refused),
        named=refused[:NAMED],
    )  # fmt: skip


def _sentence(taken: int, corrected: int, unchanged: int, refused: int) -> str:
    words = [_many(taken, "label was taken", "labels were taken")]
    words += [f"{corrected:,} of them to correct an earlier one"] if corrected else []
    words += [_many(unchanged, "was there already", "were there already")] if unchanged else []
    said = f"{', '.join(words)}."
    if refused:
        left = _many(refused, "row was left out", "rows were left out")
        said += f" {left}; mend what is named and send the file again."
    return said


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _read(
    session: Session, order: Order, catalog: Catalog, kept_days: int, rows: Sequence[Line]
) -> tuple[list[Found], list[RefusedLabel]]:
    """Good rows, one of each prediction, and the refused ones in the order of the file."""
    found = _find(session, rows)
    days = predictions.days(session)
    good: dict[UUID, list[Found]] = defaultdict(list)
    refused: list[RefusedLabel] = []

    def refuse(line: Line, why: str) -> None:
        refused.append(
            RefusedLabel(
                line=line.number,
                prediction_id=line.prediction_id[:60].replace("\0", "\\0"),
                problem=why,
            )
        )

    for line in rows:
        try:
            one = _beside(line, _known(line, found, order.now, days, kept_days), catalog, order)
            good[one.id].append(one)
        except Unfit as problem:
            refuse(line, str(problem))
    for same in good.values():
        if any(one.label != same[0].label for one in same):
            lines = " and ".join(str(one.line.number) for one in same[:3])
            for one in same:
                refuse(one.line, f"lines {lines} give this prediction different labels; keep one")
    kept = [same[-1] for same in good.values() if all(o.label == same[0].label for o in same)]
    return kept, sorted(refused, key=lambda one: one.line)


def _parsed(asked: str) -> UUID | None:
    try:
        return UUID(asked)
    except ValueError:
        return None


def _spans(ids: Iterable[UUID]) -> dict[tuple[datetime, datetime], list[UUID]]:
    """Ids by the days in which their predictions may lie: an id of version 7 tells its own."""
    spans: dict[tuple[datetime, datetime], list[UUID]] = defaultdict(list)
    for one in ids:
        made = prediction.made_at(one)
        if made is None:
            spans[predictions.EVER].append(one)
            continue
        day = floor(made, DAY)
        spans[day - prediction.AROUND, day + DAY + prediction.AROUND].append(one)
    return spans


def _find(session: Session, rows: Sequence[Line]) -> dict[UUID, RowMapping]:
    ids = {found for line in rows if (found := _parsed(line.prediction_id)) is not None}
    known: dict[UUID, RowMapping] = {}
    for (since, until), some in _spans(ids).items():
        values = {"ids": [str(one) for one in some], "since": since, "until": until}
        for row in session.execute(_FIND, values).mappings():
            known[row["prediction_id"]] = row
    return known


def _known(
    line: Line, found: dict[UUID, RowMapping], now: datetime, days: list[date], kept_days: int
) -> RowMapping:
    if line.problem is not None:
        raise Unfit(line.problem)
    asked = _parsed(line.prediction_id)
    if asked is None:
        said = repr(line.prediction_id[:60]) if line.prediction_id else "nothing"
        raise Unfit(f"{said} is no prediction id; take prediction_id of the answer")
    if asked not in found:
        _, told, hint = prediction.missing(asked, now, days, kept_days)
        raise Unfit(f"{told} {hint}".rstrip("."))
    return found[asked]


def _beside(line: Line, row: RowMapping, catalog: Catalog, order: Order) -> Found:
    """The row's label as its model's answers are, and whether the answer was right."""
    model = row["model_name"]
    entry = catalog.models.get(model)
    plan: AccuracyPlan | None = entry.accuracy if entry else None
    if plan is None:
        raise Unfit(f"models.yaml does not say what labels of {model} are compared with")
    if row["status"] == "error":
        raise Unfit("this prediction failed, so there is no answer to be right or wrong")
    answer = (row["output"] or {}).get(plan.output)
    if answer is None:
        raise Unfit(f"the logged answer of this prediction has no {plan.output}")
    label = line.label
    if not line.typed and isinstance(label, str) and label:
        label = rule.from_cell(label, answer, plan.cut)
    if (problem := rule.unfit(label, answer, plan.output, plan.cut)) is not None:
        raise Unfit(problem)
    at: datetime = row["predicted_at"]
    return Found(
        line, row["prediction_id"], at, model, label, _labelled_at(line, at, order.now),
        rule.right(label, answer, plan.cut), row["label"],
    )  # fmt: skip


def _labelled_at(line: Line, predicted_at: datetime, now: datetime) -> datetime:
    if line.labelled_at is None:
        return now
    try:
        at = datetime.fromisoformat(str(line.labelled_at))
    except ValueError:
        said = str(line.labelled_at)[:40]
        raise Unfit(f"labelled_at {said!r} is no time; write 2026-10-31T18:30:00Z") from None
    if at.tzinfo is None:
        raise Unfit("labelled_at has no time zone; write 2026-10-31T18:30:00Z")
    if at > now + prediction.AHEAD:
        raise Unfit(f"labelled_at {at.astimezone(UTC):%d %b %Y, %H:%M} UTC is still to come")
    if at < predicted_at - prediction.AHEAD:
        raise Unfit("labelled_at is before the prediction was made")
    return at


def _write(
    session: Session, order: Order, fresh: Sequence[Found], corrected: Sequence[Found]
) -> None:
    by_day: dict[datetime, list[Found]] = defaultdict(list)
    for one in fresh:
        by_day[floor(one.at, DAY)].append(one)
    for day, some in by_day.items():
        rows = [
            {"id": o.id, "at": o.at, "label": o.label, "labelled_at": o.labelled_at,
             "correct": o.correct}
            for o in some
        ]  # fmt: skip
        session.execute(
            _WRITE,
            {"rows": _json(rows), "actor": order.actor, "since": day, "until": day + DAY},
        )
    if corrected:
        rows = [
            {"id": o.id, "at": o.at, "model": o.model, "was": o.was, "label": o.label}
            for o in corrected
        ]
        session.execute(
            _CORRECT,
            {"rows": _json(rows), "now": order.now, "actor": order.actor,
             "request": order.request_id},
        )  # fmt: skip
    hours: dict[str, set[datetime]] = defaultdict(set)
    for one in fresh:
        hours[one.model].add(floor(one.at, HOUR))
    for model, touched in hours.items():
        accuracy.count_labels(session, model, touched)


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
