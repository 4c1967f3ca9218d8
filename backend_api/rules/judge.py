"""Is the canary worse than the version beside it? One verdict of three, from counts alone."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log

import numpy as np
from scipy.special import logsumexp

from backend_api.rules.sequential import (
    Counts,
    Strata,
    detectable,
    interval,
    log_mean,
    log_moved,
    log_share,
    log_worse,
)
from backend_api.states import Verdict

# The chance that a canary that is no worse is ever sent back, shared by all comparisons.
FALSE_ALARM = 0.02
# The same for one hard limit, and for the alarm on the realised share.
FALSE_LIMIT = 0.001
VERY_SLOW_MS, UNSURE = 500.0, 0.7
# Rarer outputs are counted together: a bet on each of hundreds would be a bet on none.
OUTPUTS, OTHER = 20, "other"
THRESHOLD = -log(FALSE_ALARM)


@dataclass(frozen=True)
class Tally:
    """One arm in one minute. A unit is one user in that minute: bad if any answer was."""

    units: int = 0
    errors: int = 0
    slow: int = 0
    very_slow: int = 0
    unsure: int = 0
    confident: int = 0
    outputs: Counter[str] = field(default_factory=Counter)

    @property
    def judged(self) -> int:
        """Units whose answer carried a confidence."""
        return self.unsure + self.confident


@dataclass(frozen=True)
class Minute:
    """Both arms in the minute that begins at ``at``."""

    at: datetime
    canary: Tally
    stable: Tally


@dataclass(frozen=True)
class Metric:
    """A comparison: its part of the evidence, and the odds ratio that is let pass."""

    name: str
    title: str
    bad: str
    units: str
    weight: float
    tolerance: float


RATES = (
    Metric("errors", "failed", "errors", "units", 0.4, 1.0),
    Metric("slow", "took longer than 200 ms", "slow", "units", 0.2, 1.05),
    Metric("confidence", "had a confidence of 0.7 or less", "unsure", "judged", 0.2, 1.05),
)
# Two versions never say quite the same; half as many again of one answer is a change.
OUTPUT_WEIGHT, OUTPUT_TOLERANCE = 0.2, 1.5
LIMITS = (
    ("errors", "failed", 0.01),
    ("very_slow", "took longer than 500 ms, so its p95 did", 0.05),
)


@dataclass(frozen=True)
class Finding:
    """One comparison: bad units and units of each arm, and the log of its e-value.

    ``detectable`` is the smallest rate of the canary that this many units show as worse.
    """

    name: str
    title: str
    canary_bad: int
    canary_units: int
    stable_bad: int
    stable_units: int
    log_evidence: float
    detectable: float | None = None

    @property
    def canary_interval(self) -> tuple[float, float]:
        """Rates (0..1) of the canary that fit what was seen, at every look, with 95 %."""
        return interval(self.canary_bad, self.canary_units)

    @property
    def stable_interval(self) -> tuple[float, float]:
        """The same for the stable arm."""
        return interval(self.stable_bad, self.stable_units)


@dataclass(frozen=True)
class Judgement:
    """A verdict with all that it was made of; ``threshold`` and evidence are natural logs."""

    verdict: Verdict
    sentence: str
    findings: list[Finding]
    log_evidence: float
    since: datetime | None
    until: datetime | None
    minutes: int
    threshold: float = THRESHOLD


def _column(minutes: list[Minute], arm: str, name: str) -> Counts:
    return np.array([getattr(getattr(m, arm), name) for m in minutes], dtype=np.int64)


def _rate(metric: Metric, minutes: list[Minute]) -> Finding:
    strata = Strata(
        _column(minutes, "canary", metric.units), _column(minutes, "canary", metric.bad),
        _column(minutes, "stable", metric.units), _column(minutes, "stable", metric.bad),
    )  # fmt: skip
    bad, units = int(strata.canary_bad.sum()), int(strata.canary.sum())
    stable_bad, stable = int(strata.stable_bad.sum()), int(strata.stable.sum())
    # No bad unit yet says that the rate is low, not that it is nothing.
    rate = (stable_bad + 0.5) / (stable + 1)
    seen = detectable(rate, units, units / max(1, units + stable), THRESHOLD - log(metric.weight))
    return Finding(
        metric.name, metric.title, bad, units, stable_bad, stable,
        log_worse(strata, metric.tolerance), seen,
    )  # fmt: skip


def _outputs(minutes: list[Minute]) -> Finding:
    """The output whose share moved most, with the evidence over all of them."""
    total: Counter[str] = Counter()
    for minute in minutes:
        total += minute.canary.outputs + minute.stable.outputs
    common = [name for name, _ in total.most_common(OUTPUTS)]
    found: list[tuple[float, str, Strata]] = []
    canary = np.array([m.canary.outputs.total() for m in minutes], dtype=np.int64)
    stable = np.array([m.stable.outputs.total() for m in minutes], dtype=np.int64)
    for name in [*common, *([OTHER] if len(total) > OUTPUTS else [])]:
        strata = Strata(
            canary, _said(minutes, "canary", name, common), stable,
            _said(minutes, "stable", name, common),
        )  # fmt: skip
        found.append((log_moved(strata, OUTPUT_TOLERANCE), name, strata))
    if not found:
        return Finding("outputs", "with other answers", 0, 0, 0, 0, 0.0)
    evidence = log_mean(np.array([one for one, _, _ in found]))
    _, name, most = max(found, key=lambda one: one[0])
    return Finding(
        "outputs", f"answered {name}", int(most.canary_bad.sum()), int(canary.sum()),
        int(most.stable_bad.sum()), int(stable.sum()), evidence,
    )  # fmt: skip


def _said(minutes: list[Minute], arm: str, name: str, common: list[str]) -> Counts:
    counts: list[Counter[str]] = [getattr(m, arm).outputs for m in minutes]
    if name == OTHER and name not in common:
        return np.array([c.total() - sum(c[one] for one in common) for c in counts])
    return np.array([c[name] for c in counts], dtype=np.int64)


def _over_a_limit(minutes: list[Minute]) -> tuple[str, bool] | None:
    """What is over a hard limit beyond chance, and whether stable is over it as well."""
    for name, title, limit in LIMITS:
        over = []
        for arm in ("canary", "stable"):
            bad, units = (int(_column(minutes, arm, c).sum()) for c in (name, "units"))
            beyond = log_share(bad, units, limit) >= -log(FALSE_LIMIT) and bad > limit * units
            over.append((beyond, bad, units))
        (canary, bad, units), (stable, _, _) = over
        if canary:
            return f"{bad:,} of {units:,} ({bad / units:.1%}) {title}; {limit:.0%} may", stable
    return None


def _share(bad: int, units: int) -> str:
    return f"{bad / units:.2%} ({bad:,} of {units:,})" if units else "none"


def judge(
    minutes: list[Minute], canary: str, stable: str, wanted: timedelta, least: int
) -> Judgement:
    """Compare two versions over whole minutes in which both had the same share throughout.

    The verdict is PROMOTE once ``wanted`` time had answers of both arms and each arm ``least``
    units, and nothing speaks against the canary. A minute without answers of one arm says nothing
    and does not count.
    """
    seen = [m for m in minutes if m.canary.units and m.stable.units]
    findings = [*(_rate(metric, seen) for metric in RATES), _outputs(seen)]
    weights = [*(metric.weight for metric in RATES), OUTPUT_WEIGHT]
    parts = [f.log_evidence + log(w) for f, w in zip(findings, weights, strict=True)]
    # A mean of e-values by weights is one.
    evidence = float(logsumexp(parts))
    verdict, sentence = _decide(seen, findings, parts, evidence, (canary, stable), (wanted, least))
    return Judgement(
        verdict, sentence, findings, evidence,
        seen[0].at if seen else None, seen[-1].at + timedelta(minutes=1) if seen else None,
        len(seen),
    )  # fmt: skip


def _decide(
    seen: list[Minute], findings: list[Finding], parts: list[float], evidence: float,
    names: tuple[str, str], plan: tuple[timedelta, int],
) -> tuple[Verdict, str]:  # fmt: skip
    canary, stable = names
    limit = _over_a_limit(seen)
    if limit is not None and not limit[1]:
        return (
            Verdict.ROLL_BACK,
            f"Of {canary}'s answers {limit[0]}. {stable} beside it keeps to it.",
        )
    if evidence >= THRESHOLD:
        worst = findings[int(np.argmax(parts))]
        odds = f"1 in {exp(min(evidence, 40)):,.0f}" if evidence < 20 else "1 in many millions"
        return Verdict.ROLL_BACK, (
            f"Of {canary}'s answers {_share(worst.canary_bad, worst.canary_units)}"
            f" {worst.title}, of {stable}'s beside it"
            f" {_share(worst.stable_bad, worst.stable_units)}. Were it no worse, this would be"
            f" seen at most {odds} times."
        )
    if limit is not None:
        return (
            Verdict.NOT_ENOUGH,
            f"Both arms are over a limit: {limit[0]}. Look for the cause first.",
        )
    wanted, least = plan
    units, other = findings[0].canary_units, findings[0].stable_units
    lacking = []
    if units < least:
        lacking.append(f"{least - units:,} more of {canary}")
    if other < least:
        lacking.append(f"{least - other:,} more of {stable}")
    left = wanted - timedelta(minutes=len(seen))
    if left > timedelta(0):
        lacking.append(f"{_time(left)} more with answers of both")
    if lacking:
        return (
            Verdict.NOT_ENOUGH,
            f"Nothing speaks against {canary} yet; needed: {', '.join(lacking)}.",
        )
    return Verdict.PROMOTE, (
        f"{units:,} users' minutes of {canary} beside {other:,} of {stable}, and nothing speaks"
        f" against it. An error rate of {findings[0].detectable or 1:.2%} would have been seen."
    )


def _time(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    return f"{minutes / 60:.1f} h" if minutes >= 120 else f"{max(1, minutes)} min"
