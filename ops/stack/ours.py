"""Our own processes: how each is started, and when it counts as ready."""

import sys
from collections.abc import Mapping

from ops.settings import PROJECT
from ops.stack.home import Home
from ops.stack.ports import Ports
from ops.stack.postgres.server import is_beating
from ops.stack.probe import is_healthy
from ops.stack.process import Spec

# The watch says every two seconds that it is alive.
BEAT_SECONDS = 4.0


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def specs(home: Home, ports: Ports, env: Mapping[str, str], *, demo: bool) -> list[Spec]:
    """backend_api, worker, inference and console; with ``demo`` light traffic too.

    The backend migrates the database before it answers, and the worker wants the tables.
    Inference waits for nobody, since it must be able to serve without everybody.
    """
    database_url = env["DATABASE_URL"]
    found = [
        Spec(
            name="inference",
            argv=_python("inference"),
            env=env,
            ready=lambda: is_healthy("inference", ports.inference),
            log=home.log("inference"),
            cwd=home.path,
            port=ports.inference,
        ),
        Spec(
            name="backend",
            argv=_python("backend_api.main"),
            env=env,
            ready=lambda: is_healthy("backend", ports.backend),
            log=home.log("backend"),
            cwd=home.path,
            port=ports.backend,
            after=frozenset({"postgres"}),
        ),
        Spec(
            name="worker",
            argv=_python("backend_api.worker"),
            env=env,
            ready=lambda: is_beating(database_url, "worker", BEAT_SECONDS),
            log=home.log("worker"),
            cwd=home.path,
            after=frozenset({"backend"}),
        ),
        Spec(
            name="console",
            argv=_python("ops.console_entry"),
            env=env,
            ready=lambda: is_healthy("console", ports.console),
            log=home.log("console"),
            # Streamlit looks for its theme here.
            cwd=PROJECT,
            port=ports.console,
        ),
    ]
    return [*found, _traffic(home, env)] if demo else found


def _traffic(home: Home, env: Mapping[str, str]) -> Spec:
    """A few requests a second; the command itself waits for models to be served."""
    return Spec(
        name="traffic",
        argv=_python("ops.cli", "traffic", "--rate", "4", "--minutes", "60"),
        env=env,
        ready=lambda: True,
        log=home.log("traffic"),
        cwd=home.path,
        after=frozenset({"inference", "backend"}),
        needed=False,
    )
