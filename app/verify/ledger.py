"""The books: that they balance, that nothing in them was changed, and that they say what the other tables say."""

from __future__ import annotations

from collections.abc import Iterator

from app.verify.gateway_balances import BOOKED_BALANCE
from app.verify.rule import Example, Query, Reading
from billing.ledger.seal import find_chain_faults
from kernel.db.uow import UnitOfWork


def _chain_faults(uow: UnitOfWork) -> Iterator[Example]:
    for fault in find_chain_faults(uow):
        yield {"seal_number": fault.seal_number, "what": fault.what, "transaction_id": str(fault.transaction_id or "")}


def _account(name: str, zh: str, en: str, kind: str, by: str, rows: str, *, owed: bool = True) -> Query:
    """The balance of the accounts of a kind is what `rows` (`minor` per `by`) add up to; `owed`: it stands in credit."""
    sign = "-" if owed else ""
    return Query(
        name,
        zh,
        en,
        f"""
        WITH booked AS (
            SELECT {by}, {sign}sum(minor) AS minor FROM billing.ledger_account a
            JOIN (SELECT account_id, sum(amount_minor) AS minor FROM billing.posting GROUP BY 1) p ON p.account_id = a.id
            WHERE a.kind = '{kind}' GROUP BY {by}
        ), expected AS (
            SELECT {by}, sum(minor) AS minor FROM ({rows}) r GROUP BY {by}
        )
        SELECT {by}, coalesce(b.minor, 0) AS booked_minor, coalesce(e.minor, 0) AS expected_minor
        FROM booked b FULL JOIN expected e USING ({by}) WHERE coalesce(b.minor, 0) <> coalesce(e.minor, 0)
        """,  # noqa: S608 - every piece of it stands in this module
    )


