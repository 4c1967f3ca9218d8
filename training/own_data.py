"""The rows that a logged run was made of, read or drawn again."""

from importlib import import_module
from typing import Any

from training import tracking
from training.datasets import DEFAULT_SEED, DataError, Dataset
from training.labelled_table import LabelledTable


def again(model: str, trained: tracking.Trained) -> Dataset[Any] | LabelledTable:
    """A run's own data, as its model's ``data`` module gives it.

    Raises:
        DataError: the file or the generator has changed, so they are not the run's rows.
    """
    train = import_module(f"training.{model}.train")
    seed = int(trained.params.get("seed", DEFAULT_SEED))
    if trained.data_path is not None:
        found: Dataset[Any] | LabelledTable = train.data.load(trained.data_path, seed)
    else:
        quick = trained.params.get("quick") == "True"
        found = train.data.generated(train.QUICK_ROWS if quick else train.data.DEFAULT_ROWS, seed)
    dataset = found.dataset if isinstance(found, LabelledTable) else found
    if dataset.sha256 != trained.params.get("dataset_sha256"):
        raise DataError(
            "the rows that the run was measured on cannot be had again: the file or the generator"
            " has changed; train anew and go on from that version"
        )
    return found
