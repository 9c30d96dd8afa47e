"""Group robots: what is due is on its way, and a robot tells nothing that is not its own organization's."""

from __future__ import annotations

from app.verify.rule import Query

DUE = Query(
    "robots.due",
    "到期的群消息都在等待发送：机器人已启用，未在休息时即有任务。",
    "A message that is due is on its way: its robot is on, and rests or has its job.",
    """
    SELECT m.id AS robot_message_id, m.robot_id, m.next_attempt_at, r.state FROM marketplace.robot_message m
    JOIN marketplace.group_robot r ON r.id = m.robot_id
    WHERE m.state = 'pending'
      AND (r.state <> 'active' AND m.created_at < :late
           OR r.state = 'active' AND m.next_attempt_at < :late AND (r.rests_until IS NULL OR r.rests_until < :late)
              AND NOT EXISTS (SELECT 1 FROM kernel.job j WHERE j.kind = 'marketplace.robots.send'
                              AND j.dedupe_key = CAST(r.id AS text)))
    """,
)
POSTED = Query(
    "robots.posted",
    "群机器人发送的内容，只来自通知给其所属组织的事件。",
    "What a robot posts was told to people of its own organization, where anybody was told of it.",
    """
    SELECT m.id AS robot_message_id, m.event_id, m.kind, m.org_id FROM marketplace.robot_message m
    WHERE EXISTS (SELECT 1 FROM marketplace.notification n WHERE n.event_id = m.event_id AND n.kind = m.kind)
      AND NOT EXISTS (SELECT 1 FROM marketplace.notification n
                      WHERE n.event_id = m.event_id AND n.kind = m.kind AND n.org_id = m.org_id)
    """,
)
RULES = (DUE, POSTED)
