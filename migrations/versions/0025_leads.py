"""A seller is asked for a demo, a quote or advice: leads, what both sides write, and the seller's own notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ACTION = "marketplace.placement DROP CONSTRAINT ck_placement_action"


def upgrade() -> None:
    """Three tables; the notes are the seller's alone. A card may offer advice, too."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _lead()
    _message()
    _note()
    op.execute(f"ALTER TABLE {ACTION}")
    op.create_check_constraint(
        "ck_placement_action",
        "placement",
        "action IN ('buy', 'trial', 'demo', 'quote', 'consult')",
        schema="marketplace",
    )


def _lead() -> None:
    op.create_table(
        "lead",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("buyer_name", "kind", "state")),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("plan_id", sa.Uuid),
        sa.Column("quantity", sa.BigInteger),
        sa.Column("placement_id", sa.Uuid),
        sa.Column("second_ms", sa.BigInteger),
        sa.Column("asked_by", sa.Uuid, nullable=False),
        *(sa.Column(f"contact_{name}", sa.Text, nullable=False) for name in ("name", "email", "phone")),
        sa.Column("consent_version", sa.Text),
        sa.Column("consent_text", sa.Text),
        sa.Column("consented_at", INSTANT),
        sa.Column("assigned_to", sa.Uuid),
        sa.Column("due_on", sa.Date),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lead"),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_lead_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint([column], [f"marketplace.{table}.id"], name=f"fk_lead_{column}")
            for column, table in (
                ("buyer_org_id", "organization"),
                ("placement_id", "placement"),
                ("asked_by", "person"),
                ("assigned_to", "person"),
            )
        ),
        *(
            sa.ForeignKeyConstraint(
                ["seller_org_id", f"{table}_id"],
                [f"marketplace.{table}.org_id", f"marketplace.{table}.id"],
                name=f"fk_lead_seller_org_id_{table}_id",
            )
            for table in ("listing", "plan")
        ),
        sa.CheckConstraint("kind IN ('demo', 'quote', 'consult')", name="ck_lead_kind"),
        sa.CheckConstraint("state IN ('new', 'working', 'answered', 'won', 'lost', 'withdrawn')", name="ck_lead_state"),
        sa.CheckConstraint("buyer_org_id <> seller_org_id", name="ck_lead_of_another"),
        sa.CheckConstraint("quantity >= 1", name="ck_lead_quantity"),
        sa.CheckConstraint("second_ms >= 0", name="ck_lead_second"),
        sa.CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="ck_lead_consent",
        ),
        sa.CheckConstraint(
            "consented_at IS NOT NULL OR (contact_name = '' AND contact_email = '' AND contact_phone = '')",
            name="ck_lead_no_contact_without_consent",
        ),
        sa.Index(
            "uq_lead_open",
            "buyer_org_id",
            "listing_id",
            "kind",
            unique=True,
            postgresql_where=sa.text("state IN ('new', 'working', 'answered')"),
        ),
        sa.Index("ix_lead_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        sa.Index("ix_lead_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index("ix_lead_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index("ix_lead_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index("ix_lead_placement_id", "placement_id", postgresql_where=sa.text("placement_id IS NOT NULL")),
        sa.Index("ix_lead_asked_by", "asked_by"),
        sa.Index("ix_lead_assigned_to", "assigned_to", postgresql_where=sa.text("assigned_to IS NOT NULL")),
        schema="marketplace",
    )
    ddl.grant("marketplace.lead")
    ddl.isolate("marketplace.lead", "buyer_org_id", "seller_org_id")


def _message() -> None:
    op.create_table(
        "lead_message",
        *(sa.Column(n, sa.Uuid, nullable=False) for n in ("id", "lead_id", "buyer_org_id", "seller_org_id")),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lead_message"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "lead_id"],
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
            name="fk_lead_message_buyer_org_id_seller_org_id_lead_id",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_lead_message_person_id"),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_lead_message_side"),
        sa.CheckConstraint("text <> ''", name="ck_lead_message_text"),
        sa.Index("ix_lead_message_buyer_org_id", "buyer_org_id", "seller_org_id", "lead_id", "created_at"),
        sa.Index("ix_lead_message_seller_org_id", "seller_org_id", "lead_id"),
        sa.Index("ix_lead_message_lead_id", "lead_id", "created_at"),
        sa.Index("ix_lead_message_person_id", "person_id"),
        schema="marketplace",
    )
    ddl.isolate("marketplace.lead_message", "buyer_org_id", "seller_org_id")
    ddl.append_only("marketplace.lead_message")


def _note() -> None:
    op.create_table(
        "lead_note",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "lead_id", "seller_org_id", "person_id")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lead_note"),
        sa.ForeignKeyConstraint(["lead_id"], ["marketplace.lead.id"], name="fk_lead_note_lead_id"),
        sa.ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"], name="fk_lead_note_seller_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_lead_note_person_id"),
        sa.CheckConstraint("text <> ''", name="ck_lead_note_text"),
        sa.Index("ix_lead_note_seller_org_id", "seller_org_id", "lead_id", "created_at"),
        sa.Index("ix_lead_note_lead_id", "lead_id"),
        sa.Index("ix_lead_note_person_id", "person_id"),
        schema="marketplace",
    )
    ddl.isolate("marketplace.lead_note", "seller_org_id")
    ddl.append_only("marketplace.lead_note")


def downgrade() -> None:
    """Forget them; what asked for advice asks for a quote."""
    op.execute("UPDATE marketplace.placement SET action = 'quote' WHERE action = 'consult'")
    op.execute(f"ALTER TABLE {ACTION}")
    op.create_check_constraint(
        "ck_placement_action", "placement", "action IN ('buy', 'trial', 'demo', 'quote')", schema="marketplace"
    )
    for table in ("lead_note", "lead_message", "lead"):
        op.drop_table(table, schema="marketplace")
