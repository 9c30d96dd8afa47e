"""Sales of a month, made set-based as the product would have left them: paid, charged, shared, delivered, released, invoiced.

One line a sale: 1,060.00 with tax, of which the platform keeps 10 %. Triggers and foreign keys stand aside, as in
`bench.population`; everything that settlement and reconciliation read is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg

from marketplace.parties.models import PLATFORM_ORG_ID

GROSS, NET, TAX, COMMISSION = 106_000, 100_000, 6_000, 10_000
AT_ONCE = 50_000
ROWS_A_SALE = 18
"""Rows that one sale leaves: payment and the gateway's operation, allocation, charge, two shares, invoice with its line, three
facts with seven postings."""

_KINDS = (
    "pay",
    "ope",
    "all",
    "cha",
    "sel",
    "com",
    "inv",
    "lin",
    "tpa",
    "tch",
    "tre",
    "p1",
    "p2",
    "p3",
    "p4",
    "p5",
    "p6",
    "p7",
)


def _id(kind: str) -> str:
    """An identifier of the sale `g` and of what it names: the same wherever it is named, of version 7 as all are."""
    return f"(lpad(to_hex(1750000000000 + g), 12, '0') || '7{_KINDS.index(kind):03x}8000' || lpad(to_hex(g), 12, '0'))::uuid"


_SALES = f"""
WITH s AS MATERIALIZED (
    SELECT g, (%(sellers)s::uuid[])[1 + g %% %(n)s] AS seller, %(at)s::timestamptz + g * interval '1 millisecond' AS at,
           'sbx_pay_' || g AS reference, {_id("pay")} AS payment, {_id("ope")} AS operation, {_id("all")} AS allocation,
           {_id("cha")} AS charge, {_id("sel")} AS own, {_id("com")} AS cut, {_id("inv")} AS invoice, {_id("lin")} AS line,
           {_id("tpa")} AS paid, {_id("tch")} AS charged, {_id("tre")} AS released
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) g
), a AS (
    INSERT INTO billing.payment (id, payer_org_id, reference, gateway, method_token, amount_minor, credit_minor, currency,
        description, state, gateway_reference, deadline_at, next_check_at, checks, captured_at, created_at)
    SELECT payment, %(buyer)s, payment, 'sandbox', 'sbx_ok', {GROSS}, 0, 'CNY', 'bench', 'succeeded', reference, at, at, 0, at, at
    FROM s
), b AS (
    INSERT INTO billing.sandbox_operation (id, idempotency_key, request_hash, kind, reference, method_token, amount_minor,
        currency, refunded_minor, state, metadata, created_at, changed_at)
    SELECT operation, operation::text, '', 'payment', reference, 'sbx_ok', {GROSS}, 'CNY', 0, 'succeeded', '{{}}', at, at FROM s
), c AS (
    INSERT INTO billing.payment_allocation (id, payer_org_id, seller_org_id, payment_id, reference, amount_minor, credit_minor,
        credit_back_minor, reserved_minor, refunded_minor, currency, created_at)
    SELECT allocation, %(buyer)s, seller, payment, payment, {GROSS}, 0, 0, 0, 0, 'CNY', at FROM s
), d AS (
    INSERT INTO billing.charge (id, buyer_org_id, seller_org_id, reference, group_reference, payment_id, allocation_id, net_minor,
        tax_minor, gross_minor, currency, tax_rate_ppm, reserved_minor, refunded_minor, reserved_net_minor, captured_at,
        created_at)
    SELECT charge, %(buyer)s, seller, line, payment, payment, allocation, {NET}, {TAX}, {GROSS}, 'CNY', 60000, 0, 0, 0, at, at
    FROM s
), e AS (
    INSERT INTO billing.share (id, org_id, seller_org_id, charge_id, reference, group_reference, kind, policy_version, rate_ppm,
        base_minor, gross_minor, amount_minor, reversed_minor, currency, state, hold_days, captured_at, delivered_at,
        releasable_at)
    SELECT own, seller, seller, charge, line, payment, 'seller', 1, 900000, {NET}, {GROSS}, {GROSS - COMMISSION}, 0, 'CNY',
           'releasable', 7, at, at, at + interval '7 days' FROM s
    UNION ALL
    SELECT cut, %(platform)s, seller, charge, line, payment, 'commission', 1, 100000, {NET}, {GROSS}, {COMMISSION}, 0, 'CNY',
           'releasable', 7, at, at, at + interval '7 days' FROM s
), f AS (
    INSERT INTO billing.ledger_transaction (id, business_key, kind, reference, org_ids, postings, effective_at, recorded_at)
    SELECT paid, 'payment:' || payment, 'payment', payment, ARRAY[%(buyer)s, %(platform)s]::uuid[], 2, at, at FROM s
    UNION ALL
    SELECT charged, 'charge:' || charge, 'charge', charge, ARRAY[%(buyer)s, seller, %(platform)s]::uuid[], 3, at, at FROM s
    UNION ALL
    SELECT released, 'release:' || own, 'release', own, ARRAY[seller], 2, at + interval '7 days', at + interval '7 days' FROM s
)
INSERT INTO billing.posting (id, org_id, transaction_id, account_id, amount_minor, currency)
SELECT p.id, p.org, p.fact, a.id, p.minor, 'CNY' FROM (
    SELECT {_id("p1")} AS id, %(platform)s::uuid AS org, paid AS fact, 'gateway_cash' AS kind, {GROSS} AS minor FROM s
    UNION ALL SELECT {_id("p2")}, %(buyer)s::uuid, paid, 'buyer_credit', -{GROSS} FROM s
    UNION ALL SELECT {_id("p3")}, %(buyer)s::uuid, charged, 'buyer_credit', {GROSS} FROM s
    UNION ALL SELECT {_id("p4")}, seller, charged, 'party_pending', -{GROSS - COMMISSION} FROM s
    UNION ALL SELECT {_id("p5")}, %(platform)s::uuid, charged, 'commission', -{COMMISSION} FROM s
    UNION ALL SELECT {_id("p6")}, seller, released, 'party_pending', {GROSS - COMMISSION} FROM s
    UNION ALL SELECT {_id("p7")}, seller, released, 'party_available', -{GROSS - COMMISSION} FROM s
) p JOIN billing.ledger_account a ON a.org_id = p.org AND a.kind = p.kind
"""  # noqa: S608 - identifiers and amounts of this module

_INVOICES = f"""
WITH s AS MATERIALIZED (
    SELECT g, (%(sellers)s::uuid[])[1 + g %% %(n)s] AS seller, %(at)s::timestamptz + g * interval '1 millisecond' AS at,
           {_id("pay")} AS payment, {_id("inv")} AS invoice, {_id("lin")} AS line
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) g
), i AS (
    INSERT INTO billing.invoice (id, buyer_org_id, seller_org_id, kind, reference, sequence, number, state, currency, net_minor,
        tax_minor, gross_minor, paid_minor, language, seller, buyer, order_number, po_number, payment_reference, reason, remarks,
        sandbox, verification_code, issued_at, issued_on, created_at, pdf_key)
    SELECT invoice, %(buyer)s, seller, 'invoice', payment, g, 'B-' || g, 'issued', 'CNY', {NET}, {TAX}, {GROSS}, {GROSS}, 'en',
           '{{}}', '{{}}', '', '', '', '', '', true, g::text, at, at::date, at, 'drawn' FROM s
)
INSERT INTO billing.invoice_line (id, buyer_org_id, seller_org_id, invoice_id, position, reference, name, description, quantity,
    unit, unit_code, net_minor, tax_minor, gross_minor, currency, tax_rate_ppm, tax_category, tax_reason)
