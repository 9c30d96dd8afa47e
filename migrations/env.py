"""Alembic environment: migrations run on the connection that `market migrate` opened, in its one transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

# No metadata of the models: with their naming convention beside it, Alembic would prefix a CHECK once more, and the names
# that stand for domain errors (kernel.db.constraints) would match nothing.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    # Row level security holds for the tables' owner too: without this a migration would see no row that it is to change.
    context.config.attributes["connection"].execute(text("SELECT set_config('app.platform', 'on', true)"))
    context.run_migrations()
