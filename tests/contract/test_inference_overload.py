"""More than a worker can answer, and callers who would keep it from answering others."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psutil
import pytest
from sqlalchemy import Engine, text

from backend_api import db
from backend_api.catalog import Catalog
from tests.artefacts import QUERIES, tiny_intent
from tests.conftest import Postgres
from tests.inference_process import Inference
from tests.makers import ADMIN_TOKEN, Registry, wait_until
from tests.raw_http import Reply, Wire, post

BODY = {"query": "Can I afford a loan?", "user_id": "u1"}
QUICK = post("/predict/intent", BODY)
SLOW = post(
    "/predict/intent", BODY, "X-Nivesh-Version: v1.1.0", f"Authorization: Bearer {ADMIN_TOKEN}"
)
LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"


def quick_and_slow(engine: Engine, catalog: Catalog, folder: Path) -> None:
    """In production what answers on the event loop; staged what takes long, in a thread."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0", **tiny_intent(folder / "quick", "loan_affordability"))
    made.validated("v1.1.0", **tiny_intent(folder / "slow", "out_of_scope", burden=1200))


@pytest.fixture(scope="module")
def shared_database(postgres: Postgres) -> Iterator[str]:
    """One for all tests that share a service."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def shared_engine(shared_database: str) -> Iterator[Engine]:
    """An engine on it."""
    made = db.create(shared_database)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def strict(
    shared_database: str, shared_engine: Engine, catalog: Catalog,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Inference]:  # fmt: skip
    """One worker with few places and connections, that waits for no caller for long."""
    home = tmp_path_factory.mktemp("overload")
    quick_and_slow(shared_engine, catalog, home)
    running = Inference(
        home, shared_database, INFERENCE_WORKERS="1", INFERENCE_QUEUE="4",
        INFERENCE_QUEUE_MS="60000", INFERENCE_HEAD_SECONDS="1", INFERENCE_BODY_SECONDS="1",
        INFERENCE_CONNECTIONS="40",
    )  # fmt: skip
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def models(engine: Engine, catalog: Catalog, tmp_path: Path) -> None:
    """The same two for a service of a test's own."""
    quick_and_slow(engine, catalog, tmp_path)


@contextmanager
def asleep(inference: Inference) -> Iterator[psutil.Process]:
    """What is sent within the block reaches the one worker all at once."""
    (worker,) = inference.workers()
    worker.suspend()
    try:
        yield worker
    finally:
        worker.resume()


def wires(inference: Inference, count: int, stack: ExitStack) -> list[Wire]:
    """Connections that the worker has accepted, each after an answer."""
    made = [stack.enter_context(Wire(inference.port)) for _ in range(count)]
    for wire in made:
        assert wire.ask(LIVE).status == 200
    return made


def at_once(inference: Inference, requests: list[bytes]) -> list[Reply]:
    """Answers to requests that arrive together, in the same order."""
    with ExitStack() as stack:
        opened = wires(inference, len(requests), stack)
        with asleep(inference):
            for wire, request in zip(opened, requests, strict=True):
                wire.send(request)
        return [wire.reply() for wire in opened]


def check_refusals(replies: list[Reply]) -> None:
    """Each says when to come again, in the shape of all errors."""
    for reply in replies:
        assert reply.headers["retry-after"] == "1"
        assert reply.problem()["error"] == "Overloaded"


def logged(engine: Engine) -> set[UUID]:
    """Predictions in the table; each is there once by its key."""
    with engine.connect() as connection:
        return set(connection.scalars(text("SELECT prediction_id FROM model_predictions")))


def ids(replies: list[Reply]) -> set[UUID]:
    """Predictions that callers got."""
    return {UUID(json.loads(r.body)["prediction_id"]) for r in replies}


def metric(inference: Inference, sample: str) -> float:
    """A sample's value by its whole name."""
    lines = inference.http.get("/metrics").text.splitlines()
    return next((float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith(f"{sample} ")), 0.0)


REFUSED = 'ml_rejected_total{model="intent_classifier",status="429"}'


