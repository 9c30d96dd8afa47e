"""What a dispute is about, order by order and line by line; what both sides and the operator tell the bank; its fee, its loss."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.ids import uuid7
from kernel.money import allocate
from migrations import ddl

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ARRAY = postgresql.ARRAY(sa.Uuid)
COUNTS = ("fee_minor", "fee_changes", "loss_minor", "borne_minor", "kept_minor")
DISPUTE = ("payer_org_id", "dispute_id")
CHECKS = {
    "basis": "basis IN ('whole', 'pro_rata', 'operator')",
    "fee": "(fee_changes = 0) = (fee_currency IS NULL)",
    "loss": "loss_minor >= 0 AND borne_minor >= 0 AND kept_minor >= 0",
    "recovered": "borne_minor + kept_minor <= loss_minor AND loss_minor <= amount_minor",
}


def upgrade() -> None:
    """What is disputed already is about every order of its payment; seven days are left to say something about it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _dispute()
    _part()
    _submission()
    _statement()
    _evidence()
    op.add_column("sandbox_operation", sa.Column("evidence", postgresql.JSONB), schema="billing")
    _parts_of_known()


def _dispute() -> None:
    op.add_column("dispute", sa.Column("basis", sa.Text, nullable=False, server_default="whole"), schema="billing")
    op.alter_column("dispute", "basis", server_default=None, schema="billing")
    for name in COUNTS:
        op.add_column("dispute", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"), schema="billing")
        op.alter_column("dispute", name, server_default=None, schema="billing")
    op.add_column("dispute", sa.Column("fee_currency", sa.CHAR(3)), schema="billing")
    op.add_column("dispute", sa.Column("submission_id", sa.Uuid), schema="billing")
    for name in ("due_by", "answer_by", "submit_at", "submitted_at"):
        op.add_column("dispute", sa.Column(name, INSTANT), schema="billing")
    op.execute(
        "UPDATE billing.dispute SET due_by = created_at + interval '7 days', answer_by = created_at + interval '5 days', "
        "submit_at = created_at + interval '6 days'"
    )
    for name in ("due_by", "answer_by", "submit_at"):
        op.alter_column("dispute", name, nullable=False, schema="billing")
    for name, condition in CHECKS.items():
        op.create_check_constraint(f"ck_dispute_{name}", "dispute", condition, schema="billing")
    op.create_unique_constraint("uq_dispute_payer_org_id_id", "dispute", ["payer_org_id", "id"], schema="billing")
    op.drop_index("ix_dispute_open", "dispute", schema="billing")
    _index("ix_dispute_open", "dispute", "due_by", where="state = 'open'")
    _index("ix_dispute_submit_at", "dispute", "submit_at", where="state = 'open' AND submitted_at IS NULL")


def _part() -> None:
    op.create_table(
        "dispute_part",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "payer_org_id", "seller_org_id", "dispute_id")),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("line_id", sa.Uuid),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_part"),
        _of_dispute("dispute_part"),
        sa.UniqueConstraint(
            "dispute_id",
            "reference",
            "line_id",
            name="uq_dispute_part_dispute_id_reference_line_id",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_dispute_part_amount"),
        schema="billing",
    )
    _index("ix_dispute_part_payer_org_id_dispute_id", "dispute_part", *DISPUTE)
    _index("ix_dispute_part_seller_org_id_dispute_id", "dispute_part", "seller_org_id", "dispute_id")
    _index("ix_dispute_part_reference", "dispute_part", "reference")
    ddl.grant("billing.dispute_part", "SELECT, INSERT, DELETE")
    ddl.isolate("billing.dispute_part", "payer_org_id", "seller_org_id")


