"""What organizations' own systems are told: every fact that may be known has its events, every delivery its attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.verify.rule import Query
from marketplace.webhooks.purge_events import RETENTION
from marketplace.webhooks.schedule import MOST_TRIES
from orders.outgoing_events import (
    about_changes,
    about_milestones,
    about_money,
    about_orders,
    about_payments,
    about_usage,
)
from orders.outgoing_events.facts import TOPICS, TRANSITIONS, type_of_transition

SOURCES = (about_orders, about_milestones, about_money, about_changes, about_usage, about_payments)
"""Imported for what they register."""


def _facts() -> Mapping[str, Any]:
    reached = sorted({(machine, state.removeprefix("began_")) for machine, state in TRANSITIONS})
    states = [
        {"machine": machine, "state": state, "began": began}
        for machine, state in reached
        for began in (True, False)
        if type_of_transition(machine, None if began else "", state)
    ]
    return {"states": json.dumps(states), "topics": sorted(TOPICS), "kept": RETENTION}


PUBLISHED = Query(
    "events.published",
    "对外可见的每个事实，都在相关组织的事件日志中。",
    "Every fact that organizations may know is in the log of one at least.",
    """
    WITH published AS (SELECT starts_at FROM marketplace.event_publication)
    SELECT h.id AS fact_id, h.machine AS kind, h.to_state AS what, h.at FROM published, kernel.state_history h
    WHERE h.at >= greatest(published.starts_at, :now - CAST(:kept AS interval)) AND h.at < :late
      AND EXISTS (SELECT 1 FROM jsonb_to_recordset(CAST(:states AS jsonb)) AS s(machine text, state text, began boolean)
                  WHERE s.machine = h.machine AND s.state = h.to_state AND s.began = (h.from_state IS NULL))
      AND NOT EXISTS (SELECT 1 FROM marketplace.outgoing_event e WHERE e.fact_id = h.id)
    UNION ALL
    SELECT f.id, f.topic, '', f.occurred_at FROM published, kernel.event f
    WHERE f.occurred_at >= greatest(published.starts_at, :now - CAST(:kept AS interval)) AND f.occurred_at < :late
      AND f.topic = ANY(:topics) AND NOT EXISTS (SELECT 1 FROM marketplace.outgoing_event e WHERE e.fact_id = f.id)
    """,
    _facts,
)
PLACED = Query(
    "events.positions",
    "每个组织的事件位置连续递增，不超过其日志末尾。",
    "An organization's events follow each other without a gap, up to the end of its log.",
    """
    SELECT org_id, position, last_position FROM (
        SELECT e.org_id, e.position, l.last_position, row_number() OVER own AS place
        FROM marketplace.outgoing_event e LEFT JOIN marketplace.event_log l ON l.org_id = e.org_id
        WHERE e.created_at >= :now - CAST(:kept AS interval)
        WINDOW own AS (PARTITION BY e.org_id ORDER BY e.position DESC)
    ) e WHERE last_position IS NULL OR position <> last_position - place + 1
    """,
    lambda: {"kept": RETENTION},
)
SENT = Query(
    "deliveries.attempted",
    "每条投递的请求记录与其状态一致：已送达的最后一次成功，已放弃的已尝试 12 次。",
    "A delivery's calls are those that it counts; what is delivered was taken, what is exhausted was tried twelve times.",
    """
    SELECT d.id AS delivery_id, d.state, d.failure, d.attempts, d.tries, made.calls, made.taken
    FROM marketplace.webhook_delivery d
    LEFT JOIN LATERAL (SELECT count(*) AS calls, count(*) FILTER (WHERE a.succeeded) AS taken
                       FROM marketplace.webhook_attempt a WHERE a.delivery_id = d.id) made ON true
    WHERE made.calls <> d.attempts OR (d.state = 'delivered' AND made.taken = 0)
       OR (d.failure = 'exhausted' AND d.tries < :most)
    """,
    lambda: {"most": MOST_TRIES},
)
DUE = Query(
    "deliveries.due",
    "到期的投递都在等待发送：端点已启用，未在休息时即有任务。",
    "What is due is on its way: its endpoint is on, and rests or has its job.",
    """
    SELECT d.id AS delivery_id, d.endpoint_id, d.next_attempt_at, p.state FROM marketplace.webhook_delivery d
    JOIN marketplace.webhook_endpoint p ON p.id = d.endpoint_id
    WHERE d.state = 'pending'
      AND (p.state <> 'active' AND d.created_at < :late
           OR p.state = 'active' AND d.next_attempt_at < :late AND (p.rests_until IS NULL OR p.rests_until < :late)
              AND NOT EXISTS (SELECT 1 FROM kernel.job j WHERE j.kind = 'marketplace.webhooks.deliver'
                              AND j.dedupe_key = CAST(p.id AS text)))
    """,
)

RULES = (PUBLISHED, PLACED, SENT, DUE)
