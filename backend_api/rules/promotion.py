"""May this version be promoted? Gates decided from evidence alone; no I/O, no clock."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backend_api.rules.budget import Standing, opinion
from backend_api.rules.compatibility import narrower
from backend_api.rules.freeze import Freeze
from backend_api.schemas import Criterion, Gate
from backend_api.states import GateState

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
}
ONNX_TOLERANCE = 1e-4
OPEN = Freeze(False, "", None, None)
NOT_COUNTED = Standing()


@dataclass(frozen=True)
class Evidence:
    """All that a promotion is decided on, as it stands when it is read."""

    model_name: str
    version: str
    status: str
    metrics: dict[str, float]
    criteria: list[tuple[str, str, float, str]]
    artifact_digest: str | None
    validation: dict[str, Any] | None
    input_schema: dict[str, Any] | None
    production: str | None
    production_schema: dict[str, Any] | None
    breaking: bool
    hold: str | None
    canary: str | None = None
    supersede: bool = False
    freeze: Freeze = OPEN
    budget: Standing = NOT_COUNTED
    has_onnx: bool = True
    staged_digests: dict[str, str] = field(default_factory=dict)


def judge(rule: tuple[str, str, float, str], metrics: dict[str, float]) -> Criterion:
    """Hold one criterion (metric, op, limit, label) against a run's metrics."""
    metric, op, limit, label = rule
    value = metrics.get(metric)
    if value is None:
        sentence = f"The run logged no metric {metric!r}; train again with the current code."
    elif COMPARE[op](value, limit):
        sentence = f"{label} is {value:.4g}, which is {op} {limit:g}."
    else:
        sentence = (
            f"{label} is {value:.4g}, must be {op} {limit:g}: short by {abs(limit - value):.4g}."
        )
    return Criterion(
        metric=metric, label=label, op=op, threshold=limit, value=value,
        passed=value is not None and COMPARE[op](value, limit), sentence=sentence,
    )  # fmt: skip


