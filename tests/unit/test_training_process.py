"""A process of training's is heard, ended and believed only where it ended well."""

import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from backend_api import training_process
from backend_api.context import Context
from backend_api.errors import Unavailable
from backend_api.jobs import Interrupted
from backend_api.main import build
from backend_api.settings import BackendSettings
from ops.settings import PROJECT
from tests.makers import wait_until


@pytest.fixture
def context() -> Iterator[Context]:
    """What a worker is built of; no server is touched for it."""
    made = build(
        BackendSettings(
            DATABASE_URL="postgresql://nobody@127.0.0.1:9/none", MODELS_FILE=PROJECT / "models.yaml"
        )
    )
    yield made
    made.engine.dispose()


class Talk:
    """Runs ``tests.talker`` and keeps what it was heard to say."""

    def __init__(self, context: Context) -> None:
        self.context, self.stop, self.heard = context, threading.Event(), list[dict[str, Any]]()

    def run(self, how: str) -> dict[str, Any]:
        """Listen to its end."""
        return training_process.run(
            self.context, "tests.talker", [how], self.stop, self.heard.append
        )

    @property
    def processes(self) -> list[psutil.Process]:
        """The talkers that live."""
        found = psutil.Process().children(recursive=True)
        return [one for one in found if "tests.talker" in " ".join(one.cmdline())]


def test_every_word_is_heard_and_the_last_one_is_the_answer(context: Context) -> None:
    talk = Talk(context)
    assert talk.run("well") == {"model_uri": "runs:/1/model"}
    assert [sorted(said) for said in talk.heard] == [["message", "progress"], ["model_uri"]]


def test_a_failure_is_told_in_its_own_last_word(context: Context) -> None:
    with pytest.raises(Unavailable, match=r"tests.talker failed: the rows do not fit\.$"):
        Talk(context).run("fail")


def test_one_that_is_killed_is_not_believed_for_what_it_said_before(context: Context) -> None:
    talk = Talk(context)

    def kill() -> None:
        wait_until(lambda: talk.heard, 30, "it has spoken")
        for process in talk.processes:
            process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(Unavailable, match="it was ended by signal 9"):
        talk.run("wait")
    killer.join()


def test_whoever_stops_ends_it(context: Context) -> None:
    talk = Talk(context)

    def stop() -> None:
        wait_until(lambda: talk.heard, 30, "it has spoken")
        talk.stop.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Interrupted):
        talk.run("wait")
    stopper.join()
    assert talk.processes == []
