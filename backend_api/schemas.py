"""The wire: what the console, the command line and the inference workers exchange with us.

May be imported by other packages; imports states only.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from backend_api.states import (
    AccuracyState,
    Against,
    DriftState,
    DryRunOutcome,
    GateState,
    Health,
    IncidentKind,
    IncidentState,
    JobState,
    PromotionStatus,
    Repair,
    Role,
    RolloutKind,
    RolloutState,
    Severity,
    Strategy,
    Verdict,
    VersionStatus,
)


class Wire(BaseModel):
    """Base of all bodies: an unknown field is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def holds_zero(value: Any) -> bool:
    """Whether a JSON value has a zero byte in a text or a name, anywhere."""
    if isinstance(value, dict):
        return any(holds_zero(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(holds_zero, value))
    return isinstance(value, str) and "\0" in value


def _example(reason: str, **values: Any) -> ConfigDict:
    """What /docs shows of a write."""
    common = {"request_id": "01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11", "reason": reason}
    return ConfigDict(json_schema_extra={"examples": [{**common, **values}]})


class Write(Wire):
    """Base of all writes. ``request_id`` makes a repeat a no-op with the first answer."""

    request_id: UUID
    reason: str = Field(min_length=3, max_length=2000)

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, values: Any) -> Any:
        """Refuse zero bytes, which PostgreSQL's texts cannot hold."""
        if holds_zero(cls._together(values)):
            raise ValueError("a text holds a zero byte")
        return values

    @classmethod
    def _together(cls, values: Any) -> Any:
        """What is refused as a whole; a write may look at some of its values one by one."""
        return values


class ErrorBody(Wire):
    """The one shape of every error."""

    error: str
    message: str
    hint: str = ""
    details: dict[str, Any] = {}


class Me(Wire):
    """Who the caller is and what they may do (``permissions`` are Permission names)."""

    subject: str
    username: str
    role: Role
    permissions: list[str]


class Criterion(Wire):
    """One acceptance criterion of models.yaml held against a version's metric."""

    metric: str
    label: str
    op: str
    threshold: float
    value: float | None
    passed: bool
    sentence: str


class Gate(Wire):
    """One gate's answer with what it was decided on."""

    name: str
    title: str
    state: GateState
    sentence: str
    evidence: dict[str, Any] = {}


class Version(Wire):
    """A registered version. ``dataset_id``: its row of ``training_datasets``."""

    model_name: str
    version: str
    status: VersionStatus
    mlflow_version: int | None
    run_id: str | None
    metrics: dict[str, float]
    artifact_digest: str | None
    description: str
    tags: dict[str, str]
    registered_by: str
    created_at: datetime
    deployed_at: datetime | None
    verified_at: datetime | None
    aborted_at: datetime | None
    dataset_id: int | None = None


class VersionDetail(Wire):
    """A version with its criteria, gates, history and open request.

    ``moved`` says what is no longer as the open request's evidence has it; it voids an approval.
    """

    version: Version
    criteria: list[Criterion]
    gates: list[Gate]
    moved: list[str] = []
    promotion: "Promotion | None"
    transitions: list["Transition"]
    job: "Job | None"


class Transition(Wire):
    """One change of a version's status."""

    from_status: VersionStatus | None
    to_status: VersionStatus
    actor: str
    at: datetime


RISING = "have to be rising shares from 1 to 100, as in 10, 50, 100"


def _written(steps: Any) -> Any:
    """Take shares as people type them, ``10, 50 %``, where no list is given."""
    if not isinstance(steps, str):
        return steps
    parts = [part.strip(" %") for part in steps.split(",")]
    if not all(part.isdecimal() and len(part) <= 3 for part in parts):
        raise ValueError(RISING)
    return [int(part) for part in parts]


def _rising(steps: list[int]) -> list[int]:
    if sorted(set(steps)) != steps or not all(1 <= share <= 100 for share in steps):
        raise ValueError(RISING)
    return steps


class Plan(Wire):
    """A rollout's shares in per cent, the minutes each is compared, and what ends it.

    ``min_requests`` are units (a user in a minute) of each arm. After ``patience_minutes`` without
    anything to compare the share goes back. ``on_bad``: what a verdict against the canary does.
    Of a rollout that goes down only steps and minutes count.
    """

    steps: Annotated[
        list[int], Field(min_length=1, max_length=20), BeforeValidator(_written),
        AfterValidator(_rising),
    ]  # fmt: skip
    minutes: float = Field(ge=1, le=43_200)
    min_requests: int = Field(ge=1, le=1_000_000_000)
    patience_minutes: float = Field(ge=1, le=43_200)
    on_bad: Literal["roll_back", "hold"] = "roll_back"


