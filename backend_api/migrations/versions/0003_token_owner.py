"""A token is a machine's, which decides nothing, or a person's own."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Give tokens an owner; those of machines that could decide end here."""
    op.execute(
        """
        ALTER TABLE tokens
            ADD COLUMN owner text REFERENCES accounts (username),
            ALTER COLUMN role DROP NOT NULL;
        UPDATE tokens SET revoked_at = coalesce(revoked_at, now()) WHERE role IN ('lead', 'admin');
        ALTER TABLE tokens
            ADD CONSTRAINT tokens_one_holder CHECK ((role IS NULL) <> (owner IS NULL)),
            ADD CONSTRAINT tokens_machines_decide_nothing
                CHECK (role NOT IN ('lead', 'admin') OR revoked_at IS NOT NULL);
        """
    )
