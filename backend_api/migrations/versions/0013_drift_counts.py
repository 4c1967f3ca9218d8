"""Reference profiles of versions, and predictions counted into their bins."""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0013_drift_counts.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
