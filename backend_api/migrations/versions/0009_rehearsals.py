"""Rehearsals of the way back, and when MLflow was last read."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0009_rehearsals.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
