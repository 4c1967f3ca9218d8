"""Train the credit risk model: ``python -m training.credit_risk.train``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve
from torch import Tensor, nn

from training import tabular, tracking
from training.command import train_app
from training.credit_risk import data
from training.credit_risk.model import CreditNetwork
from training.datasets import DEFAULT_SEED, Row
from training.labelled_table import LabelledTable
from training.networks import minimise, seed_everything
from training.pipeline import Candidate, TrainResult, publish
from training.serving import load

MODEL_NAME = "credit_risk"
HIDDEN = 128
DROPOUT = 0.2
EPOCHS, QUICK_EPOCHS = 24, 6
QUICK_ROWS = 3_000
BATCH = 128
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05


def _fit(table: LabelledTable, config: dict[str, Any], seed: int, epochs: int) -> CreditNetwork:
    rows = table.dataset.train
    features = torch.from_numpy(load(MODEL_NAME, config).encode(table.requests(rows))["features"])
    targets = torch.tensor(table.labels(rows), dtype=torch.float32)
    seed_everything(seed)
    network = CreditNetwork(features.shape[1], HIDDEN, DROPOUT)
    cross_entropy = nn.BCEWithLogitsLoss()

    def loss(batch: Tensor) -> Tensor:
        return cross_entropy(network.logits(features[batch]), targets[batch])

    minimise(
        network,
        loss,
        rows=len(rows),
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        seed=seed,
        title="credit risk",
    )
    return network


def measure(candidate: Candidate, table: LabelledTable, rows: Sequence[Row]) -> dict[str, float]:
    """AUC-ROC, average precision, Kolmogorov-Smirnov distance and Brier score, each in 0..1."""
    chances = np.array([a["probability"] for a in candidate.answers(table.requests(rows))])
    truth = np.array(table.labels(rows))
    false_positives, true_positives, _ = roc_curve(truth, chances)
    return {
        "auc_roc": float(roc_auc_score(truth, chances)),
        "average_precision": float(average_precision_score(truth, chances)),
        "ks": float(np.max(true_positives - false_positives)),
        "brier": float(brier_score_loss(truth, chances)),
    }


def build(table: LabelledTable, seed: int, quick: bool) -> Candidate:
    """Fit on the training split and measure on the test split."""
    dataset = table.dataset
    features = tabular.fit(table.features, dataset.train)
    config = {"features": [feature.config() for feature in features]}
    epochs = QUICK_EPOCHS if quick else EPOCHS
    candidate = Candidate(
        model_name=MODEL_NAME,
        network=_fit(table, config, seed, epochs),
        config=config,
        output_names=("probability",),
        dynamic_axes={"features": {0: "batch"}},
        metrics={},
        params={"seed": seed, "epochs": epochs, "batch_size": BATCH, "hidden": HIDDEN,
                "dropout": DROPOUT, "learning_rate": LEARNING_RATE,
                "weight_decay": WEIGHT_DECAY, "quick": quick},
        input_schema=tabular.schema(features),
        requests=table.requests([*dataset.val, *dataset.test]),
        truths=table.labels([*dataset.val, *dataset.test]),
    )  # fmt: skip
    metrics = measure(candidate, table, dataset.test)
    metrics["val_auc_roc"] = measure(candidate, table, dataset.val)["auc_roc"]
    return replace(candidate, metrics=metrics)


def train(
    data_path: Path | None = None, seed: int = DEFAULT_SEED, quick: bool = False
) -> TrainResult:
    """Train the credit risk model on a CSV file with a column default, and log it."""
    tracking.require_server()
    if data_path is not None:
        table = data.load(data_path, seed)
    else:
        table = data.generated(QUICK_ROWS if quick else data.DEFAULT_ROWS, seed)
    return publish(build(table, seed, quick), table.dataset)


if __name__ == "__main__":
    train_app(train)()
