"""The load: open loop, counted honestly, against a real server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from ops.traffic.requests import SOURCES, Crowd
from ops.traffic.run import Load
from ops.traffic.tally import Tally, total


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return Crowd(3)


class Inference(ThreadingHTTPServer):
    """Serves two of four models; ``hold`` keeps each answer back, ``status`` is what it says."""

    hold: threading.Event
    status = 200
    seen: list[tuple[str, dict[str, Any]]]


class Handler(BaseHTTPRequestHandler):
    server: Inference

    def do_GET(self) -> None:
        models = [
            {"model_name": "credit_risk", "endpoint": "/predict/credit-risk", "production": "v1"},
            {"model_name": "intent_classifier", "endpoint": "/predict/intent", "production": "v2"},
            {"model_name": "financial_ner", "endpoint": "/predict/ner", "production": None},
        ]
        self._say(200, {"models": models})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, orjson.loads(body)))
        self.server.hold.wait(10)
        self._say(self.server.status, {"version": "v1.0.0"})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[Inference]:
    server = Inference(("127.0.0.1", 0), Handler)
    server.hold, server.seen = threading.Event(), []
    server.hold.set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


def run(server: Inference, crowd: Crowd, seconds: float = 2.0) -> Tally:
    load = Load(f"http://127.0.0.1:{server.server_port}", 60.0, seconds, crowd)
    asyncio.run(load.run(lambda _: None))
    return total(list(load.tallies.values()))


def test_only_what_is_served_is_asked_and_every_answer_is_counted(crowd: Crowd) -> None:
    with serving() as server:
        whole = run(server, crowd)
    assert {path for path, _ in server.seen} == {"/predict/credit-risk", "/predict/intent"}
    assert whole.sent == whole.answered == len(server.seen) > 0
    assert whole.versions == {"v1.0.0": whole.answered}
    users = {body["user_id"] for _, body in server.seen}
    assert len(users) > 10


def test_requests_leave_when_they_are_due_although_none_is_answered(crowd: Crowd) -> None:
    with serving() as server:
        server.hold.clear()
        release = threading.Timer(2.0, server.hold.set)
        release.start()
        whole = run(server, crowd)
        release.join()
    # A closed loop would have sent one request and waited.
    assert len(server.seen) == whole.sent > 20


def test_errors_are_failures_and_named(crowd: Crowd) -> None:
    with serving() as server:
        server.status = 503
        whole = run(server, crowd)
    assert whole.failed == whole.sent > 0
    assert whole.causes == {"503": whole.failed}


def test_nobody_there_sends_nothing(crowd: Crowd) -> None:
    load = Load("http://127.0.0.1:9", 60.0, 0.5, crowd)
    asyncio.run(load.run(lambda _: None))
    assert load.tallies == {}


def test_the_same_seed_asks_the_same_of_all_four_models(crowd: Crowd) -> None:
    models = list(SOURCES)
    asked = [Crowd(3).ask(models) for _ in range(2)]
    assert asked[0] == asked[1]
    found = {crowd.ask(models).model for _ in range(200)}
    assert found == set(models)
    assert {crowd.ask(["credit_risk", "unheard_of"]).model for _ in range(5)} == {"credit_risk"}


def test_percentiles_are_of_answers_only() -> None:
    tally = Tally()
    assert tally.percentile(0.5) is None
    for milliseconds in range(1, 101):
        tally.answer(200, "v1.0.0", milliseconds)
    tally.answer(422, "", 9_999)
    assert (tally.percentile(0.5), tally.percentile(0.95)) == (51, 96)
    assert (tally.answered, tally.refused, tally.failed) == (100, 1, 0)