def _submission() -> None:
    op.create_table(
        "dispute_submission",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *DISPUTE)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("documents", postgresql.JSONB, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_submission"),
        _of_dispute("dispute_submission"),
        sa.CheckConstraint("state IN ('sending', 'sent', 'failed')", name="ck_dispute_submission_state"),
        sa.CheckConstraint("made_by IN ('operator', 'clock', 'refund')", name="ck_dispute_submission_made_by"),
        sa.CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ck_dispute_submission_ended"),
        schema="billing",
    )
    live = "state <> 'failed'"
    _index("uq_dispute_submission_live", "dispute_submission", "dispute_id", unique=True, where=live)
    _index("ix_dispute_submission_payer_org_id_dispute_id", "dispute_submission", *DISPUTE)
    ddl.grant("billing.dispute_submission", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.dispute_submission", "payer_org_id")


def _statement() -> None:
    op.create_table(
        "dispute_statement",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *DISPUTE, "org_id")),
        sa.Column("seller_org_ids", ARRAY, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("withdraws", sa.Boolean, nullable=False),
        sa.Column("said_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_statement"),
        _of_dispute("dispute_statement"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_dispute_statement_org_id"),
        sa.UniqueConstraint("dispute_id", "org_id", "side", name="uq_dispute_statement_dispute_id_org_id_side"),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_dispute_statement_side"),
        sa.CheckConstraint("NOT withdraws OR side = 'buyer'", name="ck_dispute_statement_withdraws"),
        schema="orders",
    )
    _index("ix_dispute_statement_payer_org_id_dispute_id", "dispute_statement", *DISPUTE, schema="orders")
    _index("ix_dispute_statement_org_id", "dispute_statement", "org_id", schema="orders")
    ddl.grant("orders.dispute_statement", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.dispute_statement", "payer_org_id", "seller_org_ids[]")


def _evidence() -> None:
    op.create_table(
        "dispute_evidence",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *DISPUTE, "org_id")),
        sa.Column("seller_org_ids", ARRAY, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("side", "file_key", "file_name", "media_type")),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_evidence"),
        _of_dispute("dispute_evidence"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_dispute_evidence_org_id"),
        sa.UniqueConstraint(
            "dispute_id", "org_id", "side", "sha256", name="uq_dispute_evidence_dispute_id_org_id_side_sha256"
        ),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_dispute_evidence_side"),
        sa.CheckConstraint("size_bytes > 0", name="ck_dispute_evidence_size"),
        schema="orders",
    )
    _index("ix_dispute_evidence_payer_org_id_dispute_id", "dispute_evidence", *DISPUTE, schema="orders")
    _index("ix_dispute_evidence_org_id", "dispute_evidence", "org_id", schema="orders")
    ddl.append_only("orders.dispute_evidence")
    ddl.isolate("orders.dispute_evidence", "payer_org_id", "seller_org_ids[]")


def _parts_of_known() -> None:
    """Each order has its part of the amount, in proportion to what it had of the payment."""
    connection = op.get_bind()
    for dispute in connection.execute(sa.text("SELECT id, payment_id, amount_minor FROM billing.dispute")).all():
        paid = connection.execute(
            sa.text(
                "SELECT payer_org_id, seller_org_id, reference, amount_minor, currency FROM billing.payment_allocation "
                "WHERE payment_id = :payment_id ORDER BY id"
            ),
            {"payment_id": dispute.payment_id},
        ).all()
        parts = allocate(dispute.amount_minor, [one.amount_minor for one in paid])
        for one, minor in zip(paid, parts, strict=True):
            if minor:
                connection.execute(
                    sa.text(
                        "INSERT INTO billing.dispute_part (id, payer_org_id, seller_org_id, dispute_id, reference, "
                        "amount_minor, currency, created_at) SELECT :id, :payer, :seller, d.id, :reference, :minor, "
                        ":currency, d.created_at FROM billing.dispute d WHERE d.id = :dispute_id"
                    ),
                    {
                        "id": uuid7(),
                        "payer": one.payer_org_id,
                        "seller": one.seller_org_id,
                        "reference": one.reference,
                        "minor": minor,
                        "currency": one.currency,
                        "dispute_id": dispute.id,
                    },
                )
        if sum(one.amount_minor for one in paid) != dispute.amount_minor and len(paid) > 1:
            connection.execute(
                sa.text("UPDATE billing.dispute SET basis = 'pro_rata' WHERE id = :id"), {"id": dispute.id}
            )


def _of_dispute(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(DISPUTE),
        ["billing.dispute.payer_org_id", "billing.dispute.id"],
        name=f"fk_{table}_payer_org_id_dispute_id",
    )


def _index(
    name: str, table: str, *columns: str, unique: bool = False, where: str | None = None, schema: str = "billing"
) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, schema=schema, postgresql_where=condition)


def downgrade() -> None:
    """What was said is forgotten; the money of disputes stays as it was booked."""
    op.drop_column("sandbox_operation", "evidence", schema="billing")
    for table, schema in (
        ("dispute_evidence", "orders"),
        ("dispute_statement", "orders"),
        ("dispute_submission", "billing"),
        ("dispute_part", "billing"),
    ):
        op.drop_table(table, schema=schema)
    op.drop_index("ix_dispute_submit_at", "dispute", schema="billing")
    op.drop_index("ix_dispute_open", "dispute", schema="billing")
    _index("ix_dispute_open", "dispute", "created_at", where="state = 'open'")
    op.drop_constraint("uq_dispute_payer_org_id_id", "dispute", schema="billing")
    for name in CHECKS:
        op.drop_constraint(f"ck_dispute_{name}", "dispute", schema="billing")
    for name in (*COUNTS, "basis", "fee_currency", "submission_id", "due_by", "answer_by", "submit_at", "submitted_at"):
        op.drop_column("dispute", name, schema="billing")
