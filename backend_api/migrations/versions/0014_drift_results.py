"""Drift as it was found each day, and what people said of its alarms."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0015"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0014_drift_results.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
