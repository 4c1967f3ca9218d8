"""Did the version that a rollback would go to answer as it must, on every worker?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend_api.catalog import ValidationPlan
from backend_api.rules.validation import Answered, percentile, verdict
from backend_api.schemas import RehearsedWorker
from backend_api.states import GateState

# A rehearsal that could not measure is worth another try long before the next one is due.
RETRY_SHARE = 24
NONE_RECENT = "no recent request, for there was none,"


@dataclass(frozen=True)
class Asked:
    """A worker that was live when all were asked; ``gone``: it said goodbye since."""

    replica_id: str
    host: str
    pid: int
    gone: bool = False


@dataclass(frozen=True)
class Reply:
    """What a worker wrote, ``seconds`` after it was asked.

    ``found`` is ``{"trouble": sentence}`` where it does not have the version, else ``{"cases":
    [...], "sample": [...]}`` with ``{"ms", "error"}`` of each answer and ``body`` of the cases.
    """

    seconds: float
    found: Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """The result with its sentence; ``seconds`` until the last worker, None unless all answered."""

    result: GateState
    sentence: str
    seconds: float | None
    workers: list[RehearsedWorker]


def judge(
    plan: ValidationPlan, version: str, asked: list[Asked], replies: Mapping[str, Reply],
    sample: int, patience: float,
) -> Judged:  # fmt: skip
    """A wrong answer on any worker fails it; one that said nothing leaves it unmeasured.

    ``sample`` is how many recent requests each was asked, ``patience`` in seconds how long each
    was waited for.
    """
    here = [one for one in asked if not one.gone]
    workers = [_worker(plan, version, one, replies.get(one.replica_id), patience) for one in here]
    if not workers:
        return Judged(GateState.UNKNOWN, "No worker was live to be asked.", None, [])
    silent = [w for w in workers if w.seconds is None]
    wrong = [w for w in workers if w.problem is not None and w.seconds is not None]
    seconds = None if silent else max(w.seconds or 0.0 for w in workers)
    if wrong or silent:
        bad = wrong or silent
        where = f"{bad[0].host} · {bad[0].pid}: {bad[0].problem}"
        sentence = where if len(bad) == 1 else f"{len(bad)} workers, the first {where}"
        result = GateState.FAIL if wrong else GateState.UNKNOWN
        return Judged(result, sentence, seconds, workers)
    slowest = max(w.p95_ms or 0.0 for w in workers)
    queries = _many(len(plan.cases), "query", "queries")
    recent = _many(sample, "recent request", "recent requests") if sample else NONE_RECENT
    return Judged(
        GateState.PASS,
        f"{version} answered {queries} and {recent} on {len(workers)} of {len(workers)} workers"
        f" within {seconds:.1f} s, p95 {slowest:.0f} ms.",
        seconds,
        workers,
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _worker(
    plan: ValidationPlan, version: str, one: Asked, reply: Reply | None, patience: float
) -> RehearsedWorker:
    who = {"replica_id": one.replica_id, "host": one.host, "pid": one.pid}
    if reply is None:
        return RehearsedWorker(
            **who, asked=0, errors=0, p95_ms=None, seconds=None,
            problem=f"it did not answer within {patience:.0f} s.",
        )  # fmt: skip
    trouble = reply.found.get("trouble")
    cases, sample = reply.found.get("cases", []), reply.found.get("sample", [])
    answers = [*cases, *sample]
    times = [float(a["ms"]) for a in answers]
    if trouble is None and len(cases) != len(plan.cases):
        trouble = f"it answered {len(cases)} of {len(plan.cases)} queries"
    problems = [str(trouble)] if trouble else _problems(plan, cases, sample, times)
    return RehearsedWorker(
        **who, asked=len(answers), errors=sum(a["error"] is not None for a in answers),
        p95_ms=round(percentile(times, 0.95), 2) if times else None, seconds=reply.seconds,
        problem=f"{version} does not stand: {'; '.join(problems)}." if problems else None,
    )  # fmt: skip


def _problems(
    plan: ValidationPlan, cases: list[Any], sample: list[Any], times: list[float]
) -> list[str]:
    # Speed is judged over all answers, below.
    unhurried = plan.model_copy(update={"p95_limit_ms": math.inf})
    _, detail = verdict(unhurried, [[_answered(a)] for a in cases])
    problems: list[str] = [p for p in detail["problems"] if not p.endswith("requests failed")]
    failed = [a["error"] for a in sample if a["error"] is not None]
    if failed:
        problems.append(
            f"{len(failed)} of {len(sample)} recent requests failed, the first by {failed[0]}"
        )
    p95 = percentile(times, 0.95)
    if p95 >= plan.p95_limit_ms:
        problems.append(f"p95 is {p95:.0f} ms, must be under {plan.p95_limit_ms:.0f} ms")
    return problems


def _answered(answer: Mapping[str, Any]) -> Answered:
    if answer["error"] is not None:
        return Answered(500, {"message": answer["error"]}, float(answer["ms"]))
    return Answered(200, answer["body"], float(answer["ms"]))


def is_due(
    last: datetime | None, result: GateState | None, every: timedelta, now: datetime
) -> bool:
    """Whether the watch rehearses; ``last`` is when this version was last tried, None if never.

    ``result`` None: the last one ended in nothing. ``every`` of zero: never by itself.
    """
    if not every:
        return False
    if last is None:
        return True
    measured = result in (GateState.PASS, GateState.FAIL)
    return now - last >= (every if measured else every / RETRY_SHARE)
