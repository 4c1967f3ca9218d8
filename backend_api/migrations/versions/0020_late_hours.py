"""Hours of which records came late, to be counted again; and no label without its answer."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0020_late_hours.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
