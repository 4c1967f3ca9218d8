"""A watched child: started, healed, and ended with all it begot."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.stack import leftovers
from ops.stack.environment import MARK
from ops.stack.home import Home
from ops.stack.process import Child, Spec, trim
from ops.stack.record import Entry, Record, birth
from tests.makers import wait_until

# Begets a child of its own, says who it is, and then sleeps.
FAMILY = (
    "import os, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open('pid', 'w').write(str(child.pid)); time.sleep(600)"
)
Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes children that are stopped at the end."""
    made: list[Child] = []

    def child(code: str, **changes: object) -> Child:
        values: dict[str, object] = {
            "name": "child", "argv": [sys.executable, "-c", code], "env": dict(os.environ),
            "ready": lambda: True, "log": tmp_path / "child.log", "cwd": tmp_path,
        }  # fmt: skip
        made.append(Child(Spec(**{**values, **changes}), lambda: None))  # type: ignore[arg-type]
        return made[-1]

    yield child
    for one in made:
        one.stop()


def test_a_killed_child_is_started_again_and_counted(make: Make) -> None:
    child = make("import time; time.sleep(600)")
    child.start()
    wait_until(lambda: child.state == "ready", 20, "the child is ready")
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.state == "ready" and child.pid != first, 20, "it is back")
    assert child.restarts == 1


def test_it_is_ready_only_once_it_says_so(make: Make, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    child = make("import time; time.sleep(600)", ready=flag.exists)
    child.start()
    wait_until(lambda: child.state == "starting", 20, "it has started")
    assert not child.was_ready
    flag.touch()
    wait_until(lambda: child.was_ready, 20, "it is ready")


def test_starting_it_twice_starts_it_once(make: Make, tmp_path: Path) -> None:
    say = "import os, time\nopen('pids', 'a').write(f'{os.getpid()} '); time.sleep(600)"
    child = make(say, ready=lambda: (tmp_path / "pids").exists())
    child.start()
    assert child.state == "starting"
    child.start()
    wait_until(lambda: child.state == "ready", 20, "it is ready")
    watching = [t for t in threading.enumerate() if t.name == "child"]
    assert len(watching) == 1
    assert (tmp_path / "pids").read_text() == f"{child.pid} "


def test_stopping_ends_what_it_begot_too(make: Make, tmp_path: Path) -> None:
    child = make(FAMILY, ready=lambda: (tmp_path / "pid").exists())
    child.start()
    wait_until(lambda: child.state == "ready", 20, "the family is complete")
    grandchild = int((tmp_path / "pid").read_text())
    child.stop()
    wait_until(lambda: birth(grandchild) is None, 20, "the grandchild has ended")
    assert child.state == "stopped"
    assert child.entry().pid == 0


def test_a_child_that_will_not_listen_is_killed(make: Make, tmp_path: Path) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    deaf += "open('deaf', 'w').close(); time.sleep(600)"
    child = make(deaf, ready=lambda: (tmp_path / "deaf").exists(), stop_seconds=0.3)
    child.start()
    wait_until(lambda: child.state == "ready", 20, "it is deaf")
    child.stop()
    assert child.state == "stopped"


def test_last_words_and_exit_code_are_told(make: Make) -> None:
    child = make("import sys; print('no such table'); sys.exit(3)", ready=lambda: False)
    child.start()
    wait_until(lambda: child.restarts > 0, 20, "it died")
    assert child.detail == "ended with exit code 3; last words: no such table"


def test_a_program_that_is_missing_is_told_and_tried_again(make: Make) -> None:
    child = make("", argv=["/nowhere/program"])
    child.start()
    wait_until(lambda: child.restarts > 0, 20, "it was tried")
    assert "cannot be started" in child.detail


def test_a_log_that_grew_too_long_is_moved_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        trim(log, 100)
        writer.write(b"y")
        trim(log, 100)
        writer.write(b"z")
    assert log.read_bytes() == b"z"
    assert log.with_name("child.log.1").read_bytes() == b"x" * 100 + b"y"


def test_one_that_never_started_is_stopped_by_a_word(make: Make) -> None:
    child = make("")
    assert child.state == "waiting"
    child.stop()
    assert child.state == "stopped"


def test_what_carries_the_homes_mark_is_found_and_ended_and_nothing_else(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    orphan = subprocess.Popen(argv, env={**os.environ, MARK: str(home.path)})
    recorded = subprocess.Popen(argv)
    stranger = subprocess.Popen(argv, env={**os.environ, MARK: str(tmp_path)})
    entry = Entry(name="redis", pid=recorded.pid, birth=birth(recorded.pid) or "")
    wait_until(lambda: MARK in psutil.Process(stranger.pid).environ(), 20, "it runs")
    try:
        found = leftovers.find(home, Record(processes=[entry]))
        assert {p.pid for p in found} == {orphan.pid, recorded.pid}
        leftovers.end(found)
        assert birth(orphan.pid) is birth(recorded.pid) is None
        assert leftovers.find(home, Record(processes=[entry])) == []
        assert stranger.poll() is None
    finally:
        for process in (orphan, recorded, stranger):
            process.kill()
            process.wait()
