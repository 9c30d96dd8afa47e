"""Bank transfers: every imported cent is assigned or open, once; and the accounts are what their statements say."""

from __future__ import annotations

from app.verify.rule import Query, pending

LINES = Query(
    "bank.lines",
    "每条银行流水的金额恰为其认领、退回、核销与未认领部分之和。",
    "Every line of a bank statement is the sum of what it was assigned to and what is open, and no part counts twice.",
    """
    SELECT l.id AS line_id, l.amount_minor, l.open_minor, coalesce(a.minor, 0) AS assigned_minor
    FROM billing.bank_line l
    LEFT JOIN (SELECT line_id, sum(amount_minor) AS minor FROM billing.bank_assignment
               WHERE kind <> 'shortfall' GROUP BY 1) a ON a.line_id = l.id
    WHERE l.open_minor + coalesce(a.minor, 0) <> abs(l.amount_minor)
    """,
)
BALANCE = Query(
    "bank.balance",
    "平台银行账户余额等于期初余额与全部已导入流水之和。",
    "The balance of an account of the platform is what stood there before and every imported line since.",
    """
    SELECT a.id AS account_id, a.code, a.balance_minor, coalesce(a.opening_minor, 0) + coalesce(l.minor, 0) AS expected_minor
    FROM billing.bank_account a
    LEFT JOIN (SELECT account_id, sum(amount_minor) AS minor FROM billing.bank_line GROUP BY 1) l ON l.account_id = a.id
    WHERE a.balance_minor <> coalesce(a.opening_minor, 0) + coalesce(l.minor, 0)
    """,
)
TRANSFERS = Query(
    "bank.transfers",
    "每笔待收汇款的已收与减免金额等于认领给它的流水。",
    "What a transfer has received, and what of it the platform bears, is what lines were assigned to it.",
    """
    SELECT t.id AS transfer_id, t.received_minor, coalesce(a.received, 0) AS assigned_minor,
           t.written_off_minor, coalesce(a.borne, 0) AS borne_minor
    FROM billing.bank_transfer t
    LEFT JOIN (SELECT transfer_id, sum(amount_minor) FILTER (WHERE kind = 'payment') AS received,
                      sum(amount_minor) FILTER (WHERE kind = 'shortfall') AS borne
               FROM billing.bank_assignment WHERE transfer_id IS NOT NULL GROUP BY 1) a ON a.transfer_id = t.id
    WHERE t.received_minor <> coalesce(a.received, 0) OR t.written_off_minor <> coalesce(a.borne, 0)
    """,
)
PAID = Query(
    "bank.paid",
    "以银行转账成功的付款，其汇款均已足额到账；足额到账的汇款均已入账。",
    "A payment by bank transfer has succeeded exactly when its transfer has come in full.",
    f"""
    SELECT p.id AS payment_id, p.state, t.state AS transfer_state
    FROM billing.payment p LEFT JOIN billing.bank_transfer t ON t.payment_id = p.id
    WHERE p.gateway = 'bank_transfer'
      AND (p.state IN ('succeeded', 'reversed')) IS DISTINCT FROM (coalesce(t.state, 'none') = 'received')
      AND NOT {pending("p.id")}
      AND NOT EXISTS (SELECT 1 FROM kernel.inbox i WHERE i.source = 'bank_transfer' AND i.state = 'received'
                      AND i.body ->> 'reference' = 'bank_' || replace(t.id\\:\\:text, '-', ''))
    """,  # noqa: S608 - every piece of it stands in this module
)
OUTGOING = Query(
    "bank.outgoing",
    "每笔应付汇款恰对应一笔退款或退回，金额一致；未重复发出。",
    "Every transfer that is sent is one refund or one return with its amount, and a line tells of each at most once.",
    """
    SELECT o.id AS outgoing_id, o.kind, o.amount_minor, coalesce(r.money, a.minor) AS owed_minor
    FROM billing.bank_outgoing o
    LEFT JOIN (SELECT t.id\\:\\:text AS key, r.amount_minor - r.credit_minor AS money
               FROM billing.refund_attempt t JOIN billing.refund r ON r.id = t.refund_id) r ON r.key = o.idempotency_key
    LEFT JOIN (SELECT outgoing_id, sum(amount_minor) AS minor FROM billing.bank_assignment
               WHERE kind = 'return' GROUP BY 1) a ON a.outgoing_id = o.id
    WHERE (CASE WHEN o.kind = 'refund' THEN r.money ELSE a.minor END) IS DISTINCT FROM o.amount_minor
    """,
)
BOOKED = Query(
    "bank.booked",
    "每条银行流水及其每次认领在总账中各恰有一笔，金额一致。",
    "Every line of a bank statement, and every assignment of a part of it, stands in the books once with its amount.",
    """
    WITH expected (business_key, account, minor) AS (
        SELECT 'bank_line\\:' || id, 'suspense', -amount_minor FROM billing.bank_line
        UNION ALL SELECT 'bank_assignment\\:' || a.id,
                         CASE WHEN a.kind IN ('shortfall', 'write_off') THEN 'gateway_fee'
                              WHEN t.gateway = 'on_account' THEN 'receivable' ELSE 'gateway_cash' END,
                         (CASE WHEN a.kind = 'shortfall' OR l.amount_minor < 0 THEN 1 ELSE -1 END) * a.amount_minor
                  FROM billing.bank_assignment a JOIN billing.bank_line l ON l.id = a.line_id
                  LEFT JOIN billing.bank_outgoing o ON o.id = a.outgoing_id
                  LEFT JOIN billing.bank_transfer t ON t.id = coalesce(a.transfer_id, o.transfer_id)
    ), booked AS (
        SELECT business_key, id FROM billing.ledger_transaction WHERE kind LIKE 'bank\\_%'
    )
    SELECT business_key, b.id AS transaction_id, e.minor AS expected_minor, s.minor AS booked_minor
    FROM expected e FULL JOIN booked b USING (business_key)
    LEFT JOIN LATERAL (
        SELECT sum(p.amount_minor) AS minor FROM billing.posting p JOIN billing.ledger_account a ON a.id = p.account_id
        WHERE p.transaction_id = b.id AND a.kind = e.account
    ) s ON true
    WHERE e.minor IS NULL OR b.id IS NULL OR coalesce(s.minor, 0) <> e.minor
    """,
)
RETURNED = Query(
    "bank.returns_approved",
    "超过限额的退回由申请人以外的人批准，且恰为批准的金额与收款方。",
    "A return above the limit was approved by somebody who did not ask for it, and is what they approved.",
    """
    SELECT r.id AS return_id, r.line_id, r.asked_by, r.decided_by, r.amount_minor, o.amount_minor AS sent_minor
    FROM billing.bank_return r LEFT JOIN billing.bank_outgoing o ON o.id = r.outgoing_id
    WHERE r.state = 'approved'
      AND (r.decided_by IS NOT DISTINCT FROM r.asked_by OR r.decided_at < r.created_at
           OR (o.kind, o.amount_minor, o.currency, o.payee_name, o.payee_account) IS DISTINCT FROM
              ('return', r.amount_minor, r.currency, r.payee_name, r.payee_account)
           OR NOT EXISTS (SELECT FROM billing.bank_assignment a
                          WHERE a.outgoing_id = o.id AND a.kind = 'return' AND a.line_id = r.line_id))
    """,
)
RULES = (LINES, BALANCE, TRANSFERS, PAID, OUTGOING, BOOKED, RETURNED)
