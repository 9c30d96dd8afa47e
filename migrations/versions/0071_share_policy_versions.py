"""Share policies that the operator drafts and publishes, with rules more specific than a category; who earns nothing, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SCOPE = ("listing_id", "seller_id", "channel_id")
TABLE = "billing.share_policy_version"
CONFLICTS = "'same_tax_id'"


def upgrade() -> None:
    """What was published before goes on as it is: rules of whole categories."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in SCOPE:
        op.add_column("share_policy", sa.Column(name, sa.Uuid), schema="billing")
    op.add_column("share_policy", sa.Column("deal_type", sa.Text), schema="billing")
    op.create_foreign_key(
        "fk_share_policy_seller_id",
        "share_policy",
        "organization",
        ["seller_id"],
        ["id"],
        source_schema="billing",
        referent_schema="marketplace",
    )
    op.create_check_constraint(
        "ck_share_policy_deal_type",
        "share_policy",
        "deal_type IN ('new', 'renewal', 'private_offer')",
        schema="billing",
    )
    op.drop_constraint("uq_share_policy_version_category", "share_policy", schema="billing")
    op.create_unique_constraint(
        "uq_share_policy_scope",
        "share_policy",
        ["version", "category", *SCOPE, "deal_type"],
        schema="billing",
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_share_policy_in_force", "share_policy", ["category", "effective_at", "version"], schema="billing"
    )
    op.create_index("ix_share_policy_seller_id", "share_policy", ["seller_id"], schema="billing")
    # What was captured in a quarter; rows come in that order, so that a block range is enough.
    op.create_index("ix_charge_captured_at", "charge", ["captured_at"], schema="billing", postgresql_using="brin")
    op.create_index(
        "ix_subscription_ended",
        "subscription",
        ["buyer_org_id", "seller_org_id"],
        schema="orders",
        postgresql_where=sa.text("state = 'ended'"),
    )
    _versions()
    _terms()
    # Which organizations have the same tax identifier is asked in a buyer's scope, in which a promoter is not to be seen.
    op.execute("""
        CREATE FUNCTION marketplace.same_taxpayers(of_ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
        DECLARE was text := current_setting('app.platform', true); found uuid[];
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT array_agg(DISTINCT o.id) INTO found FROM marketplace.organization p
            JOIN marketplace.organization o ON o.country = p.country AND o.tax_id = p.tax_id
            WHERE p.id = ANY(of_ids) AND o.id <> ALL(of_ids);
            PERFORM set_config('app.platform', coalesce(was, ''), true);
            RETURN coalesce(found, '{}');
        END
        $$""")
    op.execute(f"GRANT EXECUTE ON FUNCTION marketplace.same_taxpayers(uuid[]) TO {ddl.APP_ROLE}")


def _versions() -> None:
    op.create_table(
        "share_policy_version",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_en", sa.Text, nullable=False),
        sa.Column("rules", JSONB, nullable=False),
        sa.Column("effective_at", INSTANT),
        sa.Column("published_at", INSTANT),
        sa.Column("created_by", sa.Uuid),
        sa.Column("published_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_share_policy_version"),
        sa.UniqueConstraint("version", name="uq_share_policy_version_version"),
        sa.CheckConstraint("state IN ('draft', 'published', 'discarded')", name="ck_share_policy_version_state"),
        sa.CheckConstraint(
            "(state = 'published') = (version IS NOT NULL AND effective_at IS NOT NULL AND published_at IS NOT NULL)",
            name="ck_share_policy_version_published",
        ),
        sa.CheckConstraint("effective_at >= published_at", name="ck_share_policy_version_not_in_the_past"),
        schema="billing",
    )
    ddl.grant(TABLE, "SELECT, INSERT, UPDATE")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {TABLE} USING (kernel.is_platform())")
    op.execute(f"CREATE POLICY shown ON {TABLE} FOR SELECT USING (state = 'published')")
    op.execute(
        f"CREATE TRIGGER share_policy_version_undeletable BEFORE DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )
    op.execute("""
        CREATE FUNCTION billing.keep_published_policy() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'share policy % is % and cannot change', OLD.id, OLD.state
              USING ERRCODE = 'restrict_violation'; END $$""")
    op.execute(
        f"CREATE TRIGGER share_policy_version_immutable BEFORE UPDATE ON {TABLE} "
        "FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION billing.keep_published_policy()"
    )


def _terms() -> None:
    for name in ("promoter_conflict", "deal_type"):
        op.add_column("sale_terms", sa.Column(name, sa.Text), schema="orders")
    op.create_check_constraint(
        "ck_sale_terms_earns_nothing",
        "sale_terms",
        "promoter_conflict IS NULL OR promoter_ppm = 0",
        schema="orders",
    )
    op.add_column("share", sa.Column("conflict", sa.Text), schema="billing")
    op.create_check_constraint(
        "ck_share_conflict",
        "share",
        f"conflict IS NULL OR (conflict IN ({CONFLICTS}) AND kind = 'promoter' AND amount_minor = 0)",
        schema="billing",
    )


def downgrade() -> None:
    """Only where nothing more specific than a category was published: its rules would be taken for the category's."""
    op.execute("DROP FUNCTION marketplace.same_taxpayers(uuid[])")
    op.drop_index("ix_subscription_ended", "subscription", schema="orders")
    op.drop_constraint("ck_share_conflict", "share", schema="billing")
    op.drop_column("share", "conflict", schema="billing")
    op.drop_constraint("ck_sale_terms_earns_nothing", "sale_terms", schema="orders")
    for name in ("deal_type", "promoter_conflict"):
        op.drop_column("sale_terms", name, schema="orders")
    op.drop_table("share_policy_version", schema="billing")
    op.execute("DROP FUNCTION billing.keep_published_policy()")
    op.drop_index("ix_charge_captured_at", "charge", schema="billing")
    op.drop_index("ix_share_policy_seller_id", "share_policy", schema="billing")
    op.drop_index("ix_share_policy_in_force", "share_policy", schema="billing")
    op.drop_constraint("uq_share_policy_scope", "share_policy", schema="billing")
    op.create_unique_constraint(
        "uq_share_policy_version_category", "share_policy", ["version", "category"], schema="billing"
    )
    op.drop_constraint("ck_share_policy_deal_type", "share_policy", schema="billing")
    op.drop_constraint("fk_share_policy_seller_id", "share_policy", schema="billing", type_="foreignkey")
    for name in ("deal_type", *reversed(SCOPE)):
        op.drop_column("share_policy", name, schema="billing")
