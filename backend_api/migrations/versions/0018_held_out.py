"""How sure a version was, and what was true, on rows that it was not trained on."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE held_out_answers (
            model_name text NOT NULL,
            version    text NOT NULL,
            -- A list of objects with answer, label and confidence.
            rows       jsonb NOT NULL,
            PRIMARY KEY (model_name, version)
        );
        COMMENT ON TABLE held_out_answers IS
            'Comes with the reference; corrects the estimate of accuracy before there are labels.';
        """
    )
