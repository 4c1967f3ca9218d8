"""How long the page Drift takes a person: Chromium, the console's process, and the backend's.

The database is the run's own; its log holds as many predictions as the volume says.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from playwright.sync_api import Page as Tab
from sqlalchemy import Engine, text

from backend_api import catalog, db, watch
from backend_api.settings import BackendSettings
from backend_api.spans import DAY, floor
from bench.stack import Stack, running
from ops.settings import PROJECT
from ops.stack.home import Home
from ops.stack.ports import any_free
from ops.stack.probe import is_healthy
from ops.stack.process import Spec
from tests import browser, flavours, people
from tests.conftest import Backend
from tests.makers import Registry

MODEL, VERSION = "drift_bench", "v1.0.0"
# What versions are called of which only results are kept: the newest of these lead their list.
EARLIER = "v0."
# Before those of all others, so that the page shows this model unasked.
TITLE = "A model of the bench"
WHO = "asha"
OPENINGS = 7
RESULTS, FIRST, LARGEST, LOOKS = 5_000, 50, 500, 30
# In one transaction; each is some seconds of PostgreSQL.
PIECE = 1_000_000
# Everything that depends on the backend is there: the answer, features by days, one feature's score
# and its two distributions, the kept results; and nothing is still being drawn.
# Where Streamlit has marked an element as old, the run that replaces it is not over.
DRAWN = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const shown = (name) => [...document.querySelectorAll(name)];
    const there = app && app.dataset.testScriptState === 'notRunning'
        && shown('h1').some((head) => head.innerText.includes('Drift'))
        && shown('.js-plotly-plot:has(.main-svg .cartesianlayer)').length
        && shown('.drift-scale').length && shown('.drift-bins').length
        && shown('h2').some((head) => head.innerText.includes('Kept results'))
        && shown('td').some((cell) => cell.innerText.startsWith('EARLIER'))
        && !shown('[data-stale="true"], [data-testid="stSkeleton"]').length;
    return there ? performance.now() - (window.begun ?? 0) : false;
}""".replace("EARLIER", EARLIER)
FRAMED = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const there = app && app.dataset.testScriptState === 'notRunning'
        && [...document.querySelectorAll('h1')].some((head) => head.innerText.includes('Freezes'))
        && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]');
    return there ? performance.now() : false;
}"""
FOLLOW = """(title) => {
    window.begun = performance.now();
    [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')]
        .find((link) => link.innerText.includes(title)).click();
}"""


@dataclass(frozen=True)
class Page:
    """Median milliseconds until all is drawn: ``reached`` by the link in the menu from another page
    (7 days), and ``loaded`` by its address, the console itself included (30 days). ``floor`` is
    what Freezes, a page with nothing on it, takes by its address: sign-in, frame and menu."""

    reached: float
    loaded: float
    floor: float


@dataclass(frozen=True)
class Kept:
    """Milliseconds for kept results over HTTP: the first of them, and all of them in pieces."""

    first: float
    whole: float

    @property
    def sentence(self) -> str:
        """For the report."""
        return (
            f"Drift, kept results: of {RESULTS:,} the newest {FIRST} in {self.first:.0f} ms, median"
            f" of {LOOKS}; all of them, {LARGEST} at a time, in {self.whole:.0f} ms."
        )


@dataclass(frozen=True)
class Opened:
    """A backend and a console that run, and a browser in which somebody is signed in.

    ``viewer`` asks the backend without either; ``registry`` makes versions of the model.
    """

    backend: Backend
    viewer: httpx2.Client
    address: str
    tab: Tab
    registry: Registry


@contextmanager
def _backend(built: Stack) -> Iterator[tuple[Backend, Registry]]:
    """The backend in a process of its own, with one more model, which is in production."""
    entry = flavours.entry(MODEL, {}, {"prediction": 1}) | {"title": TITLE}
    home = Home.at(built.home.path / "drift")
    file = flavours.catalogue(home.path, {MODEL: entry})
    port, console_port = any_free(), any_free()
    env = {
        "DATABASE_URL": built.database_url, "MLFLOW_TRACKING_URI": built.mlflow_uri,
        "MODELS_FILE": str(file), "NIVESH_HOME": str(home.path), "BACKEND_PORT": str(port),
        "OIDC_ISSUER": f"http://127.0.0.1:{port}/oidc", "OIDC_CLIENT_ID": people.CLIENT[0],
        "OIDC_CLIENT_SECRET": people.CLIENT[1],
        "OIDC_REDIRECT_URIS": f"http://127.0.0.1:{console_port}/oauth2callback",
    }  # fmt: skip
    spec = Spec(
        name="backend", argv=[sys.executable, "-m", "backend_api.main"], env={**os.environ, **env},
        ready=lambda: is_healthy("backend", port), log=home.log("backend"), cwd=PROJECT, port=port,
    )  # fmt: skip
    registry = Registry(built.engine, catalog.load(file), MODEL)
    registry.promoted(VERSION)
    with running(spec):
        made = Backend(
            f"http://127.0.0.1:{port}", BackendSettings.model_validate(env), built.engine,
            console_port,
        )  # fmt: skip
        yield made, registry
        made.close()


@contextmanager
def console(built: Stack) -> Iterator[Opened]:
    """All processes for the block, and an analyst at the overview."""
    with _backend(built) as (backend, registry):
        people.add(backend, WHO, "analyst")
        home = Home.at(built.home.path / "drift" / "console")
        with browser.console(backend, home) as address, browser.pages(1) as (tab,):
            browser.sign_in(tab, WHO, address)
            yield Opened(backend, people.badge(backend, "viewer"), address, tab, registry)


def log(engine: Engine, volume: int, now: datetime, days: int) -> None:
    """Have the prediction log hold ``volume`` answers of the last days, evenly spread.

    Narrower than what the profile watches: no page reads what was asked of a month.
    """
    first = floor(now, DAY) - (days - 1) * DAY
    with db.transaction(engine, "bench") as session:
        there = session.scalar(
            text("SELECT count(*) FROM model_predictions WHERE model_name = :m"), {"m": MODEL}
        )
        for n in range(days):
            day = (first + n * DAY).date()
            session.execute(text("SELECT ensure_prediction_partition(:day)"), {"day": day})
    missing = volume - (there or 0)
    step = (now - first) / missing
    for at in range(0, missing, PIECE):
        _append(engine, first, step, at, min(at + PIECE, missing))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("ANALYZE model_predictions"))


def _append(engine: Engine, first: datetime, step: timedelta, since: int, until: int) -> None:
    with db.transaction(engine, "bench") as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, entity_key, input, output, confidence, latency_ms, status)"
                " SELECT uuidv7(), :first + n * CAST(:step AS interval), :m, :v, 'production',"
                " 'user-' || n % 100000, CAST(:input AS jsonb), CAST(:output AS jsonb),"
                " 0.5 + 0.5 * (n % 100) / 100, 1 + n % 7, 'ok'"
                " FROM generate_series(CAST(:since AS bigint), CAST(:until AS bigint) - 1) n"
            ),
            {"first": first, "step": step, "m": MODEL, "v": VERSION, "since": since,
             "until": until, "input": '{"feature_0": 12.5, "feature_1": -3.25}',
             "output": '{"risk_band": "low", "confidence": 0.9}'},
        )  # fmt: skip


def results(opened: Opened, now: datetime) -> Kept:
    """Have ``RESULTS`` kept, as judged as a day is, and read them through the API."""
    watch.judge_drift(opened.backend.engine, MODEL, now)
    with db.transaction(opened.backend.engine, "bench") as session:
        session.execute(
            text(
                "INSERT INTO drift_results (model_name, version, day, judged_at, rows, seen, state,"
                " changed, raised, quality, sentence, prediction, input, worst, worst_score,"
                " evidence)"
                " SELECT model_name, :earlier || n || '.0', day, judged_at, rows, seen, state,"
                " changed, raised, quality, sentence, prediction, input, worst, worst_score,"
                " evidence"
                " FROM drift_results, generate_series(1, :most) n WHERE model_name = :m AND"
                " version = :v ORDER BY n, day LIMIT :most - (SELECT count(*) FROM drift_results"
                " WHERE model_name = :m)"
            ),
            {"m": MODEL, "v": VERSION, "earlier": EARLIER, "most": RESULTS},
        )

    def timed(limit: int, *, whole: bool) -> float:
        begun, before, seen = time.perf_counter(), None, 0
        while True:
            more = {} if before is None else {"before": before}
            answer = opened.viewer.get(
                "/drift/results", params={"model": MODEL, "limit": limit, **more}
            ).raise_for_status()
            found = answer.json()
            seen, before = seen + len(found["results"]), found["next_before"]
            if not whole or before is None:
                break
        assert seen == (RESULTS if whole else limit)
        return (time.perf_counter() - begun) * 1000

    first = statistics.median(timed(FIRST, whole=False) for _ in range(LOOKS))
    return Kept(first, statistics.median(timed(LARGEST, whole=True) for _ in range(3)))


def until(tab: Tab, sign: str, given: str | None = None) -> float:
    """What the sign says once it says something: milliseconds since the page was asked for."""
    return float(tab.wait_for_function(sign, arg=given, polling="raf").json_value())


def measure(opened: Opened, days: int) -> Page:
    """The page, opened many times; the first time, which fills caches, is left out."""
    tab = opened.tab
    whole = f"{opened.address}/drift?model={MODEL}&days={days}"
    loaded, framed, reached = [], [], []
    for _ in range(OPENINGS + 1):
        tab.goto(f"{opened.address}/freezes", wait_until="commit")
        framed.append(until(tab, FRAMED))
        tab.goto(whole, wait_until="commit")
        loaded.append(until(tab, DRAWN))
        tab.evaluate(FOLLOW, "Freezes")
        until(tab, FRAMED)
        tab.wait_for_function("() => !document.querySelector('.js-plotly-plot')")
        tab.evaluate(FOLLOW, "Drift")
        reached.append(until(tab, DRAWN))
    return Page(*(statistics.median(times[1:]) for times in (reached, loaded, framed)))
