"""Where the embedded MLflow keeps artefacts."""

import pytest

from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack import mlflow


def test_by_default_they_stay_in_the_home() -> None:
    assert mlflow.storage(OpsSettings()) is None


@pytest.mark.parametrize(
    ("backend", "uri", "says"),
    [
        ("s3", None, r"MODEL_STORAGE_URI is not set.*s3://BUCKET"),
        ("gcs", "s3://models/x", r"MODEL_STORAGE_URI is s3://models/x.*gs://BUCKET"),
        ("s3", "s3://models/x", r"package boto3 is missing.*pip install boto3"),
    ],
)
def test_a_bucket_needs_its_address_and_its_library(
    backend: str, uri: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow, "find_spec", lambda _: None)
    with pytest.raises(OpsError, match=says):
        mlflow.storage(OpsSettings(MODEL_STORAGE_BACKEND=backend, MODEL_STORAGE_URI=uri))


def test_a_bucket_with_both_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "find_spec", lambda _: object())
    settings = OpsSettings(MODEL_STORAGE_BACKEND="gcs", MODEL_STORAGE_URI="gs://models/x")
    assert mlflow.storage(settings) == "gs://models/x"
