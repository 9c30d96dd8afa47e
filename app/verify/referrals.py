"""Referrals: whoever was brought is new, was brought when it registered, and by a link that was there."""

from __future__ import annotations

from app.verify.rule import Query

BROUGHT = Query(
    "referrals.brought",
    "每条推荐归属与被推荐组织的注册同时产生，且不早于推荐方的链接。",
    "An organization was brought when it registered, by a link that its referrer had by then.",
    """
    SELECT r.id AS referral_id, r.created_at, o.created_at AS registered_at, k.created_at AS link_since
    FROM marketplace.referral r
    JOIN marketplace.organization o ON o.id = r.referred_org_id
    JOIN marketplace.referral_link k ON k.org_id = r.referrer_org_id AND k.id = r.link_id
    WHERE r.created_at < o.created_at OR r.created_at > o.created_at + interval '10 minutes' OR k.created_at > r.created_at
    """,
)

RULES = (BROUGHT,)
