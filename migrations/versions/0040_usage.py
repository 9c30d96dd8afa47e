"""Metered usage: terms, periods, events by month, sums by day, caps, rated lines and what is questioned of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(21, 6)
JSON = sa.dialects.postgresql.JSONB
BOTH = ("buyer_org_id", "seller_org_id")
TABLES = (
    "usage_challenge",
    "usage_line",
    "usage_cap",
    "usage_day",
    "usage_event",
    "usage_key",
    "usage_period",
    "metered_terms",
)


def upgrade() -> None:
    """Everything of it is new."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _terms_and_periods()
    _events()
    _caps()
    _rated()
    for name in TABLES:
        if name not in {"usage_event", "usage_line", "usage_key"}:
            ddl.grant(f"fulfillment.{name}")
        ddl.isolate(f"fulfillment.{name}", *(BOTH if name != "usage_key" else ("seller_org_id",)))
    for name in ("usage_event", "usage_line", "usage_key"):
        ddl.append_only(f"fulfillment.{name}")
    ddl.leave_room("fulfillment.usage_day", "fulfillment.usage_period")


def _ids(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid, nullable=False) for name in names]


def _child_of(name: str, table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [*BOTH, column],
        [f"fulfillment.{table}.{one}" for one in (*BOTH, "id")],
        name=f"fk_{name}_buyer_org_id_seller_org_id_{column}",
    )


def _terms_and_periods() -> None:
    op.create_table(
        "metered_terms",
        *_ids("id", *BOTH, "entitlement_id"),
        sa.Column("price", JSON, nullable=False),
        sa.Column("units", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metered_terms"),
        sa.UniqueConstraint("entitlement_id", name="uq_metered_terms_entitlement_id"),
        _child_of("metered_terms", "entitlement", "entitlement_id"),
        schema="fulfillment",
    )
    op.create_table(
        "usage_period",
        *_ids("id", *BOTH, "entitlement_id"),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("starts_at", "ends_at", "closes_at")),
        sa.Column("alerted", JSON, nullable=False),
        sa.Column("amount_minor", sa.BigInteger),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_period"),
        sa.UniqueConstraint("entitlement_id", "starts_at", name="uq_usage_period_entitlement_id_starts_at"),
        sa.UniqueConstraint(*BOTH, "id", name="uq_usage_period_buyer_org_id_seller_org_id_id"),
        _child_of("usage_period", "entitlement", "entitlement_id"),
        sa.CheckConstraint("state IN ('open', 'closed', 'invoiced')", name="ck_usage_period_state"),
        sa.CheckConstraint("starts_at < ends_at AND ends_at < closes_at", name="ck_usage_period_forward"),
        sa.CheckConstraint("(state = 'open') = (amount_minor IS NULL)", name="ck_usage_period_rated"),
        sa.Index("ix_usage_period_closes_at", "closes_at", postgresql_where=sa.text("state = 'open'")),
        schema="fulfillment",
    )


def _events() -> None:
    op.create_table(
        "usage_key",
        *_ids("seller_org_id", "id"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seller_org_id", "id", name="pk_usage_key"),
        sa.ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"], name="fk_usage_key_seller_org_id"),
        schema="fulfillment",
    )
    op.create_table(
        "usage_event",
        *_ids("id"),
        sa.Column("occurred_at", INSTANT, nullable=False),
        *_ids(*BOTH, "period_id"),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("corrects_id", sa.Uuid),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "occurred_at", name="pk_usage_event"),
        _child_of("usage_event", "usage_period", "period_id"),
        sa.CheckConstraint(
            "(quantity < 0) = (corrects_id IS NOT NULL) AND quantity <> 0", name="ck_usage_event_correction"
        ),
        sa.Index("ix_usage_event_period_id_dimension", "period_id", "dimension"),
        sa.Index("ix_usage_event_corrects_id", "corrects_id", postgresql_where=sa.text("corrects_id IS NOT NULL")),
        schema="fulfillment",
        postgresql_partition_by="RANGE (occurred_at)",
    )
    ddl.partition_by_month("fulfillment.usage_event")
    op.create_table(
        "usage_day",
        *_ids("period_id"),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        *_ids(*BOTH),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("period_id", "dimension", "day", name="pk_usage_day"),
        _child_of("usage_day", "usage_period", "period_id"),
        sa.CheckConstraint("quantity >= 0", name="ck_usage_day_quantity"),
        schema="fulfillment",
    )


def _caps() -> None:
    op.create_table(
        "usage_cap",
        *_ids("id", *BOTH, "entitlement_id"),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_cap"),
        sa.UniqueConstraint("entitlement_id", "dimension", name="uq_usage_cap_entitlement_id_dimension"),
        _child_of("usage_cap", "entitlement", "entitlement_id"),
        sa.CheckConstraint("kind IN ('soft', 'hard')", name="ck_usage_cap_kind"),
        sa.CheckConstraint("quantity >= 0", name="ck_usage_cap_quantity"),
        schema="fulfillment",
    )


def _rated() -> None:
    op.create_table(
        "usage_line",
        *_ids("id", *BOTH, "period_id"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("explained", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_line"),
        sa.UniqueConstraint("period_id", "kind", "dimension", name="uq_usage_line_period_id_kind_dimension"),
        sa.UniqueConstraint(*BOTH, "id", name="uq_usage_line_buyer_org_id_seller_org_id_id"),
        _child_of("usage_line", "usage_period", "period_id"),
        sa.CheckConstraint("kind IN ('metered', 'drawn')", name="ck_usage_line_kind"),
        schema="fulfillment",
    )
    op.create_table(
        "usage_challenge",
        *_ids("id", *BOTH, "line_id"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("state", "question", "answer")),
        sa.Column("credit_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("deadline_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_challenge"),
        sa.UniqueConstraint("line_id", name="uq_usage_challenge_line_id"),
        _child_of("usage_challenge", "usage_line", "line_id"),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'corrected', 'overdue')", name="ck_usage_challenge_state"),
        sa.CheckConstraint("(state = 'corrected') = (credit_minor > 0)", name="ck_usage_challenge_credit"),
        sa.Index("ix_usage_challenge_seller_org_id_state", "seller_org_id", "state", "deadline_at"),
        sa.Index("ix_usage_challenge_deadline_at", "deadline_at", postgresql_where=sa.text("state = 'open'")),
        schema="fulfillment",
    )


def downgrade() -> None:
    """Nothing is left of it."""
    for name in TABLES:
        op.drop_table(name, schema="fulfillment")
