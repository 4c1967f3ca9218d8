"""A steady stream of predictions, and the account of what became of each."""

import itertools
import threading
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
import psycopg2

from tests.makers import wait_until

CLIENTS = 3
PAUSE_SECONDS = 0.04
# A caller who gives up after so many new connections in a row has been failed.
TRIES = 5
QUERIES = (
    "Can I afford a ₹50L loan?",
    "Help me save for retirement",
    "Where is my money going?",
    "Mera CIBIL score kitna hai?",
)


@dataclass
class Account:
    """What callers saw.

    ``answers`` by prediction id. ``broken`` counts connections that ended without an answer,
    ``lost`` requests that no new connection helped, ``refused`` answers other than 200.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: int = 0
    lost: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def served(self) -> set[tuple[str, str]]:
        """Each version and what it said."""
        return {(one["version"], one["intent"]) for one in self.answers.values()}


class Stream:
    """A few callers who ask all the time; each keeps its connection while it can."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._whole, self._chapter = Account(), Account()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self._chapter.answers, 30, "the stream is answered")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ask no more; returns when the last answer came."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def chapter(self) -> Account:
        """What happened since the last chapter."""
        with self._lock:
            done, self._chapter = self._chapter, Account()
        return done

    def whole(self) -> Account:
        """All that happened, over all chapters."""
        return self._whole

    def goes_on(self, count: int = 15) -> None:
        """Return once so many more answers came; the chapter goes on."""
        seen = len(self._whole.answers)
        wait_until(
            lambda: len(self._whole.answers) >= seen + count, 30, f"{count} more answers came"
        )

    def _ask(self, number: int) -> None:
        http = httpx2.Client(base_url=self._url, timeout=20)
        for turn in itertools.count():
            if self._stopping.wait(PAUSE_SECONDS):
                break
            body = {"query": QUERIES[turn % len(QUERIES)], "user_id": f"u{number}-{turn % 50}"}
            http = self._insist(http, body)
        http.close()

    def _insist(self, http: httpx2.Client, body: dict[str, str]) -> httpx2.Client:
        """Ask until there is an answer, on new connections after the first."""
        for _ in range(TRIES):
            try:
                self._note(http.post("/predict/intent", json=body))
            except httpx2.TransportError as error:
                self._count_broken()
                reason = f"{type(error).__name__}: {error}"
                http.close()
                http = httpx2.Client(base_url=self._url, timeout=20)
            else:
                return http
        with self._lock:
            for account in (self._whole, self._chapter):
                account.lost.append(reason)
        return http

    def _count_broken(self) -> None:
        with self._lock:
            self._whole.broken += 1
            self._chapter.broken += 1

    def _note(self, answer: httpx2.Response) -> None:
        with self._lock:
            for account in (self._whole, self._chapter):
                if answer.status_code == 200:
                    body = answer.json()
                    account.answers[body["prediction_id"]] = body
                else:
                    account.refused.append(f"{answer.status_code} {answer.text[:200]}")


def all_logged_once(database_url: str, ids: set[str]) -> None:
    """Wait until the log holds each of these predictions, and see that it holds none twice."""
    wait_until(lambda: _times_logged(database_url, ids).keys() == {1}, 30, "all are delivered")


def _times_logged(database_url: str, ids: set[str]) -> dict[int, int]:
    """How many of the predictions are in the log how many times."""
    connection = psycopg2.connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(n, 0), count(*) FROM unnest(%s::uuid[]) AS asked(id)"
                " LEFT JOIN (SELECT prediction_id, count(*) AS n FROM model_predictions"
                "   GROUP BY prediction_id) AS logged ON logged.prediction_id = asked.id"
                " GROUP BY 1",
                (list(ids),),
            )
            return {int(times): int(count) for times, count in cursor.fetchall()}
    finally:
        connection.close()
