"""Servers of a run: each started for it, on free ports, in a folder that goes with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from backend_api import catalog, db
from backend_api.catalog import Catalog
from ops.settings import PROJECT
from ops.stack import mlflow
from ops.stack.home import Home
from ops.stack.ports import any_free
from ops.stack.postgres import place, server
from ops.stack.probe import status
from ops.stack.process import Child, Spec
from tests import flavours
from tests.flavours import BOOSTED, FEATURES
from tests.inference_process import Inference
from tests.makers import wait_until

ENTRY = flavours.entry(BOOSTED, dict.fromkeys(FEATURES, 0.5), {"prediction": 1})

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@dataclass(frozen=True)
class Stack:
    """PostgreSQL with our tables, and MLflow on it."""

    home: Home
    database_url: str
    mlflow_uri: str
    engine: Engine
    catalog: Catalog
    models_file: Path = PROJECT / "models.yaml"


@contextmanager
def running(spec: Spec) -> Iterator[Child]:
    """A process for the block."""
    child = Child(spec, changed=lambda: None)
    child.start()
    try:
        wait_until(spec.ready, 120, f"{spec.name} answers; see {spec.log}")
        yield child
    finally:
        child.stop()


@contextmanager
def stack() -> Iterator[Stack]:
    """A database and a tracking server of this run's own."""
    with tempfile.TemporaryDirectory(prefix="nivesh-bench-") as folder:
        Path(folder).chmod(0o755)
        home = Home.at(Path(folder))
        where, secrets = place.place(home), home.secrets()
        server.create(where, secrets["postgres_password"])
        port = any_free()
        with running(server.spec(where, port, home.log("postgres"))):
            server.prepare(where, port, secrets)
            url = server.url(port, secrets)
            engine = db.create(url)
            db.migrate(engine)
            at = any_free()
            tracked = server.url(port, secrets, "mlflow")
            with running(mlflow.spec(home, at, tracked, dict(os.environ))):
                file = flavours.catalogue(home.path, {BOOSTED: ENTRY})
                found = catalog.load(file)
                yield Stack(home, url, f"http://127.0.0.1:{at}", engine, found, file)
            engine.dispose()


@contextmanager
def inference(stack: Stack, workers: int) -> Iterator[Inference]:
    """The service with every duty on and its default poll."""
    service = Inference(
        stack.home.path, stack.database_url, MLFLOW_TRACKING_URI=stack.mlflow_uri,
        INFERENCE_WORKERS=str(workers), INFERENCE_POLL_SECONDS="5",
        MODELS_FILE=str(stack.models_file),
    )  # fmt: skip
    try:
        yield service.start()
    finally:
        service.close()


@contextmanager
def floor(stack: Stack, artefact: Path) -> Iterator[str]:
    """The same model behind Starlette and ONNX Runtime alone; yields its address."""
    port = any_free()
    command = [sys.executable, "-m", "uvicorn", "bench.floor:app", "--factory", "--port", str(port),
               "--loop", "uvloop", "--http", "httptools", "--no-access-log",
               "--log-level", "warning"]  # fmt: skip
    env = {**os.environ, "FLOOR_ARTEFACT": str(artefact),
           "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
    # In this session, as the service is: Linux shares a busy processor out by session.
    with stack.home.log("floor").open("ab") as log:
        process = subprocess.Popen(command, env=env, cwd=PROJECT, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: status(f"{url}/health") is not None, 60, "the floor answers")
        yield url
    finally:
        process.terminate()
        process.wait()
