"""``make bench``: speeds as ratios against a floor of the same run, overload, loads, rollback."""

import sys
import time
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from backend_api.candidate import RegisteredVersion
from bench import delivery, drift, loading, machine, overload, predict, report, rollback, versions
from bench.loading import Loading
from bench.overload import Overload
from bench.predict import Comparison
from bench.report import Findings
from bench.rollback import Rollbacks
from bench.stack import Stack, floor, inference, stack
from ops.settings import PROJECT
from tests.flavours import BOOSTED, FEATURES, rows
from tests.inference_process import ADMIN, Inference
from tests.makers import Registry, wait_until

MODELS = (BOOSTED, "credit_risk", "anomaly_detection", "intent_classifier", "financial_ner")
ROLLED_BACK = "intent_classifier"
OLD, NEW = "v1.0.0", "v1.1.0"
SEED = 20260125
LOADS = 8
RELOADS = 20
# Of what it can do: as much is left for loading.
BUSY = 0.3

Made = dict[str, RegisteredVersion]


def bodies(built: Stack, model: str) -> list[dict[str, Any]]:
    """The requests of the model's validation suite, of many users."""
    if model == BOOSTED:
        asked = [{f: round(row[f], 4) for f in FEATURES} for row in rows(20).to_dict("records")]
    else:
        asked = [dict(case.request) for case in built.catalog.get(model).validation.cases]
    return [{**request, "user_id": f"user-{n}"} for n in range(50) for request in asked]


def megabytes(service: Inference) -> float:
    """Memory of the one worker: its own, and its part of what it shares."""
    (worker,) = service.workers()
    return float(psutil.Process(worker.pid).memory_full_info().pss) / 1e6


def compared(built: Stack, service: Inference, made: Made) -> list[Comparison]:
    """One worker with every duty, beside the floor with none."""
    found = []
    for model in MODELS:
        endpoint = f"{service.url}{built.catalog.get(model).endpoint}"
        with floor(built, versions.artefact(built, made[model])) as bare:
            found += predict.compare(model, endpoint, f"{bare}/predict", bodies(built, model))
    return found


def flooded(built: Stack, service: Inference, model: str) -> Overload:
    """Far more than one worker can do, of one model."""
    endpoint = f"{service.url}{built.catalog.get(model).endpoint}"
    return overload.measure(endpoint, bodies(built, model))


def loaded(built: Stack, service: Inference, rate: float) -> tuple[Loading, Loading]:
    """Versions of one model while requests to it flow: new ones, then the same from disk."""
    registry = Registry(built.engine, built.catalog, BOOSTED)
    made = [versions.trained(built, BOOSTED, SEED + 1 + n) for n in range(LOADS)]
    endpoint = f"{service.url}{registry.entry.endpoint}"

    def load(number: int) -> None:
        versions.load(registry, f"v2.{number}.0", made[number])

    def reload() -> None:
        where = f"/admin/reload-model?model_name={BOOSTED}"
        service.http.post(where, headers=dict(ADMIN), timeout=60).raise_for_status()

    fetched = [lambda number=number: load(number) for number in range(LOADS)]
    asked = bodies(built, BOOSTED)
    return (
        loading.measure(endpoint, asked, rate, fetched),
        loading.measure(endpoint, asked, rate, [reload] * RELOADS),
    )


def back(built: Stack) -> Rollbacks:
    """A second version into production, and back again under load, many times."""
    registry = Registry(built.engine, built.catalog, ROLLED_BACK)
    made = versions.trained(built, ROLLED_BACK, SEED + 1)
    with inference(built, workers=2) as service:
        versions.promote(registry, NEW, made)
        endpoint = f"{service.url}{registry.entry.endpoint}"
        return rollback.measure(registry, endpoint, bodies(built, ROLLED_BACK), NEW)


def measured(built: Stack, console: Console) -> Findings:
    """Everything, one after the other."""
    named, begun = machine.sentence(), time.monotonic()
    console.print("Training the models.")
    made = {model: versions.trained(built, model, SEED) for model in MODELS}
    with inference(built, workers=1) as service:
        empty = megabytes(service)
        for model in MODELS:
            versions.promote(Registry(built.engine, built.catalog, model), OLD, made[model])
        full = megabytes(service)
        console.print("Predict, beside the floor.")
        compared_ = compared(built, service, made)
        many = [c for c in compared_ if c.load.startswith(f"{predict.CONNECTIONS} ")]
        slowest = min(many, key=lambda c: c.service.rate).model
        console.print("Overload, loads, log, rollback.")
        flood = flooded(built, service, slowest)
        # What waits in the spool would disturb what is measured next.
        wait_until(lambda: waiting(service) < 1e6, 120, "the log is delivered")
        loads = loaded(built, service, many[0].service.rate * BUSY)
    written = delivery.measure(built.database_url, built.home.path / "records")
    console.print("Drift.")
    drifted = drift.measure(built)
    return Findings(
        named, time.monotonic() - begun, compared_, (empty, full), flood, slowest, loads, written,
        drifted, back(built),
    )  # fmt: skip


def waiting(service: Inference) -> float:
    """Bytes of the prediction log that PostgreSQL has not taken yet."""
    lines = service.http.get("/metrics").text.splitlines()
    return next(float(x.split()[1]) for x in lines if x.startswith("ml_spool_bytes "))


def shown(found: Findings, console: Console) -> None:
    """The same as docs/performance.md has."""
    table = Table()
    for place, heading in enumerate(report.HEAD):
        table.add_column(heading, justify="left" if place < 2 else "right")
    for seen in found.predict:
        table.add_row(*report.row(seen))
    console.print(table)
    for sentence in report.sentences(found):
        console.print(sentence, soft_wrap=True)


def main() -> None:
    """Measure, print, and write docs/performance.md."""
    # The table stays whole in a log too.
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(machine.sentence(), soft_wrap=True)
    with stack() as built:
        found = measured(built, console)
    shown(found, console)
    report.write(found, PROJECT / "docs")


if __name__ == "__main__":
    main()