@pytest.mark.parametrize("request_", [QUICK, SLOW], ids=["on the event loop", "in a thread"])
def test_past_the_bound_is_429_and_the_accepted_all_answer(
    request_: bytes, strict: Inference, shared_engine: Engine
) -> None:
    refused, before = metric(strict, REFUSED), logged(shared_engine)
    # A full worker must not be taken for a dead one.
    *replies, live = at_once(strict, [request_] * 12 + [LIVE])
    count = Counter(r.status for r in replies)
    # A worker that wakes up may answer some before it has read the last of them.
    assert count[200] >= 4
    assert count[429] >= 1
    assert count.total() == count[200] + count[429] == 12
    assert live.status == 200
    check_refusals([r for r in replies if r.status == 429])
    answered = ids([r for r in replies if r.status == 200])
    wait_until(lambda: answered <= logged(shared_engine), 20, "all answers are in the log")
    assert logged(shared_engine) - before == answered
    assert metric(strict, REFUSED) - refused == count[429]
    # The bound is of the moment: afterwards all is as before.
    again = at_once(strict, [request_] * 4)
    assert [r.status for r in again] == [200] * 4
    wait_until(lambda: ids(again) <= logged(shared_engine), 20, "these are in the log too")


def test_whoever_waited_too_long_for_a_turn_is_refused(
    models: None, serve: Callable[..., Inference], engine: Engine
) -> None:
    inference = serve(INFERENCE_WORKERS="1", INFERENCE_QUEUE_MS="1")
    replies = at_once(inference, [SLOW] * 16)
    count = Counter(r.status for r in replies)
    # A queue of four or fewer is answered, however late.
    assert count[429] >= 8
    assert count[200] >= 2
    assert set(count) <= {200, 429}
    check_refusals([r for r in replies if r.status == 429])
    assert metric(inference, REFUSED) == count[429]
    answered = ids([r for r in replies if r.status == 200])
    wait_until(lambda: logged(engine) == answered, 20, "the log holds what was answered")


def test_every_path_shares_the_bound(strict: Inference) -> None:
    listing = b"GET /models HTTP/1.1\r\nHost: test\r\n\r\n"
    nowhere = b"GET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n"
    asked = [QUICK, listing, nowhere, QUICK, listing, QUICK, nowhere]
    statuses = [r.status for r in at_once(strict, asked)]
    alone = [200, 200, 404, 200, 200, 200, 404]
    assert all(seen in (429, one) for seen, one in zip(statuses, alone, strict=True))
    assert 1 <= statuses.count(429) <= 3


def test_requests_that_come_together_are_answered_as_each_alone(strict: Inference) -> None:
    asked = [post("/predict/intent", {"query": query}) for query in QUERIES[:3]]
    wrong = post("/predict/intent", {"query": " "})

    def answers(replies: list[Reply]) -> list[Any]:
        found = [json.loads(r.body) for r in replies]
        return [(f.get("intent"), round(f.get("confidence", 0), 6)) for f in found]

    together = at_once(strict, [*asked, wrong])
    with Wire(strict.port) as wire:
        alone = [wire.ask(request) for request in [*asked, wrong]]
    assert [r.status for r in together] == [r.status for r in alone] == [200, 200, 200, 400]
    assert answers(together) == answers(alone)
    assert len(set(answers(alone))) == 4


def test_pipelined_requests_are_answered_in_order(strict: Inference) -> None:
    asked = [post("/predict/intent", {"query": f"loan {n}"}) for n in range(300)]
    with Wire(strict.port) as wire:
        wire.send(b"".join([*asked, LIVE, b"nonsense\r\n\r\n"]))
        assert [wire.reply().status for _ in asked] == [200] * 300
        assert json.loads(wire.reply().body) == {"status": "alive"}
        last = wire.reply()
        assert (last.status, last.headers["connection"]) == (400, "close")
        assert wire.ended()


