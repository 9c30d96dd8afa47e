"""Alembic environment: migrations run on the connection that `market migrate` opened, in its one transaction."""

from __future__ import annotations

from alembic import context

# No metadata of the models: with their naming convention beside it, Alembic would prefix a CHECK once more, and the names
# that stand for domain errors (kernel.db.constraints) would match nothing.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
