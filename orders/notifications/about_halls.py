"""What people are told of exhibitions: exhibitors of invitations, organizers of the answers, visitors of who asks for a badge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.halls.events import BadgeAsked, BadgeRevoked, BoothAnswered, BoothInvited
from marketplace.halls.models import Hall, HallBooth
from marketplace.halls.save_hall import OPERATOR_PERMISSION, PERMISSION
from marketplace.halls.visitor_models import HallBadge, HallExchange
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(BoothInvited)
def booth_invited(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever decides for the exhibitor."""
    for event, booth, hall in _booths(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "booth_invited",
            f"/seller/booths/{booth.id}",
            {"who": hall.organizer_name, "hall": hall.title},
            org_id=booth.exhibitor_org_id,
            permission=PERMISSION,
        )


@notifies_of(BoothAnswered)
def booth_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The organizer's people."""
    for event, booth, hall in _booths(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "booth_accepted" if event.payload["accepted"] else "booth_declined",
            f"/organizer/halls/{hall.id}",
            {"who": booth.exhibitor_name, "hall": hall.title},
            org_id=hall.org_id,
            permission=OPERATOR_PERMISSION if hall.org_id == PLATFORM_ORG_ID else PERMISSION,
        )


@notifies_of(BadgeAsked)
def badge_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who bears the badge."""
    for event, exchange, badge, booth in _exchanges(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "badge_asked",
            f"/halls/{badge.hall_id}/badge",
            {"who": booth.exhibitor_name},
            org_id=exchange.visitor_org_id,
            person_id=badge.person_id,
        )


@notifies_of(BadgeRevoked)
def badge_revoked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever takes care of the exhibitor's leads: there is nobody to write to any more."""
    for event, exchange, badge, _ in _exchanges(uow, events):
        del badge
        yield NewNotification(
            event.id,
            event.at,
            "badge_revoked",
            f"/seller/leads/{exchange.lead_id}",
            {},
            org_id=exchange.exhibitor_org_id,
            permission="leads.manage",
        )


def _booths(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, HallBooth, Hall]]:
    rows = uow.session.execute(
        select(HallBooth, Hall)
        .join(Hall, Hall.id == HallBooth.hall_id)
        .where(HallBooth.id.in_([one.uuid("booth_id") for one in events]))
    )
    found = {booth.id: (booth, hall) for booth, hall in rows}
    for event in events:
        yield (event, *found[event.uuid("booth_id")])


def _exchanges(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, HallExchange, HallBadge, HallBooth]]:
    rows = uow.session.execute(
        select(HallExchange, HallBadge, HallBooth)
        .join(HallBadge, HallBadge.id == HallExchange.badge_id)
        .join(HallBooth, HallBooth.id == HallExchange.booth_id)
        .where(HallExchange.id.in_([one.uuid("exchange_id") for one in events]))
    )
    found = {exchange.id: (exchange, badge, booth) for exchange, badge, booth in rows}
    for event in events:
        yield (event, *found[event.uuid("exchange_id")])
