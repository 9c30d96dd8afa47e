"""A seller says what promotion of a listing gets, and ends it. Nothing of a plan is changed: end it and make another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing.promoter_plans.models import PROMOTER_MEMBERSHIP, PromoterMembership, PromoterPlan
from billing.shares.policy_queries import rules_in_force
from billing.shares.rules import PolicyRule
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import PPM, exponent
from marketplace.access.find_organizations import get_findable
from marketplace.catalog.draft_listing import lock_own_listing
from marketplace.catalog.models import Listing

PERMISSION: Final = "catalog.write"
"""Of the seller's side."""
MOST_PPM: Final = 900_000
"""What marketplaces of the kind allow: nine tenths (微信小店优选联盟)."""
LEAD: Final = timedelta(minutes=1)
"""Plans begin and end no sooner. It is longer than any transaction: which plan was in force at an instant has one answer."""
MOST_CAP_MINOR: Final = 10**13


@dataclass(frozen=True, slots=True)
class MakePlan:
    """What promotion of a listing gets. Rates in ppm of a line's net; those of the chain are out of `rate_ppm`."""

    listing_id: UUID
    kind: str
    rate_ppm: int
    distributor_org_id: UUID | None = None
    distributor_ppm: int = 0
    service_org_id: UUID | None = None
    service_ppm: int = 0
    order_cap_minor: int | None = None
    month_cap_minor: int | None = None
    currency: str | None = None


def make_plan(uow: UnitOfWork, command: MakePlan) -> PromoterPlan:
    """Let a plan be in force in a minute.

    Raises:
        Forbidden: `permission_missing`. NotFound: `listing_not_found`, `organization_not_found` (of the chain).
        Invalid: `promoter_rate_out_of_policy` with the bounds; `promoter_chain_invalid`; `promoter_caps_invalid`.
        Conflict: `promoter_plan_exists`, one of its kind is in force; `promoter_plan_exclusive`, an exclusive one stands alone;
            `promoter_plan_needs_general`, a targeted one is beside a general one.

    Locks: the listing.
    """
    uow.principal.require(PERMISSION)
    listing = lock_own_listing(uow, command.listing_id)
    _require_rate(uow, listing, command.rate_ppm)
    _require_chain(uow, command)
    _require_caps(command)
    _require_beside(_in_force_kinds(uow, listing.id), command.kind)
    plan = PromoterPlan(
        id=uuid7(),
        seller_org_id=listing.org_id,
        starts_at=_after_all(uow, listing.id),
        ends_at=None,
        created_by=uow.principal.person_id,
        created_at=clock.now(),
        **{name: getattr(command, name) for name in MakePlan.__dataclass_fields__},
    )
    uow.session.add(plan)
    audit.record(uow, "promoter_plan.made", subject_id=plan.id, kind=plan.kind, rate_ppm=plan.rate_ppm)
    uow.flush()
    return plan


def end_plan(uow: UnitOfWork, plan_id: UUID) -> PromoterPlan:
    """Let it end in a minute: what was sold until then keeps it. Ended already, nothing changes.

    Raises: Forbidden `permission_missing`; NotFound `promoter_plan_not_found`; Conflict `promoter_plan_needs_general`, a targeted
    one is beside it.

    Locks: the listing, the plan, its memberships.
    """
    plan = lock_own_plan(uow, plan_id)
    if plan.ends_at is not None:
        return plan
    if plan.kind == "general" and "targeted" in _in_force_kinds(uow, plan.listing_id):
        raise Conflict("promoter_plan_needs_general")
    plan.ends_at = max(clock.now() + LEAD, plan.starts_at)
    members = select(PromoterMembership).where(
        PromoterMembership.plan_id == plan.id, PromoterMembership.state.in_(("invited", "applied", "accepted"))
    )
    for member in uow.session.scalars(members.order_by(PromoterMembership.id).with_for_update()):
        end_membership_row(uow, member, plan.ends_at, "plan_ended")
    audit.record(uow, "promoter_plan.ended", subject_id=plan.id)
    uow.flush()
    return plan


