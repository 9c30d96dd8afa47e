"""Documents that are sent on to an address outside. Plans of sellers for whoever promotes, with chains and caps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KINDS = "'seller', 'promoter', 'commission'"


def upgrade() -> None:
    """None was sent on yet, and there is no plan: what was sold keeps the terms of the policy."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _forwards()
    _plans()
    _memberships()
    _months()
    _shares()
    _offered()


def _forwards() -> None:
    op.create_table(
        "invoice_forward",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("to_address", sa.Text, nullable=False),
        sa.Column("invoice_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_forward"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_invoice_forward_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_invoice_forward_person_id"),
        sa.CheckConstraint("cardinality(invoice_ids) BETWEEN 1 AND 100", name="ck_invoice_forward_number"),
        sa.CheckConstraint("expires_at > created_at", name="ck_invoice_forward_ends"),
        sa.Index("ix_invoice_forward_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_invoice_forward_person_id", "person_id"),
        schema="billing",
    )
    ddl.grant("billing.invoice_forward", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.invoice_forward", "org_id")


def _plans() -> None:
    op.create_table(
        "promoter_plan",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rate_ppm", sa.BigInteger, nullable=False),
        sa.Column("distributor_org_id", sa.Uuid),
        sa.Column("distributor_ppm", sa.BigInteger, nullable=False),
        sa.Column("service_org_id", sa.Uuid),
        sa.Column("service_ppm", sa.BigInteger, nullable=False),
        sa.Column("order_cap_minor", sa.BigInteger),
        sa.Column("month_cap_minor", sa.BigInteger),
        sa.Column("currency", sa.CHAR(3)),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT),
        sa.Column("created_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promoter_plan"),
        sa.UniqueConstraint("seller_org_id", "id", name="uq_promoter_plan_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_promoter_plan_seller_org_id_listing_id",
        ),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.organization.id"], name=f"fk_promoter_plan_{name}")
            for name in ("distributor_org_id", "service_org_id")
        ),
        sa.CheckConstraint("kind IN ('general', 'targeted', 'exclusive')", name="ck_promoter_plan_kind"),
        sa.CheckConstraint("rate_ppm BETWEEN 1 AND 900000", name="ck_promoter_plan_rate"),
        sa.CheckConstraint(
            "distributor_ppm >= 0 AND service_ppm >= 0 AND distributor_ppm + service_ppm < rate_ppm",
            name="ck_promoter_plan_chain",
        ),
        sa.CheckConstraint("(distributor_org_id IS NULL) = (distributor_ppm = 0)", name="ck_promoter_plan_distributor"),
        sa.CheckConstraint("(service_org_id IS NULL) = (service_ppm = 0)", name="ck_promoter_plan_service"),
        sa.CheckConstraint("order_cap_minor > 0 AND month_cap_minor > 0", name="ck_promoter_plan_caps"),
        sa.CheckConstraint(
            "(currency IS NULL) = (order_cap_minor IS NULL AND month_cap_minor IS NULL)",
            name="ck_promoter_plan_cap_currency",
        ),
        sa.CheckConstraint("ends_at >= starts_at", name="ck_promoter_plan_ends"),
        sa.Index(
            "uq_promoter_plan_in_force", "listing_id", "kind", unique=True, postgresql_where=sa.text("ends_at IS NULL")
        ),
        sa.Index("ix_promoter_plan_listing_id", "listing_id", "starts_at"),
        *(
            sa.Index(f"ix_promoter_plan_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
            for name in ("distributor_org_id", "service_org_id")
        ),
        schema="billing",
    )
    _keep("promoter_plan", "seller_org_id")


def _memberships() -> None:
    op.create_table(
        "promoter_membership",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "plan_id", "seller_org_id", "promoter_org_id")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("counts_from", INSTANT),
        sa.Column("counts_until", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promoter_membership"),
        *_of_plan("promoter_membership"),
        sa.CheckConstraint(
            "state IN ('invited', 'applied', 'accepted', 'declined', 'ended')", name="ck_promoter_membership_state"
        ),
        sa.CheckConstraint("promoter_org_id <> seller_org_id", name="ck_promoter_membership_other"),
        sa.CheckConstraint("(counts_from IS NOT NULL) >= (state = 'accepted')", name="ck_promoter_membership_counts"),
        sa.CheckConstraint("counts_until >= counts_from", name="ck_promoter_membership_until"),
        sa.Index(
            "uq_promoter_membership_open",
            "plan_id",
            "promoter_org_id",
            unique=True,
            postgresql_where=sa.text("state IN ('invited', 'applied', 'accepted')"),
        ),
        sa.Index("ix_promoter_membership_promoter_org_id", "promoter_org_id", "created_at", "id"),
        sa.Index("ix_promoter_membership_seller_org_id", "seller_org_id", "plan_id"),
        schema="billing",
    )
    _keep("promoter_membership", "seller_org_id", "promoter_org_id")


def _months() -> None:
    op.create_table(
        "promoter_month",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "plan_id", "seller_org_id", "promoter_org_id")),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("used_minor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promoter_month"),
        sa.UniqueConstraint(
            "plan_id", "promoter_org_id", "month", name="uq_promoter_month_plan_id_promoter_org_id_month"
        ),
        *_of_plan("promoter_month"),
        sa.CheckConstraint("used_minor >= 0", name="ck_promoter_month_used"),
        sa.Index("ix_promoter_month_seller_org_id", "seller_org_id", "plan_id"),
        sa.Index("ix_promoter_month_promoter_org_id", "promoter_org_id"),
        schema="billing",
    )
    _keep("promoter_month", "seller_org_id", "promoter_org_id")


