"""The backend as the console sees it: one typed method per endpoint.

Knows nothing of Streamlit. An outage is an error, never an empty list.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from backend_api.schemas import (
    Account,
    Answered,
    DecidePromotion,
    Deployment,
    DryRun,
    DryRunResult,
    Explain,
    FreezeWindow,
    Job,
    LedgerPage,
    LedgerProof,
    Me,
    Moment,
    MoveVersion,
    NewAccount,
    NewFreeze,
    NewToken,
    Outcome,
    Overview,
    Price,
    Promotion,
    RegisterVersion,
    RequestPromotion,
    RollBack,
    Rollout,
    SetFallback,
    SetPlan,
    SetRole,
    SetShadow,
    ShiftTraffic,
    SteerRollout,
    Token,
    Truth,
    Version,
    VersionDetail,
    WalkDown,
)
from backend_api.states import PromotionStatus
from console.drift_client import DriftBackend
from console.quality import Quality

Steering = Literal["pause", "resume", "step", "promote", "abort"]


class Backend(Quality, DriftBackend):
    """Everything that can be asked of the backend."""

    # Access: people and machines

    def accounts(self) -> list[Account]:
        """Everybody who may sign in, or once could."""
        return self._get(list[Account], "accounts")

    def add_account(self, body: NewAccount) -> Account:
        """Let somebody in."""
        return self._call("POST", ("accounts",), Account, body)

    def set_role(self, username: str, body: SetRole) -> Account:
        """Change what somebody may do; counts from their next request."""
        return self._call("POST", ("accounts", username, "role"), Account, body)

    def disable_account(self, username: str, body: Explain) -> Account:
        """Shut somebody out at once."""
        return self._call("POST", ("accounts", username, "disable"), Account, body)

    def tokens(self) -> list[Token]:
        """All machine tokens, without their secrets."""
        return self._get(list[Token], "tokens")

    def create_token(self, body: NewToken) -> Token:
        """A machine's token; the only answer that carries its secret."""
        return self._call("POST", ("tokens",), Token, body)

    def revoke_token(self, name: str, body: Explain) -> Token:
        """Make a token worthless at once."""
        return self._call("POST", ("tokens", name, "revoke"), Token, body)

    # Who

    def alive(self) -> None:
        """Return if the backend answers at all; needs no sign-in."""
        self._get(dict[str, str], "health")

    def me(self) -> Me:
        """The caller and their rights."""
        return self._get(Me, "me")

    # Is anything wrong

    def overview(self) -> Overview:
        """Every model and service, worst first."""
        return self._get(Overview, "overview")

    def deployments(self) -> list[Deployment]:
        """Desired and observed state of every model."""
        return self._get(list[Deployment], "deployments")

    def deployment(self, model: str) -> Deployment:
        """Desired and observed state of one model."""
        return self._get(Deployment, "deployments", model)

    # Times at which nothing is promoted

    def freezes(self) -> list[FreezeWindow]:
        """Every window that holds."""
        return self._get(list[FreezeWindow], "freezes")

    def make_freeze(self, body: NewFreeze) -> Outcome:
        """Shut promotions at these times."""
        return self._post(body, "freezes")

    def lift_freeze(self, window: UUID, body: Explain) -> Outcome:
        """Let a window hold no longer."""
        return self._post(body, "freezes", str(window), "lift")

    # Canaries on their way

    def rollout(self, model: str) -> Rollout:
        """The canary under way, else the last one."""
        return self._get(Rollout, "models", model, "rollout")

    def price(self, model: str, share: int) -> Price:
        """What a share would cost and could show."""
        return self._get(Price, "models", model, "rollout", "price", share=share)

    def dry_run(self, model: str, body: DryRun) -> DryRunResult:
        """Walk a plan through the log of the last days."""
        return self._call("POST", ("models", model, "rollout", "dry-run"), DryRunResult, body)

    def steer_rollout(self, model: str, verb: Steering, body: SteerRollout) -> Outcome:
        """Pause or resume it, take its next step, promote it, or abort it."""
        return self._post(body, "models", model, "rollout", verb)

    def set_plan(self, model: str, body: SetPlan) -> Outcome:
        """Give it another plan."""
        return self._post(body, "models", model, "rollout", "plan")

    def walk_down(self, model: str, body: WalkDown) -> Outcome:
        """Leave production step by step."""
        return self._post(body, "models", model, "walk-down")

    def ledger(
        self,
        before: int | None = None,
        *,
        model: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        limit: int = 50,
    ) -> LedgerPage:
        """A page of the ledger, newest first; ``limit`` at most 500 rows."""
        return self._get(
            LedgerPage, "ledger", before=before, model=model, actor=actor, action=action,
            limit=limit,
        )  # fmt: skip

    def verify_ledger(self) -> LedgerProof:
        """Walk the whole chain."""
        return self._get(LedgerProof, "ledger", "verify")

    # What was so, and what answered

    def history(self, at: datetime | None = None, model: str | None = None) -> list[Moment]:
        """Who was live at a moment, now where none is given, for one model or all."""
        return self._get(
            list[Moment], "history", "at", at=at.isoformat() if at else None, model=model
        )

    def answered(self, prediction: str) -> Answered:
        """What answered the request whose answer carried this id."""
        return self._get(Answered, "predictions", prediction)

    def job(self, job_id: UUID) -> Job:
        """How far a job is."""
        return self._get(Job, "jobs", str(job_id))

    # Versions

    def versions(self, model: str) -> list[Version]:
        """All versions of a model, newest first."""
        return self._get(list[Version], "models", model, "versions")

    def version(self, model: str, version: str) -> VersionDetail:
        """A version with criteria, gates, history and its newest request."""
        return self._get(VersionDetail, "models", model, "versions", version)

    def register(self, model: str, body: RegisterVersion) -> Outcome:
        """Make a run's model a version."""
        return self._post(body, "models", model, "versions")

    def stage(self, model: str, version: str, body: MoveVersion) -> Outcome:
        """Let every worker load the version."""
        return self._post(body, "models", model, "versions", version, "stage")

    def validate(self, model: str, version: str, body: MoveVersion) -> Outcome:
        """Queue the validation suite; ``job_id`` follows it."""
        return self._post(body, "models", model, "versions", version, "validate")

    def quantize(self, model: str, version: str, body: Explain) -> Outcome:
        """Queue the making of an int8 candidate; ``job_id`` follows it."""
        return self._post(body, "models", model, "versions", version, "quantize")

    def reject_version(self, model: str, version: str, body: MoveVersion) -> Outcome:
        """Refuse a version for good."""
        return self._post(body, "models", model, "versions", version, "reject")

    # Promotions

    def promotions(
        self, model: str | None = None, status: PromotionStatus | None = None
    ) -> list[Promotion]:
        """Requests, newest first."""
        return self._get(list[Promotion], "promotions", model=model, status=status)

    def request_promotion(self, model: str, body: RequestPromotion) -> Outcome:
        """Ask for a version to be promoted."""
        return self._post(body, "models", model, "promotions")

    def approve(self, promotion: UUID, body: DecidePromotion) -> Outcome:
        """Let a request through and carry it out."""
        return self._post(body, "promotions", str(promotion), "approve")

    def reject(self, promotion: UUID, body: DecidePromotion) -> Outcome:
        """Refuse a request."""
        return self._post(body, "promotions", str(promotion), "reject")

    def withdraw(self, promotion: UUID, body: DecidePromotion) -> Outcome:
        """Take back one's own request."""
        return self._post(body, "promotions", str(promotion), "withdraw")

    def review(self, promotion: UUID, body: Explain) -> Outcome:
        """Say afterwards what another lead thinks of a break-glass approval."""
        return self._post(body, "promotions", str(promotion), "review")

    # Traffic

    def roll_back(self, model: str, body: RollBack) -> Outcome:
        """Send all traffic back to the last verified version."""
        return self._post(body, "models", model, "rollback")

    def shift_traffic(self, model: str, body: ShiftTraffic) -> Outcome:
        """Set the canary's share."""
        return self._post(body, "models", model, "traffic")

    def choose_fallback(self, model: str, body: SetFallback) -> Outcome:
        """Have rules answer, or versions again."""
        return self._post(body, "models", model, "fallback")

    def set_shadow(self, model: str, body: SetShadow) -> Outcome:
        """Mirror a share of the requests to a version, or end that."""
        return self._post(body, "models", model, "shadow")

    def lift_hold(self, model: str, body: Explain) -> Outcome:
        """Let promotions through again."""
        return self._post(body, "models", model, "hold", "lift")

    def raise_hold(self, model: str, body: Explain) -> Outcome:
        """Let nothing promote a model until a lead lifts the hold."""
        return self._post(body, "models", model, "hold")

    # The way back, and whether every place says the same

    def rehearse(self, model: str, body: Explain) -> Outcome:
        """Have every worker answer by what a rollback would go to; no user gets that."""
        return self._post(body, "models", model, "rehearse")

    def truth(self, model: str) -> Truth:
        """The decision beside MLflow, the workers and the realised share."""
        return self._get(Truth, "models", model, "truth")

    def reload_workers(self, model: str, body: Explain) -> Outcome:
        """Ask every worker to load a model's versions anew."""
        return self._post(body, "models", model, "workers", "reload")

    def repair_mirror(self, model: str, body: Explain) -> Outcome:
        """Write our decision to MLflow again."""
        return self._post(body, "models", model, "mirror", "repair")
