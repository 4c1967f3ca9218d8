"""The digest of an artefact folder: what the registry records and each worker checks."""

import hashlib
from pathlib import Path

FETCH_NOTE = "registered_model_meta"


def folder_digest(folder: Path) -> str:
    """``sha256:<hex>`` over the sorted lines ``<sha256 of file>  <relative path>`` of all files.

    What MLflow's client writes beside the artefact when it fetches it is left out.

    Raises:
        FileNotFoundError: the folder does not exist or holds no file.
    """
    added = folder / FETCH_NOTE
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != added)
    if not files:
        raise FileNotFoundError(f"{folder} holds no files")
    lines = sorted(
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n"
        for p in files
    )
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def model_folder(fetched: Path) -> Path:
    """The folder of a fetched model that holds ``MLmodel``.

    MLflow gives that folder itself or, for a model that a run logged, the folder around it.

    Raises:
        FileNotFoundError: there is none, or more than one.
    """
    if (fetched / "MLmodel").is_file():
        return fetched
    found = [file.parent for file in fetched.glob("*/MLmodel")]
    if len(found) != 1:
        raise FileNotFoundError(f"{fetched} holds {len(found)} folders with an MLmodel file")
    return found[0]
