"""Group robots: where a team's messages are posted in DingTalk, WeCom or Feishu, and what was posted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0122"
down_revision = "0120"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROBOT, MESSAGE = "marketplace.group_robot", "marketplace.robot_message"


def upgrade() -> None:
    """Two tables of the organization whose robots they are."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _robots()
    _messages()
    for table in (ROBOT, MESSAGE):
        ddl.grant(table)
        ddl.isolate(table, "org_id")
        ddl.leave_room(table)


def _robots() -> None:
    op.create_table(
        "group_robot",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "provider")),
        sa.Column("topics", JSONB, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("locale", "state")),
        sa.Column("disabled_for", sa.Text),
        sa.Column("disabled_at", INSTANT),
        sa.Column("credentials_sealed", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("hint", "fingerprint")),
        sa.Column("failures", sa.BigInteger, nullable=False, server_default="0"),
        *(sa.Column(name, INSTANT) for name in ("failing_since", "rests_until")),
        sa.Column("last_reason", sa.Text),
        sa.Column("tested_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_group_robot"),
        sa.UniqueConstraint("org_id", "id", name="uq_group_robot_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_group_robot_org_id"),
        sa.CheckConstraint("provider IN ('dingtalk', 'wecom', 'feishu')", name="ck_group_robot_provider"),
        sa.CheckConstraint("locale IN ('zh-CN', 'en')", name="ck_group_robot_locale"),
        sa.CheckConstraint("state IN ('active', 'disabled', 'removed')", name="ck_group_robot_state"),
        sa.CheckConstraint("(state = 'disabled') = (disabled_for IS NOT NULL)", name="ck_group_robot_disabled"),
        sa.CheckConstraint("(state = 'removed') = (credentials_sealed IS NULL)", name="ck_group_robot_credentials"),
        sa.CheckConstraint(
            "failures >= 0 AND (failures = 0) = (failing_since IS NULL)", name="ck_group_robot_failures"
        ),
        sa.Index(
            "uq_group_robot_address",
            "org_id",
            "fingerprint",
            unique=True,
            postgresql_where=sa.text("state <> 'removed'"),
        ),
        sa.Index("ix_group_robot_org_id_created_at", "org_id", "created_at", "id"),
        schema="marketplace",
    )


def _messages() -> None:
    op.create_table(
        "robot_message",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "robot_id", "event_id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("params", JSONB, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("path", "state")),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_robot_message"),
        sa.UniqueConstraint("robot_id", "event_id", "kind", name="uq_robot_message_robot_id_event_id_kind"),
        sa.ForeignKeyConstraint(
            ["org_id", "robot_id"],
            ["marketplace.group_robot.org_id", "marketplace.group_robot.id"],
            name="fk_robot_message_org_id_robot_id",
        ),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="ck_robot_message_state"),
        sa.CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="ck_robot_message_scheduled"),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="ck_robot_message_failure"),
        sa.CheckConstraint("tries >= 0 AND (state <> 'sent' OR tries > 0)", name="ck_robot_message_tries"),
        sa.Index("ix_robot_message_due", "robot_id", "next_attempt_at", postgresql_where=sa.text("state = 'pending'")),
        sa.Index("ix_robot_message_robot_id_created_at", "robot_id", "created_at", "id"),
        sa.Index("ix_robot_message_org_id_robot_id", "org_id", "robot_id"),
        sa.Index("ix_robot_message_created_at", "created_at"),
        schema="marketplace",
    )


def downgrade() -> None:
    """What was posted stays where it was posted."""
    op.execute("DELETE FROM marketplace.notification WHERE kind IN ('robot_refused', 'robot_failing')")
    for table in (MESSAGE, ROBOT):
        op.execute(f"DROP TABLE {table}")
