"""Rules may answer for a model: the decision, its compiled form, and what workers say of it."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0004_fallback.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