SELECT line, %(buyer)s, seller, invoice, 1, line, 'bench', '', 1, '', 'C62', {NET}, {TAX}, {GROSS}, 'CNY', 60000, 'S', '' FROM s
"""  # noqa: S608 - (same)


def make_sales(connection: psycopg.Connection, buyer: UUID, sellers: Sequence[UUID], sales: int, *, at: str) -> None:
    """Make so many sales, a millisecond apart from `at` on, of the sellers in turns."""
    connection.execute(
        """INSERT INTO billing.ledger_account (id, org_id, kind, currency, gateway, created_at)
           SELECT gen_random_uuid(), org, kind, 'CNY', CASE kind WHEN 'gateway_cash' THEN 'sandbox' ELSE '' END, now()
           FROM (SELECT %(platform)s::uuid AS org, unnest(ARRAY['gateway_cash', 'commission']) AS kind
                 UNION ALL SELECT %(buyer)s, 'buyer_credit'
                 UNION ALL SELECT unnest(%(sellers)s::uuid[]), kind
                 FROM unnest(ARRAY['party_pending', 'party_available']) kind) a
           ON CONFLICT DO NOTHING""",
        {"platform": PLATFORM_ORG_ID, "buyer": buyer, "sellers": list(sellers)},
    )
    values = {"buyer": buyer, "sellers": list(sellers), "n": len(sellers), "platform": PLATFORM_ORG_ID, "at": at}
    for first in range(1, sales + 1, AT_ONCE):
        part = values | {"first": first, "last": min(first + AT_ONCE - 1, sales)}
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute(_SALES, part)
            connection.execute(_INVOICES, part)
    connection.execute("VACUUM (ANALYZE)")
