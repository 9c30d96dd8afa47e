"""Chinese tax invoices (数电票): asked for, numbered by an issuer, taken back by red letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
WAITING = "state IN ('awaiting_buyer', 'awaiting_seller')"


def upgrade() -> None:
    """Nobody has asked for any yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("invoice", sa.Column("reddened_at", INSTANT), schema="billing")
    _requests()
    _documents()
    _lines()
    _red_letters()
    _sources()


def _ids(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, *names)]


def _minor(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in names]


def _text(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _own(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [*SIDES, column],
        [f"billing.{parent}.{name}" for name in (*SIDES, "id")],
        name=f"fk_{table}_buyer_org_id_seller_org_id_{column}",
    )


def _kept(table: str, *, added_only: bool = False) -> None:
    ddl.isolate(f"billing.{table}", *SIDES)
    if added_only:
        ddl.append_only(f"billing.{table}")
    else:
        ddl.grant(f"billing.{table}", "SELECT, INSERT, UPDATE")


def _undeletable(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_undeletable BEFORE DELETE ON billing.{table} "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )


def _requests() -> None:
    op.create_table(
        "fapiao_request",
        *_ids(),
        *_text("state", "kind"),
        *(sa.Column(name, sa.dialects.postgresql.JSONB, nullable=False) for name in ("buyer", "seller")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *_minor("net", "tax", "gross"),
        *_text("remarks", "issuer"),
        sa.Column("sandbox", sa.Boolean, nullable=False),
        sa.Column("failure_code", sa.Text),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("concluded_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_fapiao_request"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_fapiao_request_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.organization.id"], name=f"fk_fapiao_request_{name}")
            for name in SIDES
        ),
        sa.CheckConstraint("kind IN ('ordinary', 'special')", name="ck_fapiao_request_kind"),
        sa.CheckConstraint("state IN ('requested', 'queued', 'issued', 'failed')", name="ck_fapiao_request_state"),
        sa.CheckConstraint("(state = 'failed') = (failure_code IS NOT NULL)", name="ck_fapiao_request_failure"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor AND gross_minor > 0", name="ck_fapiao_request_gross"),
        *(sa.Index(f"ix_fapiao_request_{name}_created_at", name, "created_at", "id") for name in SIDES),
        sa.Index(
            "ix_fapiao_request_unfinished", "created_at", postgresql_where=sa.text("state IN ('requested', 'queued')")
        ),
        schema="billing",
    )
    _kept("fapiao_request")
    _undeletable("fapiao_request")


def _documents() -> None:
    op.create_table(
        "fapiao",
        *_ids("request_id"),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("original_id", sa.Uuid),
        sa.Column("number", sa.CHAR(20)),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *_minor("net", "tax", "gross"),
        sa.Column("issued_at", INSTANT),
        sa.Column("issued_on", sa.Date),
        sa.Column("used_at", INSTANT),
        *(sa.Column(name, sa.Text) for name in ("pdf_key", "pdf_sha256", "xml_key", "xml_sha256")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fapiao"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_fapiao_buyer_org_id_seller_org_id_id"),
        sa.UniqueConstraint("request_id", "position", name="uq_fapiao_request_id_position"),
        _own("fapiao", "request_id", "fapiao_request"),
        _own("fapiao", "original_id", "fapiao"),
        sa.CheckConstraint("direction IN ('blue', 'red')", name="ck_fapiao_direction"),
        sa.CheckConstraint("(direction = 'red') = (original_id IS NOT NULL)", name="ck_fapiao_original"),
        sa.CheckConstraint("number ~ '^[0-9]{20}$'", name="ck_fapiao_number"),
        sa.CheckConstraint(
            "(number IS NULL) = (issued_at IS NULL) AND (number IS NULL) = (issued_on IS NULL) "
            "AND (number IS NULL) = (pdf_key IS NULL)",
            name="ck_fapiao_issued",
        ),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_fapiao_gross"),
        sa.Index("uq_fapiao_number", "number", unique=True),
        sa.Index("ix_fapiao_original_id", "original_id", postgresql_where=sa.text("original_id IS NOT NULL")),
        schema="billing",
    )
    _kept("fapiao")
    _undeletable("fapiao")
    op.execute("""
        CREATE FUNCTION billing.keep_issued_fapiao() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (to_jsonb(NEW) - 'used_at') IS DISTINCT FROM (to_jsonb(OLD) - 'used_at')
               OR (OLD.used_at IS NOT NULL AND NEW.used_at IS DISTINCT FROM OLD.used_at) THEN
                RAISE EXCEPTION 'tax invoice % is issued and cannot change', OLD.number
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER fapiao_immutable BEFORE UPDATE ON billing.fapiao "
        "FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION billing.keep_issued_fapiao()"
    )


def _lines() -> None:
    op.create_table(
        "fapiao_line",
        *_ids("fapiao_id"),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("invoice_line_id", sa.Uuid, nullable=False),
        *_text("name", "unit"),
        sa.Column("quantity", sa.Numeric(20, 6), nullable=False),
        *_text("tax_category"),
        sa.Column("tax_rate_ppm", sa.BigInteger, nullable=False),
        *_text("tax_reason"),
        *_minor("net", "tax", "gross"),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fapiao_line"),
        sa.UniqueConstraint("fapiao_id", "position", name="uq_fapiao_line_fapiao_id_position"),
        _own("fapiao_line", "fapiao_id", "fapiao"),
        sa.ForeignKeyConstraint(
            ["invoice_line_id"], ["billing.invoice_line.id"], name="fk_fapiao_line_invoice_line_id"
        ),
        sa.CheckConstraint("tax_category IN ('S', 'Z', 'E', 'O')", name="ck_fapiao_line_tax_category"),
        sa.CheckConstraint("net_minor + tax_minor = gross_minor", name="ck_fapiao_line_gross"),
        sa.Index("ix_fapiao_line_invoice_line_id", "invoice_line_id"),
        schema="billing",
    )
    _kept("fapiao_line", added_only=True)


def _red_letters() -> None:
    op.create_table(
        "red_letter",
        *_ids("fapiao_id", "red_id", "note_id"),
        *_text("state"),
        sa.Column("number", sa.CHAR(20)),
        *_text("reason"),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *_minor("gross"),
        sa.Column("expires_at", INSTANT),
        sa.Column("issuing_at", INSTANT),
        sa.Column("failure_code", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("concluded_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_red_letter"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_red_letter_buyer_org_id_seller_org_id_id"),
        _own("red_letter", "fapiao_id", "fapiao"),
        _own("red_letter", "red_id", "fapiao"),
        _own("red_letter", "note_id", "invoice"),
        sa.CheckConstraint(
            "state IN ('unneeded', 'awaiting_buyer', 'awaiting_seller', 'confirmed', 'denied_by_buyer', "
            "'denied_by_seller', 'expired', 'withdrawn', 'revoked')",
            name="ck_red_letter_state",
        ),
        sa.CheckConstraint("reason IN ('mistake', 'returned', 'ended', 'allowance')", name="ck_red_letter_reason"),
        sa.CheckConstraint("number ~ '^[0-9]{20}$'", name="ck_red_letter_number"),
        sa.CheckConstraint(
            "state NOT IN ('awaiting_buyer', 'awaiting_seller') OR expires_at IS NOT NULL", name="ck_red_letter_expiry"
        ),
        sa.Index("uq_red_letter_number", "number", unique=True),
        sa.Index("uq_red_letter_red_id", "red_id", unique=True),
        sa.Index("ix_red_letter_fapiao_id", "fapiao_id"),
        sa.Index("ix_red_letter_note_id", "note_id"),
        *(sa.Index(f"ix_red_letter_{name}_created_at", name, "created_at", "id") for name in SIDES),
        sa.Index("ix_red_letter_expires_at", "expires_at", postgresql_where=sa.text(WAITING)),
        schema="billing",
    )
    _kept("red_letter")
    _undeletable("red_letter")
    ddl.leave_room("billing.red_letter", "billing.fapiao", "billing.fapiao_request")


def _sources() -> None:
    op.create_table(
        "fapiao_source",
        *_ids("invoice_id", "request_id"),
        *_minor("gross"),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fapiao_source"),
        sa.UniqueConstraint("invoice_id", name="uq_fapiao_source_invoice_id"),
        _own("fapiao_source", "invoice_id", "invoice"),
        sa.CheckConstraint("gross_minor > 0", name="ck_fapiao_source_gross"),
        sa.Index("ix_fapiao_source_request_id", "request_id"),
        schema="billing",
    )
    _kept("fapiao_source", added_only=True)


def downgrade() -> None:
    """Only where nobody asked for any."""
    for table in ("fapiao_source", "red_letter", "fapiao_line", "fapiao", "fapiao_request"):
        op.drop_table(table, schema="billing")
    op.execute("DROP FUNCTION billing.keep_issued_fapiao()")
    op.drop_column("invoice", "reddened_at", schema="billing")
