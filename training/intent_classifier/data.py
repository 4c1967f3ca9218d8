"""Sentences for the intent classifier: generated from patterns, or read from a JSON file.

A template is a pattern with its alternatives chosen and its slots open. Templates are dealt to
the splits within each intent, so the test split asks in words that training has not seen in
this order. ``LABEL_NOISE`` of the training rows carry a wrong intent; the other splits are clean.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training import catalogue
from training.data_command import data_app
from training.datasets import (
    DEFAULT_SEED,
    SHARES,
    DataError,
    Dataset,
    assign_splits,
    by_split,
    digest,
    given_splits,
    read_records,
    require_classes,
)
from training.intent_classifier.noise import dress
from training.intent_classifier.phrases import INTENTS
from training.intent_classifier.phrases.slots import Rng, fill
from training.templates import canonical, deal_pattern, expand, verbatim
from training.text import require_text

DEFAULT_ROWS = 40_000
LABEL_NOISE = 0.02
DISTRACTION = 0.25

BEFORE = (
    "i have already {done} , now {core}",
    "i already {done} , so {core}",
    "just {done} , now {core}",
    "forget {topic} , {core}",
    "this is not about {topic} , {core}",
    "leave {topic} for later , {core}",
    "not {topic} , {core}",
    "{topic} baad mein , pehle {core}",
)
AFTER = (
    "{core} , {topic} can wait",
    "{core} , i have already {done}",
    "{core} , i do not mean {topic}",
    "{core} , not {topic}",
    "{core} , {topic} ki baat nahi kar raha",
)

Templates = dict[str, dict[str, list[list[str]]]]


@dataclass(frozen=True)
class Example:
    """A labelled sentence; ``template`` is empty when the sentence was not generated."""

    text: str
    intent: str
    split: str
    template: str = ""


def deal_templates(seed: int) -> Templates:
    """Templates by split and intent, grouped by pattern; no template is in two splits."""
    chooser = np.random.default_rng([seed, 1])
    dealt: Templates = {split: {intent: [] for intent in INTENTS} for split in SHARES}
    seen: set[str] = set()
    for intent, corpus in INTENTS.items():
        for pattern in corpus.patterns:
            fresh = [t for t in dict.fromkeys(expand(pattern)) if canonical(t) not in seen]
            seen.update(map(canonical, fresh))
            for split, own in deal_pattern(fresh, chooser).items():
                if own:
                    dealt[split][intent].append(own)
    return dealt


def _distract(core: str, intent: str, rng: Rng) -> str:
    other = str(rng.choice([name for name in INTENTS if name != intent]))
    frame = str(rng.choice(BEFORE if rng.random() < 0.5 else AFTER))
    done = fill(str(rng.choice(INTENTS[other].done)), rng)
    topic = fill(str(rng.choice(INTENTS[other].topics)), rng)
    return frame.replace("{done}", done).replace("{topic}", topic).replace("{core}", core)


def _sentence(template: str, intent: str, rng: Rng) -> str:
    core = fill(template, rng)
    if rng.random() < DISTRACTION:
        core = _distract(core, intent, rng)
    return dress(core, rng)


def _draw(split: str, rows: int, patterns: dict[str, list[list[str]]], rng: Rng) -> list[Example]:
    intents = list(INTENTS)
    # Everything else is the largest class of a real assistant.
    weights = np.array([3.0 if name == "out_of_scope" else 1.0 for name in intents])
    shares = weights / weights.sum()
    drawn = []
    for _ in range(rows):
        # By its place: an array of names at each draw takes longer than the draw.
        intent = intents[int(rng.choice(len(intents), p=shares))]
        group = patterns[intent][int(rng.integers(len(patterns[intent])))]
        template = group[int(rng.integers(len(group)))]
        drawn.append(Example(_sentence(template, intent, rng), intent, split, template))
    return drawn


def _mislabel(rows: Sequence[Example], rng: Rng) -> list[Example]:
    wrong = set(rng.choice(len(rows), size=round(LABEL_NOISE * len(rows)), replace=False).tolist())
    noisy = []
    for place, row in enumerate(rows):
        if place in wrong:
            other = str(rng.choice([name for name in INTENTS if name != row.intent]))
            row = Example(row.text, other, row.split, row.template)
        noisy.append(row)
    return noisy


def generate(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> list[Example]:
    """About ``rows`` sentences (doubles and validation queries are dropped), in split order."""
    rng = np.random.default_rng([seed, 2])
    dealt = deal_templates(seed)
    # Asked of a staged version before it goes on, so never shown in training.
    taken = {verbatim(query) for query in catalogue.validation_texts("intent_classifier", "query")}
    examples: list[Example] = []
    for split, share in SHARES.items():
        fresh = []
        for row in _draw(split, round(share * rows), dealt[split], rng):
            form = verbatim(row.text)
            if form not in taken:
                taken.add(form)
                fresh.append(row)
        examples += _mislabel(fresh, rng) if split == "train" else fresh
    return examples


def _dataset(rows: Sequence[Example], source: str) -> Dataset[Example]:
    splits = [row.split for row in rows]
    return by_split(rows, splits, source, digest(rows))


def generated(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> Dataset[Example]:
    """``generate`` as a dataset."""
    return _dataset(generate(rows, seed), f"generated:intent_classifier?rows={rows}&seed={seed}")


def load(path: Path, seed: int = DEFAULT_SEED) -> Dataset[Example]:
    """Read a JSON list of ``{text, intent, split?}``; ``DataError`` says what is wrong with it.

    Without ``split``, rows are dealt 70/10/20 and sentences that read the same stay together.
    """
    records = read_records(path, ("text", "intent"))
    for number, record in enumerate(records, start=1):
        try:
            require_text(record, "text")
            require_text(record, "intent")
        except ValueError as error:
            raise DataError(f"row {number} of {path} cannot be used: {error}") from None
    texts = [record["text"] for record in records]
    intents = [record["intent"] for record in records]
    require_classes(intents, path, least=3)
    splits = given_splits(records, path)
    if splits is None:
        splits = assign_splits([verbatim(text) for text in texts], intents, seed)
    rows = [
        Example(text, intent, split, str(record.get("template", "")))
        for text, intent, split, record in zip(texts, intents, splits, records, strict=True)
    ]
    return _dataset(rows, str(path))


def write(out: Path, rows: int, seed: int) -> int:
    """Write generated sentences as JSON; returns how many."""
    examples = [asdict(row) for row in generate(rows, seed)]
    out.write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return len(examples)


if __name__ == "__main__":
    data_app(write, DEFAULT_ROWS)()
