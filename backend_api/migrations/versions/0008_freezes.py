"""Windows in which nothing is promoted."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE freeze_windows (
            id         uuid PRIMARY KEY,
            name       text NOT NULL,
            model_name text,
            first      timestamptz NOT NULL,
            minutes    int NOT NULL CHECK (minutes > 0),
            rule       text NOT NULL DEFAULT '',
            zone       text NOT NULL,
            made_by    text NOT NULL,
            made_at    timestamptz NOT NULL,
            lifted_by  text,
            lifted_at  timestamptz
        );
        CREATE INDEX freeze_windows_holding ON freeze_windows (first) WHERE lifted_at IS NULL;
        """
    )
