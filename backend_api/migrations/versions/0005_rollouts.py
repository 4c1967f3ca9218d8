"""Canaries that a judge watches: rollouts, their minutes and verdicts."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables; the share itself stays a row of ``model_deployments``."""
    op.execute(
        """
        CREATE TABLE rollouts (
            id            uuid PRIMARY KEY,
            model_name    text NOT NULL,
            canary_id     bigint NOT NULL REFERENCES model_registry,
            stable_id     bigint NOT NULL REFERENCES model_registry,
            state         text NOT NULL
                CHECK (state IN ('running', 'paused', 'completed', 'aborted')),
            share         int NOT NULL CHECK (share BETWEEN 0 AND 100),
            since         timestamptz NOT NULL,
            measured_from timestamptz,
            counted_to    timestamptz,
            reason        text NOT NULL DEFAULT '',
            started_by    text NOT NULL,
            started_at    timestamptz NOT NULL,
            ended_by      text,
            ended_at      timestamptz,
            CHECK ((ended_at IS NULL) = (state IN ('running', 'paused')))
        );
        CREATE UNIQUE INDEX rollouts_one_under_way ON rollouts (model_name)
            WHERE state IN ('running', 'paused');
        CREATE INDEX rollouts_newest ON rollouts (model_name, started_at DESC);
        CREATE TABLE rollout_minutes (
            rollout_id uuid NOT NULL REFERENCES rollouts,
            minute     timestamptz NOT NULL,
            share      int NOT NULL,
            canary     jsonb NOT NULL,
            stable     jsonb NOT NULL,
            PRIMARY KEY (rollout_id, minute)
        );
        CREATE TABLE rollout_verdicts (
            id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            rollout_id uuid NOT NULL REFERENCES rollouts,
            at         timestamptz NOT NULL,
            share      int NOT NULL,
            verdict    text NOT NULL CHECK (verdict IN ('promote', 'roll_back', 'not_enough')),
            sentence   text NOT NULL,
            detail     jsonb NOT NULL
        );
        CREATE INDEX rollout_verdicts_newest ON rollout_verdicts (rollout_id, at DESC);
        """
    )
