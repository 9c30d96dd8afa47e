"""What each side is told of a promoter plan: who asks, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from billing.promoter_plans.events import PromoterMembershipAnswered, PromoterMembershipAsked
from billing.promoter_plans.make_plan import PERMISSION
from billing.promoter_plans.memberships import PROMOTES
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(PromoterMembershipAsked)
def promoter_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that has to answer."""
    return _to_other_side(uow, events)


@notifies_of(PromoterMembershipAnswered)
def promoter_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that asked."""
    return _to_other_side(uow, events)


def _to_other_side(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    sides = {event.uuid(name) for event in events for name in ("seller_org_id", "promoter_org_id")}
    rows = uow.session.execute(select(Organization.id, Organization.display_name).where(Organization.id.in_(sides)))
    names = {row[0]: row[1] for row in rows}
    for event in events:
        seller, promoter, by_seller = (
            event.uuid("seller_org_id"),
            event.uuid("promoter_org_id"),
            event.payload["by_seller"],
        )
        said = {None: "asked", True: "accepted", False: "declined"}[event.payload.get("accepted")]
        yield NewNotification(
            event.id,
            event.at,
            f"promoter_{said}_by_seller" if by_seller else f"promoter_{said}_by_promoter",
            "/promoter/plans" if by_seller else "/seller/promoter-plans",
            {"who": names[seller if by_seller else promoter]},
            org_id=promoter if by_seller else seller,
            permission=PROMOTES if by_seller else PERMISSION,
        )
