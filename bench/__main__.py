"""``make bench``: speeds as ratios against a floor of the same run, and rollback under load."""

import os
import platform
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import predict, rollback, versions
from bench.predict import Comparison
from bench.stack import Stack, floor, inference, stack
from tests.makers import Registry

MODELS = ("credit_risk", "intent_classifier")
ROLLED_BACK = "intent_classifier"
WORKERS = 2
OLD, NEW = "v1.0.0", "v1.1.0"
SEED = 20260125


def bodies(built: Stack, model: str) -> list[dict[str, Any]]:
    """The requests of the model's validation suite, of many users."""
    cases = built.catalog.get(model).validation.cases
    return [{**c.request, "user_id": f"user-{n}"} for n in range(50) for c in cases]


def _row(model: str, seen: Comparison) -> list[str]:
    ours, bare = seen.service, seen.floor
    return [
        model, str(seen.connections), f"{ours.rate:,.0f}", f"{bare.rate:,.0f}",
        f"{seen.rate_ratio:.2f}", f"{ours.p50_ms:.2f}", f"{bare.p50_ms:.2f}",
        f"{seen.p50_ratio:.2f}", f"{ours.p99_ms:.1f}", f"{bare.p99_ms:.1f}", str(ours.failed),
    ]  # fmt: skip


def throughput(built: Stack, console: Console) -> None:
    """One worker with every duty, beside the floor with none."""
    table = Table(
        title="Predict: one worker with every duty / bare Starlette + ONNX Runtime",
        title_justify="left",
    )
    for heading in ("model", "connections", "answers/s", "floor", "ratio", "p50 ms", "floor",
                    "ratio", "p99 ms", "floor", "failed"):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for model in MODELS:
        registry = Registry(built.engine, built.catalog, model)
        made = versions.trained(built, model, SEED)
        with inference(built, 1) as url:
            versions.promote(registry, OLD, made)
            with floor(built, versions.artefact(built, made)) as bare:
                endpoint = f"{url}{registry.entry.endpoint}"
                for connections in (predict.CONNECTIONS, 1):
                    seen = predict.compare(
                        endpoint, f"{bare}/predict", bodies(built, model), connections
                    )
                    table.add_row(*_row(model, seen))
    console.print(table)


def back(built: Stack, console: Console) -> None:
    """A second version into production, and back again under load, many times."""
    registry = Registry(built.engine, built.catalog, ROLLED_BACK)
    made = versions.trained(built, ROLLED_BACK, SEED + 1)
    with inference(built, WORKERS) as url:
        versions.promote(registry, NEW, made)
        endpoint = f"{url}{registry.entry.endpoint}"
        seen = rollback.measure(registry, endpoint, bodies(built, ROLLED_BACK), NEW)
    console.print(
        f"Rollback of {ROLLED_BACK} under load, {WORKERS} workers,"
        f" {len(seen.milliseconds)} times: order to last old answer on any worker,"
        f" median {seen.p50:.0f} ms, slowest {seen.worst:.0f} ms;"
        f" {seen.failed} of {seen.requests:,} requests failed.",
        soft_wrap=True,
    )


def main() -> None:
    """Everything, one after the other."""
    # The table stays whole in a log too.
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};"
        " client and servers share the cores."
    )
    with stack() as built:
        throughput(built, console)
        back(built, console)


if __name__ == "__main__":
    main()
