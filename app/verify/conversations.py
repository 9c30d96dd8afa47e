"""Conversations and tickets: what is counted is there, who is responsible was named last, the clock is as the answers are.

And how soon each seller answers is what was written.
"""

from __future__ import annotations

from app.verify.rule import Query, late
from marketplace.service_windows.response_time import IN_TIME, LEAST, WINDOW

COUNTED = Query(
    "conversations.counted",
    "每段对话的消息从 1 起连续编号，最后一条的编号与时间记在对话上，负责人即最后一次交接所指之人，读到之处不超过末尾。",
    "A thread knows its last message and who is responsible; its messages are numbered from 1 and read no further than its end.",
    """
    SELECT c.id AS conversation_id, c.last_number, f.messages, c.assigned_to, f.assigned_to AS found_to
    FROM orders.conversation c
    LEFT JOIN LATERAL (
        SELECT count(*) AS messages, max(m.number) AS last, max(m.created_at) AS last_at,
               (array_agg(m.assigned_to ORDER BY m.number DESC) FILTER (WHERE m.kind = 'handover'))[1] AS assigned_to
        FROM orders.conversation_message m WHERE m.conversation_id = c.id
    ) f ON true
    WHERE (c.last_number, c.last_number, c.last_at) IS DISTINCT FROM (f.messages, f.last, f.last_at)
       OR c.assigned_to IS DISTINCT FROM f.assigned_to
       OR EXISTS (SELECT 1 FROM orders.conversation_reading r
                  WHERE r.conversation_id = c.id AND r.read_number > c.last_number)
    """,
)

TICKETS = Query(
    "tickets.clock",
    "工单的首次响应即卖方的第一条消息；未答复者为待答复，逾期的已标记，再逾期的已上报，已解决的到期关闭。",
    "A ticket's first answer is its seller's first message; what waits too long is marked, what is resolved closes in time.",
    f"""
    SELECT t.id AS ticket_id, t.state, t.first_due_at, t.first_answered_at, t.breached_at, t.due_at, f.answered_at
    FROM orders.ticket t
    LEFT JOIN LATERAL (
        SELECT count(*) AS messages, max(m.number) AS last, max(m.created_at) AS last_at,
               min(m.created_at) FILTER (WHERE m.side = 'seller') AS answered_at
        FROM orders.ticket_message m WHERE m.ticket_id = t.id
    ) f ON true
    WHERE (t.last_number, t.last_number, t.last_at, t.first_answered_at)
          IS DISTINCT FROM (f.messages, f.last, f.last_at, f.answered_at)
       OR (t.state IN ('waiting_seller', 'waiting_buyer', 'resolved') AND t.first_answered_at IS NULL)
       OR t.due_at < {late("t.buyer_org_id")}
       OR (t.state = 'open' AND t.breached_at IS NULL AND t.due_at IS DISTINCT FROM t.first_due_at)
       OR (t.state = 'resolved' AND t.due_at IS NULL)
       OR (t.state IN ('waiting_seller', 'waiting_buyer', 'closed') AND t.due_at IS NOT NULL)
    """,  # noqa: S608 - every piece of it stands in this module
)

ANSWERS = Query(
    "response_times.counted",
    "卖方的回复速度等于其截止时间前三十天内买方咨询（对话与工单）的回复：个数、一天内回复数与中位用时。",
    "How soon a seller answers is what the questions of the thirty days before it was counted came to.",
    f"""
    WITH question AS (
        SELECT x.seller_org_id, x.counted_until AS until, m.created_at AS asked_at,
               (SELECT min(a.created_at) FROM orders.conversation_message a
                WHERE a.conversation_id = m.conversation_id AND a.kind = 'written' AND a.side = 'seller'
                  AND a.number > m.number AND a.created_at < x.counted_until) AS answered_at
        FROM orders.seller_response_time x
        JOIN orders.conversation_message m ON m.seller_org_id = x.seller_org_id
        WHERE m.kind = 'written' AND m.side = 'buyer' AND m.created_at < x.counted_until
          AND m.created_at >= x.counted_until - interval '{WINDOW.days} days'
          AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id = m.buyer_org_id)
          AND (SELECT b.side FROM orders.conversation_message b
               WHERE b.conversation_id = m.conversation_id AND b.kind = 'written' AND b.number < m.number
                 AND b.created_at >= x.counted_until - interval '{WINDOW.days} days'
               ORDER BY b.number DESC LIMIT 1) IS DISTINCT FROM 'buyer'
        UNION ALL
        SELECT x.seller_org_id, x.counted_until, t.created_at,
               CASE WHEN t.first_answered_at < x.counted_until THEN t.first_answered_at END
        FROM orders.seller_response_time x JOIN orders.ticket t ON t.seller_org_id = x.seller_org_id
        WHERE t.created_at < x.counted_until AND t.created_at >= x.counted_until - interval '{WINDOW.days} days'
          AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock c WHERE c.test_org_id = t.buyer_org_id)
    ), again AS (
        SELECT seller_org_id, count(*) AS counted,
               count(*) FILTER (WHERE answered_at <= asked_at + interval '{IN_TIME.days} day') AS in_time,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY ceil(extract(epoch FROM answered_at - asked_at))::bigint)
                   FILTER (WHERE answered_at IS NOT NULL) AS median_s
        FROM question WHERE answered_at IS NOT NULL OR asked_at < until - interval '{IN_TIME.days} day'
        GROUP BY seller_org_id
    )
    SELECT x.seller_org_id, x.counted, x.in_time, x.median_s, a.counted AS counted_again, a.in_time AS in_time_again,
           a.median_s AS median_again
    FROM orders.seller_response_time x LEFT JOIN again a USING (seller_org_id)
    WHERE (x.counted, x.in_time, x.median_s) IS DISTINCT FROM (coalesce(a.counted, 0), coalesce(a.in_time, 0), a.median_s)
    """,  # noqa: S608 - every piece of it stands in this program
)
SHOWN = Query(
    "response_times.shown",
    f"买方看到的回复速度就是所统计的；不足 {LEAST} 个咨询时不显示。",
    f"What buyers are shown of how soon a seller answers is what was counted, and nothing of fewer than {LEAST} questions.",
    f"""
    SELECT o.id AS seller_org_id, o.response_time, x.counted FROM marketplace.organization o
    LEFT JOIN orders.seller_response_time x ON x.seller_org_id = o.id
    WHERE o.response_time IS DISTINCT FROM CASE WHEN x.counted >= {LEAST} THEN jsonb_build_object(
        'counted', x.counted, 'in_time', x.in_time, 'median_s', x.median_s) END
    """,  # noqa: S608 - (same)
)

RULES = (COUNTED, TICKETS, ANSWERS, SHOWN)
