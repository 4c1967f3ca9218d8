"""Versions that wait for approval on a running stack, and approvals that do not give up."""

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from filelock import FileLock
from mlflow import MlflowClient
from sqlalchemy import text
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from backend_api import catalog as catalogs
from backend_api import db
from backend_api.errors import Unavailable
from backend_api.operations import rollback
from backend_api.operations.version import next_version
from backend_api.schemas import DecidePromotion, Outcome
from backend_api.states import Role, Strategy
from console.client import Backend
from console.errors import BackendError
from tests.artefacts import LABELS, tiny_intent
from tests.makers import INTENT, Registry, perform_as, wait_until
from tests.stack import Stack

T = TypeVar("T")

# What a caller may try again on: no answer at all, or one that says a part is missing.
OUTAGES = (0, 503)

_STATE = text("""
    SELECT p.status AS promotion, v.status AS candidate, r.version AS routed,
        (SELECT count(*) FROM ledger l WHERE l.action = 'promotion.approve'
            AND l.evidence ->> 'promotion' = p.id::text) AS approvals,
        (SELECT count(*) FROM ledger l WHERE l.action = 'model.promote'
            AND l.model_name = p.model_name AND l.version = v.version) AS promotions,
        (SELECT count(*) FROM requests q WHERE q.request_id = :request) AS answered,
        (SELECT array_agg(a.version) FROM model_deployments d JOIN model_registry a
            ON a.id = d.model_id WHERE d.model_name = p.model_name
            AND d.environment = 'production' AND d.status = 'active') AS active
    FROM promotions p JOIN model_registry v ON v.id = p.model_id
    LEFT JOIN model_routing m ON m.model_name = p.model_name
    LEFT JOIN model_registry r ON r.id = m.production_id
    WHERE p.id = :promotion
""")
_LOADED = text("""
    SELECT m.loaded -> :version ->> 'state' FROM replica_models m
    JOIN replicas r USING (replica_id) WHERE m.model_name = :model AND r.stopped_at IS NULL
""")
_SCHEMA = text("""
    SELECT r.input_schema FROM model_routing m JOIN model_registry r ON r.id = m.production_id
    WHERE m.model_name = :model
""")


@dataclass(frozen=True)
class Candidate:
    """A version that answers ``says`` to everything; ``columns`` point at its artefact."""

    version: str
    says: str
    columns: dict[str, str]

    @property
    def speaks(self) -> tuple[str, str]:
        """How an answer shows that it is this version's."""
        return self.version, self.says


