"""Does each place say what was decided: MLflow, the workers, and the answers themselves?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend_api.rules import mirror
from backend_api.rules.rollout import skew
from backend_api.schemas import Desired, Difference, Observed, Place, Truth
from backend_api.states import Health, Repair, worst

# A decision is loaded, warmed and acknowledged within this, or something holds it up.
TAKING_UP = timedelta(seconds=30)


@dataclass(frozen=True)
class Read:
    """MLflow as it was last read whole, at ``at``; ``error``: why it could not be read since.

    ``pending`` writes are on their way there; ``stuck``: the last one left a difference.
    """

    want: mirror.Picture
    seen: mirror.Picture | None
    at: datetime | None
    error: str | None
    pending: int = 0
    stuck: bool = False


@dataclass(frozen=True)
class Answers:
    """What one version answered in one arm: requests, and users with a key."""

    version: str
    arm: str
    requests: int
    users: int


@dataclass(frozen=True)
class View:
    """All places at one moment.

    ``answers`` are of the last ``minutes``, or since every worker had acknowledged; None where
    that is too short ago.
    """

    model: str
    desired: Desired
    workers: list[Observed]
    mlflow: Read
    answers: list[Answers] | None
    minutes: int
    now: datetime


Found = tuple[Place, list[Difference]]


def compare(view: View) -> Truth:
    """Every place beside the decision; what could not be read is said to be that."""
    found = [look(view) for look in (_rows, _mlflow, _workers, _share)]
    places = [place for place, _ in found]
    differences = [one for _, several in found for one in several]
    state = Health.DEGRADED if differences else worst([place.state for place in places])
    if differences:
        many = len(differences)
        sentence = differences[0].sentence if many == 1 else f"{many} things differ."
    elif state == Health.OK:
        sentence = "MLflow, the workers and the answers say what was decided."
    else:
        # The places that could be read agree, and that is not the whole truth.
        sentence = next(place.sentence for place in places if place.state == state)
    return Truth(
        model_name=view.model, state=state, sentence=sentence, minutes=view.minutes,
        places=places, differences=differences,
    )  # fmt: skip


def _rows(view: View) -> Found:
    want = view.desired
    said = f"{want.production or 'nothing'} in production"
    if want.canary is not None:
        said += f", {want.canary} at {want.canary_share} %"
    differences = []
    if want.degraded is not None:
        differences.append(
            Difference(
                place="rows", name="production row",
                sentence=f"The decision is incomplete: {want.degraded}. Roll back or promote to"
                " complete it.",
                repair=Repair.HOLD,
            )
        )  # fmt: skip
    return _place("rows", "Decision in PostgreSQL", f"{said}.", view.now, differences)


def _mlflow(view: View) -> Found:
    read = view.mlflow
    if read.error is not None:
        place = Place(
            name="mlflow", title="MLflow", state=Health.DOWN, sentence=read.error, read_at=read.at
        )
        return place, []
    if read.seen is None or (read.pending and not read.stuck):
        said = "The decision is on its way to MLflow." if read.pending else "It was not read yet."
        place = Place(
            name="mlflow", title="MLflow", state=Health.UNKNOWN, sentence=said, read_at=read.at
        )
        return place, []
    differences = [
        Difference(
            place="mlflow", name=gap.name, sentence=f"MLflow: {gap.sentence}",
            repair=Repair.MIRROR if gap.mendable else None,
        )
        for gap in mirror.gaps(read.want, read.seen)
    ]  # fmt: skip
    said = f"Alias, stages and tags of {len(read.want.stages)} versions were compared."
    return _place("mlflow", "MLflow", said, read.at, differences)


def _workers(view: View) -> Found:
    want = view.desired
    live = [one for one in view.workers if one.live]
    silent = [one for one in view.workers if not one.live]
    heard = max((one.heartbeat_at for one in view.workers), default=None)
    behind = [one for one in live if not one.agrees]
    state, said = Health.OK, f"{len(live) - len(behind)} of {len(live)} acknowledge the decision."
    if not live:
        state, said = Health.DOWN, "No worker is live, so nobody is known to serve."
    elif behind and view.now - want.changed_at < TAKING_UP:
        state, said = Health.UNKNOWN, f"{len(behind)} of {len(live)} are taking the decision up."
        behind = []
    elif silent:
        state = Health.UNKNOWN
        said += f" {len(silent)} fell silent: what they serve is not known."
    differences = [
        Difference(
            place="workers", name=f"{one.host} · {one.pid}", sentence=_otherwise(want, one),
            repair=Repair.RELOAD,
        )
        for one in behind
    ]  # fmt: skip
    return _place("workers", "Workers", said, heard, differences, state)


def _otherwise(want: Desired, seen: Observed) -> str:
    where = f"{seen.host} · {seen.pid}"
    if seen.error is not None:
        return f"{where} serves {seen.production or 'nothing'}: {seen.error}"
    if seen.fallback != want.fallback:
        return f"{where} answers by {'rules' if seen.fallback else 'versions'}, as is not decided."
    pairs = (
        ("production", seen.production or "none", want.production or "none"),
        ("canary", seen.canary or "none", want.canary or "none"),
        ("share", f"{seen.canary_share} %", f"{want.canary_share} %"),
        ("epoch", str(seen.epoch), str(want.epoch)),
    )
    told = [f"{what} is {now}, decided {should}" for what, now, should in pairs if now != should]
    return f"{where}: {'; '.join(told)}."


def _share(view: View) -> Found:
    title, want = "Answers", view.desired
    if view.answers is None or not view.answers:
        said = "No request was answered lately, so the realised share is not known."
        if view.answers is None:
            said = "Not every worker serves the decision long enough to count its answers."
        place = Place(
            name="answers", title=title, state=Health.UNKNOWN, sentence=said, read_at=None
        )
        return place, []
    total = sum(one.requests for one in view.answers)
    decided = {(want.production, "production"), (want.canary, "canary")}
    strange = [one for one in view.answers if (one.version, one.arm) not in decided]
    differences = []
    if not want.fallback:
        differences = [_stranger(one, total) for one in strange]
    users = {one.arm: one.users for one in view.answers if one not in strange}
    if want.canary is not None and not want.fallback:
        wrong = skew(users.get("canary", 0), users.get("production", 0), want.canary_share)
        if wrong is not None:
            differences.append(
                Difference(place="answers", name="share", sentence=wrong, repair=Repair.HOLD)
            )
    said = f"{total:,} requests in the last {view.minutes} min"
    if want.canary is not None:
        both = users.get("canary", 0) + users.get("production", 0)
        part = f"{100 * users.get('canary', 0) / both:.1f} %" if both else "none"
        said += f"; {part} of {both:,} users got the canary, set are {want.canary_share} %"
    return _place("answers", title, f"{said}.", view.now, differences)


def _stranger(one: Answers, total: int) -> Difference:
    who = "rules" if one.arm == "fallback" else f"{one.version} as {one.arm}"
    return Difference(
        place="answers", name=who,
        sentence=f"{who} answered {one.requests:,} of {total:,} requests, as is not decided.",
        repair=Repair.RELOAD,
    )  # fmt: skip


def _place(
    name: str, title: str, sentence: str, read_at: datetime | None,
    differences: list[Difference], state: Health = Health.OK,
) -> Found:  # fmt: skip
    if differences:
        state = Health.DEGRADED
        few = len(differences) == 1
        sentence = "1 difference." if few else f"{len(differences)} differences."
    place = Place(name=name, title=title, state=state, sentence=sentence, read_at=read_at)
    return place, differences
