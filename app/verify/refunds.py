"""Refunds: never more than was captured, and taken back from everybody who had a share."""

from __future__ import annotations

from app.verify.rule import Query, pending

EFFECTIVE = "('succeeded', 'returned', 'resending', 'settled')"
"""States of a refund whose sale is undone, as SQL."""

WITHIN_CAPTURE = Query(
    "refunds.within_capture",
    "退款从不超过已收金额，并发申请也不例外。",
    "Refunds, those under way included, never exceed what was captured.",
    """
    SELECT 'payment_allocation' AS what, id, amount_minor, reserved_minor, refunded_minor
    FROM billing.payment_allocation WHERE NOT (0 <= refunded_minor AND refunded_minor <= reserved_minor
                                               AND reserved_minor <= amount_minor)
    UNION ALL
    SELECT 'charge', id, gross_minor, reserved_minor, refunded_minor
    FROM billing.charge WHERE NOT (0 <= refunded_minor AND refunded_minor <= reserved_minor
                                   AND reserved_minor <= gross_minor AND reserved_net_minor BETWEEN 0 AND net_minor)
    """,
)
RESERVED = Query(
    "refunds.reserved",
    "订单付款上的冻结与已退金额等于其退款记录之和。",
    "Reserved and refunded on an order's payment are the sums of its refunds.",
    f"""
    SELECT a.id AS allocation_id, a.reserved_minor, a.refunded_minor,
           coalesce(sum(r.amount_minor) FILTER (WHERE r.state <> 'failed'), 0) AS asked_minor,
           coalesce(sum(r.amount_minor) FILTER (WHERE r.state IN {EFFECTIVE}), 0) AS succeeded_minor
    FROM billing.payment_allocation a LEFT JOIN billing.refund r ON r.allocation_id = a.id
    GROUP BY a.id
    HAVING a.reserved_minor <> coalesce(sum(r.amount_minor) FILTER (WHERE r.state <> 'failed'), 0)
        OR a.refunded_minor <> coalesce(sum(r.amount_minor) FILTER (WHERE r.state IN {EFFECTIVE}), 0)
    """,  # noqa: S608 - every piece of it stands in this module
)
CHARGES = Query(
    "refunds.charges",
    "扣费上的冻结与已退金额等于其退款明细之和。",
    "Reserved and refunded on a charge are the sums of its refund lines.",
    f"""
    SELECT c.id AS charge_id, c.reserved_minor, c.reserved_net_minor, c.refunded_minor,
           coalesce(sum(l.gross_minor) FILTER (WHERE r.state <> 'failed'), 0) AS asked_minor,
           coalesce(sum(l.gross_minor) FILTER (WHERE r.state IN {EFFECTIVE}), 0) AS succeeded_minor
    FROM billing.charge c
    LEFT JOIN billing.refund_line l ON l.charge_id = c.id
    LEFT JOIN billing.refund r ON r.id = l.refund_id
    GROUP BY c.id
    HAVING c.reserved_minor <> coalesce(sum(l.gross_minor) FILTER (WHERE r.state <> 'failed'), 0)
        OR c.reserved_net_minor <> coalesce(sum(l.net_minor) FILTER (WHERE r.state <> 'failed'), 0)
        OR c.refunded_minor <> coalesce(sum(l.gross_minor) FILTER (WHERE r.state IN {EFFECTIVE}), 0)
    """,  # noqa: S608 - every piece of it stands in this module
)
LINES = Query(
    "refunds.lines",
    "退款明细之和不超过退款金额，且都属于同一订单的扣费。",
    "The lines of a refund are at most its amount and belong to charges of its order.",
    """
    SELECT r.id AS refund_id, r.amount_minor, sum(l.gross_minor) AS lines_minor
    FROM billing.refund r
    JOIN billing.refund_line l ON l.refund_id = r.id
    JOIN billing.charge c ON c.id = l.charge_id
    GROUP BY r.id
    HAVING sum(l.gross_minor) > r.amount_minor
        OR bool_or(c.allocation_id <> r.allocation_id OR l.currency <> r.currency)
    """,
)
REVERSED = Query(
    "refunds.reversed",
    "成功退款的每一分都按比例从各方分成中扣回，未成功的不扣。",
    "Every cent of a successful refund was taken back from the shares; of no other refund was anything.",
    """
    WITH back AS (
        SELECT v.refund_id, s.charge_id, sum(v.amount_minor) AS minor
        FROM billing.share_reversal v JOIN billing.share s ON s.id = v.share_id GROUP BY 1, 2
    ), asked AS (
        SELECT l.refund_id, l.charge_id, CASE c.selling_model WHEN 'reseller' THEN l.net_minor ELSE l.gross_minor END AS minor
        FROM billing.refund_line l JOIN billing.refund r ON r.id = l.refund_id JOIN billing.charge c ON c.id = l.charge_id
        WHERE r.state IN ('succeeded', 'returned', 'resending', 'settled')
    )
    SELECT refund_id, charge_id, a.minor AS refunded_minor, b.minor AS reversed_minor
    FROM asked a FULL JOIN back b USING (refund_id, charge_id) WHERE a.minor IS DISTINCT FROM b.minor
    """,
)
SHARES = Query(
    "shares.reversed",
    "分成上的已扣回金额等于其扣回记录之和。",
    "What was taken back of a share is the sum of its reversals.",
    """
    SELECT s.id AS share_id, s.amount_minor, s.reversed_minor, coalesce(sum(v.amount_minor), 0) AS reversals_minor
    FROM billing.share s LEFT JOIN billing.share_reversal v ON v.share_id = s.id
    GROUP BY s.id HAVING s.reversed_minor <> coalesce(sum(v.amount_minor), 0)
    """,
)

