"""Labels that were judged, what they say by the hour, and incidents."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0015_accuracy.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