HEAD = b"POST /predict/intent HTTP/1.1\r\nHost: test\r\n"
CRUMBS = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 2000
BAD = {
    "half a head": (HEAD, 408, "head"),
    "a body that never comes": (HEAD + b"Content-Length: 20\r\n\r\n{", 408, "body"),
    "one endless line": (HEAD + b"X-Long: " + b"x" * 600_000, 431, "bytes"),
    "a head too long": (HEAD + b"X-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431, "bytes"),
    "an address too long": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 431, "bytes"),
    "blank lines without end": (b"\r\n" * 20_000, 431, "bytes"),
    "too many headers": (HEAD + b"X-Many: 1\r\n" * 200 + b"\r\n", 431, "lines"),
    "ten megabytes": (HEAD + b"Content-Length: 10000000\r\n\r\n" + b"x" * 10_000_000, 413, "bytes"),
    "a body in crumbs": (HEAD + CRUMBS, 400, "chunks"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "HTTP"),
}  # fmt: skip


def test_who_sends_too_much_or_too_slowly_gets_a_sentence_and_an_end(strict: Inference) -> None:
    """One after the other in one service, since each waits out its own second beside others."""
    with ExitStack() as stack:
        sent = {what: stack.enter_context(Wire(strict.port)) for what in BAD}
        for what, wire in sent.items():
            wire.send(BAD[what][0])
        assert strict.predict().status_code == 200
        for what, wire in sent.items():
            _, status, says = BAD[what]
            reply = wire.reply()
            assert reply.status == status, what
            assert says in reply.problem()["message"], what
            assert reply.headers["connection"] == "close"
            assert wire.ended(), what


def test_a_sender_of_one_byte_at_a_time_is_ended_too(strict: Inference) -> None:
    with Wire(strict.port) as wire:

        def refused() -> bool:
            try:
                wire.send(b"X")
            except OSError:
                return True
            return False

        wire.send(b"GET / HTTP/1.1\r\nX: ")
        wait_until(refused, 20, "the connection is ended")


def test_idle_connections_make_room_for_new_ones(strict: Inference) -> None:
    with ExitStack() as stack:
        with asleep(strict):
            # Half-open ones, twice as many as there is room for.
            for _ in range(80):
                stack.enter_context(Wire(strict.port))
        with httpx2.Client(base_url=strict.url, timeout=20) as client:
            assert client.post("/predict/intent", json=BODY).status_code == 200
    assert metric(strict, 'ml_connections_ended_total{reason="room"}') >= 40


def test_an_answer_that_nobody_takes_is_given_up(strict: Inference) -> None:
    with Wire(strict.port, window=4096) as wire:
        wire.send(b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n" * 1000)
        held = 'ml_connections_ended_total{reason="idle"}'
        wait_until(lambda: metric(strict, held) > 0, 30, "the connection is given up")
    assert strict.predict().status_code == 200


def test_stopping_answers_what_has_come_and_resets_nobody(
    models: None, serve: Callable[..., Inference], engine: Engine
) -> None:
    inference = serve(
        INFERENCE_WORKERS="1", INFERENCE_DRAIN_SECONDS="9", INFERENCE_QUEUE_MS="60000"
    )
    assert inference.process is not None
    with ExitStack() as stack:
        busy, idle, late = (wires(inference, count, stack) for count in (6, 2, 2))
        with asleep(inference) as worker:
            # Some connections that nobody has accepted yet, too.
            busy += [stack.enter_context(Wire(inference.port)) for _ in range(2)]
            for wire in busy:
                wire.send(SLOW)
            inference.process.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGTERM)
        replies = []
        for wire in busy:
            replies.append(wire.reply())
            if replies[-1].headers.get("connection") == "close":
                # It stops by now, and still hears who did not know that.
                replies += [other.ask(QUICK) for other in late]
                late.clear()
        assert {r.status for r in replies} == {200}
        assert not late
        assert all(wire.ended() for wire in [*busy, *idle])
    assert inference.process.wait(30) == 0
    inference.process = None
    assert ids(replies) == logged(engine)


def test_a_hung_worker_is_replaced_and_its_connections_are_not_waited_for(
    models: None, serve: Callable[..., Inference]
) -> None:
    inference = serve(INFERENCE_WORKERS="1", INFERENCE_HUNG_SECONDS="2")
    (hung,) = inference.workers()
    os.kill(hung.pid, signal.SIGSTOP)
    with Wire(inference.port, seconds=60) as wire:
        # It waits in the queue of all workers, so the next one takes it.
        assert wire.ask(QUICK).status == 200
    assert not psutil.pid_exists(hung.pid)
    assert "worker.hung" in inference.log.read_text()
