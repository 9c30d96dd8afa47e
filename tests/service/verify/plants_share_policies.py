"""One corruption for every rule of share policies."""

from __future__ import annotations

import json
from datetime import timedelta

from billing.shares.rules import CATEGORIES, PolicyRule
from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def terms_in_force(p: Planter, _: World) -> None:
    """A version that says it was in force before everything was sold."""
    p.change(
        """INSERT INTO billing.share_policy (id, version, category, commission_ppm, promoter_ppm, hold_days, effective_at,
                                             published_at)
           SELECT CAST(:id AS uuid), 2, category, commission_ppm, promoter_ppm, hold_days, effective_at, published_at
           FROM billing.share_policy WHERE version = 1 AND category = 'saas'""",
        id=uuid7(),
    )


def share_policies_published(p: Planter, _: World) -> None:
    """One without its rules."""
    begins, version_id = clock.now() + timedelta(days=900), uuid7()
    rules = [PolicyRule(category, 10_000, 0, 7).stored() for category in CATEGORIES]
    p.change(
        """INSERT INTO billing.share_policy_version (id, state, version, reason, reason_en, rules, effective_at, published_at,
                                                     created_at)
           VALUES (:id, 'published', 9, 'x', 'x', CAST(:rules AS jsonb), :begins, :now, :now)""",
        id=version_id,
        rules=json.dumps(rules),
        begins=begins,
        now=clock.now(),
    )
    p.remember("share_policy_version", version_id, None, "draft", "published")


def shares_conflicted(p: Planter, _: World) -> None:
    """A promoter that is said to have earned nothing, and did."""
    p.define("ALTER TABLE billing.share DROP CONSTRAINT ck_share_conflict")
    p.change(
        """UPDATE billing.share SET conflict = 'same_tax_id'
           WHERE id = (SELECT id FROM billing.share WHERE kind = 'promoter' AND amount_minor > 0 LIMIT 1)"""
    )


def promoter_months_counted(p: Planter, w: World) -> None:
    """A month that used what nobody got."""
    plan_id, begins = uuid7(), clock.now() + timedelta(days=900)
    p.change(
        """INSERT INTO billing.promoter_plan (id, seller_org_id, listing_id, kind, rate_ppm, distributor_ppm, service_ppm,
                                              month_cap_minor, currency, starts_at, created_at)
           SELECT :id, org_id, id, 'general', 100000, 0, 0, 1000, 'CNY', :begins, :now
           FROM marketplace.listing WHERE org_id = :seller LIMIT 1""",
        id=plan_id,
        seller=w.seller.id,
        begins=begins,
        now=clock.now(),
    )
    p.change(
        """INSERT INTO billing.promoter_month (id, plan_id, seller_org_id, promoter_org_id, month, currency, used_minor)
           VALUES (:id, :plan, :seller, :promoter, :month, 'CNY', 5)""",
        id=uuid7(),
        plan=plan_id,
        seller=w.seller.id,
        promoter=w.promoter.id,
        month=begins.date().replace(day=1),
    )
