"""Texts of references, and what comparing new texts with them gave."""

from alembic import op

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """
        CREATE TABLE drift_texts (
            model_name text NOT NULL,
            version    text NOT NULL,
            texts      jsonb NOT NULL,
            PRIMARY KEY (model_name, version)
        );
        COMMENT ON TABLE drift_texts IS 'A sample of what a version was tested on.';
        CREATE TABLE drift_text_results (
            job_id     uuid PRIMARY KEY,
            model_name text NOT NULL,
            version    text NOT NULL,
            at         timestamptz NOT NULL,
            since      timestamptz NOT NULL,
            until      timestamptz NOT NULL,
            -- A rules.text_drift.TextDrift; its words and examples quote what people asked.
            found      jsonb NOT NULL
        );
        CREATE INDEX drift_text_results_newest ON drift_text_results (model_name, version, at DESC);
        """
    )
