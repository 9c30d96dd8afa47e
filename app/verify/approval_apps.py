"""Approval outside: what counted there is what was decided here, and nothing decided waits there as if it were open."""

from __future__ import annotations

from app.verify.rule import Query

COUNTED = Query(
    "approval_apps.counted",
    "计入的外部答复，正是该人对该步骤的决定；一步至多计入一个。",
    "An answer from outside that counted is the decision of its step, by its person; of one step there is one at most.",
    """
    SELECT a.id AS outside_answer_id, o.purchase_id, o.step, a.kind, d.decision
    FROM orders.outside_answer a
    JOIN orders.outside_approval o ON o.id = a.outside_approval_id
    LEFT JOIN orders.approval d ON d.purchase_id = o.purchase_id AND d.step = o.step
    WHERE a.outcome = 'counted'
      AND (d.id IS NULL OR d.decided_by IS DISTINCT FROM a.person_id OR o.state <> 'answered'
           OR d.decision IS DISTINCT FROM CASE a.kind WHEN 'agreed' THEN 'approved' ELSE 'rejected' END
           OR EXISTS (SELECT FROM orders.outside_answer other
                      WHERE other.outside_approval_id = o.id AND other.outcome = 'counted' AND other.id <> a.id))
    UNION ALL
    SELECT NULL, o.purchase_id, o.step, NULL, NULL
    FROM orders.outside_approval o
    WHERE o.state = 'answered'
      AND NOT EXISTS (SELECT FROM orders.outside_answer a WHERE a.outside_approval_id = o.id AND a.outcome = 'counted')
    """,
)
WAITING = Query(
    "approval_apps.waiting",
    "仍在外部等待的步骤，其采购仍在等待这一步，或撤回它的任务尚未执行。",
    "A step that waits outside is the one that its purchase waits for, or what takes it back is still to be run.",
    """
    SELECT o.id AS outside_approval_id, o.purchase_id, o.step, o.state, p.state AS purchase_state
    FROM orders.outside_approval o
    JOIN orders.purchase p ON p.id = o.purchase_id
    WHERE o.state IN ('asking', 'asked')
      AND (p.state <> 'pending_approval'
           OR EXISTS (SELECT FROM orders.approval d WHERE d.purchase_id = o.purchase_id AND d.step = o.step))
      AND NOT EXISTS (SELECT FROM kernel.job j WHERE j.payload->>'purchase_id' = CAST(o.purchase_id AS text))
    """,
)
RULES = (COUNTED, WAITING)
