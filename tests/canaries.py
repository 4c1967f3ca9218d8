"""A canary on a real log whose clock a test moves."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, text

from backend_api import db, deployment, ledger, retention
from backend_api.catalog import Catalog, ModelEntry
from backend_api.operations import course, descent, rollout, steering, traffic
from backend_api.schemas import Outcome, Plan, SetPlan, ShiftTraffic, SteerRollout, WalkDown
from backend_api.states import Strategy
from backend_api.tables import RolloutRow, RolloutStepRow, VerdictRow
from tests.makers import INTENT, Registry, perform_as
from tests.workers import Workers

TIMEOUT = 1e9
MINUTE = timedelta(minutes=1)


class Canary:
    """v1.1.0 beside v1.0.0, two workers, and a clock that begins some hours ago."""

    def __init__(self, engine: Engine, catalog: Catalog, **plan: Any) -> None:
        self.engine = engine
        self.registry = Registry(engine, catalog)
        self.registry.promoted("v1.0.0")
        self.workers = Workers(engine)
        self.workers.live("a", "b")
        entry = catalog.get(INTENT)
        chosen = {"hours": 0.5, "min_requests": 100, "patience_hours": 1.0} | plan
        self.entry: ModelEntry = entry.model_copy(
            update={"rollout": entry.rollout.model_copy(update=chosen)}
        )
        self.registry.entry = self.entry
        self.now = db.now().replace(second=10, microsecond=0) - timedelta(hours=6)
        with db.transaction(engine, "tests") as session:
            retention.make_partitions(session, self.now)

    def begin(self, share: int = 10) -> "Canary":
        """Ask, approve, and have every worker serve it."""
        self.registry.validated("v1.1.0")
        self.registry.approve(
            self.registry.request("v1.1.0", strategy=Strategy.CANARY, share=share)
        )
        return self.served()

    def served(self) -> "Canary":
        """Every worker acknowledges and the watch sees it; the next minute is the first."""
        self.workers.acknowledge("a", "b")
        self.tend()
        self.now = self.now.replace(second=0) + MINUTE + timedelta(seconds=10)
        return self

    def tend(self) -> None:
        """One look of the watch."""
        with db.transaction(self.engine, "watch") as session:
            rollout.tend(session, self.entry, INTENT, self.now, TIMEOUT)

    def steer(self, verb: str, by: str = "ravi", share: int | None = None) -> Outcome:
        """One of ``steering``'s verbs, by somebody who saw the present share, or this one."""
        body = SteerRollout(
            request_id=uuid4(), reason="made for a test",
            expected_share=self.row().share if share is None else share,
        )  # fmt: skip
        timed = (TIMEOUT,) if verb in ("step", "promote", "abort") else ()
        act = getattr(steering, verb)
        return perform_as(
            self.engine, by, lambda s, o: act(s, o, self.entry, INTENT, body, *timed), now=self.now
        )

    def shift(self, share: int, by: str = "omar") -> Outcome:
        """The canary's share, moved on the slider by somebody who saw what is decided now."""
        _, canary, was = self.desired()
        body = ShiftTraffic(
            request_id=uuid4(), reason="made for a test", share=share,
            expected_canary=canary or "v0.0.0", expected_share=was,
        )  # fmt: skip
        return perform_as(
            self.engine, by, lambda s, o: traffic.shift(s, o, self.entry, INTENT, body, TIMEOUT),
            now=self.now,
        )  # fmt: skip

    def replan(self, by: str = "ravi", **changes: Any) -> Outcome:
        """Another plan for the rollout under way; ``changes`` are what differs."""
        row = self.row()
        body = SetPlan(
            request_id=uuid4(), reason="made for a test", expected_share=row.share,
            plan=Plan.model_validate({**row.plan, **changes}),
        )  # fmt: skip
        return perform_as(
            self.engine, by, lambda s, o: steering.replan(s, o, self.entry, INTENT, body),
            now=self.now,
        )  # fmt: skip

    def walk_down(self, by: str = "omar", minutes: float = 5, seen: str | None = None) -> Outcome:
        """Leave production step by step."""
        body = WalkDown(
            request_id=uuid4(), reason="made for a test", expected_production=seen, minutes=minutes
        )
        return perform_as(
            self.engine, by, lambda s, o: descent.walk_down(s, o, self.entry, INTENT, body),
            now=self.now,
        )  # fmt: skip

    def steps(self) -> list[tuple[str, str, int]]:
        """(actor, what, share) of the newest rollout's timeline."""
        row = self.row()
        with db.transaction(self.engine, None) as session:
            found = session.query(RolloutStepRow).filter_by(rollout_id=row.id)
            return [(s.actor, s.what, s.share) for s in found.order_by(RolloutStepRow.id)]

    def answers(
        self, minutes: int, *, canary_errors: int = 0, stable_errors: int = 0, canary: int = 20,
        stable: int = 80, users: int = 10_000,
    ) -> "Canary":  # fmt: skip
        """So many minutes of answers to new users each, ``*_errors`` failed ones in each minute."""
        start = self.now.replace(second=0)
        production, version, _ = self.desired()
        arms = (("canary", version or "v1.1.0", canary, canary_errors),
                ("production", production, stable, stable_errors))  # fmt: skip
        with self.engine.begin() as connection:
            for arm, version, units, errors in arms:
                connection.execute(
                    text(
                        "INSERT INTO model_predictions (prediction_id, predicted_at, model_name,"
                        " version, arm, entity_key, output, confidence, latency_ms, status)"
                        " SELECT gen_random_uuid(), :start + m * interval '1 minute'"
                        "  + u * interval '10 ms', :model, :version, :arm,"
                        "  :arm || (m * :units + u) % :users,"
                        "  '{\"intent\": \"savings_goal\"}', 0.95, 5,"
                        "  CASE WHEN u <= :errors THEN 'error' ELSE 'ok' END"
                        " FROM generate_series(0, :minutes - 1) m, generate_series(1, :units) u"
                    ),
                    {
                        "start": start, "model": INTENT, "version": version, "arm": arm,
                        "units": units, "errors": errors, "minutes": minutes, "users": users,
                    },
                )  # fmt: skip
        self.now += minutes * MINUTE
        return self

    def row(self) -> RolloutRow:
        """The rollout under way, else the newest."""
        with db.transaction(self.engine, None) as session:
            found = (
                course.under_way(session, INTENT)
                or session.query(RolloutRow).order_by(RolloutRow.started_at.desc()).first()
            )
            assert found is not None
            session.expunge(found)
            return found

    def verdicts(self) -> list[VerdictRow]:
        """All verdicts, oldest first."""
        with db.transaction(self.engine, None) as session:
            found = session.query(VerdictRow).order_by(VerdictRow.id).all()
            session.expunge_all()
            return found

    def actions(self) -> list[tuple[str, str]]:
        """(actor, action) of the ledger, newest first."""
        with db.transaction(self.engine, None) as session:
            return [(e.actor, e.action) for e in ledger.page(session, limit=100).entries]

    def desired(self) -> tuple[str | None, str | None, int]:
        """Production, canary and its share as decided."""
        with db.transaction(self.engine, None) as session:
            want = deployment.desired(session, INTENT)
            assert want is not None
            return want.production, want.canary, want.canary_share

    def held(self) -> bool:
        """Whether promotions are shut."""
        with db.transaction(self.engine, None) as session:
            return deployment.hold(session, INTENT) is not None
