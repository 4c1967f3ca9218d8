"""Train the intent classifier: ``python -m training.intent_classifier.train``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from training import tracking
from training.command import train_app
from training.datasets import DEFAULT_SEED, DataError, Dataset
from training.intent_classifier import data
from training.intent_classifier.model import IntentNetwork
from training.networks import minimise, seed_everything
from training.pipeline import Candidate, TrainResult, publish
from training.serving import load
from training.text import MAX_CHARACTERS

MODEL_NAME = "intent_classifier"
BUCKETS = 16_384
HASHER = {"kind": "word", "buckets": BUCKETS, "width": 14, "max_tokens": 256}
SIZE = 64
EPOCHS, QUICK_EPOCHS = 6, 4
QUICK_ROWS = 3_000
BATCH = 64
LEARNING_RATE = 4e-3
# Some training labels are wrong, so full certainty is not wanted.
LABEL_SMOOTHING = 0.05

INPUT_SCHEMA: dict[str, dict[str, Any]] = {
    "query": {"type": "string", "required": True, "max_length": MAX_CHARACTERS},
    "user_id": {"type": "string", "required": False},
}


def requests(rows: list[data.Example]) -> list[dict[str, Any]]:
    """What a caller would send for these rows."""
    return [{"query": row.text} for row in rows]


def _fit(rows: list[data.Example], config: dict[str, Any], seed: int, epochs: int) -> IntentNetwork:
    labels: list[str] = config["labels"]
    ids = torch.from_numpy(load(MODEL_NAME, config).encode(requests(rows))["ids"])
    lengths = (ids[:, :, 0] > 0).sum(dim=1)
    targets = torch.tensor([labels.index(row.intent) for row in rows])
    seed_everything(seed)
    network = IntentNetwork(BUCKETS, SIZE, len(labels))
    cross_entropy = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)

    def loss(batch: Tensor) -> Tensor:
        longest = max(int(lengths[batch].max()), 1)
        return cross_entropy(network.logits(ids[batch, :longest]), targets[batch])

    minimise(
        network,
        loss,
        rows=len(rows),
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        seed=seed,
        title="intent classifier",
    )
    return network


def measure(candidate: Candidate, rows: list[data.Example]) -> dict[str, float]:
    """Accuracy, macro F1 and mean confidence, each in 0..1."""
    answers = candidate.answers(requests(rows))
    truth = [row.intent for row in rows]
    said = [str(answer["intent"]) for answer in answers]
    return {
        "accuracy": float(accuracy_score(truth, said)),
        "f1": float(f1_score(truth, said, average="macro", zero_division=0.0)),
        "mean_confidence": float(np.mean([answer["confidence"] for answer in answers])),
    }


def build(dataset: Dataset[data.Example], seed: int, quick: bool) -> Candidate:
    """Fit on the training split and measure on the test split."""
    labels = sorted({row.intent for row in dataset.train})
    strange = sorted({row.intent for row in [*dataset.val, *dataset.test]} - set(labels))
    if strange:
        raise DataError(f"{dataset.source} has no training row of {strange[0]}; add some")
    config = {"hasher": HASHER, "labels": labels}
    epochs = QUICK_EPOCHS if quick else EPOCHS
    candidate = Candidate(
        model_name=MODEL_NAME,
        network=_fit(dataset.train, config, seed, epochs),
        config=config,
        output_names=("probabilities",),
        dynamic_axes={"ids": {0: "batch", 1: "tokens"}},
        metrics={},
        params={
            "seed": seed,
            "epochs": epochs,
            "batch_size": BATCH,
            "buckets": BUCKETS,
            "embedding_size": SIZE,
            "learning_rate": LEARNING_RATE,
            "label_smoothing": LABEL_SMOOTHING,
            "quick": quick,
        },
        input_schema=INPUT_SCHEMA,
        requests=requests([*dataset.val, *dataset.test]),
        truths=[row.intent for row in [*dataset.val, *dataset.test]],
    )
    metrics = measure(candidate, dataset.test)
    metrics["val_accuracy"] = measure(candidate, dataset.val)["accuracy"]
    return replace(candidate, metrics=metrics)


def train(
    data_path: Path | None = None, seed: int = DEFAULT_SEED, quick: bool = False
) -> TrainResult:
    """Train the intent classifier on a JSON list of {text, intent, split?} and log it."""
    tracking.require_server()
    if data_path is not None:
        dataset = data.load(data_path, seed)
    else:
        dataset = data.generated(QUICK_ROWS if quick else data.DEFAULT_ROWS, seed)
    return publish(build(dataset, seed, quick), dataset)


if __name__ == "__main__":
    train_app(train)()