class Promotion(Wire):
    """A request to promote, with the evidence its approver signs."""

    id: UUID
    model_name: str
    version: str
    strategy: Strategy
    share: int
    breaking: bool
    plan: Plan | None = None
    supersede: bool = False
    status: PromotionStatus
    requested_by: str
    requested_at: datetime
    reason: str
    evidence: dict[str, Any]
    evidence_hash: str
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None
    break_glass: bool
    review_due_at: datetime | None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    review: str | None = None


class Hold(Wire):
    """Set by a rollback: nothing promotes the model until a lead lifts it."""

    at: datetime
    by: str
    reason: str


class Fallback(Wire):
    """Rules were chosen to answer a model, and no version does."""

    at: datetime
    by: str
    reason: str


class Desired(Wire):
    """What every worker should serve, compiled from ``model_deployments``."""

    model_name: str
    epoch: int
    production: str | None
    canary: str | None
    canary_share: int
    staging: list[str]
    target: str | None
    salt: str
    degraded: str | None
    fallback: bool = False
    shadow: str | None = None
    shadow_share: int = 0
    changed_at: datetime
    changed_by: str


class LoadedVersion(Wire):
    """One version in one worker's memory: ``state`` is loading, ready or failed."""

    state: str
    digest: str | None = None
    error: str | None = None
    memory_bytes: int | None = None


class Observed(Wire):
    """What one worker acknowledged for one model, and the memory that it holds for all of them."""

    replica_id: str
    host: str
    pid: int
    live: bool
    heartbeat_at: datetime
    memory_bytes: int | None = None
    epoch: int
    production: str | None
    canary: str | None
    canary_share: int
    fallback: bool = False
    shadow: str | None = None
    shadow_share: int = 0
    loaded: dict[str, LoadedVersion]
    error: str | None
    acknowledged_at: datetime
    agrees: bool


class RehearsedWorker(Wire):
    """What one worker made of a rehearsal.

    ``problem`` is None where it answered as it must; ``p95_ms`` is of the model alone.
    """

    replica_id: str
    host: str
    pid: int
    asked: int
    errors: int
    p95_ms: float | None
    seconds: float | None
    problem: str | None


class Rehearsal(Wire):
    """Every worker was asked for answers of ``version``, which nobody got.

    ``result`` None: it is under way. ``seconds`` is from the asking to the last worker's answers,
    None unless all have answered.
    """

    version: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    result: GateState | None
    sentence: str
    seconds: float | None
    workers: list[RehearsedWorker]


class ReadinessItem(Wire):
    """One thing that a rollback needs; UNKNOWN is could-not-measure, and never fine."""

    name: str
    title: str
    state: Health
    sentence: str


class Readiness(Wire):
    """The rollback badge: is there a way back, and how warm is it.

    ``state`` is the worst of the items, ``sentence`` that item's. ``rehearsal`` is the newest.
    """

    state: Health
    target: str | None
    target_verified_at: datetime | None
    warm: int
    replicas: int
    digest_checked: bool
    last_seconds: float | None
    last_at: datetime | None
    sentence: str
    items: list[ReadinessItem] = []
    rehearsal: Rehearsal | None = None


class Place(Wire):
    """Where the truth about a model is written: what it said, and when it was last read whole."""

    name: str
    title: str
    state: Health
    sentence: str
    read_at: datetime | None


class Difference(Wire):
    """One thing that is otherwise in a place than decided; ``repair`` None: by other means."""

    place: str
    name: str
    sentence: str
    repair: Repair | None


class Truth(Wire):
    """The decision beside MLflow, the workers and the answers of the last ``minutes``.

    DEGRADED: something differs. UNKNOWN and DOWN: a place could not be read, or not yet; that is
    neither agreement nor difference.
    """

    model_name: str
    state: Health
    sentence: str
    minutes: int
    places: list[Place]
    differences: list[Difference]


class Mirror(Wire):
    """MLflow's copy of the decision."""

    state: Health
    difference: str | None
    error: str | None
    pending: int
    checked_at: datetime | None
    equal_at: datetime | None


class Shadow(Wire):
    """A version that is asked what others answer, and how its answers compare.

    Counts and figures are of the newest 10,000 pairs since ``at``. ``errors`` are pairs in which
    it failed, ``confidence_difference`` is its mean confidence less that of what was answered, and
    both medians are of the model alone. It runs on ``running`` of ``workers``.
    """

    version: str
    share: int
    at: datetime
    by: str
    running: int
    workers: int
    pairs: int
    agreeing: int
    errors: int
    confidence_difference: float | None
    p50_ms: float | None
    twin_p50_ms: float | None


