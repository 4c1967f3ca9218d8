"""models, versions, register, stage, validate: a version's way up to its promotion."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from backend_api.schemas import Explain, Job, MoveVersion, Outcome, RegisterVersion, VersionDetail
from backend_api.states import GateState, Health, JobState
from console.client import Backend
from ops import caller
from ops.errors import OpsError
from ops.terminal import out, say

BY_HAND = "from the command line"
JOB_SECONDS = 300.0
STYLES = {
    GateState.PASS: "green",
    GateState.FAIL: "red",
    GateState.UNKNOWN: "yellow",
    GateState.NOT_APPLICABLE: "dim",
}
HEALTH = {Health.OK: "green", Health.DEGRADED: "yellow", Health.DOWN: "red", Health.UNKNOWN: "dim"}

Model = Annotated[str, typer.Argument(help="For example intent_classifier.")]
Name = Annotated[str, typer.Argument(help="For example v1.2.0.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")]


def models() -> None:
    """Each model: what serves, what would after a rollback, and whether anything is wrong."""
    with caller.backend() as backend:
        overview = backend.overview()
    table = Table("model", "serves", "canary", "way back", "state", box=None)
    for one in overview.models:
        want = one.deployment.desired
        canary = f"{want.canary} at {want.canary_share} %" if want and want.canary else ""
        table.add_row(
            one.model_name,
            (want.production if want else None) or "nothing",
            canary,
            one.deployment.readiness.target or "none",
            f"[{HEALTH[one.state]}]{escape(one.sentence)}[/]",
        )
    out.print(table)


def versions(model: Model) -> None:
    """All versions of a model, newest first."""
    headings = ("version", "status", "MLflow", "registered by", "registered", "verified")
    table = Table(*headings, box=None)
    with caller.backend() as backend:
        found = backend.versions(model)
    for one in found:
        table.add_row(
            one.version,
            one.status,
            str(one.mlflow_version or ""),
            one.registered_by,
            f"{one.created_at:%d %b %Y %H:%M}",
            f"{one.verified_at:%d %b %Y %H:%M}" if one.verified_at else "",
        )
    out.print(table)


def gates(detail: VersionDetail) -> Table:
    """What each gate says of a version."""
    table = Table.grid(padding=(0, 2))
    for gate in detail.gates:
        word = f"[{STYLES[gate.state]}]{gate.state.replace('_', ' ')}[/]"
        table.add_row(word, gate.title, escape(gate.sentence))
    return table


def register(
    model: Model,
    model_uri: Annotated[str, typer.Argument(help="For example runs:/RUN_ID/model.")],
    version: Annotated[
        str | None, typer.Option("--version", help="By default the next minor one.")
    ] = None,
    description: Annotated[str, typer.Option("--description")] = "",
    reason: Why = BY_HAND,
) -> None:
    """Make a run's model a version; its artefact is fetched and its digest recorded."""
    body = RegisterVersion(
        request_id=uuid4(), reason=reason, model_uri=model_uri, version=version,
        description=description,
    )  # fmt: skip
    with caller.backend() as backend:
        say(backend.register(model, body).sentence)


def move(backend: Backend, model: str, version: str, reason: str) -> MoveVersion:
    """An order about a version as it stands now."""
    seen = backend.version(model, version).version.status
    return MoveVersion(request_id=uuid4(), reason=reason, expected_status=seen)


def stage(model: Model, version: Name, reason: Why = BY_HAND) -> None:
    """Have every worker load the version, without giving it traffic."""
    with caller.backend() as backend:
        say(backend.stage(model, version, move(backend, model, version, reason)).sentence)


def validate(model: Model, version: Name, reason: Why = BY_HAND) -> None:
    """Ask the staged version the queries of models.yaml, and wait for the verdict."""
    with caller.backend() as backend:
        outcome = backend.validate(model, version, move(backend, model, version, reason))
        say(followed(backend, outcome).message)
        out.print(gates(backend.version(model, version)))


def quantize(model: Model, version: Name, reason: Why = BY_HAND) -> None:
    """Make an int8 candidate of a version, measure both, and wait; promotes nothing."""
    body = Explain(request_id=uuid4(), reason=reason)
    with caller.backend() as backend:
        say(followed(backend, backend.quantize(model, version, body)).message)


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        yield bar


def followed(backend: Backend, outcome: Outcome, seconds: float = JOB_SECONDS) -> Job:
    """The job that carries out an order, once it has ended well.

    Raises:
        OpsError: it failed, or has not ended in time.
    """
    job_id: UUID | None = outcome.job_id
    assert job_id is not None
    deadline = time.monotonic() + seconds
    with _bar() as bar:
        shown = bar.add_task("On the queue", total=1.0)
        while time.monotonic() < deadline:
            job = backend.job(job_id)
            bar.update(shown, completed=job.progress, description=job.message or "On the queue")
            if job.state == JobState.SUCCEEDED:
                return job
            if job.state == JobState.FAILED:
                raise OpsError(job.message, f"`nivesh versions {outcome.model_name}` lists them.")
            time.sleep(0.2)
    raise OpsError(
        f"The job is still {job.state} after {seconds:.0f} s.",
        "Does the worker run? See `nivesh status`; the job goes on when it does.",
    )
