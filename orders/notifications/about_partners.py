"""What each side is told of a seller's partners: who asked, what was answered, that it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from marketplace.relations.events import (
    DealerInvited,
    PartnerAccepted,
    PartnerAsked,
    PartnerDeclined,
    PartnerEnded,
    PartnerTerritorySet,
)
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.save_tier import PERMISSION
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(PartnerAsked)
def partner_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that has to answer."""
    return _to_other_side(uow, events, "partner_asked")


@notifies_of(PartnerAccepted)
def partner_accepted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that asked; of a move to another tier, the partner."""
    return _to_other_side(uow, events, "partner_accepted")


@notifies_of(PartnerDeclined)
def partner_declined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that asked."""
    return _to_other_side(uow, events, "partner_declined")


@notifies_of(PartnerEnded)
def partner_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that did not end it."""
    return _to_other_side(uow, events, "partner_ended")


@notifies_of(PartnerTerritorySet)
def territory_set(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The partner."""
    rows = uow.session.scalars(select(PartnerLink).where(PartnerLink.id.in_([one.uuid("link_id") for one in events])))
    names = {row.id: row.seller_name for row in rows}
    for event in events:
        yield NewNotification(
            event.id,
            event.at,
            "partner_territory_set",
            "/partners",
            {"who": names[event.uuid("link_id")]},
            org_id=event.uuid("buyer_org_id"),
            permission=PARTNER_PERMISSION,
        )


@notifies_of(DealerInvited)
def dealer_invited(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever buys for the organization that a seller's list names, while the invitation is open."""
    asked = [one.uuid("invitation_id") for one in events]
    rows = uow.session.execute(
        select(PartnerInvitation, Organization.display_name)
        .join(Organization, Organization.id == PartnerInvitation.seller_org_id)
        .where(PartnerInvitation.id.in_(asked))
    )
    found = {row.id: (row, seller) for row, seller in rows}
    for event in events:
        row, seller = found[event.uuid("invitation_id")]
        if row.state_at(event.at) != "open":
            continue
        yield NewNotification(
            event.id,
            event.at,
            "partner_invited",
            f"/partner-invitations/{row.code}",
            {"who": seller},
            org_id=event.uuid("buyer_org_id"),
            permission=PARTNER_PERMISSION,
        )


def _to_other_side(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    rows = uow.session.scalars(select(PartnerLink).where(PartnerLink.id.in_([one.uuid("link_id") for one in events])))
    found = {row.id: row for row in rows}
    for event in events:
        link, by_seller = found[event.uuid("link_id")], bool(event.payload["by_seller"])
        yield NewNotification(
            event.id,
            event.at,
            f"{kind}_by_seller" if by_seller else f"{kind}_by_partner",
            "/partners" if by_seller else "/seller/partners",
            {"who": link.seller_name if by_seller else link.buyer_name},
            org_id=link.buyer_org_id if by_seller else link.seller_org_id,
            permission=PARTNER_PERMISSION if by_seller else PERMISSION,
        )
