"""Any order of decisions, verdicts and outages on one model: what must hold of rollouts, holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import text

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.errors import ConsoleError
from backend_api.operations import rollback
from backend_api.schemas import Plan
from backend_api.states import ROLLOUT_MOVES, UNDER_WAY, RolloutState, Strategy
from tests.canaries import Canary
from tests.conftest import Postgres
from tests.makers import INTENT, perform_as

PLAN = Plan(steps=[10, 50], minutes=5, min_requests=20, patience_minutes=60)
# Who may give a canary more, each only past the gates; and what begins a rollout at all.
RAISE, BEGIN = {"step", "promote", "look"}, {"ask", "walk_down"}
DEEDS = {
    "ask", "promote_whole", "look", "pause", "resume", "step", "promote", "abort", "roll_back",
    "walk_down", "replan", "lower", "freeze", "thaw", "lift", "go_on_after_an_outage",
}  # fmt: skip
_ROLLOUTS = text("SELECT * FROM rollouts")
_GATES = text(
    "SELECT EXISTS (SELECT FROM models WHERE held_at IS NOT NULL)"
    " OR EXISTS (SELECT FROM freeze_windows WHERE lifted_at IS NULL)"
)
_BAD_TARGET = text(
    "SELECT r.version FROM model_routing d JOIN model_registry r ON r.id = d.target_id"
    " WHERE r.aborted_at IS NOT NULL OR r.verified_at IS NULL OR r.status = 'canary'"
)


@dataclass(frozen=True)
class Seen:
    """Rollouts by id with all their columns, what is desired, and whether a gate is shut."""

    rollouts: dict[UUID, dict[str, Any]]
    desired: tuple[str | None, str | None, int]
    shut: bool

    @property
    def under_way(self) -> dict[UUID, dict[str, Any]]:
        """Those that have not ended."""
        return {i: row for i, row in self.rollouts.items() if row["state"] in UNDER_WAY}


under_way = precondition(lambda machine: bool(machine.seen.under_way))


class Journey(RuleBasedStateMachine):
    """One model, a clock that the machine moves, and everything that may happen to a rollout."""

    postgres: Postgres
    catalog: Catalog
    done: Counter[str]

    @initialize(first=st.sampled_from(["canary", "canary", "canary", "walk down"]))
    def begin(self, first: str) -> None:
        """Two versions proved good in production, and something is under way already."""
        self.name = f"journey_{uuid4().hex[:12]}"
        self.postgres.admin(
            "CREATE DATABASE {} TEMPLATE {} OWNER nivesh", self.name, "template_nivesh"
        )
        self.engine = db.create(self.postgres.url(self.name))
        self.canary = Canary(self.engine, self.catalog)
        self.made = 0
        self.canary.registry.promoted(self._new())
        self.seen = self._see()
        if first == "canary":
            self.ask(supersede=False)
        else:
            self.walk_down()

    def _new(self) -> str:
        self.made += 1
        return f"v1.{self.made}.0"

    def _see(self) -> Seen:
        with self.engine.connect() as connection:
            rows = {row["id"]: dict(row) for row in connection.execute(_ROLLOUTS).mappings()}
            shut = bool(connection.scalar(_GATES))
        return Seen(rows, self.canary.desired(), shut)

    def _do(self, deed: str, act: Callable[[], object]) -> bool:
        """Do it or be refused; either way what was there before and is now fit together."""
        before = self.seen
        try:
            act()
            done = True
        except ConsoleError:
            done = False
        self.done[f"{deed} {'done' if done else 'refused'}"] += 1
        self.seen = after = self._see()
        self._fits(deed, before, after)
        if not done:
            assert after == before, "a refusal changes nothing"
        return done

    def _fits(self, deed: str, before: Seen, after: Seen) -> None:
        assert len(after.under_way) <= 1, "one rollout is under way"
        if set(after.rollouts) != set(before.rollouts):
            assert deed in BEGIN, f"{deed} began a rollout"
        for number, was in before.rollouts.items():
            row = after.rollouts[number]
            state = RolloutState(was["state"])
            if state not in UNDER_WAY:
                assert row == was, "what has ended never moves"
                continue
            becomes = RolloutState(row["state"])
            assert becomes == state or becomes in ROLLOUT_MOVES[state]
            assert (row["plan"] == was["plan"]) or deed == "replan"
            if (row["state"], row["share"], row["plan"]) != (state, was["share"], was["plan"]):
                assert row["revision"] > was["revision"], "each decision counts"
            won = row["kind"] == "up" and becomes == RolloutState.COMPLETED
            if row["share"] > was["share"] or won:
                assert row["kind"] == "up", "what is being left never rises"
                assert deed in RAISE, f"{deed} raised it"
                assert not before.shut, f"{deed} raised it past a gate"
        production, canary, share = after.desired
        assert [row["share"] for row in after.under_way.values()] == ([share] if canary else [])
        for row in after.under_way.values():
            if row["id"] in before.rollouts:
                assert production == before.desired[0], "a rollout moves beside one stable version"
        with self.engine.connect() as connection:
            assert connection.execute(_BAD_TARGET).all() == []

    @rule(supersede=st.booleans())
    def ask(self, supersede: bool) -> None:
        """A new version is to be the canary, also in place of another."""
        name, registry = self._new(), self.canary.registry
        registry.validated(name)
        production = self.canary.desired()[0]
        if self._do("ask", lambda: registry.approve(
            registry.request(name, strategy=Strategy.CANARY, plan=PLAN, supersede=supersede)
        )):  # fmt: skip
            assert self.canary.desired() == (production, name, 10), "stable stays what it is"

    @rule()
    def promote_whole(self) -> None:
        """A new version gets all traffic at once."""
        name, registry = self._new(), self.canary.registry
        registry.validated(name)
        if self._do("promote_whole", lambda: registry.approve(registry.request(name))):
            registry.verify(name)

    @rule(bad=st.booleans(), minutes=st.sampled_from([2, 6]))
    def look(self, bad: bool, minutes: int) -> None:
        """Answers come at the present share, and the watch looks at them."""
        share = self.canary.desired()[2]

        def act() -> None:
            self.canary.served()
            if share:
                errors = 10 if bad else 0
                self.canary.answers(
                    minutes, canary=share, stable=100 - share, canary_errors=errors, users=10**6
                )
            self.canary.tend()

        self._do("look", act)

    @rule()
    def go_on_after_an_outage(self) -> None:
        """Nobody looked for more than an hour, then the watch takes one step at most."""
        before = self.seen
        self.canary.now += timedelta(minutes=70)
        self._do("go_on_after_an_outage", self.canary.tend)
        for number, was in before.under_way.items():
            row = self.seen.rollouts[number]
            lower = {10: 0, 50: 10}.get(was["share"], 0) if was["kind"] == "down" else 0
            assert row["share"] in (was["share"], lower) or row["state"] not in UNDER_WAY

    @under_way
    @rule(verb=st.sampled_from(["pause", "resume", "step", "promote"]))
    def steer(self, verb: str) -> None:
        """A person decides about what is under way; what is paused is mostly resumed."""
        (row,) = self.seen.under_way.values()
        if verb == "pause" and row["state"] == "paused":
            verb = "resume"
        self._do(verb, lambda: self.canary.steer(verb))

    @under_way
    @rule()
    def replan(self) -> None:
        """A lead changes the plan of what is under way."""
        self._do("replan", lambda: self.canary.replan(steps=[30, 60], minutes=3))

    @under_way
    @rule(share=st.sampled_from([1, 5]))
    def lower(self, share: int) -> None:
        """On-call moves the slider down."""
        _, _, was = self.canary.desired()
        self._do("lower", lambda: self.canary.shift(min(share, was)))

    @rule()
    def walk_down(self) -> None:
        """Production is to be left step by step."""
        self._do("walk_down", lambda: self.canary.walk_down(seen=self.canary.desired()[0]))

    @under_way
    @rule()
    def abort(self) -> None:
        """Whatever is under way, in whatever state: it ends, and nothing refuses."""
        (number,) = self.seen.under_way
        production = self.canary.desired()[0]
        assert self._do("abort", lambda: self.canary.steer("abort", by="omar"))
        assert self.canary.desired() == (production, None, 0)
        assert self.seen.rollouts[number]["state"] == "aborted"

    @rule(seen=st.booleans())
    def roll_back(self, seen: bool) -> None:
        """Back at once; while something is under way, it ends by that too."""
        before = self.seen
        production = before.desired[0] if seen else None
        done = self._do("roll_back", lambda: self.canary.registry.roll_back(seen=production))
        if before.under_way and seen:
            assert done, "nothing stops a rollback"
        if done:
            assert self.canary.desired()[1] is None

    @rule()
    def lift(self) -> None:
        """A lead lifts the hold, if there is one."""
        self._do("lift", lambda: perform_as(
            self.engine, "ravi", lambda s, o: rollback.lift_hold(s, o, INTENT)
        ))  # fmt: skip

    @rule(shut=st.sampled_from([False, False, True]))
    def freeze(self, shut: bool) -> None:
        """Promotions are frozen, or no longer."""

        def act() -> None:
            with self.engine.begin() as connection:
                connection.execute(text("UPDATE freeze_windows SET lifted_at = now()"))
                if shut:
                    connection.execute(
                        text(
                            "INSERT INTO freeze_windows (id, name, first, minutes, zone, made_by,"
                            " made_at) VALUES (gen_random_uuid(), 'Weekend',"
                            " now() - interval '2 days', 10000, 'UTC', 'ravi', now())"
                        )
                    )

        self._do("freeze" if shut else "thaw", act)

    def teardown(self) -> None:
        """However it stands at the end, an abort ends it; then drop the database."""
        if hasattr(self, "canary"):
            if self.seen.under_way:
                self.abort()
            assert self.seen.under_way == {}
            self.engine.dispose()
            self.postgres.admin("DROP DATABASE {} WITH (FORCE)", self.name)


def run(postgres: Postgres, catalog: Catalog, examples: int, steps: int) -> Counter[str]:
    done: Counter[str] = Counter()
    parts = {"postgres": postgres, "catalog": catalog, "done": done}
    machine = type("BoundJourney", (Journey,), parts)
    machine.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    machine.TestCase("runTest").runTest()
    return done


def test_abort_wins_and_no_share_rises_past_a_gate(postgres: Postgres, catalog: Catalog) -> None:
    done = run(postgres, catalog, examples=8, steps=20)
    assert done["ask done"] > 0, done
    assert done["abort done"] > 0, done


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_abort_wins_in_every_state_over_many_journeys(postgres: Postgres, catalog: Catalog) -> None:
    done = run(postgres, catalog, examples=40, steps=40)
    idle = sorted(deed for deed in DEEDS if not done[f"{deed} done"])
    assert idle == [], f"the journeys never did these, so they prove nothing of them: {done}"
