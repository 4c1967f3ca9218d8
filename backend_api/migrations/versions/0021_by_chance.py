"""One answer in 64, by the hash of its id: a sample of any window without reading the window."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the index; on a grown log it takes minutes, and deliveries wait on their disks."""
    op.execute(
        """
        CREATE INDEX predictions_by_chance ON model_predictions
            (model_name, version, (md5(prediction_id::text) COLLATE "C"))
            WHERE md5(prediction_id::text) COLLATE "C" < '04'
        """
    )
