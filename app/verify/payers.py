"""Who pays for whom: one payer at a time, and none that is paid for itself."""

from __future__ import annotations

from app.verify.rule import Query

NO_CHAIN = Query(
    "payers.no_chain",
    "任一时刻，每个组织至多有一个生效的付款方；由他人付款的组织不为他人付款。",
    "At any time an organization has one payer at most, and who is paid for pays for nobody.",
    """
    SELECT a.id AS agreement_id, b.id AS other_id, a.accepted_at, b.accepted_at AS other_accepted_at
    FROM marketplace.payer_agreement a
    JOIN marketplace.payer_agreement b ON b.id <> a.id AND b.accepted_at IS NOT NULL
         AND (b.payer_org_id = a.org_id OR (b.org_id = a.org_id AND b.id > a.id))
         AND b.accepted_at < coalesce(a.ended_at, 'infinity') AND a.accepted_at < coalesce(b.ended_at, 'infinity')
    WHERE a.accepted_at IS NOT NULL
    """,
)

RULES = (NO_CHAIN,)
