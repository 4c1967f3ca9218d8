"""The process that holds the stack together: ``python -m ops.stack.supervisor``.

It starts what the plan says, starts again what dies, and ends all of it in the right order. What
others know of it stands in the record.
"""

import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack import leftovers, plan, record
from ops.stack.home import Home, only_one
from ops.stack.process import TICK, Child

# Whoever uses another one ends before it; PostgreSQL is the last.
STOP_ORDER = (
    ("traffic", "console"),
    ("worker", "backend", "inference", "prometheus", "alertmanager"),
    ("mlflow", "redis"),
    ("postgres",),
)
DEATHS_BEFORE_GIVING_UP = 3
START_SECONDS = 240.0
NAME = "supervisor"
DEMO, ATTACHED = "--demo", "--attached"
LOCKED = 3


class Supervisor:
    """One home's stack, from start to stop."""

    def __init__(self, home: Home, settings: OpsSettings, *, demo: bool) -> None:
        self.home, self.settings, self.demo = home, settings, demo
        self.stop = threading.Event()
        self.children: list[Child] = []
        self._record = record.load(home)
        self._lock = threading.Lock()

    def run(self) -> None:
        """Start, stay, stop. A failure stands in the record when this returns."""
        self._say("starting", processes=[], failure="", notes=[])
        try:
            leftovers.end(leftovers.find(self.home, self._record))
            self._begin()
            self._stay()
        except OpsError as error:
            self._say("stopping", failure=str(error))
        except Exception as error:
            traceback.print_exc()
            self._say("stopping", failure=f"{error} The whole story: {self.home.log(NAME)}")
        finally:
            self._end()

    def _begin(self) -> None:
        made = plan.make(self.home, self.settings, self._record, demo=self.demo)
        self.children = [Child(spec, self._note) for spec in made.specs]
        self._say(
            "starting",
            notes=made.notes,
            ports=made.ports.as_dict(),
            environment=dict(made.variables),
            embedded=made.embedded,
        )

    def _stay(self) -> None:
        """Start each process once its turn has come; then stay until told to stop."""
        begun = time.monotonic()
        while not self.stop.is_set():
            self._admit()
            if self._record.state == "starting":
                self._give_up_on(time.monotonic() - begun)
                if all(child.was_ready for child in self.children if child.spec.needed):
                    self._say("ready")
            self.stop.wait(TICK)
        self._say("stopping")

    def _admit(self) -> None:
        unready = {child.spec.name for child in self.children if not child.was_ready}
        for child in self.children:
            if child.state == "waiting" and not child.spec.after & unready:
                child.start()

    def _give_up_on(self, waited: float) -> None:
        for child in self.children:
            if not child.spec.needed or child.was_ready:
                continue
            if child.restarts >= DEATHS_BEFORE_GIVING_UP:
                raise OpsError(
                    f"{child.spec.name} {child.detail}, {child.restarts} times before it was"
                    " ready.",
                    f"Its log: {child.spec.log}",
                )
            if waited > START_SECONDS:
                raise OpsError(
                    f"{child.spec.name} is not ready after {waited:.0f} seconds.",
                    f"Its log: {child.spec.log}",
                )

    def _end(self) -> None:
        by_name = {child.spec.name: child for child in self.children}
        for names in STOP_ORDER:
            together = [by_name[name] for name in names if name in by_name]
            if together:
                with ThreadPoolExecutor(len(together)) as pool:
                    list(pool.map(Child.stop, together))
        leftovers.end(leftovers.find(self.home, self._record))
        self._say("failed" if self._record.failure else "stopped", supervisor=None)

    def _note(self) -> None:
        self._say()

    def _say(self, state: str | None = None, **changes: object) -> None:
        """Change the record: ``state`` and other fields, and always how the children are."""
        with self._lock:
            changes["state"] = state or self._record.state
            changes.setdefault("supervisor", record.this_process())
            changes.setdefault("processes", [child.entry() for child in self.children])
            self._record = self._record.model_copy(update=changes)
            record.save(self.home, self._record)


def _stop_with_parent(stop: threading.Event) -> None:
    """Standard input ends when the command that holds its other end does, however it ends."""
    while sys.stdin.buffer.read(1):
        pass
    stop.set()


def main(arguments: list[str]) -> int:
    """Run the stack of the home that the environment names."""
    settings = OpsSettings()
    home = Home.at(settings.nivesh_home)
    with only_one(home) as free:
        if not free:
            return LOCKED
        supervisor = Supervisor(home, settings, demo=DEMO in arguments)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stop.set())
        if ATTACHED in arguments:
            threading.Thread(target=_stop_with_parent, args=(supervisor.stop,), daemon=True).start()
        supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
