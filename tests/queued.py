"""Jobs on the queue, carried out here as a worker process does."""

import threading

from sqlalchemy import text

from backend_api.main import build
from backend_api.tasks import tasks
from tests.conftest import Backend


def work(backend: Backend, kind: str) -> None:
    """Carry out the one job of a kind that is on the queue."""
    with backend.engine.begin() as connection:
        (arguments,) = connection.scalars(
            text("DELETE FROM procrastinate_jobs WHERE task_name = :kind RETURNING args"),
            {"kind": kind},
        )
    context = build(backend.settings)
    tasks(context, threading.Event())[kind](arguments, 0)
    context.engine.dispose()