class Deployment(Wire):
    """Desired and observed state of one model side by side.

    ``has_rules``: these may answer it. ``walking_down``: the canary is a version being left.
    """

    model_name: str
    title: str
    endpoint: str
    desired: Desired | None
    observed: list[Observed]
    agrees: bool
    hold: Hold | None
    has_rules: bool = False
    fallback: Fallback | None = None
    shadow: Shadow | None = None
    walking_down: bool = False
    readiness: Readiness
    mirror: Mirror


class Traffic(Wire):
    """What was answered in the last ``minutes`` (of the prediction log)."""

    minutes: int
    requests: int
    errors: int
    fallbacks: int
    p50_ms: float | None
    p95_ms: float | None
    by_arm: dict[str, int]
    last_at: datetime | None


class Measured(Wire):
    """What Prometheus says of one arm over the last ``minutes``; ``error_rate`` is 0..1."""

    version: str
    arm: str
    minutes: int
    requests_per_second: float
    error_rate: float
    p95_ms: float | None


class FreezeStatus(Wire):
    """``opens`` is when a closed one ends, ``closes`` when the next one begins."""

    closed: bool
    reason: str
    opens: datetime | None
    closes: datetime | None


class FreezeWindow(Wire):
    """A window in which nothing is promoted; ``rule`` is an RRULE, empty for once."""

    id: UUID
    name: str
    model_name: str | None
    first: datetime
    minutes: int
    rule: str
    zone: str
    made_by: str
    made_at: datetime
    status: FreezeStatus


class NewFreeze(Write):
    """Shut promotions from ``first`` for ``minutes``, and again by ``rule`` (RFC 5545)."""

    model_config = _example(
        "nobody is here to look", name="Weekend", first="2026-03-07T00:00:00+05:30",
        minutes=2880, rule="FREQ=WEEKLY;BYDAY=SA", zone="Asia/Kolkata",
    )  # fmt: skip

    name: str = Field(min_length=3, max_length=100)
    model_name: str | None = None
    first: AwareDatetime
    minutes: int = Field(ge=1)
    rule: str = Field(default="", max_length=500)
    zone: str = Field(default="UTC", max_length=100)


class ArmRate(Wire):
    """Bad units of an arm; ``low`` and ``high`` (0..1) hold its rate at every look, with 95 %."""

    bad: int
    units: int
    low: float
    high: float


class Comparison(Wire):
    """One metric of both arms. ``log_evidence`` is the natural log of an e-value.

    ``detectable`` is the smallest rate of the canary (0..1) that this many units show as worse.
    """

    name: str
    title: str
    canary: ArmRate
    stable: ArmRate
    log_evidence: float
    detectable: float | None


class Said(Wire):
    """A verdict in short; ``at`` is when it was first said."""

    at: datetime
    share: int
    verdict: Verdict
    sentence: str


class RolloutVerdict(Said):
    """The newest verdict; ``log_evidence`` at ``threshold`` or more speaks against the canary."""

    comparisons: list[Comparison]
    log_evidence: float
    threshold: float
    since: datetime | None
    until: datetime | None
    minutes: int


class CountedMinute(Wire):
    """Units and bad ones of both arms in one minute."""

    at: datetime
    share: int
    canary_units: int
    canary_errors: int
    canary_slow: int
    stable_units: int
    stable_errors: int
    stable_slow: int


class RolloutStep(Wire):
    """What was done to a rollout, by whom, and how it stood then."""

    at: datetime
    actor: str
    what: str
    state: RolloutState
    share: int
    reason: str


class Rollout(Wire):
    """A version on its way up or down, or the last one that was.

    ``canary`` is the version that gains share, or loses it where ``kind`` is down, and ``stable``
    has the rest. ``due_at`` is when the next step may come at the earliest, None while that is
    not known. ``users`` are (canary, stable) of the last hour. ``revision`` rises with each
    decision about it.
    """

    model_name: str
    kind: RolloutKind
    canary: str
    stable: str
    state: RolloutState
    revision: int
    share: int
    plan: Plan
    since: datetime
    measured_from: datetime | None
    due_at: datetime | None
    reason: str
    asked_by: str | None
    approved_by: str | None
    started_by: str
    started_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    users: tuple[int, int]
    latest: RolloutVerdict | None
    said: list[Said]
    timeline: list[RolloutStep]
    minutes: list[CountedMinute]


