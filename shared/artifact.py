"""The digest of an artefact folder: what the registry records and each worker checks."""

import hashlib
from pathlib import Path


def folder_digest(folder: Path) -> str:
    """``sha256:<hex>`` over the sorted lines ``<sha256 of file>  <relative path>`` of all files.

    Raises:
        FileNotFoundError: the folder does not exist or holds no file.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not files:
        raise FileNotFoundError(f"{folder} holds no files")
    lines = sorted(
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n"
        for p in files
    )
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
