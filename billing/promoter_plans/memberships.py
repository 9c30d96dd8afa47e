"""Who takes part in a targeted or an exclusive plan: invited or applied, answered by the other side, ended by either."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing.promoter_plans.events import PromoterMembershipAnswered, PromoterMembershipAsked
from billing.promoter_plans.make_plan import LEAD, PERMISSION, end_membership_row, lock_own_plan
from billing.promoter_plans.models import PROMOTER_MEMBERSHIP, PromoterMembership, PromoterPlan
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import get_findable

PROMOTES: Final = "videos.write"
"""Of the promoter's side."""
MOST: Final = 200
"""Promoters of a plan at a time: a sale reads them all."""
ASKED: Final = Limit(100, timedelta(days=1))


def invite_promoter(uow: UnitOfWork, plan_id: UUID, org_id: UUID) -> PromoterMembership:
    """Ask an organization to promote under a targeted or an exclusive plan of the acting seller.

    Raises: as `lock_own_plan`; NotFound `organization_not_found`; Conflict `promoter_plan_open_to_all`, `promoter_plan_over`,
        `promoters_too_many`, `promoter_asked_already`; TooMany `promoters_asked_too_often`. Emits: PromoterMembershipAsked.
    Locks: the listing, the plan.
    """
    plan = lock_own_plan(uow, plan_id)
    get_findable(uow, org_id)
    return _ask(uow, plan, org_id, "invited")


def apply_as_promoter(uow: UnitOfWork, plan_id: UUID) -> PromoterMembership:
    """Ask a seller to be let into its plan. Raises as `invite_promoter`; Forbidden `permission_missing`, `own_promoter_plan`."""
    uow.principal.require(PROMOTES)
    own_id = uow.principal.organization()
    with as_platform(uow):
        plan = uow.session.get(PromoterPlan, plan_id)
    if plan is None:
        raise NotFound("promoter_plan_not_found")
    if plan.seller_org_id == own_id:
        raise Forbidden("own_promoter_plan")
    return _ask(uow, plan, own_id, "applied")


def answer_membership(uow: UnitOfWork, membership_id: UUID, *, accept: bool) -> PromoterMembership:
    """Say yes or no to the side that asked; accepted, sales count in a minute. Said already, nothing changes.

    Raises: as `lock_membership`; Conflict `promoter_not_asked`, it waits for nobody or not for this side; `promoter_plan_over`.
    Emits: PromoterMembershipAnswered. Locks: the membership.
    """
    row = lock_membership(uow, membership_id)
    wanted = "accepted" if accept else "declined"
    if row.state == wanted:
        return row
    by_seller = row.seller_org_id == uow.principal.organization()
    if row.state != ("applied" if by_seller else "invited"):
        raise Conflict("promoter_not_asked")
    if accept:
        with as_platform(uow):
            plan = uow.session.get_one(PromoterPlan, row.plan_id)
            over = plan.ends_at is not None
        if over:
            raise Conflict("promoter_plan_over")
        row.counts_from = max(clock.now() + LEAD, plan.starts_at)
    PROMOTER_MEMBERSHIP.move(uow, row, wanted, org_ids=row.parties)
    uow.flush()
    emit(uow, PromoterMembershipAnswered(**_fact(row), by_seller=by_seller, accepted=accept))
    return row


def end_membership(uow: UnitOfWork, membership_id: UUID) -> PromoterMembership:
    """Leave, put out, or take back what nobody answered; sales count no more in a minute. Over already, nothing changes.

    Raises: as `lock_membership`. Locks: the membership.
    """
    row = lock_membership(uow, membership_id)
    if row.state not in {"declined", "ended"}:
        end_membership_row(uow, row, clock.now() + LEAD, "asked")
        uow.flush()
    return row


def lock_membership(uow: UnitOfWork, membership_id: UUID) -> PromoterMembership:
    """One of the acting organization's, on either side.

    Raises: NotFound `promoter_membership_not_found`; Forbidden `permission_missing`.
    """
    own_id = uow.principal.organization()
    row = lock_row(uow.session, PromoterMembership, membership_id)
    if row is None or own_id not in row.parties:
        raise NotFound("promoter_membership_not_found")
    uow.principal.require(PERMISSION if row.seller_org_id == own_id else PROMOTES)
    return row


def _ask(uow: UnitOfWork, plan: PromoterPlan, promoter_org_id: UUID, state: str) -> PromoterMembership:
    if plan.kind == "general":
        raise Conflict("promoter_plan_open_to_all")
    if plan.ends_at is not None:
        raise Conflict("promoter_plan_over")
    with as_platform(uow):
        asker = plan.seller_org_id if state == "invited" else promoter_org_id
        count_within(uow, ASKED, "promoters_asked_too_often", "promoters_asked", str(asker))
        standing = select(func.count()).where(
            PromoterMembership.plan_id == plan.id, PromoterMembership.state.in_(("invited", "applied", "accepted"))
        )
        if (uow.session.scalar(standing) or 0) >= MOST:
            raise Conflict("promoters_too_many", most=MOST)
    row = PromoterMembership(
        id=uuid7(),
        plan_id=plan.id,
        seller_org_id=plan.seller_org_id,
        promoter_org_id=promoter_org_id,
        counts_from=None,
        counts_until=None,
        created_at=clock.now(),
    )
    PROMOTER_MEMBERSHIP.begin(uow, row, state, org_ids=row.parties)
    uow.session.add(row)
    uow.flush()
    emit(uow, PromoterMembershipAsked(**_fact(row), by_seller=state == "invited"))
    return row


def _fact(row: PromoterMembership) -> dict[str, UUID]:
    return {
        "membership_id": row.id,
        "plan_id": row.plan_id,
        "seller_org_id": row.seller_org_id,
        "promoter_org_id": row.promoter_org_id,
    }
