"""The embedded MLflow server: runs and versions in PostgreSQL, artefacts on disk."""

import sys

from ops.stack.home import Home
from ops.stack.probe import answers
from ops.stack.process import Spec


def spec(home: Home, port: int, database_url: str, env: dict[str, str]) -> Spec:
    """How it is started: one worker, no background jobs, loopback only."""
    folder = home.folder("mlflow")
    argv = [sys.executable, "-m", "mlflow", "server", "--serve-artifacts", "--workers", "1"]
    argv += ["--artifacts-destination", str(folder / "artifacts")]
    argv += ["--host", "127.0.0.1", "--port", str(port)]
    return Spec(
        name="mlflow",
        argv=argv,
        env={
            **env,
            # In the environment and not among the arguments, which everybody may read.
            "MLFLOW_BACKEND_STORE_URI": database_url.replace(
                "postgresql://", "postgresql+psycopg2://", 1
            ),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        log=home.log("mlflow"),
        cwd=folder,
        port=port,
    )
