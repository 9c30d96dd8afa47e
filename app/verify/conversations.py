"""Conversations: what is counted is there, and who is responsible is who was named last."""

from __future__ import annotations

from app.verify.rule import Query

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

RULES = (COUNTED,)
