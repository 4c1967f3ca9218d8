"""Alembic's entry: runs the revisions on the connection handed over by ``backend_api.db``."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
