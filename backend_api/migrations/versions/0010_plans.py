"""A rollout's own plan, its revision, its timer and its timeline; rollouts that go down."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file as it stands."""
    sql = Path(__file__).parent.parent / "sql" / "0010_plans.sql"
    op.get_bind().exec_driver_sql(sql.read_text().replace("%", "%%"))
