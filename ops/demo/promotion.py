"""A trained version on its way into production, by the same requests as a click."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine

from backend_api import db
from backend_api.identity import tokens
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
from ops.terminal import say

WHY = "demonstration"


@dataclass(frozen=True)
class Pair:
    """Who asks, and who decides: nobody approves alone."""

    analyst: Backend
    lead: Backend


@contextmanager
def pair(engine: Engine, backend_url: str) -> Iterator[Pair]:
    """Two machine identities with a day to live, worthless again after the block."""
    stamp = f"{db.now():%Y%m%d-%H%M%S}"
    names = {role: f"demo-{role}-{stamp}" for role in (Role.ANALYST, Role.LEAD)}
    made = {role: _token(engine, name, role) for role, name in names.items()}
    try:
        with (
            caller.asking(backend_url, made[Role.ANALYST]) as analyst,
            caller.asking(backend_url, made[Role.LEAD]) as lead,
        ):
            yield Pair(analyst, lead)
    finally:
        for name in names.values():
            _revoke(engine, name)


def _token(engine: Engine, name: str, role: Role) -> str:
    with db.transaction(engine, caller.actor()) as session:
        return tokens.create_token(
            session, name=name, role=role, days=1, created_by=caller.actor(), now=db.now()
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