def _of_plan(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["billing.promoter_plan.seller_org_id", "billing.promoter_plan.id"],
            name=f"fk_{table}_seller_org_id_plan_id",
        ),
        sa.ForeignKeyConstraint(
            ["promoter_org_id"], ["marketplace.organization.id"], name=f"fk_{table}_promoter_org_id"
        ),
    )


def _keep(table: str, *sides: str) -> None:
    ddl.grant(f"billing.{table}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"billing.{table}", *sides)
    ddl.leave_room(f"billing.{table}")


def _shares() -> None:
    op.add_column("share", sa.Column("cap_minor", sa.BigInteger), schema="billing")
    op.create_check_constraint("ck_share_cap", "share", "cap_minor >= 0", schema="billing")
    op.drop_constraint("ck_share_kind", "share", schema="billing")
    op.create_check_constraint(
        "ck_share_kind", "share", f"kind IN ({KINDS}, 'distributor', 'service_provider')", schema="billing"
    )
    op.drop_constraint("ck_share_conflict", "share", schema="billing")
    _conflict("'same_tax_id', 'not_chosen'")
    op.add_column("sale_terms", sa.Column("promotion", postgresql.JSONB), schema="orders")


def _conflict(reasons: str) -> None:
    op.create_check_constraint(
        "ck_share_conflict",
        "share",
        f"conflict IS NULL OR (conflict IN ({reasons}) AND kind = 'promoter' AND amount_minor = 0)",
        schema="billing",
    )


def _offered() -> None:
    """A buyer reads no seller's plan: the function answers what a sale of this listing may get, in the platform's scope."""
    op.execute("""
        CREATE FUNCTION billing.promoter_plans_of(of_listing uuid, on_at timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
        DECLARE was text := current_setting('app.platform', true); found jsonb;
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT jsonb_agg(jsonb_build_object(
                'id', p.id, 'kind', p.kind, 'rate_ppm', p.rate_ppm, 'distributor_org_id', p.distributor_org_id,
                'distributor_ppm', p.distributor_ppm, 'service_org_id', p.service_org_id, 'service_ppm', p.service_ppm,
                'order_cap_minor', p.order_cap_minor, 'month_cap_minor', p.month_cap_minor, 'currency', p.currency,
                'promoters', (SELECT coalesce(jsonb_agg(m.promoter_org_id), '[]'::jsonb) FROM billing.promoter_membership m
                              WHERE m.seller_org_id = p.seller_org_id AND m.plan_id = p.id AND m.counts_from <= on_at
                                AND coalesce(m.counts_until > on_at, true))))
            INTO found FROM billing.promoter_plan p
            WHERE p.listing_id = of_listing AND p.starts_at <= on_at AND coalesce(p.ends_at > on_at, true);
            PERFORM set_config('app.platform', coalesce(was, ''), true);
            RETURN coalesce(found, '[]'::jsonb);
        END
        $$""")
    op.execute(f"GRANT EXECUTE ON FUNCTION billing.promoter_plans_of(uuid, timestamptz) TO {ddl.APP_ROLE}")


def downgrade() -> None:
    """What was sent on, and plans, are forgotten; shares of their chains must be gone."""
    op.execute("DROP FUNCTION billing.promoter_plans_of(uuid, timestamptz)")
    op.drop_column("sale_terms", "promotion", schema="orders")
    op.drop_constraint("ck_share_conflict", "share", schema="billing")
    _conflict("'same_tax_id'")
    op.drop_constraint("ck_share_kind", "share", schema="billing")
    op.create_check_constraint("ck_share_kind", "share", f"kind IN ({KINDS})", schema="billing")
    op.drop_constraint("ck_share_cap", "share", schema="billing")
    op.drop_column("share", "cap_minor", schema="billing")
    for table in ("promoter_month", "promoter_membership", "promoter_plan", "invoice_forward"):
        op.drop_table(table, schema="billing")
