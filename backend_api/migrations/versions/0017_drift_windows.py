"""How many days were judged together where one had too few rows."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Widen what is kept of a day."""
    op.execute(
        """
        ALTER TABLE drift_results ADD COLUMN days smallint NOT NULL DEFAULT 1 CHECK (days >= 1);
        COMMENT ON COLUMN drift_results.days IS
            'Up to day and with it; rows, scores and what was seen are of all of them.';
        """
    )
