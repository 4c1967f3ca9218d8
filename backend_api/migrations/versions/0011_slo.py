"""Good and total counts of every model, for error budgets."""

from alembic import op

revision = "0011"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """
        CREATE TABLE slo_counts (
            model_name text NOT NULL,
            slot       timestamptz NOT NULL,
            total      bigint NOT NULL CHECK (total > 0),
            errors     bigint NOT NULL CHECK (errors BETWEEN 0 AND total),
            slow       bigint NOT NULL CHECK (slow BETWEEN 0 AND total),
            PRIMARY KEY (model_name, slot)
        );
        COMMENT ON TABLE slo_counts IS
            'Answers to users in the five minutes from slot; slow took longer than 0.2 s.';
        CREATE TABLE slo_progress (
            model_name text PRIMARY KEY,
            counted_to timestamptz NOT NULL,
            looked_at  timestamptz NOT NULL,
            swept_to   timestamptz NOT NULL,
            swept_at   timestamptz NOT NULL
        );
        """
    )
