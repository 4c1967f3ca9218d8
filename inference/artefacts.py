"""The one file of inference that speaks to MLflow, in a process of its own.

    python -m inference.artefacts URI FOLDER

MLflow is large and slow to import; a worker that serves starts this instead.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.artifact import model_folder

FETCH_SECONDS = 180.0


class FetchError(Exception):
    """The artefact could not be had now; the message says why."""


def fetch(uri: str, folder: Path, tracking_uri: str) -> None:
    """Put the artefact's files into ``folder``, which must not exist.

    ``uri`` is one of MLflow's (``models:/NAME/VERSION``) or ``file:///FOLDER``.

    Raises:
        FetchError: nothing could be fetched.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        _copy(Path(unquote(parts.path)), folder)
        return
    command = [sys.executable, "-m", "inference.artefacts", uri, str(folder)]
    env = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri}
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=FETCH_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{uri} was not fetched within {FETCH_SECONDS:.0f} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise FetchError(f"{uri} cannot be fetched from MLflow: {said[-1][:300]}")


def _copy(source: Path, folder: Path) -> None:
    try:
        shutil.copytree(source, folder)
    except (OSError, shutil.Error) as error:
        raise FetchError(f"{source} cannot be copied: {error}") from error


def main() -> None:
    """Fetch ``sys.argv[1]`` into the folder ``sys.argv[2]``."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    # Requests that are being served go first, before the import of a library this large.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    from mlflow import artifacts, exceptions

    uri, folder = sys.argv[1], Path(sys.argv[2])
    landing = folder.with_name("landing")
    landing.mkdir()
    try:
        fetched = artifacts.download_artifacts(
            artifact_uri=uri, dst_path=str(landing), tracking_uri=os.environ["MLFLOW_TRACKING_URI"]
        )
        model_folder(Path(fetched)).rename(folder)
    except (exceptions.MlflowException, FileNotFoundError) as error:
        sys.exit(str(error).replace("\n", " ")[:300])


if __name__ == "__main__":
    main()
