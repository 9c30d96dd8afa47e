"""Who pays for whom: one payer at a time, none that is paid for itself; charges as their purchases, within the limits."""

from __future__ import annotations

from app.verify.rule import Query, pending

NO_CHAIN = Query(
    "payers.no_chain",
    "任一时刻，每个组织至多有一个生效的付款方；由他人付款的组织不为他人付款。",
    "At any time an organization has one payer at most, and who is paid for pays for nobody.",
    """
    SELECT a.id AS agreement_id, b.id AS other_id, a.accepted_at, b.accepted_at AS other_accepted_at
    FROM marketplace.payer_agreement a
    JOIN marketplace.payer_agreement b ON b.id <> a.id AND b.accepted_at IS NOT NULL
         AND (b.payer_org_id = a.org_id OR (b.org_id = a.org_id AND b.id > a.id))
         AND b.accepted_at < coalesce(a.ended_at, 'infinity') AND a.accepted_at < coalesce(b.ended_at, 'infinity')
    WHERE a.accepted_at IS NOT NULL
    """,
)

CHARGED = Query(
    "payers.charged",
    "每笔代付与其采购单的金额、币种一致；批准的代付由付款方的付款方式支付，且只由它支付；未成交的采购单不占额度。",
    "What a payer is charged is what its purchase costs; what it approved is paid by its own method, and nothing else is by "
    "another's; a purchase that came to nothing uses no limit.",
    """
    SELECT c.id AS charge_id, p.id AS purchase_id, c.state, p.state AS purchase_state, m.method_org_id
    FROM orders.payer_charge c
    JOIN orders.purchase p ON p.id = c.purchase_id
    LEFT JOIN billing.payment m ON m.reference = p.id AND m.state = 'succeeded'
    WHERE c.state IN ('asked', 'approved')
      AND (c.amount_minor <> p.gross_minor OR c.currency <> p.currency OR p.state NOT IN ('pending_payment', 'paid')
           OR (p.state = 'paid' AND m.id IS NOT NULL
               AND (c.state <> 'approved' OR m.method_org_id IS DISTINCT FROM c.payer_org_id)))
    UNION ALL
    SELECT NULL, m.reference, NULL, NULL, m.method_org_id
    FROM billing.payment m
    WHERE m.method_org_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM orders.payer_charge c WHERE c.purchase_id = m.reference AND c.payer_org_id = m.method_org_id
                      AND (m.state <> 'succeeded' OR c.state = 'approved'))
    """,
)
LIMITS = Query(
    "payers.limits",
    "付款约定每月的代付合计，扣除退款后，不超过下单时的限额。",
    "What stands of an agreement's month, less what was given back, is within the limits that held when it was ordered.",
    """
    SELECT c.agreement_id, c.month, sum(c.amount_minor) - coalesce(sum(r.minor), 0) AS used_minor,
           max(c.limit_minor) AS limit_minor
    FROM orders.payer_charge c
    LEFT JOIN (SELECT o.purchase_id, sum(f.amount_minor) AS minor
               FROM billing.refund f
               JOIN orders."order" o ON o.id = f.reference
               WHERE f.state IN ('succeeded', 'returned', 'resending', 'settled')
               GROUP BY o.purchase_id) r ON r.purchase_id = c.purchase_id
    WHERE c.state IN ('asked', 'approved')
    GROUP BY c.agreement_id, c.month
    HAVING bool_and(c.limit_minor IS NOT NULL) AND sum(c.amount_minor) - coalesce(sum(r.minor), 0) > max(c.limit_minor)
    """,
)

BY_RIGHT = Query(
    "payers.by_right",
    "依据代付权限生效的付款约定，其集团关系仍生效且仍授予该权限；权限或关系终止后随即终止。",
    "What a headquarters pays by right ends once its subsidiary gives it that right no more.",
    f"""
    SELECT a.id AS agreement_id, g.id AS membership_id, g.state, g.rights
    FROM marketplace.payer_agreement a JOIN marketplace.group_membership g ON g.id = a.membership_id
    WHERE a.state = 'active' AND NOT (g.state = 'active' AND 'pay' = ANY (g.rights)) AND NOT {pending("g.id")}
    """,  # noqa: S608 - every piece of it stands in this program
)
RULES = (NO_CHAIN, CHARGED, LIMITS, BY_RIGHT)
