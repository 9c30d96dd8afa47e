"""Purchase rules of one seller or category, an allow-list, steps of approval and deputies; organizations' own sign-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ORGANIZATION, PERSON = "marketplace.organization.id", "marketplace.person.id"
RULE, APPROVAL = "purchase_rule", "approval"


def upgrade() -> None:
    """Two tables, and more of a rule, a quote, a purchase and an approval. What waited was decided in one step."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rules()
    _policy()
    _deputy()
    for table in ("quote", "purchase"):
        for name in ("approval_reasons", "approval_steps"):
            if (table, name) != ("purchase", "approval_reasons"):
                column = sa.Column(name, postgresql.JSONB, nullable=False, server_default="[]")
                op.add_column(table, column, schema="orders")
                op.alter_column(table, name, server_default=None, schema="orders")
    op.execute("""UPDATE orders.purchase p
        SET approval_steps = '[{"who": "approver", "persons": [], "above_minor": null, "currency": null}]'
        WHERE p.state = 'pending_approval' OR p.approval_reasons <> '[]'
            OR EXISTS (SELECT FROM orders.approval a WHERE a.purchase_id = p.id)""")
    _approvals()
    _own_sign_in()


def _rules() -> None:
    op.add_column(RULE, sa.Column("seller_org_id", sa.Uuid), schema="orders")
    op.add_column(RULE, sa.Column("category", sa.Text), schema="orders")
    op.create_foreign_key(
        "fk_purchase_rule_seller_org_id",
        RULE,
        "organization",
        ["seller_org_id"],
        ["id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    op.drop_constraint("uq_purchase_rule_org_id_currency", RULE, schema="orders")
    op.create_unique_constraint(
        "uq_purchase_rule_org_id_currency_seller_org_id_category",
        RULE,
        ["org_id", "currency", "seller_org_id", "category"],
        schema="orders",
        postgresql_nulls_not_distinct=True,
    )
    op.create_check_constraint(
        op.f("ck_purchase_rule_one_scope"), RULE, "seller_org_id IS NULL OR category IS NULL", schema="orders"
    )
    op.create_check_constraint(
        op.f("ck_purchase_rule_self_approval_of_everything"),
        RULE,
        "NOT self_approval OR (seller_org_id IS NULL AND category IS NULL)",
        schema="orders",
    )
    op.create_index(
        "ix_purchase_rule_seller_org_id",
        RULE,
        ["seller_org_id"],
        schema="orders",
        postgresql_where=sa.text("seller_org_id IS NOT NULL"),
    )
    op.create_index(
        "ix_purchase_pending_approval",
        "purchase",
        ["buyer_org_id"],
        schema="orders",
        postgresql_where=sa.text("state = 'pending_approval'"),
    )


def _policy() -> None:
    op.create_table(
        "purchase_policy",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("allow_mode", sa.Text, nullable=False),
        *(
            sa.Column(name, postgresql.ARRAY(sa.Uuid), nullable=False)
            for name in ("allowed_sellers", "allowed_listings")
        ),
        sa.Column("steps", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_purchase_policy"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_purchase_policy_org_id"),
        sa.UniqueConstraint("org_id", name="uq_purchase_policy_org_id"),
        sa.CheckConstraint("allow_mode IN ('off', 'ask', 'refuse')", name="ck_purchase_policy_allow_mode"),
        schema="orders",
    )
    ddl.grant("orders.purchase_policy")
    ddl.isolate("orders.purchase_policy", "org_id")


def _deputy() -> None:
    op.create_table(
        "approval_deputy",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "person_id", "deputy_id")),
        *(sa.Column(name, sa.Date, nullable=False) for name in ("starts_on", "ends_on")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_approval_deputy"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_approval_deputy_org_id"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.person.id"], name=f"fk_approval_deputy_{name}")
            for name in ("person_id", "deputy_id")
        ),
        sa.CheckConstraint("person_id <> deputy_id", name="ck_approval_deputy_two"),
        sa.CheckConstraint("starts_on <= ends_on", name="ck_approval_deputy_days"),
        sa.Index(
            "uq_approval_deputy_days",
            "org_id",
            "person_id",
            "deputy_id",
            "starts_on",
            "ends_on",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        sa.Index("ix_approval_deputy_org_id", "org_id", "deputy_id"),
        sa.Index("ix_approval_deputy_person_id", "person_id"),
        sa.Index("ix_approval_deputy_deputy_id", "deputy_id"),
        schema="orders",
    )
    ddl.grant("orders.approval_deputy")
    ddl.isolate("orders.approval_deputy", "org_id")


def _approvals() -> None:
    op.add_column(APPROVAL, sa.Column("step", sa.BigInteger, nullable=False, server_default="1"), schema="orders")
    op.alter_column(APPROVAL, "step", server_default=None, schema="orders")
    op.add_column(APPROVAL, sa.Column("decided_for", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_approval_decided_for",
        APPROVAL,
        "person",
        ["decided_for"],
        ["id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    op.drop_constraint("uq_approval_purchase_id", APPROVAL, schema="orders")
    op.create_unique_constraint("uq_approval_purchase_id_step", APPROVAL, ["purchase_id", "step"], schema="orders")
    op.create_check_constraint(op.f("ck_approval_step"), APPROVAL, "step >= 1", schema="orders")
    op.create_check_constraint(op.f("ck_approval_deputy"), APPROVAL, "decided_for <> decided_by", schema="orders")
    op.create_index(
        "ix_approval_decided_for",
        APPROVAL,
        ["decided_for"],
        schema="orders",
        postgresql_where=sa.text("decided_for IS NOT NULL"),
    )


def _own_sign_in() -> None:
    required = sa.Column("requires_provider", sa.Boolean, nullable=False, server_default="false")
    op.add_column("organization", required, schema="marketplace")
    op.alter_column("organization", "requires_provider", server_default=None, schema="marketplace")
    op.add_column("session", sa.Column("provider_org_id", sa.Uuid), schema="marketplace")
    op.create_foreign_key(
        "fk_session_provider_org_id",
        "session",
        "organization",
        ["provider_org_id"],
        ["id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_index(
        "ix_session_provider_org_id",
        "session",
        ["provider_org_id"],
        schema="marketplace",
        postgresql_where=sa.text("provider_org_id IS NOT NULL"),
    )
    op.create_table(
        "identity_provider",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("issuer", "client_id", "secret_sealed")),
        sa.Column("default_role", sa.Text),
        sa.Column("is_required", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_provider"),
        sa.ForeignKeyConstraint(["org_id"], [ORGANIZATION], name="fk_identity_provider_org_id"),
        sa.UniqueConstraint("org_id", name="uq_identity_provider_org_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.identity_provider")
    ddl.isolate("marketplace.identity_provider", "org_id")
    _domains()
    op.create_table(
        "provider_identity",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "provider_id", "person_id")),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_identity"),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["marketplace.identity_provider.id"],
            name="fk_provider_identity_provider_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["person_id"], [PERSON], name="fk_provider_identity_person_id"),
        sa.UniqueConstraint("provider_id", "subject", name="uq_provider_identity_provider_id_subject"),
        sa.UniqueConstraint("provider_id", "person_id", name="uq_provider_identity_provider_id_person_id"),
        sa.Index("ix_provider_identity_person_id", "person_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.provider_identity")
    op.execute("ALTER TABLE marketplace.provider_identity ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.provider_identity FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON marketplace.provider_identity USING (kernel.is_platform())")


def _domains() -> None:
    op.create_table(
        "email_domain",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("domain", "state")),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_email_domain"),
        sa.ForeignKeyConstraint(["org_id"], [ORGANIZATION], name="fk_email_domain_org_id"),
        sa.CheckConstraint("state IN ('pending', 'approved', 'refused', 'removed')", name="ck_email_domain_state"),
        sa.CheckConstraint("domain = lower(domain)", name="ck_email_domain_lower"),
        sa.CheckConstraint(
            "(state IN ('approved', 'refused')) <= (decided_at IS NOT NULL)", name="ck_email_domain_decided"
        ),
        sa.Index("uq_email_domain_approved", "domain", unique=True, postgresql_where=sa.text("state = 'approved'")),
        sa.Index(
            "uq_email_domain_org_id_domain",
            "org_id",
            "domain",
            unique=True,
            postgresql_where=sa.text("state IN ('pending', 'approved')"),
        ),
        sa.Index("ix_email_domain_org_id", "org_id", "domain"),
        sa.Index("ix_email_domain_pending", "created_at", "id", postgresql_where=sa.text("state = 'pending'")),
        schema="marketplace",
    )
    ddl.grant("marketplace.email_domain")
    ddl.isolate("marketplace.email_domain", "org_id")


def downgrade() -> None:
    """Rules of one seller or category go, and of several decisions of a purchase the last remains."""
    for table in ("provider_identity", "email_domain", "identity_provider"):
        op.drop_table(table, schema="marketplace")
    op.drop_index("ix_purchase_pending_approval", table_name="purchase", schema="orders")
    op.drop_column("session", "provider_org_id", schema="marketplace")
    op.drop_column("organization", "requires_provider", schema="marketplace")
    op.execute(f"ALTER TABLE orders.{APPROVAL} DISABLE TRIGGER USER")
    op.execute("""DELETE FROM orders.approval a USING orders.approval later
        WHERE later.purchase_id = a.purchase_id AND later.step > a.step""")
    op.execute(f"ALTER TABLE orders.{APPROVAL} ENABLE TRIGGER USER")
    op.drop_constraint("uq_approval_purchase_id_step", APPROVAL, schema="orders")
    op.create_unique_constraint("uq_approval_purchase_id", APPROVAL, ["purchase_id"], schema="orders")
    for name in ("step", "decided_for"):
        op.drop_column(APPROVAL, name, schema="orders")
    for table, name in (
        ("quote", "approval_reasons"),
        ("quote", "approval_steps"),
        ("purchase", "approval_steps"),
    ):
        op.drop_column(table, name, schema="orders")
    for table in ("approval_deputy", "purchase_policy"):
        op.drop_table(table, schema="orders")
    op.execute(f"DELETE FROM orders.{RULE} WHERE seller_org_id IS NOT NULL OR category IS NOT NULL")
    op.drop_constraint("uq_purchase_rule_org_id_currency_seller_org_id_category", RULE, schema="orders")
    for name in ("seller_org_id", "category"):
        op.drop_column(RULE, name, schema="orders")
    op.create_unique_constraint("uq_purchase_rule_org_id_currency", RULE, ["org_id", "currency"], schema="orders")
