"""Conversations and tickets: what is counted is there, who is responsible was named last, the clock is as the answers are."""

from __future__ import annotations

from app.verify.rule import Query, late

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

RULES = (COUNTED, TICKETS)
