"""Who sells to the buyer: the seller itself (agency), or the platform, which buys from it (reseller)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

ACCOUNTS = (
    "'gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
    "'commission', 'gateway_fee', 'gateway_exchange', 'bank_clearing', 'suspense', 'store_credit', 'receivable'"
)
CODES = {
    "voucher": ("222101", "应交增值税"),
    "datev": ("1776", "VAT on what the platform sells itself"),
    "iif": ("Sales Tax Payable - Reseller", "VAT on what the platform sells itself"),
    "xero": ("820", "VAT on what the platform sells itself"),
}
"""Of the new kind of account: number and name by the Chinese chart of accounts, SKR03, QuickBooks and Xero."""
MODEL = "selling_model IN ('agency', 'reseller')"
SUPPLY = (
    "(selling_model = 'reseller') = (supply_tax_rate_ppm IS NOT NULL) "
    "AND (selling_model = 'reseller') = (supply_tax_category IS NOT NULL)"
)
TERMED = (("orders", "order_line"), ("billing", "charge"))
LINES = "'sale', 'promotion', 'refund', 'promotion_refund'"


def upgrade() -> None:
    """So far every sale was its seller's."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _model("marketplace", "listing_version")
    for table in ("order", "unbilled_order"):
        _model("orders", table)
    for schema, table in TERMED:
        _model(schema, table)
        op.add_column(table, sa.Column("supply_tax_rate_ppm", sa.BigInteger), schema=schema)
        op.add_column(table, sa.Column("supply_tax_category", sa.Text), schema=schema)
        op.create_check_constraint(f"ck_{table}_supply", table, SUPPLY, schema=schema)
    # What the platform sold is on one document, whichever sellers it bought it from.
    _reference(["buyer_org_id", "seller_org_id"], ["buyer_org_id"])
    _kinds("ledger_account", f"{ACCOUNTS}, 'tax_payable'")
    _kinds("statement_line", f"{LINES}, 'supply', 'supply_refund'")
    columns = ("format", "kind", "code", "name")
    codes = sa.table("account_code", *(sa.column(name, sa.Text) for name in columns), schema="billing")
    rows = [{"format": form, "kind": "tax_payable", "code": code, "name": name} for form, (code, name) in CODES.items()]
    op.bulk_insert(codes, rows)
    # Whether the platform can name itself on an invoice is asked in a buyer's scope, which does not see its billing profile.
    op.execute("""
        CREATE FUNCTION marketplace.platform_may_sell() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
        DECLARE was text := current_setting('app.platform', true); found boolean;
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT EXISTS (
                SELECT 1 FROM marketplace.organization o
                JOIN marketplace.billing_profile p ON p.org_id = o.id AND p.is_default
                WHERE o.is_platform AND o.legal_name <> '' AND coalesce(o.tax_id, '') <> '' AND p.address <> ''
            ) INTO found;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
            RETURN found;
        END
        $$""")
    op.execute(f"GRANT EXECUTE ON FUNCTION marketplace.platform_may_sell() TO {ddl.APP_ROLE}")


def _model(schema: str, table: str) -> None:
    column = sa.Column("selling_model", sa.Text, nullable=False, server_default="agency")
    op.add_column(table, column, schema=schema)
    op.create_check_constraint(f"ck_{table}_selling_model", table, MODEL, schema=schema)


def _reference(before: list[str], after: list[str]) -> None:
    """The key of what waits to the first of what is on its document, within the same organizations."""
    table, schema = "unbilled_order", "orders"
    op.drop_constraint(f"fk_{table}_{'_'.join(before)}_reference", table, schema=schema)
    op.drop_constraint(f"uq_{table}_{'_'.join(before)}_id", table, schema=schema)
    op.create_unique_constraint(f"uq_{table}_{'_'.join(after)}_id", table, [*after, "id"], schema=schema)
    key = f"fk_{table}_{'_'.join(after)}_reference"
    op.create_foreign_key(
        key, table, table, [*after, "reference"], [*after, "id"], source_schema=schema, referent_schema=schema
    )


def _kinds(table: str, kinds: str) -> None:
    op.drop_constraint(f"ck_{table}_kind", table, schema="billing")
    op.create_check_constraint(f"ck_{table}_kind", table, f"kind IN ({kinds})", schema="billing")


def downgrade() -> None:
    """Only where the platform has sold nothing itself."""
    op.execute("DROP FUNCTION marketplace.platform_may_sell()")
    op.execute("DELETE FROM billing.account_code WHERE kind = 'tax_payable'")
    _kinds("statement_line", LINES)
    _kinds("ledger_account", ACCOUNTS)
    _reference(["buyer_org_id"], ["buyer_org_id", "seller_org_id"])
    for schema, table in TERMED:
        op.drop_constraint(f"ck_{table}_supply", table, schema=schema)
        op.drop_column(table, "supply_tax_category", schema=schema)
        op.drop_column(table, "supply_tax_rate_ppm", schema=schema)
    for schema, table in (
        *TERMED,
        ("orders", "order"),
        ("orders", "unbilled_order"),
        ("marketplace", "listing_version"),
    ):
        op.drop_constraint(f"ck_{table}_selling_model", table, schema=schema)
        op.drop_column(table, "selling_model", schema=schema)
