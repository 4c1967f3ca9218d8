"""The worker process: the watch in a thread of its own, and the job queue."""

import asyncio
import signal
import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from backend_api import db, watch
from backend_api.errors import ConsoleError
from backend_api.jobs import queue
from backend_api.main import build
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.settings import BackendSettings

log = structlog.get_logger()


def watching(stop: threading.Event, settings: BackendSettings) -> None:
    """Tick until told to stop; an outage ends one tick, never the watch."""
    ctx = build(settings)
    mlflow = MlflowRegistry(settings.mlflow_tracking_uri)
    while not stop.wait(settings.watch_seconds):
        try:
            watch.tick(ctx.engine, ctx.catalog, mlflow, db.now(), settings.replica_timeout_seconds)
        except (ConsoleError, SQLAlchemyError) as error:
            log.warning("watch.tick_failed", error=str(error).splitlines()[0])


async def working(settings: BackendSettings, stop: threading.Event) -> None:
    """Run the queue; begin again after an outage of PostgreSQL."""
    app = queue(build(settings))
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (stop.set(), task.cancel() if task else None))
    while not stop.is_set():
        try:
            async with app.open_async():
                await app.run_worker_async(
                    install_signal_handlers=False, concurrency=2, shutdown_graceful_timeout=5
                )
        except asyncio.CancelledError:
            return
        except Exception as error:
            # Whatever ended the queue, jobs are rows: they wait until it is back.
            log.warning("queue.interrupted", error=str(error).splitlines()[0] if str(error) else "")
            await asyncio.sleep(settings.watch_seconds)


def main() -> None:
    """Entry of ``python -m backend_api.worker``."""
    settings = BackendSettings()  # type: ignore[call-arg]
    stop = threading.Event()
    thread = threading.Thread(target=watching, args=(stop, settings), name="watch")
    thread.start()
    try:
        asyncio.run(working(settings, stop))
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main()
