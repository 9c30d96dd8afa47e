"""Runs, entitlements and seats."""

from __future__ import annotations

from app.verify.rule import Query, late
from migrations.partitions import kept_since

PROVISIONED = Query(
    "runs.provisioned_once",
    "每项权益最多开通一次；可用的权益恰有一次成功的开通。",
    "Every entitlement is provisioned at most once; one in force had exactly one success.",
    """
    SELECT e.id AS entitlement_id, e.state, count(r.id) AS runs,
           count(r.id) FILTER (WHERE r.state = 'succeeded') AS succeeded
    FROM fulfillment.entitlement e
    LEFT JOIN fulfillment.run r ON r.entitlement_id = e.id AND r.operation = 'provision'
    GROUP BY e.id
    HAVING count(r.id) <> 1
        OR (e.state IN ('active', 'suspended') AND count(r.id) FILTER (WHERE r.state = 'succeeded') <> 1)
    """,
)
ONE_LIVE = Query(
    "runs.one_live",
    "每项权益同一时刻最多一项操作在进行。",
    "At most one run of an entitlement is under way.",
    """
    SELECT entitlement_id, count(*) AS runs FROM fulfillment.run
    WHERE state IN ('calling', 'waiting') GROUP BY entitlement_id HAVING count(*) > 1
    """,
)
TIMELY = Query(
    "runs.timely",
    "没有操作超过期限仍在进行；已结束者有结束时间。",
    "No run is under way beyond its deadline; one that ended says when.",
    f"""
    SELECT id AS run_id, entitlement_id, state, deadline_at, finished_at FROM fulfillment.run
    WHERE CASE WHEN state IN ('queued', 'calling', 'waiting') THEN deadline_at < {late("buyer_org_id")} OR finished_at IS NOT NULL
               ELSE finished_at IS NULL END
    """,  # noqa: S608 - every piece of it stands in this module
)
RECORDED = Query(
    "runs.recorded",
    "每次尝试都有记录，编号从 1 起连续。",
    "Every try of a run is recorded, numbered from 1 without gap.",
    """
    SELECT r.id AS run_id, r.tries, count(a.id) AS attempts, max(a.number) AS highest
    FROM fulfillment.run r
    LEFT JOIN fulfillment.run_attempt a ON a.buyer_org_id = r.buyer_org_id AND a.run_id = r.id
    WHERE r.created_at >= :since
    GROUP BY r.id HAVING count(a.id) <> r.tries OR coalesce(max(a.number), 0) <> r.tries
    """,
    lambda: {"since": kept_since("fulfillment.run_attempt")},
)
DATED = Query(
    "entitlements.dated",
    "可用的权益有起始时间，有期限者止期在后；已终止者有止期。",
    "An entitlement in force has a beginning, and an end after it where it has a term; one that ended says when.",
    """
    SELECT id AS entitlement_id, state, valid_from, valid_to FROM fulfillment.entitlement
    WHERE (state IN ('active', 'suspended') AND (valid_from IS NULL OR (term_months > 0 AND valid_to IS NULL)))
       OR (state = 'ended' AND valid_to IS NULL) OR valid_to < valid_from
    """,
)
SEATS = Query(
    "seats.counted",
    "已用席位数等于在用席位，连同分配给子公司的不超过购买数；一人不占两席。",
    "Seats used are the seats held, with those allocated never more than were bought, and nobody holds two.",
    """
    SELECT e.id AS entitlement_id, e.seats, e.seats_used, count(s.id) AS held
    FROM fulfillment.entitlement e
    LEFT JOIN fulfillment.seat s ON s.entitlement_id = e.id AND s.revoked_at IS NULL
    GROUP BY e.id
    HAVING count(s.id) <> e.seats_used OR e.seats_used + e.seats_allocated > e.seats OR count(DISTINCT s.person_id) <> count(s.id)
    """,
)

KEPT = Query(
    "entitlements.data_kept",
    "已终止的权益标明卖方保留数据至何时，不早于售出时约定的天数；未终止者没有。",
    "What has ended says until when its data are kept, no shorter than was sold; what has not ended says none.",
    """
    SELECT id AS entitlement_id, state, valid_to, data_kept_days, data_kept_until FROM fulfillment.entitlement
    WHERE CASE WHEN state = 'ended' AND valid_from IS NOT NULL AND data_kept_days IS NOT NULL
               THEN data_kept_until IS NULL OR data_kept_until < valid_to + make_interval(days => data_kept_days::int)
               ELSE data_kept_until IS NOT NULL END
    """,
)

RULES = (PROVISIONED, ONE_LIVE, TIMELY, RECORDED, DATED, KEPT, SEATS)