class Price(Wire):
    """What a share costs and can show, at the pace of the last hour.

    ``error_rate`` and ``detectable`` are 0..1, ``hours_to_least`` is None without traffic.
    ``errors_at_risk`` are the canary's failed units of a step if it is just short of being caught,
    ``requests_at_risk`` the requests in them, ``budget_at_risk`` their share (0..1, or above) of
    the error budget of ``budget_days``; of that ``budget_left`` is left. ``people`` get the canary
    in the step, or in its first day.
    """

    share: int
    users_an_hour: int
    units_a_step: int
    people: int
    hours_to_least: float | None
    error_rate: float
    detectable: float | None
    errors_at_risk: float | None
    requests_at_risk: float | None
    budget_at_risk: float | None
    budget_left: float | None
    budget_days: int
    sentence: str


class DryRun(Wire):
    """A plan to walk through the log of the last ``days``; what is not given is the model's plan.

    ``errors_to`` is the error rate (0..1) of an assumed bad canary beside ``errors_from``, which is
    the log's own where it is not given. ``salt`` shuffles who would have got the canary.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"days": 7, "steps": [10, 50, 100], "hours": 24.0, "errors_to": 0.01}]
        }
    )

    days: int = Field(7, ge=1, le=30)
    steps: list[Annotated[int, Field(ge=1, le=100)]] | None = Field(
        None, min_length=1, max_length=20
    )
    hours: float | None = Field(None, gt=0, le=720)
    min_requests: int | None = Field(None, ge=1)
    errors_from: float | None = Field(None, gt=0, lt=1)
    errors_to: float | None = Field(None, gt=0, lt=1)
    salt: str = Field("dry run", min_length=1, max_length=100)


class DryRunStep(Wire):
    """One share's time: when both arms had the minimum, when it was over, and what it shows.

    Moments are None if they did not come. ``error_rate`` is of both arms, ``detectable`` the
    smallest of a canary that the step shows as worse (0..1); counts are of users in a minute.
    """

    share: int
    since: datetime
    least_at: datetime | None
    until: datetime | None
    minutes: int
    canary_units: int
    stable_units: int
    error_rate: float
    detectable: float | None
    stalled_minutes: int


class Stall(Wire):
    """A time in which nothing could be compared at a share."""

    share: int
    since: datetime
    until: datetime


class DryRunCatch(Wire):
    """An assumed bad canary: when the judge would be expected to send it back, None if never.

    Until then, or until the plan's end, ``people`` got the canary and ``people_hit`` of them are
    expected to have met a failure more than the stable version gives.
    """

    errors_from: float
    errors_to: float
    caught_at: datetime | None
    share: int | None
    minutes: int
    people: int
    people_hit: float
    sentence: str


class DryRunResult(Wire):
    """What a plan would have done. ``keyless`` of ``requests`` had no key: stable answers these."""

    model_name: str
    days: int
    since: datetime
    until: datetime
    requests: int
    keyless: int
    people: int
    outcome: DryRunOutcome
    ends_at: datetime | None
    minutes: int | None
    steps: list[DryRunStep]
    stalls: list[Stall]
    assumed: DryRunCatch | None
    sentence: str


class SteerRollout(Write):
    """Pause, resume, step, promote or abort a rollout that the caller saw at a share.

    With ``expected_revision`` any other decision about it since then is a reason to refuse.
    """

    model_config = _example("nobody is awake to watch it", expected_share=10, expected_revision=3)

    expected_share: int = Field(ge=0, le=100)
    expected_revision: int | None = Field(default=None, ge=0)


class SetPlan(SteerRollout):
    """Give a rollout under way another plan; what it has compared so far counts on."""

    model_config = _example(
        "a quiet week: smaller steps", expected_share=10, expected_revision=3,
        plan={
            "steps": [10, 25, 50], "minutes": 720, "min_requests": 1000,
            "patience_minutes": 1440, "on_bad": "roll_back",
        },
    )  # fmt: skip

    plan: Plan


class WalkDown(Write):
    """Leave production step by step: half at once, then a tenth, then nothing.

    ``minutes`` go by between two steps. ``expected_production`` is what the caller saw; None means
    whatever serves now. ``to`` is the version to go back to, by default the last verified one.
    """

    model_config = _example(
        "answers drift, nothing is down", expected_production="v1.2.0", to=None, minutes=5
    )

    expected_production: str | None
    to: str | None = None
    minutes: float = Field(default=5, ge=1, le=1440)


class ModelSummary(Wire):
    """One line of the overview. ``traffic`` is counted in the log, ``measured`` by Prometheus.

    ``incidents`` are the open ones, without their timelines.
    """

    model_name: str
    title: str
    state: Health
    sentence: str
    deployment: Deployment
    traffic: Traffic
    measured: list[Measured] = []
    pending_promotions: int
    incidents: "list[Incident]" = []


class Service(Wire):
    """One process or server and when it last answered."""

    name: str
    state: Health
    detail: str
    checked_at: datetime
    last_good_at: datetime | None


class Overview(Wire):
    """Is anything wrong now? Worst first."""

    state: Health
    models: list[ModelSummary]
    services: list[Service]
    at: datetime


class LedgerEntry(Wire):
    """One row of the ledger."""

    seq: int
    at: datetime
    actor: str
    action: str
    model_name: str | None
    version: str | None
    reason: str | None
    evidence: dict[str, Any]
    request_id: UUID | None
    hash: str


class LedgerPage(Wire):
    """A page of the ledger, newest first; ``before`` of the next call is ``next_before``."""

    entries: list[LedgerEntry]
    next_before: int | None


class LedgerProof(Wire):
    """Whether the chain holds, and the first row where it does not."""

    intact: bool
    rows: int
    head: str | None
    first_broken: int | None
    sentence: str


class Approval(Wire):
    """The approval that let a version through, with what was signed.

    ``seq`` is its ledger row. ``intact``: request and ledger row hold the same hash and evidence.
    """

    promotion: Promotion
    seq: int | None
    intact: bool


class Decided(Wire):
    """A part of what was decided: from when to when, on whose word, on what evidence.

    ``baseline``: it was found so when the record began, so it may be older. ``until`` None: it is
    so still. ``doubt`` says where the ledger tells it otherwise, which only tampering can explain.
    """

    version: str | None
    share: int | None
    since: datetime
    until: datetime | None
    by: str
    baseline: bool
    entry: LedgerEntry | None
    approval: Approval | None
    doubt: str | None = None


class Agreement(Wire):
    """Whether all live workers served what was decided; ``at`` is when the last of them did."""

    by_then: bool
    at: datetime | None
    workers: list[str]
    sentence: str


class Moment(Wire):
    """What was decided for a model at a moment, computed from what was recorded then.

    Where nothing is ``recorded`` of that time, all but ``recorded_from`` and ``sentence`` is empty.
    """

    model_name: str
    at: datetime
    sentence: str
    recorded: bool
    recorded_from: datetime | None
    epoch: int | None = None
    production: Decided | None = None
    canary: Decided | None = None
    fallback: Decided | None = None
    hold: Decided | None = None
    degraded: str | None = None
    shadow: str | None = None
    shadow_share: int = 0
    agreement: Agreement | None = None


class Pair(Wire):
    """What the version in the shadow made of the same request; nobody got this answer."""

    prediction_id: UUID
    version: str
    status: str
    latency_ms: float
    confidence: float | None
    agrees: bool | None
    output: Any


class Answered(Wire):
    """What answered one request. ``decided`` is what every worker should have served then.

    ``withheld``: the caller may not see what was asked and answered. ``twin_id``: this is the
    shadow's answer to the request that the other one answered.
    """

    prediction_id: UUID
    at: datetime
    sentence: str
    model_name: str
    version: str
    arm: str
    status: str
    latency_ms: float
    confidence: float | None
    withheld: bool
    entity_key: str | None = None
    input: Any = None
    output: Any = None
    error: str | None = None
    label: Any = None
    labelled_at: datetime | None = None
    twin_id: UUID | None
    pair: Pair | None
    decided: Moment


class NewLabel(Wire):
    """What a prediction's answer should have been; ``label`` is of the kind of that field."""

    prediction_id: str = Field(max_length=100)
    label: Any
    labelled_at: AwareDatetime | None = None