BALANCED = Query(
    "ledger.balanced",
    "每笔账务交易按币种借贷合计为零。",
    "The postings of every ledger transaction add up to zero per currency.",
    """
    SELECT transaction_id, currency, sum(amount_minor) AS difference_minor
    FROM billing.posting GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0
    """,
)
COMPLETE = Query(
    "ledger.complete",
    "每笔账务交易的分录数与登记数一致。",
    "Every ledger transaction has as many postings as it announced.",
    """
    SELECT t.id AS transaction_id, t.business_key, t.postings AS announced, count(p.id) AS found
    FROM billing.ledger_transaction t LEFT JOIN billing.posting p ON p.transaction_id = t.id
    GROUP BY t.id HAVING count(p.id) <> t.postings
    """,
)
NO_ZERO = Query(
    "ledger.no_zero",
    "没有金额为零的分录。",
    "No posting is zero.",
    "SELECT id AS posting_id, transaction_id FROM billing.posting WHERE amount_minor = 0",
)
PARTIES = Query(
    "ledger.parties",
    "账务交易的可见方正是其分录所属的组织。",
    "The organizations of a ledger transaction are exactly those of its postings.",
    """
    SELECT t.id AS transaction_id, t.org_ids, p.org_ids AS posted
    FROM billing.ledger_transaction t
    JOIN (SELECT transaction_id, array_agg(DISTINCT org_id) AS org_ids FROM billing.posting GROUP BY transaction_id) p
      ON p.transaction_id = t.id
    WHERE NOT (t.org_ids @> p.org_ids AND t.org_ids <@ p.org_ids)
    """,
)
SEALED = Reading(
    "ledger.sealed",
    "账务哈希链完好：封存之后没有任何交易被改动、增加或删除。",
    "The hash chain over the ledger is intact: nothing was changed, added or removed after it was sealed.",
    _chain_faults,
)
FACTS = Query(
    "ledger.facts",
    "每笔成功的付款、扣费、退款与打款，以及退票、拒付与异常，各恰有一笔账务交易，金额一致。",
    "Every captured payment, charge, refund, payout, return, dispute and incident stands in the books once, with its amount.",
    """
    WITH refunds AS (
        SELECT r.*, CASE p.gateway WHEN 'on_account' THEN 'receivable' ELSE 'gateway_cash' END AS cash
        FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
    ), expected (business_key, account, minor) AS (
        SELECT 'payment:' || id, CASE gateway WHEN 'on_account' THEN 'receivable' ELSE 'gateway_cash' END,
                         amount_minor - credit_minor FROM billing.payment
                  WHERE state IN ('succeeded', 'reversed')
        UNION ALL SELECT 'charge:' || id, 'buyer_credit', gross_minor FROM billing.charge WHERE gross_minor > 0
        UNION ALL SELECT 'refund:' || id, cash, credit_minor - amount_minor
                  FROM refunds WHERE state IN ('succeeded', 'returned', 'resending', 'settled')
        UNION ALL SELECT 'refund:' || id || '\\:returned' || CASE WHEN n > 1 THEN '\\:' || n ELSE '' END,
                         cash, amount_minor - credit_minor FROM refunds, generate_series(1, returns) n
        UNION ALL SELECT 'refund:' || id || '\\:resent\\:' || n, cash, credit_minor - amount_minor
                  FROM refunds, generate_series(1, returns) n WHERE n < returns OR state = 'succeeded'
        UNION ALL SELECT 'refund:' || id || '\\:settled', 'buyer_credit', amount_minor - credit_minor
                  FROM billing.refund WHERE state = 'settled'
        UNION ALL SELECT 'payout:' || id || '\\:scheduled', 'payout_clearing', -amount_minor FROM billing.payout
        UNION ALL SELECT 'payout:' || id || '\\:paid', 'gateway_cash', -amount_minor
                  FROM billing.payout WHERE state IN ('paid', 'returned')
        UNION ALL SELECT 'payout:' || id || '\\:returned', 'gateway_cash', amount_minor
                  FROM billing.payout WHERE state = 'returned'
        UNION ALL SELECT 'payout:' || id || '\\:failed', 'payout_clearing', amount_minor
                  FROM billing.payout WHERE state = 'failed'
        UNION ALL SELECT 'payout:' || payout_id || '\\:returned\\:' || id, 'gateway_cash', amount_minor
                  FROM billing.statement_adjustment WHERE kind = 'returned'
        UNION ALL SELECT 'dispute:' || id || '\\:opened', 'gateway_cash', -amount_minor FROM billing.dispute
        UNION ALL SELECT 'dispute:' || id || '\\:ended', 'gateway_cash', amount_minor
                  FROM billing.dispute WHERE state <> 'open'
        UNION ALL SELECT 'incident:' || id, 'suspense', suspense_minor FROM billing.incident WHERE suspense_minor <> 0
    ), booked AS (
        SELECT business_key, id FROM billing.ledger_transaction
        WHERE kind IN ('payment', 'charge', 'refund', 'refund_returned', 'refund_resent', 'refund_settled', 'payout_scheduled',
                       'payout_paid', 'payout_failed', 'payout_returned', 'payout_partly_returned',
                       'dispute_opened', 'dispute_ended', 'incident')
    )
    SELECT business_key, b.id AS transaction_id, e.minor AS expected_minor, s.minor AS booked_minor
    FROM expected e FULL JOIN booked b USING (business_key)
    LEFT JOIN LATERAL (
        SELECT sum(p.amount_minor) AS minor
        FROM billing.posting p JOIN billing.ledger_account a ON a.id = p.account_id
        WHERE p.transaction_id = b.id AND a.kind = e.account
    ) s ON true
    WHERE e.minor IS NULL OR b.id IS NULL OR coalesce(s.minor, 0) <> e.minor
    """,
)
CASH = _account(
    "ledger.cash",
    "各渠道资金账户余额等于成功付款减去退款、打款、拒付中的款项与异常支出，并计入渠道手续费、换汇与银行划转；"
    "银行账户余额等于已导入的流水。",
    "Each gateway's cash is payments captured less refunds and payouts that stayed, what is in dispute and incidents, "
    "and what the gateway's own books show beside: fees, exchanges, transfers to the bank; "
    "a bank account's is its imported lines.",
    "gateway_cash",
    "gateway, currency",
    f"""
    SELECT gateway, currency, amount_minor - credit_minor AS minor FROM billing.payment
    WHERE state IN ('succeeded', 'reversed') AND gateway <> 'on_account'
    UNION ALL SELECT p.gateway, r.currency, r.credit_minor - r.amount_minor
              FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
              WHERE r.state = 'succeeded' AND p.gateway <> 'on_account'
    UNION ALL SELECT gateway, currency, -amount_minor FROM billing.payout WHERE state = 'paid'
    UNION ALL SELECT p.gateway, a.currency, a.amount_minor FROM billing.statement_adjustment a
              JOIN billing.payout p ON p.id = a.payout_id WHERE a.kind = 'returned'
    UNION ALL SELECT gateway, currency, -amount_minor FROM billing.dispute WHERE state = 'open'
    UNION ALL SELECT gateway, currency, borne_minor FROM billing.dispute
    UNION ALL SELECT gateway, fee_currency, -fee_minor FROM billing.dispute WHERE fee_minor <> 0
    UNION ALL SELECT gateway, currency, -suspense_minor FROM billing.incident
    UNION ALL SELECT gateway, currency, minor FROM ({BOOKED_BALANCE}) b
    UNION ALL SELECT 'bank\\:' || a.code, l.currency, l.amount_minor FROM billing.bank_line l
              JOIN billing.bank_account a ON a.id = l.account_id
    UNION ALL SELECT 'bank_transfer', l.currency, CASE WHEN l.amount_minor > 0 THEN -a.amount_minor ELSE a.amount_minor END
              FROM billing.bank_assignment a JOIN billing.bank_line l ON l.id = a.line_id
              LEFT JOIN billing.bank_outgoing o ON o.id = a.outgoing_id
              LEFT JOIN billing.bank_transfer t ON t.id = coalesce(a.transfer_id, o.transfer_id)
              WHERE a.kind <> 'write_off' AND coalesce(t.gateway, 'bank_transfer') = 'bank_transfer'
    """,  # noqa: S608 - every piece of it stands in this repository
    owed=False,
)
BUYER_CREDIT = _account(
    "ledger.buyer_credit",
    "买方预存余额等于已付金额减去已扣费与未扣费即退回的金额，加上被退票而尚未另行付还的退款。",
    "A buyer's credit is what it paid less what was charged and what went back uncharged, and refunds that came back to us.",
    "buyer_credit",
    "org_id, currency",
    """
    SELECT payer_org_id AS org_id, currency, amount_minor AS minor FROM billing.payment
    WHERE state IN ('succeeded', 'reversed')
    UNION ALL SELECT buyer_org_id, currency, -gross_minor FROM billing.charge
    UNION ALL SELECT buyer_org_id, currency, -amount_minor FROM billing.refund WHERE state IN ('succeeded', 'settled')
    UNION ALL SELECT l.buyer_org_id, l.currency, l.gross_minor FROM billing.refund_line l
              JOIN billing.refund r ON r.id = l.refund_id WHERE r.state IN ('succeeded', 'returned', 'resending', 'settled')
    UNION ALL SELECT buyer_org_id, currency, -credit_minor FROM billing.refund WHERE state IN ('returned', 'resending')
    UNION ALL SELECT m.buyer_org_id, m.currency, -m.amount_minor FROM billing.store_credit_movement m
              JOIN billing.incident i ON i.kind = 'credit_paid_back' AND i.subject_id = m.subject_id AND i.state <> 'closed'
              WHERE m.kind = 'paid_back'
    """,
)
STORE_CREDIT = _account(
    "ledger.store_credit",
    "买方抵用金账户余额等于其对各卖方抵用金余额之和。",
    "What the books owe a buyer as credit is the sum of its balances with sellers.",
    "store_credit",
    "org_id, currency",
    "SELECT buyer_org_id AS org_id, currency, balance_minor AS minor FROM billing.store_credit",
)
PENDING = _account(
    "ledger.pending",
    "各方待结算余额等于其未放款的分成。",
    "What a party has pending in the books equals its shares that are not released yet.",
    "party_pending",
    "org_id, currency",
    """
    SELECT org_id, currency, amount_minor - reversed_minor AS minor
    FROM billing.share WHERE kind <> 'commission' AND state = 'pending'
    """,
)
AVAILABLE = _account(
    "ledger.available",
    "各方可提余额等于已放款分成减去退回与打款。",
    "What a party has available in the books equals its released shares less refunds and payouts.",
    "party_available",
    "org_id, currency",
    """
    SELECT org_id, currency, amount_minor - reversed_minor AS minor FROM billing.share
    WHERE kind <> 'commission' AND state IN ('releasable', 'in_statement', 'paid')
    UNION ALL SELECT org_id, currency, -amount_minor FROM billing.payout
    WHERE state NOT IN ('failed', 'returned')
    UNION ALL SELECT org_id, currency, amount_minor FROM billing.statement_adjustment WHERE kind = 'returned'
    """,
)
COMMISSION = _account(
    "ledger.commission",
    "平台佣金账户余额等于佣金分成减去退回部分。",
    "The commission account equals the commission shares less what refunds took back.",
    "commission",
    "currency",
    "SELECT currency, amount_minor - reversed_minor AS minor FROM billing.share WHERE kind = 'commission'",
)
TAX_PAYABLE = _account(
    "ledger.tax_payable",
    "平台应缴税费账户余额等于平台自营（经销）行的税额减去退款中退回的税额，精确到分。",
    "What the platform owes of tax is the tax of what it sold itself, less that of refunds, to the cent.",
    "tax_payable",
    "currency",
    """
    SELECT currency, tax_minor AS minor FROM billing.charge WHERE selling_model = 'reseller'
    UNION ALL
    SELECT l.currency, -l.tax_minor FROM billing.refund_line l
    JOIN billing.refund r ON r.id = l.refund_id JOIN billing.charge c ON c.id = l.charge_id
    WHERE c.selling_model = 'reseller' AND r.state IN ('succeeded', 'returned', 'resending', 'settled')
    """,
)
CLEARING = _account(
    "ledger.payout_clearing",
    "打款在途账户余额等于尚未完成的打款。",
    "The payout clearing account equals the payouts on their way.",
    "payout_clearing",
    "currency",
    "SELECT currency, amount_minor AS minor FROM billing.payout WHERE state IN ('scheduled', 'sent', 'unknown')",
)

