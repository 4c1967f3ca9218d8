"""What was decided at each moment, kept as it was compiled."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file as it stands; models that are there begin with what is found."""
    sql = Path(__file__).parent.parent / "sql" / "0012_history.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
