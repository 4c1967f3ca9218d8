"""An int8 version made of another one: by a process of training's, registered as a candidate."""

import threading
from uuid import UUID

from backend_api import registry, successor, training_process
from backend_api.context import Context
from backend_api.db import now, transaction
from backend_api.errors import ConsoleError
from backend_api.jobs import note
from backend_api.operations.order import Order
from backend_api.states import JobState

# By this a job that is begun anew finds what it registered before it died.
JOB_TAG = "quantization_job"


def quantize(context: Context, arguments: dict[str, str], stop: threading.Event) -> None:
    """Make an int8 candidate of a version; what fails in between leaves none.

    Raises:
        Interrupted: ``stop`` was set.
    """
    job_id = UUID(arguments["job_id"])
    model, version = arguments["model"], arguments["version"]
    order = Order(arguments["actor"], arguments["reason"], job_id, now())
    try:
        with transaction(context.engine, None) as session:
            made = registry.made_by(session, model, JOB_TAG, job_id)
        if made is None:
            note(context, job_id, JobState.RUNNING, 0.1, "Making int8 weights, measuring both")
            given = [model, successor.run_of(context, model, version), "--version", version]
            found = training_process.run(context, "training.quantize", given, stop)
            note(context, job_id, JobState.RUNNING, 0.9, "Registering it")
            made = successor.register(
                context,
                order,
                model,
                str(found["model_uri"]),
                f"int8 of {version}",
                {"quantized_from": version, JOB_TAG: str(job_id)},
            )
    except ConsoleError as error:
        note(context, job_id, JobState.FAILED, 1.0, error.message)
        return
    note(
        context, job_id, JobState.SUCCEEDED, 1.0,
        f"{made} is {version} with int8 weights; its metrics stand beside its gates.",
    )  # fmt: skip
