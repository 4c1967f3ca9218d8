"""The picture of a plan on past traffic."""

from datetime import UTC, datetime, timedelta, timezone

from backend_api.schemas import DryRunCatch, DryRunResult, DryRunStep, Stall
from backend_api.states import DryRunOutcome
from console.dry_run_charts import course

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INDIA = timezone(timedelta(hours=5.5))


def _step(share: int, since: datetime, until: datetime | None) -> DryRunStep:
    return DryRunStep(
        share=share, since=since, least_at=since + HOUR, until=until, minutes=120, canary_units=10,
        stable_units=90, error_rate=0.01, detectable=0.02, stalled_minutes=0,
    )  # fmt: skip


FOUND = DryRunResult(
    model_name="intent_classifier", days=1, since=NOON, until=NOON + 24 * HOUR, requests=100,
    keyless=0, people=9, outcome=DryRunOutcome.UNFINISHED, ends_at=None, minutes=1440,
    steps=[_step(10, NOON, NOON + 4 * HOUR), _step(50, NOON + 4 * HOUR, None)],
    stalls=[Stall(share=50, since=NOON + 6 * HOUR, until=NOON + 8 * HOUR)],
    assumed=DryRunCatch(
        errors_from=0.01, errors_to=0.02, caught_at=NOON + 2 * HOUR, share=10, minutes=120,
        people=3, people_hit=0.5, sentence="",
    ),
    sentence="",
)  # fmt: skip


def test_a_row_for_each_share_first_on_top_in_the_readers_zone() -> None:
    figure = course(FOUND, lambda moment: moment.astimezone(INDIA))
    assert figure.layout.yaxis.type == "category", "a per cent is no number here"
    assert list(figure.layout.yaxis.categoryarray) == ["50 %", "10 %"]
    compared = figure.data[0]
    assert compared.base[0].hour == 17
    assert list(compared.x) == [4 * 3_600_000, 20 * 3_600_000], "an open step goes to the end"


def test_every_mark_is_named_and_differs_by_its_form() -> None:
    figure = course(FOUND, lambda moment: moment)
    names = [trace.name for trace in figure.data]
    assert names == ["Compared", "Nothing to compare", "Minimum reached", "Bad canary goes back"]
    assert len({trace.marker.symbol for trace in figure.data[2:]}) == 2
