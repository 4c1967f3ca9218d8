"""Train the financial NER: ``python -m training.financial_ner.train``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training import tracking
from training.command import train_app
from training.datasets import DEFAULT_SEED, DataError, Dataset
from training.financial_ner import data
from training.financial_ner.model import REACH, TaggerNetwork
from training.financial_ner.serving import windows
from training.financial_ner.tags import pair_scores, tag_names, to_tags
from training.networks import minimise, seed_everything
from training.pipeline import Candidate, TrainResult, publish
from training.serving import Answer, load
from training.text import MAX_CHARACTERS, tokenise

MODEL_NAME = "financial_ner"
BUCKETS = 16_384
MAX_TOKENS = 96
HASHER = {"kind": "shaped", "buckets": BUCKETS, "width": 20, "max_tokens": MAX_TOKENS}
SIZE = 64
EPOCHS, QUICK_EPOCHS = 5, 4
QUICK_ROWS = 3_000
BATCH = 64
LEARNING_RATE = 4e-3
# Some training annotations are wrong, so full certainty is not wanted.
LABEL_SMOOTHING = 0.05
PADDING = -100

INPUT_SCHEMA: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "required": True, "max_length": MAX_CHARACTERS},
    "user_id": {"type": "string", "required": False},
}


def requests(rows: Sequence[data.Example]) -> list[dict[str, Any]]:
    """What a caller would send for these rows."""
    return [{"text": row.text} for row in rows]


def _tags(row: data.Example) -> list[str]:
    return to_tags(tokenise(row.text), [(e.start, e.end, e.label) for e in row.entities])


def _targets(rows: Sequence[data.Example], labels: Sequence[str], shape: torch.Size) -> Tensor:
    """Class per token in the rows that the handler encodes; ``PADDING`` where nothing stands."""
    classes = {tag: place for place, tag in enumerate(tag_names(labels))}
    targets = torch.full(shape[:2], PADDING)
    line = 0
    for row in rows:
        tags = _tags(row)
        for window in windows(len(tags), MAX_TOKENS, REACH):
            own = [classes[tag] for tag in tags[window.start : window.end]]
            targets[line, : len(own)] = torch.tensor(own)
            line += 1
    return targets


def _fit(
    rows: Sequence[data.Example], config: dict[str, Any], seed: int, epochs: int
) -> TaggerNetwork:
    ids = torch.from_numpy(load(MODEL_NAME, config).encode(requests(rows))["ids"])
    lengths = (ids[:, :, 0] > 0).sum(dim=1)
    targets = _targets(rows, config["labels"], ids.shape)
    seed_everything(seed)
    network = TaggerNetwork(BUCKETS, SIZE, len(tag_names(config["labels"])))
    cross_entropy = nn.CrossEntropyLoss(ignore_index=PADDING, label_smoothing=LABEL_SMOOTHING)

    def loss(batch: Tensor) -> Tensor:
        longest = int(lengths[batch].max())
        scores = network.logits(ids[batch, :longest])
        return cross_entropy(scores.flatten(0, 1), targets[batch, :longest].flatten())

    minimise(
        network,
        loss,
        rows=len(ids),
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        seed=seed,
        title="financial NER",
    )
    return network


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def score(rows: Sequence[data.Example], answers: Sequence[Answer]) -> dict[str, float]:
    """Precision, recall and F1 per label and over all, in 0..1; right is the exact span and label.

    Every label of ``rows`` has an F1. ``f1_min`` is the lowest of them.
    """
    truth = {(n, e.start, e.end, e.label) for n, row in enumerate(rows) for e in row.entities}
    said = {
        (n, e["start"], e["end"], e["label"])
        for n, answer in enumerate(answers)
        for e in answer["entities"]
    }
    wanted, found, right = (
        Counter(label for *_, label in spans) for spans in (truth, said, truth & said)
    )
    metrics = {}
    for label in sorted(wanted):
        metrics[f"precision_{label}"] = _ratio(right[label], found[label])
        metrics[f"recall_{label}"] = _ratio(right[label], wanted[label])
        metrics[f"f1_{label}"] = _ratio(2 * right[label], found[label] + wanted[label])
    return {
        **metrics,
        "f1_min": min((metrics[f"f1_{label}"] for label in wanted), default=0.0),
        "f1_micro": _ratio(2 * right.total(), found.total() + wanted.total()),
        "precision": _ratio(right.total(), found.total()),
        "recall": _ratio(right.total(), wanted.total()),
    }


def measure(candidate: Candidate, rows: Sequence[data.Example]) -> dict[str, float]:
    """``score`` of the candidate's answers."""
    return score(rows, candidate.answers(requests(rows)))


def build(dataset: Dataset[data.Example], seed: int, quick: bool) -> Candidate:
    """Fit on the training split and measure on the test split."""
    labels = sorted({e.label for row in dataset.train for e in row.entities})
    others = {e.label for row in [*dataset.val, *dataset.test] for e in row.entities}
    strange = sorted(others - set(labels))
    if strange:
        raise DataError(f"{dataset.source} has no training entity {strange[0]}; add some")
    pairs = pair_scores(tag_names(labels), map(_tags, dataset.train))
    config = {"hasher": HASHER, "labels": labels, "reach": REACH,
              "pairs": pairs.round(4).tolist()}  # fmt: skip
    epochs = QUICK_EPOCHS if quick else EPOCHS
    candidate = Candidate(
        model_name=MODEL_NAME,
        network=_fit(dataset.train, config, seed, epochs),
        config=config,
        output_names=("probabilities",),
        dynamic_axes={"ids": {0: "batch", 1: "tokens"}},
        metrics={},
        params={"seed": seed, "epochs": epochs, "batch_size": BATCH, "buckets": BUCKETS,
                "embedding_size": SIZE, "learning_rate": LEARNING_RATE,
                "label_smoothing": LABEL_SMOOTHING, "quick": quick},
        input_schema=INPUT_SCHEMA,
        requests=requests([*dataset.val, *dataset.test]),
        truths=[
            [{"start": e.start, "end": e.end, "label": e.label} for e in row.entities]
            for row in [*dataset.val, *dataset.test]
        ],
    )  # fmt: skip
    metrics = measure(candidate, dataset.test)
    metrics["val_f1_micro"] = measure(candidate, dataset.val)["f1_micro"]
    return replace(candidate, metrics=metrics)


def train(
    data_path: Path | None = None, seed: int = DEFAULT_SEED, quick: bool = False
) -> TrainResult:
    """Train the NER on a JSON list of {text, entities, split?} and log it."""
    tracking.require_server()
    if data_path is not None:
        dataset = data.load(data_path, seed)
    else:
        dataset = data.generated(QUICK_ROWS if quick else data.DEFAULT_ROWS, seed)
    return publish(build(dataset, seed, quick), dataset)


if __name__ == "__main__":
    train_app(train)()
