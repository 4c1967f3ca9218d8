"""What a worker process does for each kind of job."""

import threading
from collections.abc import Callable
from uuid import UUID

from backend_api import deep_report, queue, text_drift
from backend_api.context import Context
from backend_api.jobs import broke_off, validate
from backend_api.quantization import quantize
from backend_api.rehearsal import rehearse
from backend_api.retraining import KIND, retrain

Act = Callable[[Context, dict[str, str], threading.Event], None]
KINDS: dict[str, Act] = {
    "validation": validate, "quantization": quantize, "rehearsal": rehearse, KIND: retrain,
    text_drift.KIND: text_drift.compare, deep_report.KIND: deep_report.make,
}  # fmt: skip


def tasks(context: Context, stop: threading.Event) -> dict[str, queue.Task]:
    """A task per kind; once ``stop`` is set, jobs are handed back."""

    def task(act: Act) -> queue.Task:
        def run(arguments: dict[str, str], attempts: int) -> None:
            try:
                act(context, arguments, stop)
            except Exception as error:
                broke_off(context, UUID(arguments["job_id"]), attempts, error)

        return run

    return {kind: task(act) for kind, act in KINDS.items()}