def lock_own_plan(uow: UnitOfWork, plan_id: UUID) -> PromoterPlan:
    """A plan of the acting seller, its listing locked. Raises Forbidden, NotFound(`promoter_plan_not_found`)."""
    uow.principal.require(PERMISSION)
    plan = uow.session.get(PromoterPlan, plan_id)
    if plan is None or plan.seller_org_id != uow.principal.organization():
        raise NotFound("promoter_plan_not_found")
    lock_own_listing(uow, plan.listing_id)
    found = lock_row(uow.session, PromoterPlan, plan_id)
    assert found is not None  # noqa: S101 - plans are never deleted
    return found


def end_membership_row(uow: UnitOfWork, member: PromoterMembership, at: datetime, reason: str) -> None:
    """End a locked one: it counts no more from `at` on."""
    if member.counts_from is not None:
        member.counts_until = max(at, member.counts_from)
    PROMOTER_MEMBERSHIP.move(uow, member, "ended", org_ids=member.parties, reason=reason)


def rate_bounds(rules: list[PolicyRule], listing: Listing) -> tuple[int, int]:
    """The least and the most that a plan may give: what the policy promises every promoter, and what the commission leaves."""
    fitting = [
        rule
        for rule in rules
        if rule.category == listing.kind
        and rule.listing_id in {None, listing.id}
        and rule.seller_id in {None, listing.org_id}
    ]
    least = max((rule.promoter_ppm for rule in fitting), default=0)
    most = min(MOST_PPM, PPM - max((rule.commission_ppm for rule in fitting), default=0))
    return max(least, 1), most


def _require_rate(uow: UnitOfWork, listing: Listing, rate_ppm: int) -> None:
    least, most = rate_bounds(rules_in_force(uow, clock.now()), listing)
    if not least <= rate_ppm <= most:
        raise Invalid("promoter_rate_out_of_policy", field="rate_ppm", least_ppm=least, most_ppm=most)


def _require_chain(uow: UnitOfWork, command: MakePlan) -> None:
    parties = ((command.distributor_org_id, command.distributor_ppm), (command.service_org_id, command.service_ppm))
    named = [org_id for org_id, _ in parties if org_id is not None]
    fits = all((org_id is None) == (ppm == 0) and ppm >= 0 for org_id, ppm in parties)
    if not fits or len(set(named)) < len(named) or sum(ppm for _, ppm in parties) >= command.rate_ppm:
        raise Invalid("promoter_chain_invalid", field="distributor_ppm")
    for org_id in named:
        get_findable(uow, org_id)


def _require_caps(command: MakePlan) -> None:
    caps = [cap for cap in (command.order_cap_minor, command.month_cap_minor) if cap is not None]
    if (command.currency is None) == bool(caps) or not all(1 <= cap <= MOST_CAP_MINOR for cap in caps):
        raise Invalid("promoter_caps_invalid", field="order_cap")
    if command.currency is not None:
        try:
            exponent(command.currency)
        except ValueError as error:
            raise Invalid("promoter_caps_invalid", field="currency") from error


def _in_force_kinds(uow: UnitOfWork, listing_id: UUID) -> set[str]:
    standing = select(PromoterPlan.kind).where(PromoterPlan.listing_id == listing_id, PromoterPlan.ends_at.is_(None))
    return set(uow.session.scalars(standing))


def _require_beside(others: set[str], kind: str) -> None:
    if kind in others:
        raise Conflict("promoter_plan_exists")
    if "exclusive" in others or (kind == "exclusive" and others):
        raise Conflict("promoter_plan_exclusive")
    if kind == "targeted" and "general" not in others:
        raise Conflict("promoter_plan_needs_general")


def _after_all(uow: UnitOfWork, listing_id: UUID) -> datetime:
    """In a minute, and not before those that were ended a moment ago."""
    latest = uow.session.scalar(select(func.max(PromoterPlan.ends_at)).where(PromoterPlan.listing_id == listing_id))
    return max(clock.now() + LEAD, latest) if latest is not None else clock.now() + LEAD
