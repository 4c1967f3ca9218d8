"""Sentences for the financial NER: generated from patterns, or read from a JSON file.

A template is a pattern with its alternatives chosen and its slots open. Templates are dealt to
the splits within each pattern, and a share of the names is put aside, so the test split speaks in
turns and of people, shops and banks that training has not seen.
``LABEL_NOISE`` of the training sentences are annotated wrongly; the other splits are clean.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

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
    require_splits,
)
from training.financial_ner import names as name_lists
from training.financial_ner import patterns
from training.financial_ner.names import Names, Rng
from training.financial_ner.sentence import JOINERS, Piece, Span, dress, fill
from training.financial_ner.values import LABELS
from training.templates import canonical, deal_pattern, expand, verbatim
from training.text import require_text, tokenise

DEFAULT_ROWS = 24_000
LABEL_NOISE = 0.03
TWO_CLAUSES = 0.15

Templates = dict[str, dict[str, list[list[str]]]]
_TOPICS, _SHARES = list(patterns.SHARES), np.array(list(patterns.SHARES.values()))


@dataclass(frozen=True)
class Example:
    """An annotated sentence; ``template`` is empty when the sentence was not generated."""

    text: str
    entities: tuple[Span, ...]
    split: str
    template: str = ""


def deal_templates(seed: int) -> Templates:
    """Templates by split and topic, grouped by pattern; no template is in two splits."""
    chooser = np.random.default_rng([seed, 4])
    dealt: Templates = {split: {topic: [] for topic in patterns.TOPICS} for split in SHARES}
    seen: set[str] = set()
    for topic, own in patterns.TOPICS.items():
        for pattern in own:
            fresh = [t for t in dict.fromkeys(expand(pattern)) if t not in seen]
            seen.update(fresh)
            for split, part in deal_pattern(fresh, chooser).items():
                if part:
                    dealt[split][topic].append(part)
    return dealt


def _choose(topics: Mapping[str, list[list[str]]], rng: Rng) -> str:
    # By its place: an array of names at each draw takes longer than the draw.
    topic = _TOPICS[int(rng.choice(len(_TOPICS), p=_SHARES))]
    group = topics[topic][int(rng.integers(len(topics[topic])))]
    return group[int(rng.integers(len(group)))]


def _sentence(topics: Mapping[str, list[list[str]]], names: Names, split: str, rng: Rng) -> Example:
    template = _choose(topics, rng)
    pieces = fill(template, names, split, rng)
    if rng.random() < TWO_CLAUSES:
        second = _choose(topics, rng)
        template = f"{template} + {second}"
        joiner = Piece(str(rng.choice(JOINERS)))
        pieces = [*pieces, joiner, *fill(second, names, split, rng)]
    text, spans = dress(pieces, rng)
    return Example(text, tuple(spans), split, template)


def _misannotate(row: Example, rng: Rng) -> Example:
    """One entity lost, or under another label."""
    place = int(rng.integers(len(row.entities)))
    wrong = list(row.entities)
    span = wrong.pop(place)
    if rng.random() < 0.5:
        other = str(rng.choice([label for label in LABELS if label != span.label]))
        wrong.insert(place, replace(span, label=other))
    return replace(row, entities=tuple(wrong))


def _mislabel(rows: Sequence[Example], seed: int) -> list[Example]:
    rng = np.random.default_rng([seed, 6])
    annotated = [place for place, row in enumerate(rows) if row.entities]
    wrong = rng.choice(annotated, size=round(LABEL_NOISE * len(rows)), replace=False)
    noisy = list(rows)
    for place in wrong.tolist():
        noisy[place] = _misannotate(rows[place], rng)
    return noisy


def generate(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> list[Example]:
    """About ``rows`` sentences (doubles and validation texts are dropped), in split order."""
    rng = np.random.default_rng([seed, 7])
    dealt, names = deal_templates(seed), name_lists.deal(seed)
    # Asked of a staged version before it goes on, so never shown in training.
    asked = {canonical(text) for text in catalogue.validation_texts("financial_ner", "text")}
    taken: set[str] = set()
    examples: list[Example] = []
    for split, share in SHARES.items():
        fresh = []
        for _ in range(round(share * rows)):
            row = _sentence(dealt[split], names, split, rng)
            form = verbatim(row.text)
            if form not in taken and canonical(row.text) not in asked:
                taken.add(form)
                fresh.append(row)
        examples += _mislabel(fresh, seed) if split == "train" else fresh
    return examples


def _dataset(rows: Sequence[Example], source: str) -> Dataset[Example]:
    splits = [row.split for row in rows]
    return by_split(rows, splits, source, digest(rows))


def generated(rows: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> Dataset[Example]:
    """``generate`` as a dataset."""
    return _dataset(generate(rows, seed), f"generated:financial_ner?rows={rows}&seed={seed}")


def _span(entity: Any, text: str, place: str) -> Span:
    """One annotation of a file; ``place`` says where it stands in it."""
    if not isinstance(entity, dict) or not {"start", "end", "label"} <= entity.keys():
        raise DataError(f"{place} has an entity without start, end and label; give all three")
    start, end, label = entity["start"], entity["end"], entity["label"]
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{place} has an entity with label {label!r}; give a text")
    whole = all(isinstance(edge, int) and not isinstance(edge, bool) for edge in (start, end))
    if not whole or not 0 <= start < end <= len(text):
        raise DataError(
            f"{place} has an entity from {start!r} to {end!r}; "
            f"give whole numbers with 0 <= start < end <= {len(text)}"
        )
    return Span(start, end, label)


def _require_words(spans: Sequence[Span], text: str, place: str) -> None:
    """``DataError`` unless entities are whole words and stand beside each other."""
    tokens = tokenise(text)
    starts, ends = {t.start for t in tokens}, {t.end for t in tokens}
    reached = 0
    for span in spans:
        if span.start not in starts or span.end not in ends:
            raise DataError(
                f"{place} has {text[span.start : span.end]!r} as {span.label}, which cuts a word "
                "or holds a blank at its edge; move start and end to the edges of words"
            )
        if span.start < reached:
            raise DataError(f"{place} has entities that overlap; keep one of them")
        reached = span.end


def annotated(record: Mapping[str, Any], place: str) -> tuple[str, tuple[Span, ...]]:
    """Text and entities of a row; ``DataError`` names the place and says what to mend."""
    try:
        text = require_text(record, "text")
    except ValueError as error:
        raise DataError(f"{place} cannot be used: {error}") from None
    entities = record["entities"]
    if not isinstance(entities, list):
        raise DataError(f"{place} has entities that are no list; give a list, empty for none")
    spans = sorted((_span(e, text, place) for e in entities), key=lambda span: span.start)
    _require_words(spans, text, place)
    return text, tuple(spans)


def _rarest(rows: Sequence[Sequence[Span]]) -> list[str]:
    """The rarest label of each row, so that each split is dealt its share of it."""
    counts = Counter(span.label for spans in rows for span in spans)
    return [
        min((span.label for span in spans), key=lambda label: (counts[label], label), default="")
        for spans in rows
    ]


def load(path: Path, seed: int = DEFAULT_SEED) -> Dataset[Example]:
    """Read a JSON list of ``{text, entities: [{start, end, label}], split?}``.

    ``DataError`` says what is wrong with it. Without ``split``, rows are dealt 70/10/20 and
    sentences that read the same stay together.
    """
    records = read_records(path, ("text", "entities"))
    read = [annotated(r, f"row {n} of {path}") for n, r in enumerate(records, start=1)]
    splits = given_splits(records, path)
    if splits is None:
        texts = [verbatim(text) for text, _ in read]
        splits = assign_splits(texts, _rarest([spans for _, spans in read]), seed)
        require_splits(splits, path)
    rows = [
        Example(text, spans, split, str(record.get("template", "")))
        for (text, spans), split, record in zip(read, splits, records, strict=True)
    ]
    if not any(row.entities for row in rows if row.split == "train"):
        raise DataError(f"{path} has no entity in its training rows; annotate some")
    return _dataset(rows, str(path))


def write(out: Path, rows: int, seed: int) -> int:
    """Write generated sentences as JSON; returns how many."""
    examples = [asdict(row) for row in generate(rows, seed)]
    out.write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return len(examples)


if __name__ == "__main__":
    data_app(write, DEFAULT_ROWS)()