FOLLOWED = Query(
    "incidents.followed",
    "渠道在终态之后的每次变动都有待运营处理的异常记录，且与单据状态一致。",
    "Everything that a gateway changed after its end has its incident, and every incident what it is about.",
    f"""
    WITH changed (kind, subject_id) AS (
        SELECT 'refund_returned', id FROM billing.refund WHERE returns > 0
        UNION ALL SELECT 'payout_returned', id FROM billing.payout WHERE state = 'returned'
        UNION ALL SELECT 'payment_reversed', id FROM billing.payment WHERE state = 'reversed' AND NOT {pending("id")}
        UNION ALL SELECT 'dispute_lost', id FROM billing.dispute
                  WHERE state <> 'open' AND (state, overturned) <> ('won', 0) AND NOT {pending("id")}
        UNION ALL SELECT 'dispute_overturned', id FROM billing.dispute
                  WHERE overturned > 0 AND (state, overturned) <> ('lost', 1)
        UNION ALL SELECT 'payout_partly_returned', a.payout_id FROM billing.statement_adjustment a
                  LEFT JOIN (SELECT payout_id, sum(amount_minor) AS minor FROM billing.transfer_reversal
                             WHERE state <> 'failed' GROUP BY 1) r ON r.payout_id = a.payout_id
                  WHERE a.kind = 'returned' GROUP BY a.payout_id, r.minor HAVING sum(a.amount_minor) > coalesce(r.minor, 0)
        UNION ALL SELECT DISTINCT 'external_refund', payment_id FROM billing.refund WHERE origin = 'gateway'
    ), told AS (
        SELECT DISTINCT kind, subject_id FROM billing.incident
        WHERE kind NOT IN ('late_success', 'payout_disputed', 'credit_paid_back', 'external_refund_returned', 'key_reused',
                           'balance_unknown', 'balance_differs')
    )
    SELECT coalesce(c.kind, t.kind) AS kind, coalesce(c.subject_id, t.subject_id) AS subject_id, t.kind IS NOT NULL AS is_told
    FROM changed c FULL JOIN told t ON t.kind = c.kind AND t.subject_id = c.subject_id
    WHERE t.kind IS NULL OR (c.kind IS NULL AND t.kind <> 'external_refund')
    UNION ALL
    SELECT 'refund_returned', r.id, true FROM billing.refund r LEFT JOIN (
        SELECT subject_id, count(*) AS told, max(state) FILTER (WHERE state <> 'closed') AS waits
        FROM billing.incident WHERE kind = 'refund_returned' GROUP BY 1) i ON i.subject_id = r.id
    WHERE (coalesce(i.told, 0), i.waits) IS DISTINCT FROM
          (r.returns, CASE r.state WHEN 'returned' THEN 'open' WHEN 'resending' THEN 'resending' END)
          AND NOT {pending("r.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
TAKEN = Query(
    "incidents.covered",
    "被撤销、拒付或手工退回的款项，由各订单的退款与待查金额恰好承担。",
    "What was reversed, lost in dispute or given back by hand is exactly what orders bear and what waits in suspense.",
    """
    WITH gone AS (
        SELECT i.kind, coalesce(d.payment_id, i.subject_id) AS payment_id,
               sum(i.amount_minor - i.suspense_minor + coalesce(d.borne_minor, 0)) AS minor
        FROM billing.incident i LEFT JOIN billing.dispute d ON d.id = i.subject_id
        WHERE i.kind IN ('payment_reversed', 'dispute_lost', 'external_refund') GROUP BY 1, 2
    ), borne AS (
        SELECT CASE origin WHEN 'reversal' THEN 'payment_reversed' WHEN 'dispute' THEN 'dispute_lost'
               ELSE 'external_refund' END AS kind, payment_id, sum(amount_minor) AS minor
        FROM billing.refund WHERE origin <> 'request' AND state <> 'failed' GROUP BY 1, 2
    )
    SELECT kind, payment_id, g.minor AS gone_minor, b.minor AS borne_minor
    FROM gone g FULL JOIN borne b USING (kind, payment_id) WHERE coalesce(g.minor, 0) <> coalesce(b.minor, 0)
    """,
)

RULES = (WITHIN_CAPTURE, RESERVED, CHARGES, LINES, REVERSED, SHARES, FOLLOWED, TAKEN)
