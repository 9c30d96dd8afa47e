"""Approval outside: an organization's app at DingTalk, WeCom or Feishu, what is asked there, and what comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0119"
down_revision = "0115"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("approval_app", "approval_app_member", "outside_approval", "approval_callback", "outside_answer")
APP = ("orders.approval_app.org_id", "orders.approval_app.id")
PERSON = "marketplace.person.id"


def upgrade() -> None:
    """Five tables of the buyer's; what came from outside is never changed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _apps()
    _asked()
    _answers()
    for table in TABLES[:3]:
        ddl.grant(f"orders.{table}")
    ddl.isolate("orders.approval_app", "org_id")
    ddl.isolate("orders.approval_app_member", "org_id")
    ddl.isolate("orders.outside_approval", "buyer_org_id")
    ddl.leave_room("orders.outside_approval")
    for table in TABLES[3:]:
        ddl.isolate(f"orders.{table}", "org_id")
        ddl.append_only(f"orders.{table}")


def _ids(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *names)]


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _apps() -> None:
    op.create_table(
        "approval_app",
        *_ids("org_id"),
        *_texts("provider", "corp_id", "client_id", "template_code", "form_field"),
        sa.Column("approver_node", sa.Text),
        *_texts("requester_user_id"),
        sa.Column("secrets_sealed", sa.Text),
        sa.Column("connected_by", sa.Uuid, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("tested_at", "disconnected_at")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_app"),
        sa.UniqueConstraint("org_id", "id", name="uq_approval_app_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_approval_app_org_id"),
        sa.ForeignKeyConstraint(["connected_by"], [PERSON], name="fk_approval_app_connected_by"),
        sa.CheckConstraint("provider IN ('dingtalk', 'wecom', 'feishu')", name="ck_approval_app_provider"),
        sa.CheckConstraint("(provider = 'feishu') = (approver_node IS NOT NULL)", name="ck_approval_app_approver_node"),
        sa.CheckConstraint("(disconnected_at IS NULL) = (secrets_sealed IS NOT NULL)", name="ck_approval_app_secrets"),
        sa.Index("uq_approval_app_org_id", "org_id", unique=True, postgresql_where=sa.text("disconnected_at IS NULL")),
        sa.Index("ix_approval_app_connected_by", "connected_by"),
        schema="orders",
    )
    op.create_table(
        "approval_app_member",
        *_ids("org_id", "app_id", "person_id"),
        *_texts("user_id"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_app_member"),
        sa.UniqueConstraint("app_id", "person_id", name="uq_approval_app_member_app_id_person_id"),
        sa.UniqueConstraint("app_id", "user_id", name="uq_approval_app_member_app_id_user_id"),
        sa.ForeignKeyConstraint(["org_id", "app_id"], list(APP), name="fk_approval_app_member_org_id_app_id"),
        sa.ForeignKeyConstraint(["person_id"], [PERSON], name="fk_approval_app_member_person_id"),
        sa.Index("ix_approval_app_member_org_id", "org_id", "app_id"),
        sa.Index("ix_approval_app_member_person_id", "person_id"),
        schema="orders",
    )


def _asked() -> None:
    op.create_table(
        "outside_approval",
        *_ids("buyer_org_id", "purchase_id"),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        *_texts("state"),
        sa.Column("instance_id", sa.Text),
        *_texts("requester"),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("begun_at", INSTANT),
        *(sa.Column(name, sa.Text) for name in ("reason", "withdrawal")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_approval"),
        sa.UniqueConstraint("purchase_id", "step", name="uq_outside_approval_purchase_id_step"),
        sa.UniqueConstraint("app_id", "instance_id", name="uq_outside_approval_app_id_instance_id"),
        sa.UniqueConstraint("buyer_org_id", "id", name="uq_outside_approval_buyer_org_id_id"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "purchase_id"],
            ["orders.purchase.buyer_org_id", "orders.purchase.id"],
            name="fk_outside_approval_buyer_org_id_purchase_id",
        ),
        sa.ForeignKeyConstraint(["buyer_org_id", "app_id"], list(APP), name="fk_outside_approval_buyer_org_id_app_id"),
        sa.CheckConstraint(
            "state IN ('asking', 'asked', 'answered', 'withdrawn', 'failed')", name="ck_outside_approval_state"
        ),
        sa.CheckConstraint("step >= 1", name="ck_outside_approval_step"),
        sa.CheckConstraint(
            "state NOT IN ('asked', 'answered') OR instance_id IS NOT NULL", name="ck_outside_approval_asked"
        ),
        sa.CheckConstraint("(state = 'failed') <= (reason IS NOT NULL)", name="ck_outside_approval_reason"),
        sa.CheckConstraint(
            "withdrawal IN ('pending', 'done', 'impossible', 'refused')", name="ck_outside_approval_withdrawal"
        ),
        sa.CheckConstraint("(withdrawal IS NULL) OR state = 'withdrawn'", name="ck_outside_approval_withdrawn"),
        sa.Index("ix_outside_approval_open", "app_id", postgresql_where=sa.text("state IN ('asking', 'asked')")),
        schema="orders",
    )


def _answers() -> None:
    op.create_table(
        "approval_callback",
        *_ids("org_id", "app_id"),
        *_texts("event_key", "event_type", "message_sealed"),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_callback"),
        sa.UniqueConstraint("app_id", "event_key", name="uq_approval_callback_app_id_event_key"),
        sa.UniqueConstraint("org_id", "id", name="uq_approval_callback_org_id_id"),
        sa.ForeignKeyConstraint(["org_id", "app_id"], list(APP), name="fk_approval_callback_org_id_app_id"),
        sa.Index("ix_approval_callback_app_id_received_at", "app_id", "received_at", "id"),
        schema="orders",
    )
    op.create_table(
        "outside_answer",
        *_ids("org_id", "callback_id"),
        sa.Column("outside_approval_id", sa.Uuid),
        *_texts("user_id"),
        sa.Column("person_id", sa.Uuid),
        *_texts("kind", "outcome"),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_answer"),
        sa.UniqueConstraint(
            "outside_approval_id", "user_id", "kind", name="uq_outside_answer_outside_approval_id_user_id_kind"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "callback_id"],
            ["orders.approval_callback.org_id", "orders.approval_callback.id"],
            name="fk_outside_answer_org_id_callback_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "outside_approval_id"],
            ["orders.outside_approval.buyer_org_id", "orders.outside_approval.id"],
            name="fk_outside_answer_org_id_outside_approval_id",
        ),
        sa.ForeignKeyConstraint(["person_id"], [PERSON], name="fk_outside_answer_person_id"),
        sa.CheckConstraint(
            "kind IN ('agreed', 'refused', 'passed_on', 'withdrawn', 'finished')", name="ck_outside_answer_kind"
        ),
        sa.CheckConstraint("outcome IN ('counted', 'not_counted', 'noted')", name="ck_outside_answer_outcome"),
        sa.CheckConstraint("(outcome = 'not_counted') = (reason IS NOT NULL)", name="ck_outside_answer_reason"),
        sa.CheckConstraint(
            "outcome <> 'counted' OR (kind IN ('agreed', 'refused') AND person_id IS NOT NULL"
            " AND outside_approval_id IS NOT NULL)",
            name="ck_outside_answer_counted",
        ),
        sa.Index("ix_outside_answer_org_id", "org_id", "callback_id"),
        sa.Index("ix_outside_answer_callback_id", "callback_id"),
        sa.Index("ix_outside_answer_person_id", "person_id"),
        schema="orders",
    )


def downgrade() -> None:
    """What was asked outside is forgotten; what was decided stays."""
    op.execute("DELETE FROM marketplace.notification WHERE kind LIKE 'outside_%'")
    for table in reversed(TABLES):
        op.drop_table(table, schema="orders")
