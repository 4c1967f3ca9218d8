"""The spine: registry, deployments, routing, predictions and the ledger."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

FILES = ("0001_tables", "0002_predictions", "0003_ledger", "0004_rules", "0005_routing")


def upgrade() -> None:
    """Run the SQL files as they stand: the constraints and triggers are their own best text."""
    folder = Path(__file__).parent.parent / "sql"
    for name in FILES:
        op.get_bind().exec_driver_sql((folder / f"{name}.sql").read_text().replace("%", "%%"))
