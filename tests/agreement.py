"""The four views of what serves (rows, MLflow, workers, ledger), and whether they agree."""

import warnings
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend_api import db, ledger
from backend_api.errors import ConsoleError
from tests.makers import INTENT, wait_until
from tests.stack import Stack

QUERY = "Can I afford a ₹50L loan?"
# So many connections at once meet each of two workers.
TRIES = 30

_ROWS = text("""
    SELECT d.epoch, d.observed_epoch, d.degraded, r.version AS routed, r.mlflow_version AS number,
        (SELECT array_agg(v.version) FROM model_registry v
            WHERE v.model_name = d.model_name AND v.status = 'production') AS of_status,
        (SELECT array_agg(v.version) FROM model_deployments p JOIN model_registry v
            ON v.id = p.model_id WHERE p.model_name = d.model_name
            AND p.environment = 'production' AND p.status = 'active') AS deployed,
        (SELECT jsonb_object_agg(v.mlflow_version, v.status)
            FILTER (WHERE v.mlflow_version IS NOT NULL) FROM model_registry v
            WHERE v.model_name = d.model_name) AS statuses,
        (SELECT count(*) FROM outbox o
            WHERE o.model_name = d.model_name AND o.done_at IS NULL) AS waiting,
        (SELECT l.version FROM ledger l WHERE l.model_name = d.model_name
            AND l.action IN ('model.promote', 'model.roll_back', 'model.walk_down')
            ORDER BY l.seq DESC LIMIT 1) AS decided,
        (SELECT l.action FROM ledger l WHERE l.model_name = d.model_name
            AND l.action IN ('deployment.observed', 'rollback.observed')
            AND (l.evidence ->> 'epoch')::bigint = d.epoch) AS seen_as
    FROM model_routing d LEFT JOIN model_registry r ON r.id = d.production_id
    WHERE d.model_name = :model
""")
_WORKERS = text("""
    SELECT r.replica_id, m.epoch, m.production_version, m.error FROM replicas r
    LEFT JOIN replica_models m ON m.replica_id = r.replica_id AND m.model_name = :model
    WHERE r.stopped_at IS NULL AND r.heartbeat_at > now() - interval '8 seconds'
""")


@dataclass
class Views:
    """What each of the four says, and every difference between them as a sentence."""

    epoch: int = 0
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def expect(self, what: str, seen: object, wanted: object) -> None:
        """Note a difference."""
        if seen != wanted:
            self.differences.append(f"{what}: {seen!r}, expected {wanted!r}")


def ask_each_worker(url: str, count: int) -> dict[str, dict[str, Any]]:
    """One answer of each of ``count`` workers, by replica; fewer if some are not met.

    A connection stays with the worker that took it, so /models on it says whose answer it is. All
    stay open until the end: workers share connections out, and take fewer the more they hold.
    """
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as connections:
        for _ in range(TRIES):
            http = connections.enter_context(httpx2.Client(base_url=url, timeout=10))
            replica = http.get("/models").json()["replica"]
            answer = http.post("/predict/intent", json={"query": QUERY})
            answer.raise_for_status()
            found[replica] = answer.json()
            if len(found) == count:
                break
    return found


def _mlflow(stack: Stack, views: Views, number: int, statuses: dict[str, str]) -> None:
    uri = stack.variables["MLFLOW_TRACKING_URI"]
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        aliases = dict(client.get_registered_model(INTENT).aliases)
        versions = client.search_model_versions(f"name = '{INTENT}'")
    views.expect("alias in MLflow", aliases.get("production"), str(number))
    staged = sorted(int(v.version) for v in versions if v.current_stage == "Production")
    views.expect("stage Production in MLflow", staged, [number])
    tags = {v.version: v.tags.get("nivesh.status") for v in versions}
    views.expect("tags in MLflow", {k: tags.get(k) for k in statuses}, statuses)


def look(stack: Stack, version: str, workers: int = 2) -> Views:
    """Read all four views and hold them against each other and against ``version``."""
    views = Views()
    with db.transaction(stack.engine, None) as session:
        rows = session.execute(_ROWS, {"model": INTENT}).one()
        seen = session.execute(_WORKERS, {"model": INTENT}).all()
        proof = ledger.verify(session)
    views.epoch = rows.epoch
    views.expect("routing", (rows.routed, rows.degraded), (version, None))
    views.expect("status production", rows.of_status, [version])
    views.expect("active production rows", rows.deployed, [version])
    views.expect("outbox", rows.waiting, 0)
    views.expect("last decision in the ledger", rows.decided, version)
    views.expect("observed epoch", rows.observed_epoch, rows.epoch)
    views.expect("entry of the observation", rows.seen_as is not None, True)
    views.expect("chain of the ledger", proof.sentence if not proof.intact else "", "")
    views.expect("live workers", len(seen), workers)
    for one in seen:
        said = (one.epoch, one.production_version, one.error)
        views.expect(f"acknowledged by {one.replica_id}", said, (rows.epoch, version, None))
    if rows.number is not None:
        _mlflow(stack, views, rows.number, rows.statuses)
    views.answers = ask_each_worker(stack.inference_url, workers)
    views.expect("workers that answer", len(views.answers), workers)
    for replica, answer in views.answers.items():
        views.expect(f"answer of {replica}", answer["version"], version)
    return views


def agreed(stack: Stack, version: str, seconds: float = 60) -> Views:
    """Wait until rows, MLflow, workers and ledger all say that ``version`` serves.

    Raises:
        AssertionError: they do not within the time; says what still differs.
    """
    last = Views(differences=["nothing could be read"])

    def holds() -> bool:
        nonlocal last
        try:
            last = look(stack, version)
        except (ConsoleError, OperationalError, MlflowException, httpx2.HTTPError) as error:
            last = Views(differences=[f"{type(error).__name__}: {error}"])
        return not last.differences

    try:
        wait_until(holds, seconds, f"all views say {version}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {'; '.join(last.differences)}") from None
    return last
