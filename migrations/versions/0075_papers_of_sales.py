"""Issued invoices whose title was wrong, superseded by one with another title; receipts, pro-forma invoices, statements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

KINDS = "'receipt', 'quote_pro_forma', 'purchase_pro_forma', 'buyer_statement'"
INSTANT = sa.DateTime(timezone=True)
FILES = "'pdf_key', 'pdf_sha256', 'xml_key', 'xml_sha256', 'rendered_at'"
STANDING = "kind <> 'credit_note' AND superseded_at IS NULL"


def upgrade() -> None:
    """No title was corrected yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("invoice", sa.Column("corrects_invoice_id", sa.Uuid), schema="billing")
    op.add_column("invoice", sa.Column("superseded_at", INSTANT), schema="billing")
    op.create_foreign_key(
        "fk_invoice_corrects_invoice_id",
        "invoice",
        "invoice",
        ["corrects_invoice_id"],
        ["id"],
        source_schema="billing",
        referent_schema="billing",
    )
    for name in ("corrects", "superseded"):
        column = "corrects_invoice_id" if name == "corrects" else "superseded_at"
        op.create_check_constraint(
            f"ck_invoice_{name}", "invoice", f"{column} IS NULL OR kind = 'invoice'", schema="billing"
        )
    _reference(STANDING)
    op.create_index(
        "uq_invoice_corrects",
        "invoice",
        ["corrects_invoice_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("corrects_invoice_id IS NOT NULL"),
    )
    op.create_index(
        "uq_invoice_correction_note",
        "invoice",
        ["original_invoice_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("kind = 'credit_note' AND refund_id IS NULL"),
    )
    # It says nothing of what is on the document, and is said once.
    _keep_issued(
        f"{FILES}, 'superseded_at'",
        "(OLD.superseded_at IS NOT NULL AND NEW.superseded_at IS DISTINCT FROM OLD.superseded_at)",
    )
    _papers()
    _statements()


def _papers() -> None:
    needed = {"id": sa.Uuid, "buyer_org_id": sa.Uuid, "kind": sa.Text, "subject_id": sa.Uuid, "language": sa.Text}
    op.create_table(
        "sale_paper",
        *(sa.Column(name, kind, nullable=False) for name, kind in (needed | {"number": sa.Text}).items()),
        *(sa.Column(name, sa.Text) for name in ("file_key", "file_sha256")),
        sa.Column("drawn_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sale_paper"),
        sa.ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"], name="fk_sale_paper_buyer_org_id"),
        sa.UniqueConstraint("kind", "subject_id", "language", name="uq_sale_paper_kind_subject_id_language"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_sale_paper_kind"),
        sa.CheckConstraint("language IN ('zh-CN', 'en', 'bilingual')", name="ck_sale_paper_language"),
        sa.CheckConstraint("(file_key IS NULL) = (drawn_at IS NULL)", name="ck_sale_paper_drawn"),
        sa.CheckConstraint("(file_key IS NULL) = (file_sha256 IS NULL)", name="ck_sale_paper_digest"),
        sa.Index("ix_sale_paper_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        schema="orders",
    )
    ddl.grant("orders.sale_paper", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.sale_paper", "buyer_org_id")


def _statements() -> None:
    said = ("number", "content", "content_sha256", "previous_hash", "hash", "signature", "verification_code")
    op.create_table(
        "buyer_statement",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "buyer_org_id")),
        sa.Column("month", sa.Date, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in said),
        sa.Column("closed_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_buyer_statement"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id"], ["marketplace.organization.id"], name="fk_buyer_statement_buyer_org_id"
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["marketplace.person.id"], name="fk_buyer_statement_closed_by"),
        sa.UniqueConstraint("buyer_org_id", "month", name="uq_buyer_statement_buyer_org_id_month"),
        sa.UniqueConstraint("buyer_org_id", "previous_hash", name="uq_buyer_statement_buyer_org_id_previous_hash"),
        sa.UniqueConstraint("verification_code", name="uq_buyer_statement_verification_code"),
        sa.CheckConstraint("date_trunc('month', month) = month", name="ck_buyer_statement_month"),
        *(
            sa.CheckConstraint(f"{name} ~ '^[0-9a-f]{{64}}$'", name=f"ck_buyer_statement_{name}")
            for name in ("content_sha256", "hash")
        ),
        sa.Index("ix_buyer_statement_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        sa.Index("ix_buyer_statement_closed_by", "closed_by"),
        schema="orders",
    )
    ddl.append_only("orders.buyer_statement")
    ddl.isolate("orders.buyer_statement", "buyer_org_id")


def _reference(where: str) -> None:
    op.drop_index("uq_invoice_reference", table_name="invoice", schema="billing")
    op.create_index(
        "uq_invoice_reference",
        "invoice",
        ["reference"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text(where),
    )


def _keep_issued(changes: str, refused: str) -> None:
    op.execute(f"""
        CREATE OR REPLACE FUNCTION billing.keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (to_jsonb(NEW) - ARRAY[{changes}]) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{changes}])
               OR (OLD.pdf_sha256 IS NOT NULL AND NEW.pdf_sha256 IS DISTINCT FROM OLD.pdf_sha256)
               OR (OLD.xml_sha256 IS NOT NULL AND NEW.xml_sha256 IS DISTINCT FROM OLD.xml_sha256)
               OR {refused} THEN
                RAISE EXCEPTION 'document % is issued and cannot change', OLD.number
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""")


def downgrade() -> None:
    """Only where no title was corrected: two invoices of one order could not stand beside each other."""
    for name in ("buyer_statement", "sale_paper"):
        op.drop_table(name, schema="orders")
    _keep_issued(FILES, "false")
    for name in ("uq_invoice_correction_note", "uq_invoice_corrects"):
        op.drop_index(name, table_name="invoice", schema="billing")
    _reference("kind <> 'credit_note'")
    for name in ("superseded_at", "corrects_invoice_id"):
        op.drop_column("invoice", name, schema="billing")
