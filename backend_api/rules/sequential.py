"""Evidence that may be looked at at any time: e-values of two arms that run side by side.

An e-value is a bet against "the canary is no worse" at odds that are fair if that is true: it
starts at 1, and the chance that it ever reaches 1/a is at most a, however often somebody looks
(Ville 1939; Ramdas, Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid
inference", Statistical Science 2023). So nobody has to fix a sample size, nor to stop peeking.
"""

from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaln, gammaln, logsumexp

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# Bets on how many times the odds have grown; their mean is a bet again (a mixture).
ODDS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0])
# Cells of the table that is worked on at once, so that a day of much traffic stays small in memory.
CELLS = 4_000_000


@dataclass(frozen=True)
class Strata:
    """Units and how many of them were bad, of both arms, in equal minutes; one shape for all."""

    canary: Counts
    canary_bad: Counts
    stable: Counts
    stable_bad: Counts

    def good(self) -> "Strata":
        """The same with good and bad exchanged."""
        return Strata(
            self.canary, self.canary - self.canary_bad, self.stable, self.stable - self.stable_bad
        )


def _log_choose(n: Counts, k: Counts) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _log_normalisers(strata: Strata, tilts: Floats) -> Floats:
    """log of sum over x of C(canary, x) C(stable, bad - x) exp(x tilt); shape (minutes, tilts)."""
    bad = strata.canary_bad + strata.stable_bad
    low = np.maximum(0, bad - strata.stable)
    high = np.minimum(bad, strata.canary)
    found = np.empty((len(bad), len(tilts)))
    width = int((high - low).max(initial=0)) + 1
    step = max(1, CELLS // width)
    for at in range(0, len(bad), step):
        part = slice(at, at + step)
        x = low[part, None] + np.arange(width)
        inside = x <= high[part, None]
        x = np.where(inside, x, low[part, None])
        table = _log_choose(strata.canary[part, None], x)
        table += _log_choose(strata.stable[part, None], bad[part, None] - x)
        table[~inside] = -inf
        for number, tilt in enumerate(tilts):
            found[part, number] = logsumexp(table + x * tilt, axis=1)
    return found


def log_bets(strata: Strata, tolerance: float = 1.0) -> Floats:
    """What each minute adds to the log of each bet in ``ODDS``; shape (minutes, bets).

    Given how many units each arm had in a minute and how many were bad in all, the canary's part
    of the bad ones follows Fisher's noncentral hypergeometric law of the odds ratio alone (Fisher
    1935; Cox, "The regression analysis of binary sequences", 1958). So what time does to both arms
    falls out, whatever the rates are. A bet on odds w against odds t gains
    x log(w/t) - log Z(w) + log Z(t), with Z the normaliser at the same margins. Against any odds
    ratio below t it is worth less, since that law grows with the odds ratio.
    """
    null = log(tolerance)
    tilts = np.log(ODDS) + null
    z = _log_normalisers(strata, np.append(tilts, null))
    return np.asarray(strata.canary_bad[:, None] * (tilts - null) - z[:, :-1] + z[:, -1:])


def log_worse(strata: Strata, tolerance: float = 1.0) -> float:
    """log of an e-value against "its odds of a bad unit are at most ``tolerance`` times"."""
    return log_mean(log_bets(strata, tolerance).sum(axis=0))


def log_moved(strata: Strata, tolerance: float) -> float:
    """log of an e-value against "its odds are within a factor of ``tolerance``", either way."""
    up, down = log_worse(strata, tolerance), log_worse(strata.good(), tolerance)
    return log_mean(np.array([up, down]))


def log_mean(values: Floats) -> float:
    """log of the mean of numbers given by their logs; a mean of e-values is one."""
    return float(logsumexp(values) - log(len(values)))


def log_share(taken: int, units: int, share: float) -> float:
    """log of an e-value against "each unit goes to the canary with the chance ``share``" (0..1).

    A uniform mixture over all other chances: the ratio of the beta function to the likelihood at
    ``share`` (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970).
    """
    if not 0 < share < 1:
        return 0.0 if taken in (0, units) else inf
    likelihood = taken * log(share) + (units - taken) * log(1 - share)
    return float(betaln(1 + taken, 1 + units - taken) - likelihood)


def interval(bad: int, units: int, alpha: float = 0.05) -> tuple[float, float]:
    """All rates that no bet has refuted at 1/``alpha``: an interval that holds at every look."""
    if units == 0:
        return 0.0, 1.0
    limit, rate = -log(alpha), bad / units

    def over(chance: float) -> float:
        return log_share(bad, units, chance) - limit

    edge = 1e-12
    low = 0.0 if bad == 0 or over(edge) < 0 else float(brentq(over, edge, rate))
    high = 1.0 if bad == units or over(1 - edge) < 0 else float(brentq(over, rate, 1 - edge))
    return low, high


def _growth(rate: float, odds: float, share: float) -> float:
    """Expected log of the best bet per unit of the canary, if its odds are ``odds`` times."""
    worse = odds * rate / (1 - rate + odds * rate)
    pooled = share * worse + (1 - share) * rate

    def divergence(p: float) -> float:
        return p * log(p / pooled) + (1 - p) * log((1 - p) / (1 - pooled))

    return divergence(worse) + (1 - share) / share * divergence(rate)


def detectable(rate: float, units: float, share: float, threshold: float) -> float | None:
    """Rate of the canary (0..1) that ``units`` of it show as worse, ``None`` if none can be.

    ``rate`` is the stable arm's, ``share`` the canary's part of all units (0..1), ``threshold`` the
    log that the e-value must reach. The mixture's price, log of the number of bets, is added to
    it. Growth rates after Kelly; see ``log_bets``.
    """
    if units < 1 or not 0 < rate < 1 or not 0 < share < 1:
        return None
    wanted = (threshold + log(len(ODDS))) / units

    def short(odds: float) -> float:
        return _growth(rate, odds, share) - wanted

    if short(1e6) < 0:
        return None
    odds = float(brentq(short, 1 + 1e-9, 1e6))
    return odds * rate / (1 - rate + odds * rate)


def needed(rate: float, worse: float, share: float, threshold: float) -> float | None:
    """Units of the canary after which it is expected to be seen as worse, ``None`` if it is not.

    The other way round of ``detectable``: ``worse`` is the canary's rate, the rest as there.
    """
    if not 0 < rate < worse < 1 or not 0 < share < 1:
        return None
    odds = worse * (1 - rate) / ((1 - worse) * rate)
    return (threshold + log(len(ODDS))) / _growth(rate, odds, share)