SUSPENSE = _account(
    "ledger.suspense",
    "待查账户余额等于拒付中的款项与异常支出，减去另行付还的退款与银行流水中尚未认领的款项。",
    "The suspense account is what is in dispute and what incidents left open, less refunds that were paid in another way, "
    "and what of bank statements is not assigned.",
    "suspense",
    "currency",
    """
    SELECT currency, amount_minor AS minor FROM billing.dispute WHERE state = 'open'
    UNION ALL SELECT currency, -borne_minor FROM billing.dispute
    UNION ALL SELECT currency, suspense_minor FROM billing.incident
    UNION ALL SELECT currency, credit_minor - amount_minor FROM billing.refund WHERE state = 'settled'
    UNION ALL SELECT currency, -amount_minor FROM billing.incident WHERE kind = 'credit_paid_back' AND state = 'closed'
    UNION ALL SELECT currency, CASE WHEN amount_minor > 0 THEN -open_minor ELSE open_minor END FROM billing.bank_line
    """,
    owed=False,
)

RULES = (
    BALANCED, COMPLETE, NO_ZERO, PARTIES, SEALED, FACTS, CASH, BUYER_CREDIT, PENDING, AVAILABLE, COMMISSION, CLEARING,
    SUSPENSE, STORE_CREDIT, TAX_PAYABLE,
)  # fmt: skip
