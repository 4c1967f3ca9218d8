"""A trained version on its way into production, by the same requests as a click."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine

from backend_api import db
from backend_api.identity import accounts, tokens
from backend_api.operations.order import once
from backend_api.schemas import (
    DecidePromotion,
    Explain,
    RegisterVersion,
    RequestPromotion,
    Token,
)
from backend_api.states import Role
from console.client import Backend
from ops import caller
from ops.commands.promotion import arrive, pending
from ops.commands.version import followed, move
from ops.demo.training import Learned
from ops.errors import OpsError
from ops.terminal import say

WHY = "demonstration"


@dataclass(frozen=True)
class Pair:
    """Who asks, and who decides: nobody approves alone."""

    analyst: Backend
    lead: Backend


@contextmanager
def pair(engine: Engine, backend_url: str) -> Iterator[Pair]:
    """Tokens of a machine and of the first lead, worthless again after the block."""
    stamp = f"{db.now():%Y%m%d-%H%M%S}"
    holders: dict[str, tokens.Machine | tokens.Person] = {
        f"demo-analyst-{stamp}": tokens.Machine(Role.ANALYST),
        f"demo-lead-{stamp}": tokens.Person(_first_lead(engine)),
    }
    made = [_token(engine, name, holder) for name, holder in holders.items()]
    try:
        with (
            caller.asking(backend_url, made[0]) as analyst,
            caller.asking(backend_url, made[1]) as lead,
        ):
            yield Pair(analyst, lead)
    finally:
        for name in holders:
            _revoke(engine, name)


def _first_lead(engine: Engine) -> str:
    with db.transaction(engine, None) as session:
        people = [a for a in accounts.every(session) if a.disabled_at is None]
    leads = [a for a in people if a.role == Role.LEAD]
    if not leads:
        raise OpsError(
            "Nobody here is a lead, so nobody can approve the demonstration's models.",
            "nivesh account add NAME --role lead",
        )
    return min(leads, key=lambda a: a.created_at).username


def _token(engine: Engine, name: str, holder: tokens.Machine | tokens.Person) -> str:
    with db.transaction(engine, caller.actor()) as session:
        return tokens.create_token(
            session, name=name, holder=holder, days=1, created_by=caller.actor(), now=db.now()
        )


def _revoke(engine: Engine, name: str) -> None:
    once(
        engine, f"revoke token {name}", Explain(request_id=uuid4(), reason=WHY), caller.actor(),
        db.now(), lambda s, o: tokens.revoke(s, o, name), Token,
    )  # fmt: skip


def promote(two: Pair, learned: Learned) -> None:
    """Register, stage, validate, ask, approve, and wait until every worker serves it."""
    model = learned.lesson.model
    registered = two.analyst.register(
        model,
        RegisterVersion(
            request_id=uuid4(), reason=WHY, model_uri=learned.model_uri,
            description="Trained for the demonstration, on generated data.",
        ),
    )  # fmt: skip
    version = registered.version or ""
    say(registered.sentence)
    two.analyst.stage(model, version, move(two.analyst, model, version, WHY))
    order = move(two.analyst, model, version, WHY)
    say(f"  {followed(two.analyst, two.analyst.validate(model, version, order)).message}")
    desired = two.analyst.deployment(model).desired
    asked = two.analyst.request_promotion(
        model,
        RequestPromotion(
            request_id=uuid4(), reason=WHY, version=version,
            expected_production=desired.production if desired else None,
        ),
    )  # fmt: skip
    say(f"  {asked.sentence}")
    request = pending(two.lead, model, version)
    body = DecidePromotion(request_id=uuid4(), reason=WHY, evidence_hash=request.evidence_hash)
    arrive(two.lead, two.lead.approve(request.id, body))
