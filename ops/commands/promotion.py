"""promote, requests, approve, reject, withdraw: asked by one, decided by another."""

from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from backend_api.schemas import DecidePromotion, Outcome, Promotion, RequestPromotion
from backend_api.states import PromotionStatus, Strategy
from console.client import Backend
from ops import arrival, caller
from ops.commands.version import Model, Name, gates
from ops.errors import OpsError
from ops.terminal import out, say

PATIENCE_SECONDS = 90.0
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")]


def promote(
    model: Model,
    version: Name,
    reason: Reason,
    canary: Annotated[
        int | None, typer.Option("--canary", help="Per cent of the requests, instead of all.")
    ] = None,
    breaking: Annotated[
        bool, typer.Option("--breaking", help="The input schema may become narrower.")
    ] = False,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End another canary that is under way.")
    ] = False,
) -> None:
    """Ask for a validated version to be promoted; another lead approves it."""
    with caller.backend() as backend:
        desired = backend.deployment(model).desired
        body = RequestPromotion(
            request_id=uuid4(), reason=reason, version=version, breaking=breaking,
            supersede=supersede,
            expected_production=desired.production if desired else None,
            **({} if canary is None else {"strategy": Strategy.CANARY, "share": canary}),
        )  # fmt: skip
        say(backend.request_promotion(model, body).sentence)
        say(f'Another lead: nivesh approve {model} {version} --reason "..."')


def requests() -> None:
    """Requests that wait for a decision."""
    with caller.backend() as backend:
        found = backend.promotions(status=PromotionStatus.PENDING)
    if not found:
        say("No request waits for a decision.")
        return
    table = Table("model", "version", "how", "asked by", "until", "why", box=None)
    for one in found:
        how = "all" if one.strategy == Strategy.FULL else f"canary, {one.share} %"
        until = f"{one.expires_at:%d %b %H:%M} UTC"
        table.add_row(one.model_name, one.version, how, one.requested_by, until, one.reason)
    out.print(table)


def pending(backend: Backend, model: str, version: str) -> Promotion:
    """The open request for a version.

    Raises:
        OpsError: there is none.
    """
    for one in backend.promotions(model=model, status=PromotionStatus.PENDING):
        if one.version == version:
            return one
    raise OpsError(f"Nobody asks for {model} {version} to be promoted.", "See `nivesh requests`.")


def approve(
    model: Model,
    version: Name,
    reason: Reason,
    break_glass: Annotated[
        bool,
        typer.Option("--break-glass", help="One's own request, or in spite of a spent budget."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Let a request through, and watch it reach every worker."""
    with caller.backend() as backend:
        asked = pending(backend, model, version)
        say(f"{asked.requested_by} asks for {model} {version}: {asked.reason}")
        out.print(gates(backend.version(model, version)))
        if out.is_terminal and not yes:
            typer.confirm("Let it through?", abort=True)
        body = DecidePromotion(
            request_id=uuid4(), reason=reason, evidence_hash=asked.evidence_hash,
            break_glass=break_glass,
        )  # fmt: skip
        arrive(backend, backend.approve(asked.id, body))


def arrive(backend: Backend, outcome: Outcome) -> None:
    """Say what was decided, and follow it to the workers."""
    say(outcome.sentence)
    model = outcome.model_name
    arrival.follow(outcome.epoch or 0, lambda: backend.deployment(model), PATIENCE_SECONDS)


def _decision(asked: Promotion, reason: str) -> DecidePromotion:
    return DecidePromotion(request_id=uuid4(), reason=reason, evidence_hash=asked.evidence_hash)


def reject(model: Model, version: Name, reason: Reason) -> None:
    """Refuse a request; its version stays validated."""
    with caller.backend() as backend:
        asked = pending(backend, model, version)
        say(backend.reject(asked.id, _decision(asked, reason)).sentence)


def withdraw(model: Model, version: Name, reason: Reason) -> None:
    """Take back one's own request."""
    with caller.backend() as backend:
        asked = pending(backend, model, version)
        say(backend.withdraw(asked.id, _decision(asked, reason)).sentence)
