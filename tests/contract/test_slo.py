"""Good and total counts, and the gate that they feed, on a real log."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from backend_api import db, retention, slo
from backend_api.catalog import Catalog
from backend_api.errors import PromotionBlocked, StaleView
from backend_api.operations import traffic
from backend_api.schemas import ShiftTraffic
from backend_api.states import Strategy
from tests.canaries import TIMEOUT, Canary
from tests.makers import INTENT, Registry, perform_as

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def log(
    engine: Engine, at: datetime, count: int, *, errors: int = 0, ms: float = 5.0,
    arm: str = "production",
) -> None:  # fmt: skip
    """So many answers at a moment, the first of them failed."""
    with db.transaction(engine, "tests") as session:
        retention.make_partitions(session, at)
        session.execute(
            text(
                "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version,"
                " arm, latency_ms, status) SELECT gen_random_uuid(), :at, :model, 'v1.0.0', :arm,"
                " :ms, CASE WHEN n <= :errors THEN 'error' ELSE 'ok' END"
                " FROM generate_series(1, :count) n"
            ),
            {"at": at, "model": INTENT, "arm": arm, "ms": ms, "errors": errors, "count": count},
        )


def follow(engine: Engine, now: datetime) -> None:
    with db.transaction(engine, "watch") as session:
        slo.follow(session, INTENT, now)


def counted(engine: Engine) -> dict[datetime, tuple[int, int, int]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM slo_counts ORDER BY slot"))
        return {row.slot: (row.total, row.errors, row.slow) for row in rows}


def test_slots_of_five_minutes_with_slow_from_just_over_200_ms(engine: Engine) -> None:
    log(engine, NOON, 10, errors=2)
    log(engine, NOON + 5 * MINUTE - timedelta(microseconds=1), 5, ms=200.0)
    log(engine, NOON + 5 * MINUTE, 7, ms=200.01, arm="canary")
    log(engine, NOON + 6 * MINUTE, 3, arm="fallback")
    log(engine, NOON + 6 * MINUTE, 99, errors=99, arm="shadow")
    follow(engine, NOON + 7 * MINUTE)
    assert counted(engine) == {NOON: (15, 2, 0), NOON + 5 * MINUTE: (10, 0, 7)}


def test_late_records_come_to_their_slot_and_counting_again_changes_nothing(
    engine: Engine,
) -> None:
    log(engine, NOON, 10)
    follow(engine, NOON + 2 * MINUTE)
    log(engine, NOON + MINUTE, 5, errors=1)
    follow(engine, NOON + 2.5 * MINUTE)
    assert counted(engine)[NOON] == (10, 0, 0), "once a minute is enough"
    follow(engine, NOON + 12 * MINUTE)
    assert counted(engine)[NOON] == (15, 1, 0)
    follow(engine, NOON + 14 * MINUTE)
    assert counted(engine)[NOON] == (15, 1, 0)


def test_records_that_were_hours_late_are_found_by_the_hourly_sweep(engine: Engine) -> None:
    log(engine, NOON, 10)
    follow(engine, NOON + MINUTE)

    def watch(start: datetime, minutes: int) -> None:
        for seconds in range(0, minutes * 60, 20):
            follow(engine, start + timedelta(seconds=seconds))

    watch(NOON + 5 * HOUR, 5)
    log(engine, NOON + 2 * MINUTE, 5)
    watch(NOON + 5 * HOUR + 5 * MINUTE, 2)
    found = counted(engine)[NOON]
    watch(NOON + 6 * HOUR + 5 * MINUTE, 5)
    assert (found, counted(engine)[NOON]) == ((10, 0, 0), (15, 0, 0))


def test_a_log_that_was_never_counted_is_caught_up_on_in_parts(engine: Engine) -> None:
    for hours in (0, 30, 60):
        log(engine, NOON + hours * HOUR, 10)
    now = NOON + 61 * HOUR
    follow(engine, now)
    assert len(counted(engine)) == 1
    for seconds in range(2, 40, 2):
        follow(engine, now + timedelta(seconds=seconds))
    assert list(counted(engine).values()) == [(10, 0, 0)] * 3
    with db.transaction(engine, None) as session:
        progress = session.execute(text("SELECT * FROM slo_progress")).one()
    assert progress.counted_to >= now


def test_what_was_counted_outlives_its_records(engine: Engine) -> None:
    log(engine, NOON, 10)
    follow(engine, NOON + MINUTE)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM model_predictions"))
    for minutes in range(2, 90, 2):
        follow(engine, NOON + minutes * MINUTE)
    assert counted(engine) == {NOON: (10, 0, 0)}


def test_the_count_takes_an_index_and_the_partitions_of_its_time_only(engine: Engine) -> None:
    for days in range(4):
        log(engine, NOON + timedelta(days=days), 1)
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = "\n".join(
            connection.scalars(
                text(f"EXPLAIN {slo._COUNT.text}"),
                {"model": INTENT, "since": NOON, "until": NOON + HOUR, "slow": 200.0},
            )
        )
    assert "Seq Scan" not in plan
    assert "model_predictions_20260302" in plan
    assert "model_predictions_20260303" not in plan


# The gate


@pytest.fixture
def spend(engine: Engine) -> Callable[..., None]:
    """Counts of two days: 20,000 requests, of which 20 may fail."""

    def write(errors: int) -> None:
        now = db.now()
        with engine.begin() as connection:
            for hours, bad in ((40, errors), (1, 0)):
                connection.execute(
                    text(
                        "INSERT INTO slo_counts VALUES (:model, :slot, 10000, :bad, 0)"
                        " ON CONFLICT (model_name, slot) DO UPDATE SET errors = excluded.errors"
                    ),
                    {"model": INTENT, "bad": bad,
                     "slot": (now - hours * HOUR).replace(minute=0, second=0, microsecond=0)},
                )  # fmt: skip
            connection.execute(
                text("INSERT INTO slo_progress VALUES (:model, :now, :now, :now, :now)"
                     " ON CONFLICT (model_name) DO UPDATE SET counted_to = :now"),
                {"model": INTENT, "now": now},
            )  # fmt: skip

    return write


@pytest.fixture
def registry(engine: Engine, catalog: Catalog) -> Registry:
    """v1.0.0 was in production and verified, v1.1.0 is; v1.2.0 is validated."""
    made = Registry(engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    made.validated("v1.2.0")
    return made


def test_a_spent_budget_shuts_approvals_and_break_glass_opens_them(
    engine: Engine, registry: Registry, spend: Callable[..., None]
) -> None:
    spend(30)
    asked = registry.request("v1.2.0")
    with pytest.raises(PromotionBlocked, match="30 of 20,000 requests failed, 20 may"):
        registry.approve(asked)
    assert registry.approve(asked, break_glass=True).version == "v1.2.0"
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM promotions WHERE id = :i"), {"i": asked}).one()
        told = connection.scalar(
            text("SELECT evidence FROM ledger WHERE action = 'promotion.break_glass'")
        )
    assert (row.break_glass, row.review_due_at is not None) == (True, True)
    assert "error budget is spent" in told["in_spite_of"][0]


def test_a_budget_that_runs_out_voids_what_was_asked_and_less_of_it_does_not(
    registry: Registry, spend: Callable[..., None]
) -> None:
    spend(1)
    asked = registry.request("v1.2.0")
    spend(30)
    with pytest.raises(StaleView, match="gate budget was pass and is fail"):
        registry.approve(asked)
    spend(2)
    assert registry.approve(asked).version == "v1.2.0"


def test_a_spent_budget_never_stops_a_rollback(
    registry: Registry, spend: Callable[..., None]
) -> None:
    spend(30)
    assert registry.roll_back().version == "v1.0.0"


def test_a_spent_budget_stops_raising_a_canary_and_nothing_else(
    engine: Engine, catalog: Catalog, spend: Callable[..., None]
) -> None:
    canary = Canary(engine, catalog).begin()
    spend(30)

    def shift(share: int, was: int) -> None:
        body = ShiftTraffic(
            request_id=uuid4(), reason="made for a test", share=share, expected_canary="v1.1.0",
            expected_share=was,
        )  # fmt: skip
        perform_as(
            engine, "ravi", lambda s, o: traffic.shift(s, o, canary.entry, INTENT, body, TIMEOUT)
        )

    for share in (50, 100):
        with pytest.raises(PromotionBlocked, match="error budget is spent"):
            shift(share, 10)
    shift(5, 10)
    canary.served().answers(31, canary=5, stable=95).tend()
    assert canary.desired() == ("v1.0.0", "v1.1.0", 5), "the plan waits as well"
    shift(0, 5)
    assert canary.desired() == ("v1.0.0", None, 0)


def test_a_model_without_traffic_is_promoted(registry: Registry) -> None:
    assert registry.approve(registry.request("v1.2.0", strategy=Strategy.CANARY)).version


def test_counts_of_hours_ago_hold_an_approval_back_without_voiding_it(
    engine: Engine, registry: Registry, spend: Callable[..., None]
) -> None:
    spend(1)
    asked = registry.request("v1.2.0")
    with engine.begin() as connection:
        connection.execute(text("UPDATE slo_progress SET counted_to = now() - interval '3 h'"))
    with pytest.raises(PromotionBlocked, match="counted only up to 3 h ago"):
        registry.approve(asked)
    spend(1)
    assert registry.approve(asked).version == "v1.2.0"
