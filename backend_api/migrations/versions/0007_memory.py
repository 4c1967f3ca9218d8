"""How much memory each worker holds, as it says at each heartbeat."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Unknown until a worker's next heartbeat."""
    op.execute("ALTER TABLE replicas ADD COLUMN memory_bytes bigint CHECK (memory_bytes > 0)")
