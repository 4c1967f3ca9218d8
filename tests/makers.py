"""Values and states for tests, made through the same operations as in production."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import yaml
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend_api import db
from backend_api.catalog import Catalog
from backend_api.operations import fallback, rollback, shadow, version
from backend_api.operations import promotion as promotions
from backend_api.operations.order import Order, perform
from backend_api.schemas import Explain, Outcome, Plan, RequestPromotion, SetShadow
from backend_api.states import Strategy, VersionStatus
from backend_api.tables import VersionRow
from ops.settings import PROJECT

ADMIN_TOKEN = "test-admin-token"
INTENT = "intent_classifier"


def wait_until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Return as soon as ``holds()`` is true; ``AssertionError`` naming ``what`` past the time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.05)


def keeping(folder: Path, log: dict[str, str]) -> Path:
    """models.yaml whose intent classifier has these rules for its log."""
    content = yaml.safe_load((PROJECT / "models.yaml").read_text())
    content["models"][INTENT]["privacy"] = {"log": log}
    file = folder / "models.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def digest(number: int) -> str:
    """An artefact digest that is well-formed and tells versions apart."""
    return f"sha256:{number:064x}"


def good_metrics(catalog: Catalog, model: str) -> dict[str, float]:
    """Metrics that meet every criterion of the model with room to spare."""
    step = {">": 0.004, ">=": 0.004, "<": -0.004, "<=": -0.004}
    found = {c.metric: c.value + step[c.op] for c in catalog.get(model).criteria}
    return {**found, "onnx_max_abs_diff": 1e-7}


def perform_as(
    engine: Engine,
    actor: str,
    act: Callable[[Session, Order], Outcome],
    request_id: UUID | None = None,
    now: datetime | None = None,
) -> Outcome:
    """One operation in one transaction, as the backend would carry it out."""
    body = Explain(request_id=request_id or uuid4(), reason="made for a test")
    return perform(engine, "test", body, actor, now or db.now(), act)


class Registry:
    """Brings versions of a model to the state that a test begins with."""

    def __init__(self, engine: Engine, catalog: Catalog, model: str = INTENT) -> None:
        self.engine, self.catalog, self.model = engine, catalog, model
        self.entry = catalog.get(model)
        self._made = 0

    def register(self, name: str, **changes: object) -> Outcome:
        """A registered version; ``changes`` are columns that differ from the good ones."""
        self._made += 1
        values: dict[str, object] = {
            "model_name": self.model, "version": name, "mlflow_version": self._made,
            "run_id": f"run{self._made}", "metrics": good_metrics(self.catalog, self.model),
            "artifact_digest": digest(self._made),
            "artifact_uri": f"models:/{self.model}/{self._made}",
            "input_schema": {"query": {"type": "string", "required": True}},
            "tags": {}, "description": "",
        }  # fmt: skip
        row = VersionRow(**{**values, **changes})
        return perform_as(self.engine, "asha", lambda s, o: version.register(s, o, self.model, row))

    def stage(self, name: str, was: VersionStatus = VersionStatus.REGISTERED) -> Outcome:
        """Let workers load it."""
        return perform_as(
            self.engine,
            "asha",
            lambda s, o: version.stage(s, o, self.model, name, was, self.entry.endpoint),
        )

    def validated(self, name: str, **changes: object) -> None:
        """Registered, staged, and passed by the validation suite."""
        self.register(name, **changes)
        self.stage(name)
        self.pass_suite(name)

    def pass_suite(self, name: str) -> Outcome:
        """Passed by the validation suite, as the worker's job notes it."""
        return perform_as(
            self.engine,
            "asha",
            lambda s, o: version.record_validation(
                s, o, self.model, name, passed=True, detail={"sentence": "All queries right."}
            ),
        )

    def request(
        self, name: str, by: str = "asha", strategy: Strategy = Strategy.FULL, share: int = 10,
        plan: Plan | None = None, supersede: bool = False,
    ) -> UUID:  # fmt: skip
        """An open request to promote the version."""
        body = RequestPromotion(
            request_id=uuid4(), reason="better on new phrases", version=name, strategy=strategy,
            share=share, plan=plan, supersede=supersede, expected_production=self.production(),
        )  # fmt: skip
        outcome = perform_as(
            self.engine,
            by,
            lambda s, o: promotions.request(s, o, self.entry, self.model, body, 24),
        )
        assert outcome.promotion_id is not None
        return outcome.promotion_id

    def approve(
        self, promotion_id: UUID, by: str = "ravi", break_glass: bool = False,
        plan: Plan | None = None,
    ) -> Outcome:  # fmt: skip
        """Let a request through."""
        return perform_as(
            self.engine,
            by,
            lambda s, o: promotions.approve(
                s, o, self.entry, promotion_id,
                promotions.promotion_row(s, promotion_id).evidence_hash,
                break_glass=break_glass, timeout=10, plan=plan,
            ),
        )  # fmt: skip

    def promoted(self, name: str, **changes: object) -> Outcome:
        """The version in production, by a request and another one's approval, and verified."""
        self.validated(name, **changes)
        outcome = self.approve(self.request(name))
        self.verify(name)
        return outcome

    def crowd(self, number: int) -> None:
        """So many newer versions that were registered and never looked at again."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO model_registry (model_name, version, metrics, registered_by)"
                    " SELECT :m, 'v2.' || n || '.0', '{}', 'asha' FROM generate_series(1, :most) n"
                ),
                {"m": self.model, "most": number},
            )

    def verify(self, name: str) -> None:
        """Note that the version was seen on every worker, as the watch does."""
        with db.transaction(self.engine, "watch") as session:
            session.execute(
                text(
                    "UPDATE model_registry SET verified_at = now()"
                    " WHERE model_name = :m AND version = :v"
                ),
                {"m": self.model, "v": name},
            )

    def roll_back(self, by: str = "omar", seen: str | None = None) -> Outcome:
        """Back to the last verified version, from what was seen to serve."""
        return perform_as(
            self.engine,
            by,
            lambda s, o: rollback.roll_back(
                s, o, self.model, self.entry.endpoint, expected_production=seen
            ),
        )

    def fall_back(self, on: bool = True, by: str = "omar") -> Outcome:
        """Rules answer, or versions again."""
        return perform_as(
            self.engine, by, lambda s, o: fallback.choose(s, o, self.entry, self.model, on)
        )

    def mirror(
        self, name: str, share: int, seen: tuple[str | None, int] = (None, 0), by: str = "ravi"
    ) -> Outcome:
        """The version in the shadow; ``seen`` is what was there before."""
        body = SetShadow(
            request_id=uuid4(), reason="made for a test", version=name, share=share,
            expected_version=seen[0], expected_share=seen[1],
        )  # fmt: skip
        return perform_as(self.engine, by, lambda s, o: shadow.put(s, o, self.model, body))

    def production(self) -> str | None:
        """What the compiled routing names as production."""
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(
                text(
                    "SELECT r.version FROM model_routing d JOIN model_registry r"
                    " ON r.id = d.production_id WHERE d.model_name = :m"
                ),
                {"m": self.model},
            )
        return found

    def status(self, name: str) -> str:
        """A version's status."""
        with self.engine.connect() as connection:
            return str(
                connection.scalar(
                    text(
                        "SELECT status FROM model_registry WHERE model_name = :m AND version = :v"
                    ),
                    {"m": self.model, "v": name},
                )
            )