class NewLabels(Write):
    """Labels, at most 20,000 at once. What was sent before may be sent again."""

    model_config = _example(
        "disputes closed in October",
        labels=[
            {
                "prediction_id": "01980c5e-7a54-7cc1-9f0e-3b8f5c0f2a11",
                "label": "loan_affordability",
                "labelled_at": "2026-10-31T18:30:00Z",
            }
        ],
    )

    labels: list[NewLabel] = Field(min_length=1, max_length=20_000)

    @classmethod
    def _together(cls, values: Any) -> Any:
        """All but the labels: one with a zero byte is left out like other bad ones."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if name != "labels"}


class LabelFile(Write):
    """Labels as the text of a CSV file."""

    csv: str


class RefusedLabel(Wire):
    """A row that was left out: ``line`` of the file, or place in the list from 1."""

    line: int
    prediction_id: str
    problem: str


class LabelsTaken(Wire):
    """What became of labels: all good rows are in, in one transaction; the first refused are named.

    ``unchanged`` were there already; ``corrected``, of those taken, replaced another label.
    """

    sentence: str
    taken: int
    corrected: int
    unchanged: int
    refused: int
    named: list[RefusedLabel]


class AccuracySpan(Wire):
    """Labelled answers of a span, held against the objective. Shares are 0..1.

    ``low`` and ``high`` hold with 95 % each. ``needed``: further labels that would decide.
    """

    predictions: int
    labelled: int
    right: int
    coverage: float
    share: float | None
    low: float
    high: float
    state: AccuracyState
    needed: int | None
    sentence: str


class AccuracyDay(AccuracySpan):
    """One day (UTC) of predictions. ``estimate`` is what confidence alone says, 0..1.

    Until ``mature``, too little of the day is labelled for it to count.
    """

    day: date
    mature: bool
    estimate: float | None


class AccuracyMethod(Wire):
    """How the estimate without labels is made, how far raw confidence was off, and its limit.

    ``held_out``: the labels came with the version, on rows that it was not trained on.
    """

    learnt: bool
    held_out: bool = False
    labels: int
    error: float | None
    method: str
    blind: str


class Accuracy(Wire):
    """Is a model still right: by day of prediction, newest first, and over the last mature days.

    ``version`` is the one in production, which ``latest`` is about; None if it has no mature day.
    ``baseline`` is what a drop is measured from, None where nothing says.
    """

    model_name: str
    output: str
    objective: float
    mature: float
    version: str | None
    days: list[AccuracyDay]
    latest_days: int
    latest: AccuracySpan | None
    baseline: float | None
    baseline_source: str
    fallen: bool
    estimate: AccuracyMethod
    counted_to: datetime | None
    incident: "Incident | None"


class IncidentEvent(Wire):
    """One line of an incident's timeline: when it was so, and when that was written down."""

    occurred_at: datetime
    recorded_at: datetime
    actor: str
    kind: str
    sentence: str
    evidence: dict[str, Any] = {}


