"""People come in by themselves: mails, proofs of their addresses, and what is known of where they signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Invitations, two tables of the platform's own, and two columns of a session."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("session", sa.Column("agent", sa.Text, nullable=False, server_default=""), schema="marketplace")
    op.add_column("session", sa.Column("network", sa.Text, nullable=False, server_default=""), schema="marketplace")
    for column in ("agent", "network"):
        op.alter_column("session", column, server_default=None, schema="marketplace")
    op.create_table(
        "email_proof",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_email_proof"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_email_proof_person_id"),
        sa.CheckConstraint("purpose IN ('sign_up', 'reset_password')", name="ck_email_proof_purpose"),
        sa.CheckConstraint("tries BETWEEN 0 AND 5", name="ck_email_proof_tries"),
        sa.Index("ix_email_proof_email", "email", "purpose", "created_at"),
        sa.Index("ix_email_proof_expires_at", "expires_at"),
        sa.Index("ix_email_proof_person_id", "person_id"),
        schema="marketplace",
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("to_address", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("params", postgresql.JSONB, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("refused_at", INSTANT),
        sa.Column("refusal", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_mail_person_id"),
        sa.CheckConstraint("sent_at IS NULL OR refused_at IS NULL", name="ck_mail_one_end"),
        sa.Index("ix_mail_created_at", "created_at"),
        sa.Index("ix_mail_person_id", "person_id"),
        schema="marketplace",
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("invited_by", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_invitation_org_id"),
        sa.ForeignKeyConstraint(["invited_by"], ["marketplace.person.id"], name="fk_invitation_invited_by"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_invitation_person_id"),
        sa.CheckConstraint("state IN ('pending', 'accepted', 'declined', 'withdrawn')", name="ck_invitation_state"),
        sa.CheckConstraint("(state = 'accepted') = (person_id IS NOT NULL)", name="ck_invitation_accepted_by"),
        sa.Index(
            "uq_invitation_org_id_email",
            "org_id",
            "email",
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
        ),
        sa.Index("ix_invitation_org_id_created_at", "org_id", "created_at"),
        sa.Index("ix_invitation_invited_by", "invited_by"),
        sa.Index("ix_invitation_person_id", "person_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.invitation")
    ddl.isolate("marketplace.invitation", "org_id")
    for table in ("marketplace.email_proof", "marketplace.mail"):
        ddl.grant(table)
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} USING (kernel.is_platform())")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("invitation", schema="marketplace")
    op.drop_table("mail", schema="marketplace")
    op.drop_table("email_proof", schema="marketplace")
    op.drop_column("session", "network", schema="marketplace")
    op.drop_column("session", "agent", schema="marketplace")
