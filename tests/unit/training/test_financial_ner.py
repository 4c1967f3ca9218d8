"""The financial NER: requests, tags and windows, and that little training already teaches it."""

import json
from typing import Any

import numpy as np
import pytest

from training import pipeline
from training.financial_ner import data, train
from training.financial_ner.data import Example
from training.financial_ner.model import REACH
from training.financial_ner.sentence import Span
from training.financial_ner.serving import ModelHandler, windows
from training.financial_ner.tags import best_path, pair_scores, tag_names, to_runs, to_tags
from training.pipeline import Candidate
from training.text import MAX_CHARACTERS, tokenise

LABELS = ["AMOUNT", "DATE", "PERSON"]
NAMES = tag_names(LABELS)
HINDI = "रमेश को ₹5,000 भेजो"


@pytest.fixture(scope="module")
def handler() -> ModelHandler:
    pairs = np.zeros((len(NAMES), len(NAMES)))
    return ModelHandler.from_config(
        {"hasher": train.HASHER, "labels": LABELS, "reach": REACH, "pairs": pairs.tolist()}
    )


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    return train.build(data.generated(train.QUICK_ROWS), seed=3, quick=True)


def certain(tags: list[str], chance: float = 0.9) -> Any:
    """Chances (tokens, tags) of a network that is ``chance`` sure of each tag."""
    rest = (1.0 - chance) / (len(NAMES) - 1)
    rows = np.full((len(tags), len(NAMES)), rest, dtype=np.float32)
    rows[np.arange(len(tags)), [NAMES.index(tag) for tag in tags]] = chance
    return rows


GOOD: list[dict[str, Any]] = [
    {"text": "pay"},
    {"text": HINDI},
    {"text": "?"},
    {"text": "pay", "user_id": None},
    {"text": "pay", "user_id": "u1"},
    {"text": "x" * MAX_CHARACTERS},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "text is missing; send it as a text"),
    ({"text": None}, "text is of type NoneType; send a text"),
    ({"text": ["pay"]}, "text is of type list; send a text"),
    ({"text": ""}, "text is empty; send at least one word"),
    ({"text": " \n\t"}, "text is empty"),
    ({"text": "x" * (MAX_CHARACTERS + 1)}, "text has 5,001 characters; shorten it to 5,000"),
    ({"text": "a\x00b"}, "text holds a NUL"),
    ({"text": "\ud83d"}, "text holds .* half of a character"),
    ({"text": "pay", "user_id": 7}, "user_id is of type int; send a text or leave it out"),
    ({"text": "pay", "texts": "x"}, "texts is not a field of this model; rename it to text"),
    ({"text": "pay", "zzz": 1}, "zzz is not a field of this model; remove it"),
]


@pytest.mark.parametrize("request_", GOOD, ids=lambda r: str(r)[:40])
def test_a_good_request_is_taken_and_encoded(handler: ModelHandler, request_: Any) -> None:
    handler.validate(request_)
    ids = handler.encode([request_])["ids"]
    assert ids.dtype == np.int64
    assert (ids[:, 0, 0] > 0).all()


