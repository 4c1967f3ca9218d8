"""What the backend says of drift: the part of ``client.Backend`` that the Drift page asks."""

from datetime import datetime
from uuid import UUID

from backend_api.schemas import (
    Drift,
    DriftDistribution,
    DriftResults,
    GiveReference,
    Job,
    JudgeAlarm,
    Lookback,
    Outcome,
    Recount,
    TextDrift,
)
from backend_api.states import Against
from console.transport import Transport


class DriftBackend(Transport):
    """Do requests still look like what a version was made for?"""

    def drift(
        self, model: str, *, version: str | None = None, against: Against = Against.REFERENCE,
        days: int = 7, until: datetime | None = None,
    ) -> Drift:  # fmt: skip
        """Scores and states of a window of whole days, of the version in production by default."""
        return self._get(
            Drift, "models", model, "drift", version=version, against=against, days=days,
            until=until.isoformat() if until else None,
        )  # fmt: skip

    def drift_feature(
        self, model: str, feature: str, *, version: str | None = None,
        against: Against = Against.REFERENCE, days: int = 7, until: datetime | None = None,
    ) -> DriftDistribution:  # fmt: skip
        """One feature's bins on both sides."""
        return self._get(
            DriftDistribution, "models", model, "drift", "features", feature, version=version,
            against=against, days=days, until=until.isoformat() if until else None,
        )  # fmt: skip

    def drift_results(
        self, model: str | None = None, before: int | None = None, *, alarms: bool = False,
        limit: int = 50,
    ) -> DriftResults:  # fmt: skip
        """What the watch found each day, newest first; ``limit`` at most 500."""
        return self._get(
            DriftResults, "drift", "results", model=model, before=before,
            alarms="true" if alarms else None, limit=limit,
        )  # fmt: skip

    def judge_alarm(self, result: int, body: JudgeAlarm) -> Outcome:
        """Say whether an alarm was true."""
        return self._post(body, "drift", "results", str(result), "alarm")

    def give_reference(self, model: str, version: str, body: GiveReference) -> Outcome:
        """Give a version that came without one a reference."""
        return self._post(body, "models", model, "versions", version, "reference")

    def recount(self, model: str, version: str, body: Recount) -> Outcome:
        """Have the last days of the log counted again."""
        return self._post(body, "models", model, "versions", version, "recount")

    def compare_texts(self, model: str, version: str, body: Lookback) -> Outcome:
        """Compare texts of the last days with those of the reference, as a job."""
        return self._post(body, "models", model, "versions", version, "texts")

    def texts_compared(self, model: str, version: str) -> list[TextDrift]:
        """The last comparisons that are kept, newest first."""
        return self._get(list[TextDrift], "models", model, "versions", version, "texts", "results")

    def make_drift_report(self, model: str, version: str, body: Lookback) -> Outcome:
        """Have Evidently report on the last days, as a job."""
        return self._post(body, "models", model, "versions", version, "drift-report")

    def drift_reports(self, model: str) -> list[Job]:
        """Reports that were ordered and are kept, newest first."""
        return self._get(list[Job], "drift", "reports", model=model)

    def drift_report(self, job: UUID) -> bytes:
        """One of Evidently's reports, an HTML page of some megabytes."""
        return b"".join(self._stream("drift", "reports", str(job)))
