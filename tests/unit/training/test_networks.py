"""The networks themselves: what training changes, and what the autoencoder is there for."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from training import onnx_export
from training.anomaly_detection import data as payments
from training.anomaly_detection import train as anomaly
from training.anomaly_detection.frauds import UNSEEN
from training.credit_risk import data as applications
from training.credit_risk import train as credit
from training.networks import minimise, seed_everything
from training.pipeline import Candidate, artefact


@pytest.fixture(scope="module")
def detector() -> Candidate:
    return anomaly.build(payments.generated(anomaly.QUICK_ROWS), 1, quick=True)


def shares(candidate: Candidate, requests: Sequence[dict[str, object]]) -> tuple[float, float]:
    """Shares found, as a known kind and as strange."""
    by = [answer["found_by"] for answer in candidate.answers(requests)]
    return by.count("known") / len(by), by.count("strange") / len(by)


def test_an_unseen_kind_is_found_by_being_strange(detector: Candidate) -> None:
    table = payments.generated(anomaly.QUICK_ROWS)
    unseen = [row for row in table.dataset.test if row["kind"] == UNSEEN]
    known, strange = shares(detector, table.requests(unseen))
    assert len(unseen) >= 5
    assert strange > 0.8
    assert known < 0.2


def test_both_outputs_are_exported_as_they_are(detector: Candidate) -> None:
    exported, difference = artefact(detector)
    assert [output.name for output in exported.graph.graph.output] == ["known", "strange"]
    assert difference < 1e-5
    feeds = detector.handler().encode(detector.requests[:50])
    onnx = onnx_export.session(exported.graph).run(None, feeds)
    native = onnx_export.run_native(detector.network, feeds)
    assert onnx_export.max_abs_diff(onnx, native) < 1e-5, "in a batch of another size too"


def test_an_untrained_credit_model_misses_the_bar_that_training_meets() -> None:
    table = applications.generated(9_000)
    truth = table.labels(table.dataset.test)

    def auc(epochs: int, monkeypatch: pytest.MonkeyPatch) -> float:
        monkeypatch.setattr(credit, "EPOCHS", epochs)
        candidate = credit.build(table, 1, quick=False)
        answers = candidate.answers(table.requests(table.dataset.test))
        return float(roc_auc_score(truth, [answer["probability"] for answer in answers]))

    with pytest.MonkeyPatch.context() as patch:
        assert auc(0, patch) < 0.75
        assert auc(12, patch) > 0.85


def fitted(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    seed_everything(seed)
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5),
                                  torch.nn.Linear(8, 1))  # fmt: skip
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32))
    minimise(
        network, lambda batch: network(rows[batch]).square().mean(), rows=len(rows), epochs=3,
        batch_size=16, learning_rate=0.01, seed=seed, title="test",
    )  # fmt: skip
    assert not network.training
    return np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])


def test_the_seed_decides_weights_dropout_and_order() -> None:
    assert (fitted(3) == fitted(3)).all()
    assert (fitted(3) != fitted(4)).any()