@pytest.mark.parametrize(("request_", "message"), BAD, ids=[m for _, m in BAD])
def test_a_bad_request_is_refused(handler: ModelHandler, request_: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        handler.validate(request_)


ROUND_TRIPS = [
    ("Transfer ₹5,000 to Ramesh on 12 March", [("₹5,000", "AMOUNT"), ("Ramesh", "PERSON"),
                                               ("12 March", "DATE")]),
    (HINDI, [("रमेश", "PERSON"), ("₹5,000", "AMOUNT")]),
    ("  Asha,Om  and 🙂 Zoya's share", [("Asha", "PERSON"), ("Om", "PERSON"), ("Zoya", "PERSON")]),
    ("Rs.450 kal kal", [("Rs.450", "AMOUNT"), ("kal", "DATE")]),
    ("nothing here", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ROUND_TRIPS, ids=[t for t, _ in ROUND_TRIPS])
def test_entities_come_back_at_their_places(
    handler: ModelHandler, text: str, wanted: list[tuple[str, str]]
) -> None:
    spans, begin = [], 0
    for words, label in wanted:
        begin = text.index(words, begin)
        spans.append((begin, begin + len(words), label))
        begin += len(words)
    tags = to_tags(tokenise(text), spans)
    [answer] = handler.decode([certain(tags)[None]], [{"text": text}])
    assert [(e["start"], e["end"], e["label"]) for e in answer["entities"]] == spans
    assert all(text[e["start"] : e["end"]] == e["text"] for e in answer["entities"])
    assert answer["confidence"] == pytest.approx(0.9 + (0.1 / 6 if wanted else 0.0))
    json.dumps(answer)


def test_the_least_certain_word_decides(handler: ModelHandler) -> None:
    chances = certain(["B-DATE", "I-DATE", "O", "B-PERSON"])
    chances[1] = certain(["I-DATE"], 0.6)
    chances[2] = certain(["O"], 0.5)
    [answer] = handler.decode([chances[None]], [{"text": "12 March to Asha"}])
    # Either edge of the label counts: what is left of the chance is shared by the six other tags.
    confidences = [0.6 + 0.4 / 6, 0.9 + 0.1 / 6]
    assert [e["confidence"] for e in answer["entities"]] == pytest.approx(confidences)
    assert answer["confidence"] == pytest.approx(confidences[0])
    [nothing] = handler.decode([certain(["O", "O"], 0.8)[None]], [{"text": "hello there"}])
    assert nothing == {"entities": [], "confidence": pytest.approx(0.8)}


def test_an_inside_tag_alone_begins_an_entity() -> None:
    assert to_runs(["I-DATE", "I-DATE", "O", "I-DATE", "I-PERSON", "B-PERSON"]) == [
        (0, 2, "DATE"), (3, 4, "DATE"), (4, 5, "PERSON"), (5, 6, "PERSON"),
    ]  # fmt: skip


def test_a_pair_that_never_stood_together_needs_more_than_a_guess() -> None:
    sentences = [["B-PERSON", "I-PERSON", "O", "B-DATE"], ["O", "B-PERSON", "O"]] * 50
    pairs = pair_scores(NAMES, sentences)
    assert pairs.max() <= 0.0
    guess = certain(["B-PERSON", "B-PERSON", "O"], 0.5).astype(float)
    guess[1, NAMES.index("I-PERSON")] = 0.4
    assert [NAMES[tag] for tag in best_path(guess, pairs)] == ["B-PERSON", "I-PERSON", "O"]
    sure = certain(["B-PERSON", "B-PERSON", "O"], 0.9999).astype(float)
    assert [NAMES[tag] for tag in best_path(sure, pairs)] == ["B-PERSON", "B-PERSON", "O"]


@pytest.mark.parametrize("tokens", [1, 95, 96, 97, 165, 1_000])
def test_windows_keep_each_word_once_with_its_surroundings(tokens: int) -> None:
    rows = windows(tokens, 96, REACH)
    kept = [place for w in rows for place in range(w.keep_start, w.keep_end)]
    assert kept == list(range(tokens))
    for w in rows:
        assert w.end - w.start <= 96
        assert w.start == max(0, w.keep_start - REACH) or len(rows) == 1
        assert w.end == min(tokens, w.keep_end + REACH) or len(rows) == 1


def test_a_long_text_is_read_to_its_end_as_if_whole(candidate: Candidate) -> None:
    part = "I spent Rs 450 on Swiggy yesterday and paid Ramesh 2,000 . "
    text = (part * 200)[:MAX_CHARACTERS]
    whole = {**candidate.config, "hasher": {**train.HASHER, "max_tokens": 10_000}}
    one_row = Candidate(**{**vars(candidate), "config": whole})
    requests = [{"text": "hi"}, {"text": text}, {"text": part}]
    short, long, last = candidate.answers(requests)
    unbroken = one_row.answers([{"text": text}])[0]
    places = [(e["start"], e["end"], e["label"]) for e in long["entities"]]
    assert places == [(e["start"], e["end"], e["label"]) for e in unbroken["entities"]]
    assert places[-1][1] > MAX_CHARACTERS - 100
    assert short == candidate.answers([{"text": "hi"}])[0]
    assert [e["text"] for e in last["entities"]][:2] == ["Rs 450", "Swiggy"]


def test_a_quick_training_learns_and_exports_what_it_learnt(candidate: Candidate) -> None:
    assert candidate.metrics["f1_micro"] > 0.7
    assert candidate.metrics["f1_AMOUNT"] > 0.9
    artefact, difference = pipeline.artefact(candidate)
    assert difference <= pipeline.ONNX_TOLERANCE
    assert len(artefact.documents["golden.json"]) == pipeline.GOLDEN_ROWS
    watched = {f["name"] for f in artefact.documents["reference.json"]["features"]}
    assert {"characters", "output.BANK", "output.confidence"} <= watched


def test_the_same_seed_trains_the_same_model() -> None:
    rows = data.generated(600, 5)
    first, again, other = (train.build(rows, seed, True).metrics for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_only_the_exact_span_with_its_label_counts() -> None:
    rows = [
        Example("pay ₹500 to Asha", (Span(4, 8, "AMOUNT"), Span(12, 16, "PERSON")), "test"),
        Example("hello", (), "test"),
    ]
    said = [
        {"entities": [{"start": 4, "end": 8, "label": "AMOUNT"},
                      {"start": 9, "end": 16, "label": "PERSON"}]},
        {"entities": [{"start": 0, "end": 5, "label": "PERSON"}]},
    ]  # fmt: skip
    metrics = train.score(rows, said)
    assert metrics["f1_AMOUNT"] == 1.0
    assert metrics["f1_PERSON"] == metrics["f1_min"] == 0.0
    assert metrics["precision"] == pytest.approx(1 / 3)
    assert metrics["recall"] == pytest.approx(1 / 2)
    assert metrics["f1_micro"] == pytest.approx(2 / 5)