class Incident(Wire):
    """Something that wants a person. ``holds``: its cause was still there when last looked at."""

    id: UUID
    model_name: str
    kind: IncidentKind
    severity: Severity
    state: IncidentState
    title: str
    holds: bool
    opened_at: datetime
    opened_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    events: list[IncidentEvent] = []


class Retrain(Write):
    """Train a candidate on what a version was trained on and the labelled answers of some days.

    ``version`` is the one to go on from, production if none is named. ``quick`` is for tries. The
    timeline of ``incident_id`` says what was ordered for it.
    """

    model_config = _example("drift of 0.34 since Monday", days=30)

    days: int = Field(default=30, ge=1, le=366)
    version: str | None = None
    quick: bool = False
    incident_id: UUID | None = None


class MoveIncident(Write):
    """Acknowledge, mitigate, resolve or close; ``expected_state`` is what the caller saw."""

    model_config = _example("labels of the new branch were wrong", expected_state="triggered")

    expected_state: IncidentState


class DriftScore(Wire):
    """One feature in a window, and day by day.

    ``distance`` is Jensen-Shannon to base 2 (0..1), ``noise`` what chance exceeds once in 1,000
    for these sizes, ``adjusted`` the p-value among all features (Benjamini-Hochberg), ``psi`` is
    shown and decides nothing. ``weight`` is the part in the mean over the inputs. ``days`` are
    distances of each day, in the order of ``Drift.days``.
    """

    name: str
    is_output: bool
    weight: float
    state: DriftState
    distance: float | None
    psi: float | None
    noise: float
    adjusted: float
    rows: int
    reference_rows: int
    days: tuple[float | None, ...] = ()
    day_states: tuple[DriftState, ...] = ()


class DriftPart(Wire):
    """Prediction, input or text drift: its leading number, and its feature that moved most."""

    name: Literal["prediction", "input", "text"]
    state: DriftState
    distance: float | None
    noise: float
    worst: str | None = None
    worst_distance: float | None = None


class OddValues(Wire):
    """Values that came more often than in the reference: missing, of another type, unseen, out of
    range. ``share`` and ``reference_share`` are 0..1.
    """

    feature: str
    kind: str
    share: float
    reference_share: float
    count: int
    sentence: str


