"""Jobs, incoming messages and idempotency keys. That what follows from a fact has happened is for the rules on its effects."""

from __future__ import annotations

from app.verify.rule import Query
from kernel.jobs.kinds import APART

NO_DEAD = Query(
    "jobs.none_dead",
    "没有失败后被放弃的任务。",
    "No job was given up.",
    "SELECT id AS job_id, kind, attempts, last_error FROM kernel.job WHERE state = 'dead'",
)
CONSISTENT = Query(
    "jobs.consistent",
    "只有进行中的任务持有租约；已结束者有结束时间。",
    "Only a running job holds a lease, and one that has ended says when.",
    """
    SELECT id AS job_id, kind, state, lease_until, finished_at FROM kernel.job
    WHERE (state = 'running') <> (lease_until IS NOT NULL) OR (state IN ('done', 'dead')) <> (finished_at IS NOT NULL)
    """,
)
TIMELY = Query(
    "jobs.timely",
    "到期的任务都及时执行。",
    "No job that is due waits.",
    f"""SELECT id AS job_id, kind, queue, run_at, attempts FROM kernel.job
        WHERE state = 'ready' AND run_at < :late AND queue NOT LIKE '{APART}'""",  # noqa: S608 - a constant
)
INBOX = Query(
    "inbox.processed",
    "收到的每条外部消息都已及时处理。",
    "Every incoming message was dealt with in time.",
    """
    SELECT id AS message_id, source, kind, state, received_at FROM kernel.inbox
    WHERE (state = 'received') <> (processed_at IS NULL) OR (state = 'received' AND received_at < :late)
    """,
)
ANSWERED = Query(
    "idempotency.answered",
    "每个幂等键都有已提交的答复。",
    "Every idempotency key has its answer.",
    "SELECT id, org_id, route, status FROM kernel.idempotency_key WHERE status NOT BETWEEN 200 AND 499",
)

RULES = (NO_DEAD, CONSISTENT, TIMELY, INBOX, ANSWERED)
