"""A second factor beside the password, with recovery codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables of the platform's own."""
    op.create_table(
        "second_factor",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("secret_sealed", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_second_factor"),
        sa.UniqueConstraint("person_id", name="uq_second_factor_person_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_second_factor_person_id"),
        schema="marketplace",
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("factor_id", sa.Uuid, nullable=False),
        sa.Column("code_hash", sa.Text, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
        sa.UniqueConstraint("factor_id", "code_hash", name="uq_recovery_code_factor_id_code_hash"),
        sa.ForeignKeyConstraint(["factor_id"], ["marketplace.second_factor.id"], name="fk_recovery_code_factor_id"),
        schema="marketplace",
    )
    for table in ("marketplace.second_factor", "marketplace.recovery_code"):
        ddl.grant(table)
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} USING (kernel.is_platform())")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("recovery_code", schema="marketplace")
    op.drop_table("second_factor", schema="marketplace")