class DriftResult(Wire):
    """What the watch found of one day. ``seen`` is that day's state alone, ``state`` what it made
    of the state before: ``changed`` if it is another one, and ``raised``, which is an alarm, if it
    is a worse one. Where the day had too few rows, the ``days`` up to it were taken together, and
    ``rows`` are theirs. ``true_alarm`` is what people said of it, None while nobody did.
    """

    id: int
    model_name: str
    version: str
    day: date
    days: int
    judged_at: datetime
    rows: int
    seen: DriftState
    state: DriftState
    changed: bool
    raised: bool
    quality: Health
    sentence: str
    prediction: float | None
    input: float | None
    worst: str | None
    worst_score: float | None
    text_score: float | None
    true_alarm: bool | None
    told_by: str | None
    told_at: datetime | None
    told_why: str | None


class DriftPrecision(Wire):
    """Of the alarms that people judged, how many were true; ``share`` is None while none was."""

    alarms: int
    true: int
    false: int
    share: float | None


class DriftResults(Wire):
    """A page of kept results, newest first; ``before`` of the next call is ``next_before``."""

    results: list[DriftResult]
    next_before: int | None
    precision: DriftPrecision


class Drift(Wire):
    """How far a version's requests lie from what they are compared with, in one window.

    ``state`` is the window's own; ``kept`` is the newest daily result, with the state that stands,
    and ``needs`` says what that state needs to change. ``rows`` are the predictions in the window,
    ``day_rows`` those of each of ``days`` (UTC). ``unjudged`` names fields that the log does not
    keep whole, which nothing here looks at. ``mend`` is what has to be mended in the data before
    anything is trained on them.
    """

    model_name: str
    version: str
    versions: list[str]
    reads_text: bool
    unjudged: str | None
    against: Against
    since: datetime
    until: datetime
    rows: int
    reference_rows: int
    state: DriftState
    sentence: str
    parts: list[DriftPart]
    quality: Health
    odd: list[OddValues]
    mend: str | None
    scores: list[DriftScore]
    days: list[date]
    day_rows: list[int]
    day_states: list[DriftState]
    kept: DriftResult | None
    alarm: DriftResult | None
    incident: Incident | None
    needs: str | None


class DriftDistribution(Wire):
    """One feature's bins: names, and how many rows of each side fell into them."""

    model_name: str
    version: str
    against: Against
    since: datetime
    until: datetime
    score: DriftScore
    bins: tuple[str, ...]
    reference: tuple[int, ...]
    window: tuple[int, ...]


class JudgeAlarm(Write):
    """Say whether an alarm was true."""

    model_config = _example("a campaign for student cards, nothing to retrain", true_alarm=False)

    true_alarm: bool


class TextDrift(Wire):
    """How new texts compare with the reference's. ``score`` is 0..1, None with too few texts.

    ``noise`` is what chance passes once in a thousand times; ``words`` and ``examples`` are typical
    of the new texts.
    """

    version: str
    at: datetime
    since: datetime
    until: datetime
    sentence: str
    state: DriftState
    score: float | None
    auc: float | None
    noise: float | None
    rows: int
    reference_rows: int
    words: list[str]
    examples: list[str]


class Lookback(Write):
    """How many days of the log are looked at."""

    model_config = _example("a new campaign began on Monday", days=7)

    days: int = Field(7, ge=1, le=90)


class GiveReference(Write):
    """What a version is compared with: a profile, or the first days of its own answers."""

    model_config = _example("it came without one", from_log_days=3)

    profile: dict[str, Any] | None = None
    from_log_days: int | None = Field(None, ge=1, le=30)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.profile is None) == (self.from_log_days is None):
            raise ValueError("give a profile, or from_log_days, and not both")
        return self


class Recount(Write):
    """How many days of the log are counted again."""

    model_config = _example("records were loaded by hand", days=7)

    days: int = Field(7, ge=1, le=90)


class Job(Wire):
    """Long work on the queue."""

    id: UUID
    kind: str
    model_name: str | None
    version: str | None
    state: JobState
    progress: float
    message: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None


class Outcome(Wire):
    """Answer of a write: what changed, in a sentence, and the epoch workers must reach."""

    sentence: str
    model_name: str
    version: str | None = None
    epoch: int | None = None
    promotion_id: UUID | None = None
    job_id: UUID | None = None


