"""A buyer declines an offer, and may say why; a seller has days off and single times for demos, a notice and a horizon."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

STATES = "'open', 'accepted', 'withdrawn'"
REASONS = "'price', 'scope', 'timing', 'budget', 'other_supplier', 'other'"


def upgrade() -> None:
    """What stands in an offer is not declined; two hours and two weeks were everybody's."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("offer", sa.Column("decline_reason", sa.Text), schema="orders")
    op.add_column("offer", sa.Column("decline_text", sa.Text, nullable=False, server_default=""), schema="orders")
    op.alter_column("offer", "decline_text", server_default=None, schema="orders")
    op.drop_constraint("ck_offer_state", "offer", schema="orders")
    for name, rule in (
        ("state", f"state IN ({STATES}, 'declined')"),
        ("decline_reason", f"decline_reason IN ({REASONS})"),
        ("declined", "state = 'declined' OR (decline_reason IS NULL AND decline_text = '')"),
    ):
        op.create_check_constraint(f"ck_offer_{name}", "offer", rule, schema="orders")

    _demos()


def _demos() -> None:
    for name, usual in (("notice_minutes", "120"), ("ahead_days", "14")):
        column = sa.Column(name, sa.BigInteger, nullable=False, server_default=usual)
        op.add_column("demo_calendar", column, schema="marketplace")
        op.alter_column("demo_calendar", name, server_default=None, schema="marketplace")
    for name, rule in (("notice", "notice_minutes BETWEEN 0 AND 20160"), ("ahead", "ahead_days BETWEEN 1 AND 90")):
        op.create_check_constraint(f"ck_demo_calendar_{name}", "demo_calendar", rule, schema="marketplace")
    op.create_table(
        "demo_day",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("from_minute", sa.BigInteger),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_demo_day"),
        sa.UniqueConstraint(
            "org_id",
            "day",
            "from_minute",
            name="uq_demo_day_org_id_day_from_minute",
            postgresql_nulls_not_distinct=True,
        ),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_demo_day_org_id"),
        sa.CheckConstraint("from_minute BETWEEN 0 AND 1439", name="ck_demo_day_minute"),
        schema="marketplace",
    )
    ddl.grant("marketplace.demo_day", "SELECT, INSERT, DELETE")
    ddl.isolate("marketplace.demo_day", "org_id", also_read="true")


def downgrade() -> None:
    """A declined offer was as good as withdrawn; reasons, days and single times are forgotten."""
    op.drop_table("demo_day", schema="marketplace")
    for name in ("ahead", "notice"):
        op.drop_constraint(f"ck_demo_calendar_{name}", "demo_calendar", schema="marketplace")
    for name in ("ahead_days", "notice_minutes"):
        op.drop_column("demo_calendar", name, schema="marketplace")
    for name in ("declined", "decline_reason", "state"):
        op.drop_constraint(f"ck_offer_{name}", "offer", schema="orders")
    for name in ("decline_text", "decline_reason"):
        op.drop_column("offer", name, schema="orders")
    op.execute("UPDATE orders.offer SET state = 'withdrawn' WHERE state = 'declined'")
    op.create_check_constraint("ck_offer_state", "offer", f"state IN ({STATES})", schema="orders")
