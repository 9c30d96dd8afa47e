"""Chinese tax invoices (数电票): as much as the bills, numbered, and taken back before a credit note takes its number."""

from __future__ import annotations

from app.verify.rule import Query, late, pending

LINES = Query(
    "fapiao.lines",
    "数电票合计等于各行之和。",
    "The totals of a tax invoice are the sums of its lines.",
    """
    SELECT f.id AS fapiao_id, f.number, f.gross_minor, coalesce(sum(l.gross_minor), 0) AS lines_minor
    FROM billing.fapiao f LEFT JOIN billing.fapiao_line l ON l.fapiao_id = f.id AND l.currency = f.currency
    GROUP BY f.id
    HAVING (f.net_minor, f.tax_minor, f.gross_minor)
           IS DISTINCT FROM (coalesce(sum(l.net_minor), 0), coalesce(sum(l.tax_minor), 0), coalesce(sum(l.gross_minor), 0))
    """,
)
SOURCES = Query(
    "fapiao.sources",
    "一份申请的蓝字发票合计等于所合并单据的可开金额，且不超过单据本身；种类、渠道与单据的沙箱标记一致。",
    "The blue documents of a request add up to what was left of its bills, and no bill to more than itself; a sandbox numbers "
    "what was played.",
    """
    SELECT r.id AS request_id, r.gross_minor, s.minor AS bills_minor, b.minor AS blue_minor
    FROM billing.fapiao_request r
    LEFT JOIN (SELECT s.request_id, sum(s.gross_minor) AS minor, bool_or(s.gross_minor > i.gross_minor) AS above,
                      bool_or(i.sandbox) AS played, bool_and(i.sandbox) AS only_played
               FROM billing.fapiao_source s JOIN billing.invoice i ON i.id = s.invoice_id GROUP BY 1) s
      ON s.request_id = r.id
    LEFT JOIN (SELECT request_id, sum(gross_minor) AS minor FROM billing.fapiao WHERE direction = 'blue' GROUP BY 1) b
      ON b.request_id = r.id
    WHERE (r.gross_minor, r.gross_minor) IS DISTINCT FROM (s.minor, b.minor) OR s.above
       OR (s.played, s.only_played) IS DISTINCT FROM (r.sandbox, r.sandbox)
    """,
)
NUMBERED = Query(
    "fapiao.numbered",
    "已开具的申请，其蓝字发票都有号码与文件；未开具的申请正有任务在处理。",
    "Every blue document of an issued request has its number and files; for a request under way a job is about to do it.",
    f"""
    SELECT r.id AS request_id, r.state, f.id AS fapiao_id, f.number
    FROM billing.fapiao_request r JOIN billing.fapiao f ON f.request_id = r.id AND f.direction = 'blue'
    WHERE r.state = 'issued' AND (f.number IS NULL OR f.xml_sha256 IS NULL OR f.pdf_sha256 IS NULL)
    UNION ALL
    SELECT r.id, r.state, NULL, NULL FROM billing.fapiao_request r
    WHERE r.state IN ('requested', 'queued') AND NOT {pending("r.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
WITHIN = Query(
    "red_letters.within",
    "有效红字确认单逐行不超过其蓝字发票，金额与其红字发票一致。",
    "What live red letters take back never exceeds the blue document, line by line, and is what their red documents say.",
    """
    SELECT l.fapiao_id, x.invoice_line_id, b.gross_minor, sum(x.gross_minor) AS red_minor
    FROM billing.red_letter l
    JOIN billing.fapiao_line x ON x.fapiao_id = l.red_id
    LEFT JOIN billing.fapiao_line b ON b.fapiao_id = l.fapiao_id AND b.invoice_line_id = x.invoice_line_id
    WHERE l.state IN ('unneeded', 'awaiting_buyer', 'awaiting_seller', 'confirmed')
    GROUP BY l.fapiao_id, x.invoice_line_id, b.gross_minor, b.net_minor, b.tax_minor
    HAVING b.gross_minor IS NULL OR sum(x.gross_minor) > b.gross_minor OR sum(x.net_minor) > b.net_minor
        OR sum(x.tax_minor) > b.tax_minor
    UNION ALL
    SELECT l.fapiao_id, NULL, l.gross_minor, f.gross_minor
    FROM billing.red_letter l JOIN billing.fapiao f ON f.id = l.red_id
    WHERE (l.gross_minor, l.fapiao_id) IS DISTINCT FROM (f.gross_minor, f.original_id)
    """,
)
BEFORE_CREDIT = Query(
    "red_letters.before_credit",
    "已申请数电票的单据，其后的红字单据在红字发票足额开具之后才有编号；红字发票只凭有效确认单开具。",
    "Credit notes of a bill with tax invoices have a number only after red ones of their whole amount; those are issued by live "
    "red letters only.",
    """
    SELECT s.invoice_id, NULL AS number, n.minor AS noted_minor, coalesce(r.minor, 0) AS red_minor
    FROM billing.fapiao_source s
    JOIN (SELECT original_invoice_id, sum(gross_minor) AS minor FROM billing.invoice
          WHERE reddened_at IS NOT NULL OR number IS NOT NULL GROUP BY 1) n ON n.original_invoice_id = s.invoice_id
    JOIN billing.invoice b ON b.id = s.invoice_id
    LEFT JOIN (SELECT i.invoice_id, sum(x.gross_minor) AS minor FROM billing.red_letter l
               JOIN billing.fapiao f ON f.id = l.red_id AND f.number IS NOT NULL
               JOIN billing.fapiao_line x ON x.fapiao_id = f.id JOIN billing.invoice_line i ON i.id = x.invoice_line_id
               WHERE l.state IN ('unneeded', 'confirmed') GROUP BY 1) r ON r.invoice_id = s.invoice_id
    -- What was credited before they were asked for is on none of them.
    WHERE n.minor - (b.gross_minor - s.gross_minor) > coalesce(r.minor, 0)
    UNION ALL
    SELECT l.fapiao_id, f.number, f.gross_minor, NULL FROM billing.red_letter l JOIN billing.fapiao f ON f.id = l.red_id
    WHERE f.number IS NOT NULL AND (l.number IS NULL OR l.state NOT IN ('unneeded', 'confirmed'))
    """,
)

RED_FIRST = Query(
    "red_letters.before_refund",
    "数电票所载款项，须红字发票开具之后才退：已发出的退款不超过其时已开具的红字发票，除非按承诺或经运营放行；等待中的退款没有付款，"
    "且都有人或任务在处理。",
    "Money of what stands on a tax invoice goes after red ones of as much, but for a promise or an operator's word; what waits "
    "was sent to no gateway, and somebody or a job is about to do something for it.",
    f"""
    WITH gone AS (
        SELECT i.id AS invoice_line_id, i.invoice_id, sum(l.gross_minor) AS minor
        FROM billing.refund r
        JOIN billing.refund_line l ON l.refund_id = r.id
        JOIN billing.charge c ON c.id = l.charge_id
        JOIN billing.invoice_line i ON i.reference = c.reference
        JOIN billing.invoice b ON b.id = i.invoice_id AND b.kind = 'invoice' AND b.superseded_at IS NULL
        JOIN billing.fapiao_source s ON s.invoice_id = b.id
        WHERE r.origin = 'request' AND r.red_waiver IS NULL AND r.state NOT IN ('requested', 'held', 'failed')
          AND (r.held_at IS NOT NULL OR
               (SELECT min(a.started_at) FROM billing.refund_attempt a WHERE a.refund_id = r.id) >
               (SELECT min(f.issued_at) FROM billing.fapiao f WHERE f.request_id = s.request_id AND f.direction = 'blue'))
        GROUP BY 1, 2
    ), red AS (
        SELECT x.invoice_line_id, sum(x.gross_minor) AS minor
        FROM billing.red_letter l
        JOIN billing.fapiao f ON f.id = l.red_id AND f.number IS NOT NULL
        JOIN billing.fapiao_line x ON x.fapiao_id = f.id
        WHERE l.state IN ('unneeded', 'confirmed') GROUP BY 1
    )
    SELECT g.invoice_id, NULL AS refund_id, g.minor AS refunded_minor, coalesce(d.minor, 0) AS red_minor
    FROM gone g LEFT JOIN red d ON d.invoice_line_id = g.invoice_line_id WHERE g.minor > coalesce(d.minor, 0)
    UNION ALL
    SELECT NULL, r.id, r.amount_minor, NULL FROM billing.refund r
    WHERE r.state = 'held' AND (
        EXISTS (SELECT 1 FROM billing.refund_attempt a WHERE a.refund_id = r.id AND a.outcome <> 'refused')
        OR NOT {pending("r.id")} AND r.held_at < {late("r.buyer_org_id")}
           AND NOT EXISTS (SELECT 1 FROM billing.red_letter l JOIN billing.fapiao f ON f.id = l.red_id
                           WHERE l.refund_id = r.id AND (f.number IS NULL OR l.number IS NULL)))
    """,  # noqa: S608 - (same)
)

RULES = (LINES, SOURCES, NUMBERED, WITHIN, BEFORE_CREDIT, RED_FIRST)
