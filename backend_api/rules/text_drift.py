"""Can a classifier tell new texts from those of the reference? If it cannot, they are alike.

The score is max(0, 2 AUC - 1), with the AUC of texts that the classifier was not fitted on; the
lines of drift mean the same on it. Without drift, an AUC of m against n texts varies with
sqrt((m + n + 1) / (12 m n)) around 0.5 (Mann and Whitney, 1947).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from backend_api.rules.drift import HIGH, MEDIUM, ROWS_MEDIUM
from backend_api.states import DriftState

FEWEST, MOST = ROWS_MEDIUM, 2_000
# Of the reference's side a sample is kept, which is smaller for a small training set.
FEWEST_REFERENCE = 100
FOLDS, SEED = 5, 5
# One in a thousand, as for every other score of drift.
QUANTILE = 3.0902
WORDS, EXAMPLES = 12, 6
# A long text tells in its beginning what it is about.
CHARACTERS = 500
DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class TextDrift:
    """``noise`` is the score that chance passes once in a thousand times without drift.

    ``words`` are typical of the new texts, ``examples`` the texts least like the reference; both
    are empty where no drift is seen.
    """

    state: DriftState
    score: float | None
    auc: float | None
    noise: float | None
    rows: int
    reference_rows: int
    words: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def compare(reference: Sequence[str], current: Sequence[str]) -> TextDrift:
    """Hold new texts against the reference's; both are samples of at most some thousands."""
    reference, current = ([t for t in side if t.strip()] for side in (reference, current))
    m, n = len(reference), len(current)
    if m < FEWEST_REFERENCE or n < FEWEST:
        return TextDrift(DriftState.INSUFFICIENT, None, None, None, n, m)
    texts = np.array([t[:CHARACTERS] for t in (*reference, *current)], dtype=object)
    is_new = np.repeat([0, 1], [m, n])
    apart, areas = np.zeros(m + n), []
    for fit, look in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, is_new):
        words, model = _fitted(texts[fit], is_new[fit])
        apart[look] = model.decision_function(words.transform(texts[look]))
        # Of each fold alone: classifiers of two folds have no common scale.
        areas.append(roc_auc_score(is_new[look], apart[look]))
    auc = float(np.mean(areas))
    noise = 2.0 * QUANTILE * math.sqrt((m + n + 1) / (12.0 * m * n))
    score = max(0.0, 2.0 * auc - 1.0)
    state = _state(score, noise)
    if state == DriftState.NONE:
        return TextDrift(state, score, auc, noise, n, m)
    return TextDrift(
        state, score, auc, noise, n, m, _typical(texts, is_new), _examples(texts, is_new, apart)
    )


def _state(score: float, noise: float) -> DriftState:
    if score <= noise or score < MEDIUM:
        return DriftState.NONE
    return DriftState.HIGH if score > HIGH else DriftState.MEDIUM


def _fitted(texts: np.ndarray, is_new: np.ndarray) -> tuple[TfidfVectorizer, LogisticRegression]:
    words = TfidfVectorizer(
        preprocessor=_folded, token_pattern=r"[^\W\d_]+|\d+|[^\w\s]|_", sublinear_tf=True,
        max_features=20_000,
    )  # fmt: skip
    found = words.fit_transform(texts)
    return words, LogisticRegression(max_iter=200, class_weight="balanced").fit(found, is_new)


def _folded(text: str) -> str:
    # Another amount is no other language.
    return DIGIT.sub("0", text.lower())


def _typical(texts: np.ndarray, is_new: np.ndarray) -> tuple[str, ...]:
    words, model = _fitted(texts, is_new)
    names, weights = words.get_feature_names_out(), model.coef_[0]
    return tuple(str(names[i]) for i in np.argsort(-weights)[:WORDS] if weights[i] > 0)


def _examples(texts: np.ndarray, is_new: np.ndarray, apart: np.ndarray) -> tuple[str, ...]:
    furthest = [str(texts[i]) for i in np.argsort(-apart) if is_new[i]]
    return tuple(dict.fromkeys(furthest))[:EXAMPLES]