class Candidates:
    """Makes versions of the intent classifier, each with an artefact and a number in MLflow."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self._folder = stack, folder
        catalog = catalogs.load(Path(stack.variables["MODELS_FILE"]))
        self.registry = Registry(stack.engine, catalog, INTENT)
        self._labels = itertools.cycle(LABELS)
        self._made: dict[str, Candidate] = {}

    def new(self, says: str | None = None, burden: int = 1) -> Candidate:
        """The artefact of the next version; nobody knows it yet.

        It says the next label unless told which, and takes the longer the greater its burden is.
        """
        with self.stack.engine.connect() as connection:
            taken = connection.scalars(
                text("SELECT version FROM model_registry WHERE model_name = :m"), {"m": INTENT}
            )
            version = next_version(list(taken))
        says = says or next(self._labels)
        made = Candidate(version, says, tiny_intent(self._folder / version, says, burden=burden))
        self._made[version] = made
        return made

    def serving(self) -> Candidate:
        """Whichever of these versions is in production; a new one if none is."""
        return self._made.get(self.registry.production() or "") or self.promoted()

    def propose(self, candidate: Candidate, strategy: Strategy = Strategy.FULL) -> UUID:
        """Register, stage and validate it, and ask for its promotion; returns the request's id."""
        self.validated(candidate)
        return self.registry.request(candidate.version, strategy=strategy)

    def validated(self, candidate: Candidate) -> None:
        """Register, stage and validate it."""
        self.lift_hold()
        self.registry.validated(
            candidate.version, mlflow_version=self._number(), input_schema=self._schema(),
            **candidate.columns,
        )  # fmt: skip

    def _schema(self) -> dict[str, Any]:
        """What production accepts; before there is one, less than any trained version does."""
        with self.stack.engine.connect() as connection:
            found = connection.scalar(_SCHEMA, {"model": INTENT})
        return found or {"query": {"type": "string", "required": True, "max_length": 1}}

    def lock(self, candidate: Candidate) -> FileLock:
        """Whoever holds this keeps every worker from loading the version."""
        digest = candidate.columns["artifact_digest"].removeprefix("sha256:")
        return FileLock(self.stack.home.path / "model-server" / "artefacts" / f"{digest}.lock")

    def states(self, candidate: Candidate) -> list[str | None]:
        """Where each worker is with it: loading, ready or failed."""
        with self.stack.engine.connect() as connection:
            return list(
                connection.scalars(_LOADED, {"version": candidate.version, "model": INTENT})
            )

    def await_loaded(self, candidate: Candidate) -> None:
        """Wait until both workers hold it in memory, and the watch has written that down."""
        logs = self.stack.home.logs
        wait_until(
            lambda: self.states(candidate) == ["ready", "ready"], 60,
            f"{candidate.version} is loaded; see {logs}",
        )  # fmt: skip
        wait_until(self._is_observed, 60, f"the watch saw {candidate.version}; see {logs}")

    def _is_observed(self) -> bool:
        with self.stack.engine.connect() as connection:
            return bool(
                connection.scalar(
                    text("SELECT epoch = observed_epoch FROM model_routing WHERE model_name = :m"),
                    {"m": INTENT},
                )
            )

    def promoted(self) -> Candidate:
        """A new version, in production."""
        made = self.new()
        self.registry.approve(self.propose(made))
        return made

    def lift_hold(self) -> None:
        """Let promotions through, if a rollback of an earlier test holds them back."""
        with db.transaction(self.stack.engine, None) as session:
            held = session.scalar(
                text("SELECT held_at FROM models WHERE model_name = :m"), {"m": INTENT}
            )
        if held is not None:
            perform_as(self.stack.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT))

    @cached_property
    def _mlflow(self) -> MlflowClient:
        uri = self.stack.variables["MLFLOW_TRACKING_URI"]
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    @cached_property
    def _run(self) -> str:
        """A run with something that versions can point at."""
        run = self._mlflow.create_run(self._mlflow.create_experiment(uuid4().hex)).info.run_id
        self._mlflow.log_dict(run, {}, "model/handler.json")
        if not self._mlflow.search_registered_models(f"name = '{INTENT}'"):
            self._mlflow.create_registered_model(INTENT)
        return str(run)

    def _number(self) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = self._mlflow.create_model_version(
                INTENT, source=f"runs:/{self._run}/model", run_id=self._run
            )
        return int(made.version)


class Approval:
    """One decision on one request, sent again under the same request id until it is answered."""

    def __init__(self, stack: Stack, promotion: UUID, candidate: Candidate, before: str) -> None:
        self._stack, self._promotion = stack, promotion
        self._candidate, self._before = candidate, before
        self._lead: Backend = stack.as_role(Role.LEAD)
        asked = self._lead.version(INTENT, candidate.version).promotion
        assert asked is not None
        self._body = DecidePromotion(
            request_id=uuid4(), reason="better on new phrases", evidence_hash=asked.evidence_hash
        )

    def send(self) -> Outcome:
        """Send it once."""
        return self._lead.approve(self._promotion, self._body)

    def insist(self) -> Outcome:
        """Send it until it is answered; whatever an outage left behind is whole each time."""
        return until_answered(self.send, self._look)

    def _look(self) -> None:
        try:
            self.is_carried_out()
        except Unavailable:
            return

    def is_carried_out(self) -> bool:
        """Whether the decision was carried out whole, rather than not at all.

        Raises:
            AssertionError: it is neither.  Unavailable: PostgreSQL does not answer.
        """
        with db.transaction(self._stack.engine, None) as session:
            row = session.execute(
                _STATE, {"promotion": self._promotion, "request": self._body.request_id}
            ).one()
        new, old = self._candidate.version, self._before
        wholes = {
            ("pending", "validated", old, 0, 0, 0, (old,)): False,
            ("applied", "production", new, 1, 1, 1, (new,)): True,
        }
        seen = (*row[:-1], tuple(row.active or ()))
        assert seen in wholes, f"neither the old state nor the new one: {seen}"
        return wholes[seen]


def until_answered(
    send: Callable[[], T], look: Callable[[], object] = lambda: None, seconds: float = 60
) -> T:
    """Repeat a request while an outage keeps it from an answer, and ``look`` in between."""
    outages = Retrying(
        retry=retry_if_exception(_is_outage), wait=wait_fixed(0.1),
        stop=stop_after_delay(seconds), reraise=True, before_sleep=lambda _: look(),
    )  # fmt: skip
    return outages(send)


def _is_outage(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.status in OUTAGES
