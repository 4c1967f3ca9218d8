"""A version in the shadow: the decision, its compiled form, and the pairs of answers."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0006_shadow.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
