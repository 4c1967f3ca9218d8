"""The worker process: the job queue; watch, mirror and counts of drift in a thread each."""

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial

import structlog

from backend_api import db, drift_folding, logs, queue, references, settings, watch
from backend_api.context import Context
from backend_api.main import build, refusals_said
from backend_api.mirror import mirror
from backend_api.tasks import tasks

LONGEST_PAUSE_SECONDS = 5.0
# A thread may hang in a call to a dead server for longer than anybody waits for our end; what it
# was about to write is rolled back, or is safe to repeat.
FAREWELL_SECONDS = 1.0

log = structlog.get_logger()


def repeat(stop: threading.Event, seconds: float, act: Callable[[], None]) -> threading.Thread:
    """A running thread that acts every so many seconds until told to stop."""

    def run() -> None:
        while not stop.wait(seconds):
            act()

    thread = threading.Thread(target=run, name=act.__name__, daemon=True)
    thread.start()
    return thread


async def working(ctx: Context, stop: threading.Event) -> None:
    """Run the queue; begin again after an outage of PostgreSQL."""
    app = queue.application(ctx.settings.database_url, tasks(ctx, stop))
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end() -> None:
        stop.set()
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    while not stop.is_set():
        try:
            await queue.work(app)
        except asyncio.CancelledError:
            return
        except Exception as error:
            # Whatever ended the queue, jobs are rows: they wait until it is back.
            log.warning("queue.interrupted", error=str(error).partition("\n")[0])
        await asyncio.sleep(LONGEST_PAUSE_SECONDS)


def main() -> None:
    """Entry of ``python -m backend_api.worker``."""
    logs.configure()
    with refusals_said():
        ctx = build(settings.read())
    stop = threading.Event()

    def watching() -> None:
        watch.tick(ctx, db.now())

    def mirroring() -> None:
        for model in ctx.catalog.models:
            act = partial(mirror, ctx.engine, ctx.mlflow, model, db.now())
            watch.attempt(f"mirror of {model}", act)

    # Apart from the watch, which must not wait while old hours are counted again.
    def counting() -> None:
        watch.attempt("drift counts", partial(drift_folding.tend, ctx.engine, db.now()))
        for model in ctx.catalog.models:
            act = partial(references.fetch_missing, ctx.engine, ctx.mlflow, model, db.now())
            watch.attempt(f"references of {model}", act)

    acts = (watching, mirroring, counting)
    threads = [repeat(stop, ctx.settings.watch_seconds, act) for act in acts]
    try:
        asyncio.run(working(ctx, stop))
    finally:
        stop.set()
        for thread in threads:
            thread.join(FAREWELL_SECONDS)


if __name__ == "__main__":
    main()
