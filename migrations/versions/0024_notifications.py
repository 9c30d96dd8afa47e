"""People are told what happened: notifications, how each would like to be told, and how far the events were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables of people, one of the platform's own, and whose business a mail is."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "event_cursor",
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("read_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("reader", name="pk_event_cursor"),
        schema="kernel",
    )
    _notification()
    op.create_table(
        "notification_setting",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("levels", postgresql.JSONB, nullable=False),
        sa.Column("digested_at", INSTANT),
        sa.PrimaryKeyConstraint("person_id", name="pk_notification_setting"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_notification_setting_person_id"),
        schema="marketplace",
    )
    for table in ("kernel.event_cursor", "marketplace.notification_setting"):
        ddl.grant(table)
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} USING (kernel.is_platform())")
    op.add_column("mail", sa.Column("org_id", sa.Uuid), schema="marketplace")
    op.create_foreign_key(
        "fk_mail_org_id",
        "mail",
        "organization",
        ["org_id"],
        ["id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_index("ix_mail_org_id", "mail", ["org_id"], schema="marketplace")


def _notification() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("permission", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("params", postgresql.JSONB, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("mail", sa.Text, nullable=False),
        sa.Column("digested_at", INSTANT),
        sa.Column("read_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.UniqueConstraint("event_id", "person_id", "kind", name="uq_notification_event_id_person_id_kind"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_notification_person_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_notification_org_id"),
        sa.CheckConstraint("mail IN ('none', 'at_once', 'digest')", name="ck_notification_mail"),
        sa.CheckConstraint("digested_at IS NULL OR mail = 'digest'", name="ck_notification_digested"),
        sa.CheckConstraint("permission IS NULL OR org_id IS NOT NULL", name="ck_notification_permission"),
        sa.Index("ix_notification_unread", "person_id", "org_id", postgresql_where=sa.text("read_at IS NULL")),
        sa.Index("ix_notification_person_id_created_at", "person_id", "created_at", "id"),
        sa.Index(
            "ix_notification_digest",
            "person_id",
            "created_at",
            postgresql_where=sa.text("mail = 'digest' AND digested_at IS NULL"),
        ),
        sa.Index("ix_notification_org_id", "org_id"),
        sa.Index("ix_notification_created_at", "created_at"),
        schema="marketplace",
    )
    ddl.grant("marketplace.notification")
    ddl.isolate("marketplace.notification", "org_id")
    # About one's own account, wherever one is; its reader is asked for by every query.
    op.execute("CREATE POLICY own ON marketplace.notification FOR SELECT USING (org_id IS NULL)")
    op.execute("CREATE POLICY own_read ON marketplace.notification FOR UPDATE USING (org_id IS NULL)")


def downgrade() -> None:
    """Forget them."""
    op.drop_column("mail", "org_id", schema="marketplace")
    op.drop_table("notification_setting", schema="marketplace")
    op.drop_table("notification", schema="marketplace")
    op.drop_table("event_cursor", schema="kernel")
