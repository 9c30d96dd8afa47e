"""Credit with sellers: what was given is used, paid back or still there, and nothing is used twice."""

from __future__ import annotations

from app.verify.rule import Query, pending

EFFECTIVE = "('succeeded', 'returned', 'resending', 'settled')"

BALANCE = Query(
    "store_credit.balance",
    "抵用金余额等于其变动之和，从不为负；占用额恰为未决付款与待付还的金额。",
    "A balance of credit is the sum of its movements and never negative; what is reserved is what payments under way will use.",
    f"""
    SELECT c.id AS store_credit_id, c.balance_minor, coalesce(m.minor, 0) AS moved_minor, c.reserved_minor,
           coalesce(p.minor, 0) AS under_way_minor
    FROM billing.store_credit c
    LEFT JOIN (SELECT credit_id, sum(amount_minor) AS minor FROM billing.store_credit_movement GROUP BY 1) m
      ON m.credit_id = c.id
    LEFT JOIN (SELECT a.payer_org_id, a.seller_org_id, a.currency, sum(a.credit_minor) AS minor
               FROM billing.payment_allocation a JOIN billing.payment p ON p.id = a.payment_id
               WHERE p.state IN ('processing', 'requires_action', 'unknown') GROUP BY 1, 2, 3) p
      ON (p.payer_org_id, p.seller_org_id, p.currency) = (c.buyer_org_id, c.seller_org_id, c.currency)
    WHERE c.balance_minor <> coalesce(m.minor, 0) OR c.reserved_minor < 0 OR c.reserved_minor > c.balance_minor
       OR (c.reserved_minor <> coalesce(p.minor, 0) AND NOT {pending("c.id")})
    """,  # noqa: S608 - every piece of it stands in this module
)
MOVED = Query(
    "store_credit.moved",
    "每笔抵用金变动都有其退款或付款，金额一致；以抵用金退回或支付的每一分都有变动记录。",
    "Every movement of credit has its refund or payment with that amount, and every cent given or used has its movement.",
    f"""
    WITH expected (kind, subject_id, buyer_org_id, seller_org_id, currency, minor) AS (
        SELECT 'given', id, buyer_org_id, seller_org_id, currency, credit_minor FROM billing.refund
        WHERE credit_minor > 0 AND state IN {EFFECTIVE}
        UNION ALL SELECT 'used', a.id, a.payer_org_id, a.seller_org_id, a.currency, -a.credit_minor
        FROM billing.payment_allocation a JOIN billing.payment p ON p.id = a.payment_id
        WHERE a.credit_minor > 0 AND p.state IN ('succeeded', 'reversed')
        UNION ALL SELECT 'paid_back', i.subject_id, m.buyer_org_id, m.seller_org_id, i.currency, -i.amount_minor
        FROM billing.incident i LEFT JOIN billing.store_credit_movement m
          ON m.kind = 'paid_back' AND m.subject_id = i.subject_id WHERE i.kind = 'credit_paid_back'
    )
    SELECT coalesce(e.kind, m.kind) AS kind, coalesce(e.subject_id, m.subject_id) AS subject_id,
           e.minor AS expected_minor, m.amount_minor AS moved_minor
    FROM expected e FULL JOIN billing.store_credit_movement m ON m.kind = e.kind AND m.subject_id = e.subject_id
    WHERE (e.buyer_org_id, e.seller_org_id, e.currency, e.minor)
          IS DISTINCT FROM (m.buyer_org_id, m.seller_org_id, m.currency, m.amount_minor)
    """,  # noqa: S608 - (same)
)
PAID = Query(
    "store_credit.paid",
    "付款中的抵用金等于各订单之和；原路退回的金额从不超过渠道实收。",
    "The credit of a payment is that of its orders, and no more goes back as money than the gateway took.",
    """
    SELECT p.id AS payment_id, p.credit_minor, sum(a.credit_minor) AS of_orders_minor, NULL::bigint AS money_back_minor
    FROM billing.payment p JOIN billing.payment_allocation a ON a.payment_id = p.id
    GROUP BY p.id HAVING sum(a.credit_minor) <> p.credit_minor
    UNION ALL
    SELECT a.payment_id, a.credit_minor, a.credit_back_minor,
           coalesce(sum(r.amount_minor - r.credit_minor) FILTER (WHERE r.state <> 'failed'), 0)
    FROM billing.payment_allocation a LEFT JOIN billing.refund r ON r.allocation_id = a.id
    GROUP BY a.id
    HAVING coalesce(sum(r.credit_minor) FILTER (WHERE r.state <> 'failed'), 0) <> a.credit_back_minor
        OR (a.reserved_minor <= a.amount_minor
            AND coalesce(sum(r.amount_minor - r.credit_minor) FILTER (WHERE r.state <> 'failed'), 0)
                > a.amount_minor - a.credit_minor)
    """,
)
RULES = (BALANCE, MOVED, PAID)
