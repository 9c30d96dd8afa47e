"""What members are told of courses in which they were given a seat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from fulfillment.entitlements.events import SeatAssigned
from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from marketplace.courses.models import CourseEpisode
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(SeatAssigned)
def seat_assigned(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever was given a seat in a course learns that it is open to them; of other seats their administrators tell them."""
    episodes = select(CourseEpisode.id).where(CourseEpisode.listing_id == Entitlement.listing_id)
    rows = uow.session.execute(
        select(Entitlement.id, Entitlement.title, Entitlement.title_en, Organization.display_name)
        .join(Organization, Organization.id == Entitlement.seller_org_id)
        .where(Entitlement.id.in_([event.uuid("entitlement_id") for event in events]), episodes.exists())
    )
    courses = {row.id: row for row in rows}
    for event in events:
        row = courses.get(event.uuid("entitlement_id"))
        if row is not None:
            yield NewNotification(
                event.id,
                event.at,
                "course_ready",
                f"/courses/{event.payload['listing_id']}",
                {"what": row.title, "what_en": row.title_en, "seller": row.display_name},
                org_id=event.uuid("buyer_org_id"),
                person_id=event.uuid("person_id"),
            )
