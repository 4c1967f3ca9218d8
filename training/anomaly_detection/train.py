"""Train the anomaly detector: ``python -m training.anomaly_detection.train``."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from training import tabular, tracking
from training.anomaly_detection import data
from training.anomaly_detection.frauds import UNSEEN
from training.anomaly_detection.model import AnomalyNetwork
from training.command import train_app
from training.datasets import DEFAULT_SEED, Row
from training.labelled_table import LabelledTable
from training.networks import minimise, seed_everything
from training.pipeline import Candidate, TrainResult, publish
from training.serving import load

MODEL_NAME = "anomaly_detection"
HIDDEN, CODE = 64, 16
DROPOUT = 0.1
SWAPPED = 0.1
EPOCHS, QUICK_EPOCHS = 20, 8
QUICK_ROWS = 6_000
BATCH = 256
LEARNING_RATE = 3e-3
# Share of honest validation payments that each of the two may call anomalies.
FALSE_ALARMS = 0.002


def _features(table: LabelledTable, config: dict[str, Any], rows: Sequence[Row]) -> Tensor:
    return torch.from_numpy(load(MODEL_NAME, config).encode(table.requests(rows))["features"])


def _fit(table: LabelledTable, config: dict[str, Any], seed: int, epochs: int) -> AnomalyNetwork:
    rows = table.dataset.train
    features, labels = _features(table, config, rows), torch.tensor(table.labels(rows))
    honest, targets = features[~labels], labels.float()
    seed_everything(seed)
    width = features.shape[1]
    network = AnomalyNetwork(width, HIDDEN, min(CODE, 1 + width // 3), DROPOUT)
    cross_entropy = nn.BCEWithLogitsLoss()

    def run(title: str, part: nn.Module, count: int, loss: Callable[[Tensor], Tensor]) -> None:
        minimise(
            part, loss, rows=count, epochs=epochs, batch_size=BATCH, seed=seed, title=title,
            learning_rate=LEARNING_RATE, weight_decay=0.001,
        )  # fmt: skip

    run(
        "anomaly detection, what is ordinary",
        network.autoencoder,
        len(honest),
        lambda batch: network.autoencoder.denoising_loss(
            honest[batch], honest[torch.randint(len(honest), (len(batch),))], SWAPPED
        ),
    )
    run(
        "anomaly detection, known kinds",
        network.detector,
        len(features),
        lambda batch: cross_entropy(network.known(features[batch]), targets[batch]),
    )
    return network.eval()


def _set_cuts(network: AnomalyNetwork, honest: Tensor) -> None:
    with torch.inference_mode():
        known, strange = network.known(honest), network.strange(honest)
    network.known_cut.fill_(float(torch.quantile(known, 1 - FALSE_ALARMS)))
    network.strange_cut.fill_(float(torch.quantile(strange, 1 - FALSE_ALARMS)))


def measure(candidate: Candidate, table: LabelledTable, rows: Sequence[Row]) -> dict[str, float]:
    """False positive and detection rate, that of kinds never trained on, and AUC-ROC, in 0..1."""
    answers = candidate.answers(table.requests(rows))
    found = np.array([answer["is_anomaly"] for answer in answers])
    truth = np.array(table.labels(rows))
    unseen = np.array([row.get("kind") == UNSEEN for row in rows])
    metrics = {
        "fpr": float(found[~truth].mean()),
        "detection_rate": float(found[truth].mean()),
        "precision": float(truth[found].mean()) if found.any() else 0.0,
        "auc_roc": float(roc_auc_score(truth, [answer["score"] for answer in answers])),
    }
    if unseen.any():
        metrics["detection_rate_unseen"] = float(found[unseen].mean())
    return metrics


def build(table: LabelledTable, seed: int, quick: bool) -> Candidate:
    """Fit on the training split, set the cuts on validation and measure on the test split."""
    dataset = table.dataset
    features = tabular.fit(table.features, dataset.train)
    config = {"features": [feature.config() for feature in features]}
    epochs = QUICK_EPOCHS if quick else EPOCHS
    network = _fit(table, config, seed, epochs)
    honest = [row for row in dataset.val if not row[table.label]]
    _set_cuts(network, _features(table, config, honest))
    candidate = Candidate(
        model_name=MODEL_NAME,
        network=network,
        config=config,
        output_names=("known", "strange"),
        dynamic_axes={"features": {0: "batch"}},
        metrics={},
        params={"seed": seed, "epochs": epochs, "batch_size": BATCH, "hidden": HIDDEN,
                "code": CODE, "dropout": DROPOUT, "learning_rate": LEARNING_RATE,
                "swapped": SWAPPED, "false_alarms": FALSE_ALARMS, "quick": quick},
        input_schema=tabular.schema(features),
        requests=table.requests([*dataset.val, *dataset.test]),
        truths=table.labels([*dataset.val, *dataset.test]),
    )  # fmt: skip
    metrics = measure(candidate, table, dataset.test)
    metrics["val_detection_rate"] = measure(candidate, table, dataset.val)["detection_rate"]
    return replace(candidate, metrics=metrics)


def train(
    data_path: Path | None = None, seed: int = DEFAULT_SEED, quick: bool = False
) -> TrainResult:
    """Train the anomaly detector on a CSV file with a column is_anomaly, and log it."""
    tracking.require_server()
    if data_path is not None:
        table = data.load(data_path, seed)
    else:
        table = data.generated(QUICK_ROWS if quick else data.DEFAULT_ROWS, seed)
    return publish(build(table, seed, quick), table.dataset)


if __name__ == "__main__":
    train_app(train)()
