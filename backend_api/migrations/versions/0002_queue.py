"""The job queue's own tables, as its library brings them."""

from alembic import op

from backend_api import queue

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Install the queue in the version that is pinned."""
    op.get_bind().exec_driver_sql(queue.schema().replace("%", "%%"))
