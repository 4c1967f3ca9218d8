"""Which changes of state were alarms: those to a worse one. What was kept is told apart as well."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column, and fill it from the state of the result before.

    What people said of a change to a better state stays where it was written, and counts nowhere.
    """
    op.execute(
        """
        ALTER TABLE drift_results ADD COLUMN raised boolean NOT NULL DEFAULT false
            CHECK (NOT raised OR (changed AND state IN ('medium', 'high')));
        COMMENT ON COLUMN drift_results.raised IS
            'The state became worse than that of the result before; an alarm.';
        UPDATE drift_results SET raised = true FROM (
            SELECT id, lag(state) OVER (PARTITION BY model_name, version ORDER BY day) AS before
            FROM drift_results
        ) earlier
        WHERE earlier.id = drift_results.id AND changed
            AND state IN ('medium', 'high') AND before IS DISTINCT FROM 'high';
        """
    )
