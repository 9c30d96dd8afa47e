"""Legal documents: numbers, dates, amounts, and one for every delivered order."""

from __future__ import annotations

from app.verify.rule import Query, pending

GAPLESS = Query(
    "numbers.gapless",
    "每个开票方、类别与年度的编号从 1 起连续，无断号无重号。",
    "The numbers of every issuer, kind and year run from 1 without gap or repetition.",
    """
    WITH taken AS (
        SELECT series_id, sequence FROM billing.invoice WHERE sequence IS NOT NULL
        UNION ALL
        SELECT n.id, CAST(substring(s.number FROM '[0-9]+$') AS bigint)
        FROM billing.statement s
        JOIN billing.number_series n ON n.kind = 'statement' AND s.number LIKE n.prefix || '-' || n.year || '-%'
    )
    SELECT n.id AS series_id, n.prefix, n.year, n.next_number, count(t.sequence) AS taken, max(t.sequence) AS highest
    FROM billing.number_series n LEFT JOIN taken t ON t.series_id = n.id
    GROUP BY n.id
    HAVING count(t.sequence) <> n.next_number - 1 OR count(DISTINCT t.sequence) <> n.next_number - 1
        OR coalesce(max(t.sequence), 0) <> n.next_number - 1
    """,
)
DATED = Query(
    "numbers.dated",
    "编号靠后的单据开具时间不早于靠前的。",
    "A later number never has an earlier date.",
    """
    SELECT id AS invoice_id, number, issued_at, former_at FROM (
        SELECT i.*, lag(issued_at) OVER own AS former_at, lag(issued_on) OVER own AS former_on
        FROM billing.invoice i WHERE sequence IS NOT NULL WINDOW own AS (PARTITION BY series_id ORDER BY sequence)
    ) i WHERE issued_at IS NULL OR issued_on IS NULL OR issued_at < former_at OR issued_on < former_on
    """,
)
SPELLED = Query(
    "numbers.spelled",
    "单据号码的写法、开票方、类别与年度同其编号系列一致。",
    "A document's number is that of its series: issuer, kind, year and sequence.",
    """
    SELECT i.id AS invoice_id, i.number, n.prefix, n.year, i.sequence
    FROM billing.invoice i LEFT JOIN billing.number_series n ON n.id = i.series_id
    WHERE i.state = 'issued' AND (
        (i.seller_org_id, i.kind) IS DISTINCT FROM (n.org_id, n.kind)
        OR extract(year FROM i.issued_on) <> n.year
        OR i.number IS DISTINCT FROM n.prefix || '-' || n.year || '-'
           || lpad(i.sequence::text, greatest(6, length(i.sequence::text)), '0'))
    """,
)
LINES = Query(
    "invoices.lines",
    "单据合计等于各行之和。",
    "The totals of a document are the sums of its lines.",
    """
    SELECT i.id AS invoice_id, i.number, i.gross_minor, coalesce(sum(l.gross_minor), 0) AS lines_minor
    FROM billing.invoice i LEFT JOIN billing.invoice_line l ON l.invoice_id = i.id AND l.currency = i.currency
    GROUP BY i.id
    HAVING (i.net_minor, i.tax_minor, i.gross_minor)
           IS DISTINCT FROM (coalesce(sum(l.net_minor), 0), coalesce(sum(l.tax_minor), 0), coalesce(sum(l.gross_minor), 0))
    """,
)
ORDERS = Query(
    "invoices.orders",
    "发票金额与税率逐行等于订单。",
    "An invoice has the amounts and tax rates of its order, line by line.",
    """
    SELECT i.id AS invoice_id, i.reference AS order_id, i.gross_minor, o.gross_minor AS order_gross_minor
    FROM billing.invoice i LEFT JOIN orders."order" o ON o.id = i.reference
    WHERE i.kind = 'invoice' AND i.corrects_invoice_id IS NULL AND i.month IS NULL AND (
        (i.net_minor, i.tax_minor, i.gross_minor, i.currency)
        IS DISTINCT FROM (o.net_minor, o.tax_minor, o.gross_minor, o.currency)
        OR EXISTS (
            SELECT 1
            FROM (SELECT * FROM billing.invoice_line l WHERE l.invoice_id = i.id) l
            FULL JOIN (SELECT * FROM orders.order_line x WHERE x.order_id = i.reference) x ON x.id = l.reference
            WHERE (l.net_minor, l.tax_minor, l.gross_minor, l.tax_rate_ppm)
                  IS DISTINCT FROM (x.net_minor, x.tax_minor, x.gross_minor, x.tax_rate_ppm)))
    """,
)
PER_ORDER = Query(
    "invoices.per_order",
    "每张已交付的收费订单恰有一张发票，或等待其月度合并发票；未交付的没有。",
    "Every delivered order that cost something has exactly one invoice or waits for its month's, and no other order has one.",
    f"""
    SELECT o.id AS order_id, o.number, o.state, o.active_at, count(i.id) AS invoices
    FROM orders."order" o
    LEFT JOIN orders.unbilled_order u ON u.order_id = o.id
    LEFT JOIN billing.invoice i ON i.reference = coalesce(u.reference, o.id) AND i.kind = 'invoice' AND i.superseded_at IS NULL
    GROUP BY o.id, u.id
    HAVING count(i.id) > 1
        OR (count(i.id) = 1 AND o.active_at IS NULL)
        OR (count(i.id) = 1 AND u.id IS NOT NULL AND u.reference IS NULL)
        -- What is settled without one has gone back as a whole: `invoices.waiting`.
        OR (count(i.id) = 0 AND u.reference IS NULL AND u.id IS NOT NULL AND o.active_at IS NULL)
        OR (count(i.id) = 0 AND (u.id IS NULL OR u.reference IS NOT NULL) AND o.gross_minor > 0
            AND o.state IN ('active', 'completed') AND NOT {pending("o.id")})
    """,  # noqa: S608 - every piece of it stands in this module
)
CREDIT_WITHIN = Query(
    "credit_notes.within_original",
    "贷项（红字）合计不超过原发票，逐行亦然，买卖双方与币种相同。",
    "Credit notes together never exceed their invoice, nor any of its lines, and name the same parties.",
    """
    SELECT o.id AS invoice_id, l.reference, l.gross_minor, sum(c.gross_minor) AS credited_minor
    FROM billing.invoice n
    JOIN billing.invoice o ON o.id = n.original_invoice_id
    JOIN billing.invoice_line c ON c.invoice_id = n.id
    LEFT JOIN billing.invoice_line l ON l.invoice_id = o.id AND l.reference = c.reference
    GROUP BY o.id, l.reference, l.gross_minor, l.net_minor, l.tax_minor
    HAVING l.reference IS NULL OR sum(c.gross_minor) > l.gross_minor OR sum(c.net_minor) > l.net_minor
        OR sum(c.tax_minor) > l.tax_minor
        OR bool_or((n.buyer_org_id, n.seller_org_id, n.currency) <> (o.buyer_org_id, o.seller_org_id, o.currency))
    """,
)
CREDITED = Query(
    "credit_notes.per_refund",
    "已开票订单的每笔成功退款都有同额的贷项（红字）单据；开票前已扣减的退款没有。",
    "Every refund of an invoiced order has a credit note of the same amount, and one that was taken off before has none.",
    f"""
    SELECT r.id AS refund_id, i.id AS invoice_id, l.minor AS refunded_minor, n.gross_minor AS credited_minor
    FROM billing.refund r
    LEFT JOIN orders.unbilled_order u ON u.order_id = r.reference
    JOIN billing.invoice i ON i.reference = coalesce(u.reference, r.reference) AND i.kind = 'invoice'
        AND i.superseded_at IS NULL
    JOIN (SELECT refund_id, sum(gross_minor) AS minor FROM billing.refund_line GROUP BY 1) l ON l.refund_id = r.id
    LEFT JOIN billing.invoice n ON n.refund_id = r.id
    WHERE r.state = 'succeeded' AND n.gross_minor IS DISTINCT FROM CASE WHEN r.id = ANY(u.deducted) THEN NULL ELSE l.minor END
      AND NOT {pending("r.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
CORRECTED = Query(
    "invoices.corrected",
    "更正过抬头的发票：未退部分由一张红字单据全部冲回，并由一张新发票逐行取代，买卖双方与币种相同。",
    "What was left of an invoice whose title was corrected is credited by one note and stands on one new invoice, line by line.",
    """
    SELECT o.id AS invoice_id, o.number, n.id AS note_id, c.id AS corrected_id
    FROM billing.invoice o
    LEFT JOIN billing.invoice n ON n.original_invoice_id = o.id AND n.kind = 'credit_note' AND n.refund_id IS NULL
    FULL JOIN (SELECT * FROM billing.invoice x WHERE x.corrects_invoice_id IS NOT NULL) c ON c.corrects_invoice_id = o.id
    -- A note that has lost its refund is named by `credit_notes.per_refund`.
    WHERE (o.superseded_at IS NOT NULL OR c.id IS NOT NULL OR n.id IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM billing.refund r WHERE r.state = 'succeeded' AND (r.reference = o.reference
                       OR EXISTS (SELECT 1 FROM billing.invoice_line x WHERE x.invoice_id = o.id AND x.order_id = r.reference))
                   AND NOT EXISTS (SELECT 1 FROM billing.invoice k WHERE k.refund_id = r.id))) AND (
        o.superseded_at IS NULL OR n.id IS NULL OR c.id IS NULL
        OR (c.buyer_org_id, c.seller_org_id, c.currency, c.reference)
           IS DISTINCT FROM (o.buyer_org_id, o.seller_org_id, o.currency, o.reference)
        OR EXISTS (
            SELECT 1
            FROM (SELECT * FROM billing.invoice_line l WHERE l.invoice_id = n.id) x
            FULL JOIN (SELECT * FROM billing.invoice_line l WHERE l.invoice_id = c.id AND l.gross_minor > 0) y
                ON y.reference = x.reference
            WHERE (x.net_minor, x.tax_minor, x.gross_minor) IS DISTINCT FROM (y.net_minor, y.tax_minor, y.gross_minor))
        OR o.gross_minor <> (SELECT sum(k.gross_minor) FROM billing.invoice k
                             WHERE k.original_invoice_id = o.id AND k.kind = 'credit_note'))
    """,
)
PRODUCED = Query(
    "documents.produced",
    "每张单据都已编号并生成文件，或正有任务在处理。",
    "Every document is numbered and drawn, or a job is about to do it.",
    f"""
    SELECT i.id AS invoice_id, i.state, i.number, i.pdf_key FROM billing.invoice i
    WHERE (i.state = 'queued' OR i.pdf_key IS NULL OR i.pdf_sha256 IS NULL) AND NOT {pending("i.id")}
      -- A credit note whose tax invoices are not taken back yet waits for both sides' word.
      AND NOT (i.state = 'queued' AND i.reddened_at IS NULL
               AND EXISTS (SELECT 1 FROM billing.red_letter l WHERE l.note_id = i.id))
    """,  # noqa: S608 - (same)
)

RULES = (GAPLESS, DATED, SPELLED, LINES, ORDERS, PER_ORDER, CREDIT_WITHIN, CREDITED, CORRECTED, PRODUCED)
