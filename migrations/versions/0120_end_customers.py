"""A dealer orders for end customers, which agree to it and use what was ordered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0120"
down_revision = "0119"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "end_customer"
SIDES = [f"marketplace.{TABLE}.{column}" for column in ("dealer_org_id", "org_id", "id")]
CHECKS = {
    "of_another": "org_id <> dealer_org_id",
    "state": "state IN ('asked', 'active', 'ended')",
    "known": "org_id IS NOT NULL OR (code IS NOT NULL AND state <> 'active')",
    "link": "(code IS NULL) = (expires_at IS NULL)",
    "asked": "state <> 'asked' OR confirmed_at IS NULL",
    "confirmed": "state <> 'active' OR confirmed_at IS NOT NULL",
    "ended": "(ended_at IS NOT NULL) = (state = 'ended')",
    "ended_by": "(ended_by_dealer IS NOT NULL) = (state = 'ended')",
}
ALLOCATION = "seat_allocation"


def upgrade() -> None:
    """Nobody has any yet: what was bought is used by whoever bought it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=name == "org_id") for name in ("id", "dealer_org_id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dealer_name", "name")),
        sa.Column("tax_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("expires_at", "confirmed_at", "ended_at")),
        sa.Column("ended_by_dealer", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("dealer_org_id", "org_id", "id", name=f"uq_{TABLE}_dealer_org_id_org_id_id"),
        sa.UniqueConstraint("code", name=f"uq_{TABLE}_code"),
        *(
            sa.ForeignKeyConstraint([side], ["marketplace.organization.id"], name=f"fk_{TABLE}_{side}")
            for side in ("dealer_org_id", "org_id")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["marketplace.person.id"], name=f"fk_{TABLE}_asked_by"),
        *(sa.CheckConstraint(rule, name=f"ck_{TABLE}_{name}") for name, rule in CHECKS.items()),
        sa.Index(
            f"uq_{TABLE}_standing",
            "dealer_org_id",
            "org_id",
            unique=True,
            postgresql_where=sa.text("state IN ('asked', 'active')"),
        ),
        sa.Index(f"ix_{TABLE}_dealer_org_id_created_at", "dealer_org_id", "created_at", "id"),
        sa.Index(f"ix_{TABLE}_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index(f"ix_{TABLE}_asked_by", "asked_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "dealer_org_id", "org_id")
    for schema, table in (("fulfillment", "entitlement"), ("orders", "order")):
        _used_by(schema, table)
    op.create_check_constraint(
        "ck_entitlement_of_end_customer",
        "entitlement",
        "end_customer_id IS NULL OR seats_used = 0",
        schema="fulfillment",
    )
    op.create_check_constraint(
        "ck_order_end_customer_is_not_seller", "order", "end_customer_org_id <> seller_org_id", schema="orders"
    )
    _allocations()


def _used_by(schema: str, table: str) -> None:
    """Who uses what a dealer bought, and by what that organization agreed to it."""
    for column in ("end_customer_org_id", "end_customer_id"):
        op.add_column(table, sa.Column(column, sa.Uuid), schema=schema)
    op.execute(
        f'ALTER TABLE {schema}."{table}" ADD CONSTRAINT fk_{table}_end_customer '
        f"FOREIGN KEY (buyer_org_id, end_customer_org_id, end_customer_id) "
        f"REFERENCES marketplace.{TABLE} (dealer_org_id, org_id, id)"
    )
    op.create_foreign_key(
        f"fk_{table}_end_customer_org_id",
        table,
        "organization",
        ["end_customer_org_id"],
        ["id"],
        source_schema=schema,
        referent_schema="marketplace",
    )
    op.create_check_constraint(
        f"ck_{table}_end_customer",
        table,
        "(end_customer_id IS NULL) = (end_customer_org_id IS NULL)",
        schema=schema,
    )
    op.create_index(
        f"ix_{table}_end_customer",
        table,
        ["end_customer_org_id", "end_customer_id", "buyer_org_id"],
        schema=schema,
        postgresql_where=sa.text("end_customer_org_id IS NOT NULL"),
    )


def _allocations() -> None:
    """An end customer has all seats, as a subsidiary has some; of what is not sold by seats it has no number."""
    op.alter_column(ALLOCATION, "membership_id", nullable=True, schema="fulfillment")
    op.add_column(ALLOCATION, sa.Column("end_customer_id", sa.Uuid), schema="fulfillment")
    op.create_foreign_key(
        f"fk_{ALLOCATION}_org_id",
        ALLOCATION,
        "organization",
        ["org_id"],
        ["id"],
        source_schema="fulfillment",
        referent_schema="marketplace",
    )
    op.create_foreign_key(
        f"fk_{ALLOCATION}_end_customer",
        ALLOCATION,
        TABLE,
        ["hq_org_id", "org_id", "end_customer_id"],
        ["dealer_org_id", "org_id", "id"],
        source_schema="fulfillment",
        referent_schema="marketplace",
    )
    op.drop_constraint(f"ck_{ALLOCATION}_seats", ALLOCATION, schema="fulfillment")
    op.create_check_constraint(
        f"ck_{ALLOCATION}_seats",
        ALLOCATION,
        "seats > 0 OR (seats = 0 AND end_customer_id IS NOT NULL)",
        schema="fulfillment",
    )
    op.create_check_constraint(
        f"ck_{ALLOCATION}_by_one",
        ALLOCATION,
        "num_nonnulls(membership_id, end_customer_id) = 1",
        schema="fulfillment",
    )
    op.create_index(
        f"ix_{ALLOCATION}_end_customer",
        ALLOCATION,
        ["hq_org_id", "org_id", "end_customer_id"],
        schema="fulfillment",
        postgresql_where=sa.text("end_customer_id IS NOT NULL"),
    )


def downgrade() -> None:
    """What end customers use is theirs no more: who bought it has it."""
    op.execute("DELETE FROM marketplace.notification WHERE kind LIKE 'end_customer_%'")
    op.execute(
        "DELETE FROM fulfillment.allocated_seat s USING fulfillment.seat_allocation a "
        "WHERE a.id = s.allocation_id AND a.end_customer_id IS NOT NULL"
    )
    op.execute("UPDATE fulfillment.entitlement SET seats_allocated = 0 WHERE end_customer_id IS NOT NULL")
    op.execute(f"DELETE FROM fulfillment.{ALLOCATION} WHERE end_customer_id IS NOT NULL")
    op.drop_index(f"ix_{ALLOCATION}_end_customer", ALLOCATION, schema="fulfillment")
    for name in ("by_one", "seats"):
        op.drop_constraint(f"ck_{ALLOCATION}_{name}", ALLOCATION, schema="fulfillment")
    for name in ("end_customer", "org_id"):
        op.drop_constraint(f"fk_{ALLOCATION}_{name}", ALLOCATION, schema="fulfillment")
    op.create_check_constraint(f"ck_{ALLOCATION}_seats", ALLOCATION, "seats > 0", schema="fulfillment")
    op.drop_column(ALLOCATION, "end_customer_id", schema="fulfillment")
    op.alter_column(ALLOCATION, "membership_id", nullable=False, schema="fulfillment")
    op.drop_constraint("ck_entitlement_of_end_customer", "entitlement", schema="fulfillment")
    op.drop_constraint("ck_order_end_customer_is_not_seller", "order", schema="orders")
    for schema, table in (("fulfillment", "entitlement"), ("orders", "order")):
        for column in ("end_customer_id", "end_customer_org_id"):
            op.drop_column(table, column, schema=schema)
    op.drop_table(TABLE, schema="marketplace")