class RegisterVersion(Write):
    """Make a run's model a version. ``version`` is chosen next if it is not given."""

    model_config = _example(
        "retrained on October's queries",
        model_uri="runs:/9f3a5c0e1b7d4c2f8a6e0d1b2c3f4a5e/model",
        version="v1.2.0",
        description="code-mixed phrases added",
        tags={"dataset": "2026-10"},
    )

    model_uri: str = Field(max_length=500)
    version: str | None = Field(default=None, pattern=r"^v\d+\.\d+\.\d+$")
    description: str = Field(default="", max_length=5000)
    tags: dict[str, str] = {}


class MoveVersion(Write):
    """Stage, validate or reject; ``expected_status`` is what the caller saw."""

    model_config = _example("ready to be tried", expected_status="registered")

    expected_status: VersionStatus


class RequestPromotion(Write):
    """Ask for a version to be promoted. ``expected_production`` is what the caller saw.

    A canary may bring its own ``plan``, by default the one in models.yaml; with ``supersede`` it
    ends another canary that is under way.
    """

    model_config = _example(
        "fewer wrong loan intents",
        version="v1.2.0",
        strategy="canary",
        share=10,
        breaking=False,
        expected_production="v1.1.0",
    )

    version: str
    strategy: Strategy = Strategy.FULL
    share: int = Field(default=10, ge=1, le=99, description="per cent, for a canary")
    breaking: bool = False
    plan: Plan | None = None
    supersede: bool = False
    expected_production: str | None

    @model_validator(mode="after")
    def _is_a_canarys(self) -> "RequestPromotion":
        if self.strategy != Strategy.CANARY and (self.plan is not None or self.supersede):
            raise ValueError("plan and supersede are for a canary: set strategy to canary")
        return self


class DecidePromotion(Write):
    """Approve, reject or withdraw; ``evidence_hash`` is the hash of what the approver saw.

    ``plan`` replaces the one that was asked for; it counts only for the approval of a canary.
    """

    model_config = _example(
        "criteria and canary plan read", evidence_hash="9b1c" * 16, break_glass=False
    )

    evidence_hash: str
    break_glass: bool = False
    plan: Plan | None = None


class RollBack(Write):
    """Go back to the last verified version, or to ``to`` if given.

    ``expected_production`` is what the caller saw; None means whatever serves now.
    """

    model_config = _example("p95 doubled since 03:10", expected_production="v1.2.0", to=None)

    expected_production: str | None
    to: str | None = None


class ShiftTraffic(Write):
    """Set the canary's share; 0 aborts it, 100 makes it production."""

    model_config = _example(
        "two days without a finding", expected_canary="v1.2.0", expected_share=10, share=50
    )

    expected_canary: str
    expected_share: int = Field(ge=0, le=100)
    share: int = Field(ge=0, le=100)


class SetFallback(Write):
    """Have rules answer a model, or its versions again."""

    model_config = _example("answers are wrong since the drift of 02:00", on=True)

    on: bool


class SetShadow(Write):
    """Mirror a share of the requests to a version; 0 ends it.

    ``expected_version`` and ``expected_share`` are what the caller saw in the shadow.
    """

    model_config = _example(
        "enough pairs at 20 %, none differs", version="v1.3.0", share=50,
        expected_version="v1.3.0", expected_share=20,
    )  # fmt: skip

    version: str
    share: int = Field(ge=0, le=100)
    expected_version: str | None
    expected_share: int = Field(ge=0, le=100)


class Explain(Write):
    """A write that needs nothing but its reason."""

    model_config = _example("cause found: a slow tokenizer, fixed in v1.2.1")


class Account(Wire):
    """A person."""

    username: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


class NewAccount(Write):
    """Let somebody in: with a first password at the embedded issuer, else by their subject."""

    model_config = _example(
        "joins the fraud team", username="meera", role="analyst", password="a first password"
    )

    username: str = Field(pattern=r"^[a-z][a-z0-9._-]{1,62}$")
    role: Role
    password: str | None = Field(default=None, min_length=10, max_length=200)
    subject: str | None = Field(
        default=None, min_length=1, max_length=255, description="what the provider calls them"
    )


class SetRole(Write):
    """Change what a person may do."""

    model_config = _example("on call from Monday", role="oncall")

    role: Role


class Token(Wire):
    """A token; ``secret`` is filled once, when it is made.

    A machine's has a ``role``; a person's has an ``owner``, and the role that they have.
    """

    name: str
    role: Role | None
    owner: str | None = None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    secret: str | None = None


class NewToken(Write):
    """Create a machine token."""

    model_config = _example(
        "registers what it trains", name="nightly-training", role="machine", days=90
    )

    name: str = Field(pattern=r"^[a-z][a-z0-9._-]{1,62}$")
    role: Role
    days: int = Field(default=90, ge=1, le=366)
