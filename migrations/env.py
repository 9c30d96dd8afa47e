"""Alembic environment: migrations run as the owner role, over every schema of the house."""

from __future__ import annotations

import os
from typing import Any

from alembic import context
from sqlalchemy import create_engine

from migrations.metadata import SCHEMAS, metadata


def include_name(name: str | None, kind: str, parents: Any) -> bool:  # noqa: ARG001 - Alembic's signature
    """Compare our own schemas only; partitions belong to their parents and are not models."""
    if kind == "schema":
        return name in SCHEMAS
    if kind == "table":
        return name is not None and "_p2" not in name and not name.endswith("_default")
    return True


def run() -> None:
    """Run online with the connection the command passes, or with DATABASE_ADMIN_URL."""
    connection = context.config.attributes.get("connection")
    # Migrations write every constraint's name in full. With the models' naming convention beside it, Alembic would prefix
    # a CHECK once more, and the names that stand for domain errors (kernel.db.constraints) would match nothing.
    drafting = getattr(context.config.cmd_opts, "autogenerate", False)
    options: dict[str, Any] = {
        "target_metadata": metadata if drafting else None,
        "include_schemas": True,
        "include_name": include_name,
        "compare_type": True,
        "transaction_per_migration": True,
    }
    if connection is not None:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = create_engine(os.environ["DATABASE_ADMIN_URL"])
    with engine.connect() as own:
        context.configure(connection=own, **options)
        with context.begin_transaction():
            context.run_migrations()
        own.commit()  # allow: one-commit Alembic leaves the connection's outer transaction to its caller


run()