def _criteria(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    judged = [judge(rule, e.metrics) for rule in e.criteria]
    missed = [c.sentence for c in judged if not c.passed]
    values = {c.metric: c.value for c in judged}
    if missed:
        return GateState.FAIL, " ".join(missed), values
    return GateState.PASS, f"All {len(judged)} acceptance criteria are met.", values


def _validation(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    if e.validation is None:
        return GateState.UNKNOWN, "Not validated yet: stage the version and run Validate.", {}
    if e.validation.get("artifact_digest") != e.artifact_digest:
        return GateState.FAIL, "The artefact changed after its validation: validate again.", {}
    state = GateState.PASS if e.validation["passed"] else GateState.FAIL
    return state, e.validation["sentence"], e.validation


def _artifact(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    seen = {"digest": e.artifact_digest, "workers": e.staged_digests}
    if e.artifact_digest is None:
        return GateState.UNKNOWN, "No digest is recorded: register the version again.", seen
    wrong = [worker for worker, digest in e.staged_digests.items() if digest != e.artifact_digest]
    if wrong:
        return GateState.FAIL, f"{', '.join(wrong)} loaded other bytes than were registered.", seen
    return GateState.PASS, f"Digest {e.artifact_digest[7:19]} is on record.", seen


def _parity(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    if not e.has_onnx:
        return (
            GateState.NOT_APPLICABLE,
            "There is no pair of native model and ONNX export to compare.",
            {},
        )
    difference = e.metrics.get("onnx_max_abs_diff")
    seen = {"onnx_max_abs_diff": difference, "tolerance": ONNX_TOLERANCE}
    if difference is None:
        return GateState.UNKNOWN, "The run did not compare its ONNX export; train again.", seen
    if difference > ONNX_TOLERANCE:
        return GateState.FAIL, f"ONNX and native answers differ by {difference:.2g}.", seen
    return GateState.PASS, f"ONNX equals the native model within {difference:.1g}.", seen


def _schema(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    if e.production_schema is None:
        return GateState.NOT_APPLICABLE, "Nothing is in production to be compatible with.", {}
    if e.input_schema is None:
        return GateState.UNKNOWN, "The version carries no input schema; train again.", {}
    problems = narrower(e.production_schema, e.input_schema)
    if problems and e.breaking:
        return GateState.PASS, f"Breaking, and ticked as such: {'; '.join(problems)}.", {}
    if problems:
        return GateState.FAIL, f"{e.production} accepts more: {'; '.join(problems)}.", {}
    return GateState.PASS, f"Accepts everything that {e.production} accepts.", {}


def _hold(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    if e.hold is not None:
        return GateState.FAIL, f"On hold since a rollback: {e.hold}. A lead can lift it.", {}
    return GateState.PASS, "No hold is set.", {}


def _rollout(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    if e.canary not in (None, e.version) and e.supersede:
        return GateState.PASS, f"Ends {e.canary}'s rollout, as asked for.", {"canary": e.canary}
    if e.canary not in (None, e.version):
        return (
            GateState.FAIL,
            f"{e.canary} is the canary: finish or abort it first; one rollout runs at a time.",
            {"canary": e.canary},
        )
    return GateState.PASS, "No other rollout is under way.", {}


def _freeze(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    opens, closes = e.freeze.opens, e.freeze.closes
    if e.freeze.closed:
        until = f" until {opens:%d %b %Y, %H:%M} UTC" if opens else ""
        return GateState.FAIL, f"Promotions are frozen{until}: {e.freeze.reason}.", {}
    if closes is not None:
        return GateState.PASS, f"Open until {closes:%d %b %Y, %H:%M} UTC.", {}
    return GateState.PASS, "No freeze is planned.", {}


def _budget(e: Evidence) -> tuple[GateState, str, dict[str, Any]]:
    return opinion(e.budget)


Decision = Callable[[Evidence], tuple[GateState, str, dict[str, Any]]]

# Drift joins this table with the feature that measures it.
GATES: tuple[tuple[str, str, Decision], ...] = (
    ("criteria", "Acceptance criteria", _criteria),
    ("validation", "Validation suite", _validation),
    ("artifact", "Artefact digest", _artifact),
    ("parity", "ONNX equals native", _parity),
    ("schema", "Input schema", _schema),
    ("hold", "No hold", _hold),
    ("rollout", "No other rollout", _rollout),
    ("freeze", "No freeze", _freeze),
    ("budget", "Error budget", _budget),
)
# These come and go with the clock. They hold a promotion back while they are shut, but what was
# signed does not become void by them.
BY_THE_CLOCK = ("freeze",)
# Signed as they were seen, but their numbers move with each request: only that one of them falls
# shut voids what was signed.
BY_THE_MINUTE = ("budget",)
# What a lead may let a request through in spite of, with break-glass.
BREAKABLE = ("budget",)


def decide(evidence: Evidence) -> list[Gate]:
    """Every gate's answer, in the order of the table."""
    gates = []
    for name, title, decision in GATES:
        state, sentence, seen = decision(evidence)
        gates.append(Gate(name=name, title=title, state=state, sentence=sentence, evidence=seen))
    return gates


def blocking(gates: list[Gate]) -> list[Gate]:
    """The gates that hold the version back: failed, or could not be measured."""
    return [g for g in gates if g.state in (GateState.FAIL, GateState.UNKNOWN)]


def broken(gates: list[Gate]) -> list[Gate]:
    """Those of them that only break-glass lets a request past."""
    return [g for g in blocking(gates) if g.name in BREAKABLE]


def bundle(evidence: Evidence, gates: list[Gate]) -> dict[str, Any]:
    """What an approver signs: values only, so that equal states give equal bundles."""
    return {
        "version": evidence.version,
        "status": evidence.status,
        "artifact_digest": evidence.artifact_digest,
        "metrics": evidence.metrics,
        "production": evidence.production,
        "breaking": evidence.breaking,
        "hold": evidence.hold,
        "gates": {
            g.name: {"state": str(g.state), "sentence": g.sentence}
            for g in gates
            if g.name not in BY_THE_CLOCK
        },
    }


def fingerprint(signed: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a bundle."""
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _fell_shut(was: dict[str, Any], gate: dict[str, Any]) -> bool:
    return bool(gate["state"] == GateState.FAIL != was.get("state"))


def moved(signed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between the signed bundle and the present one, in words."""
    changes = [
        f"{key} was {signed.get(key)!r} and is {now.get(key)!r}"
        for key in ("version", "status", "artifact_digest", "production", "breaking", "hold")
        if signed.get(key) != now.get(key)
    ]
    if signed.get("metrics") != now.get("metrics"):
        changes.append("the run's metrics changed")
    was, is_now = signed.get("gates", {}), now.get("gates", {})
    changes += [
        f"gate {name} was {was.get(name, {}).get('state')} and is {gate['state']}:"
        f" {gate['sentence']}"
        for name, gate in is_now.items()
        if was.get(name) != gate
        and (name not in BY_THE_MINUTE or _fell_shut(was.get(name, {}), gate))
    ]
    return changes
