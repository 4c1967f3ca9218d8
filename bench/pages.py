"""How long each page of the console takes a person where much has been kept."""

import statistics

from playwright.sync_api import Page as Tab
from sqlalchemy import text

from backend_api import db
from bench.drift_page import FOLLOW, FRAMED, MODEL, Opened, until

VERSIONS, INCIDENTS = 5_000, 10_000
OPENINGS = 5
PAGES = ("Overview", "Accuracy", "Registry", "Canary", "Deployments", "History")
# Its heading is there, the run is over, and each picture has been drawn.
DRAWN = """(title) => {
    const app = document.querySelector('[data-testid="stApp"]');
    const shown = (name) => [...document.querySelectorAll(name)];
    const there = app && app.dataset.testScriptState === 'notRunning'
        && shown('h1').some((head) => head.innerText.trim() === title)
        && shown('[data-testid="stPlotlyChart"]').every((one) => one.querySelector('.main-svg'))
        && !shown('[data-stale="true"], [data-testid="stSkeleton"]').length;
    return there ? performance.now() - window.begun : false;
}"""


def crowd(opened: Opened) -> None:
    """Have the model own so many versions, and so many incidents that are over."""
    opened.registry.crowd(VERSIONS)
    with db.transaction(opened.backend.engine, "bench") as session:
        session.execute(
            text(
                "INSERT INTO incidents (id, model_name, kind, severity, state, title, opened_at,"
                " opened_by, resolved_at, resolved_by) SELECT uuidv7(), :m, 'drift', 'major',"
                " 'resolved', 'Requests no longer look like what they were', now() - n * interval"
                " '10 minutes', 'bench', now(), 'bench' FROM generate_series(1, :most) n"
            ),
            {"m": MODEL, "most": INCIDENTS},
        )


def measure(opened: Opened) -> dict[str, float]:
    """Median milliseconds until a page is drawn, by its link in the menu from another page."""
    return {title: _page(opened.tab, title) for title in PAGES}


def _page(tab: Tab, title: str) -> float:
    took = []
    for _ in range(OPENINGS + 1):
        tab.evaluate(FOLLOW, "Freezes")
        until(tab, FRAMED)
        tab.evaluate(FOLLOW, title)
        took.append(until(tab, DRAWN, title))
    # The first time, which fills caches, is left out.
    return statistics.median(took[1:])


def sentence(found: dict[str, float]) -> str:
    """For the report."""
    told = ", ".join(f"{title} {took:.0f} ms" for title, took in found.items())
    return (
        f"Pages, where 10 M predictions, {VERSIONS:,} versions and {INCIDENTS:,} incidents are"
        f" kept, by their link until Chromium has drawn all, median of {OPENINGS}: {told}."
    )
