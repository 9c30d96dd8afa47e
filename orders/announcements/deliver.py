"""Announcements go into the threads of the two, once each, by day, and no more than an organization is to get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from kernel.states import state_in
from orders.announcements.events import AnnouncementDelivered
from orders.announcements.limits import MOST_TO_ONE, WITHIN, is_quiet
from orders.announcements.models import ANNOUNCEMENT, Announcement, AnnouncementDelivery, AnnouncementOptOut
from orders.conversations.sides import hold_between
from orders.conversations.write import announce_between

SWEEP_ANNOUNCEMENTS = "orders.announcements.deliver"
BATCH_SIZE = 100


@sweep(SWEEP_ANNOUNCEMENTS, every=timedelta(seconds=20))
def deliver_announcements(transact: Transact) -> None:
    """Whatever waits, unless people are to be left in peace."""
    settle_each(transact, pending_deliveries, deliver_one)


def pending_deliveries(uow: UnitOfWork) -> Sequence[UUID]:
    """What is to be delivered now, the oldest first; nothing at night."""
    if is_quiet(clock.now()):
        return []
    wanted = select(AnnouncementDelivery.id).where(state_in(AnnouncementDelivery.state, "pending"))
    ordered = wanted.order_by(AnnouncementDelivery.created_at, AnnouncementDelivery.id)
    return uow.session.scalars(ordered.limit(BATCH_SIZE)).all()


def deliver_one(uow: UnitOfWork, delivery_id: UUID) -> bool:
    """Put an announcement into one thread, or leave it out. Returns False when it was done meanwhile.

    Emits: AnnouncementDelivered. Locks: the announcement, the buyer's organization, the delivery, the thread.
    """
    known = uow.session.get_one(AnnouncementDelivery, delivery_id)
    announcement = lock_row(uow.session, Announcement, known.announcement_id)
    assert announcement is not None  # noqa: S101 - nobody deletes it
    hold_between(uow, known.buyer_org_id)
    row = lock_row(uow.session, AnnouncementDelivery, delivery_id)
    if row is None or row.state != "pending":
        return False
    reason = _left_out(uow, row)
    if reason is None:
        said = f"【公告】{announcement.title}\n\n{announcement.text}"
        message = announce_between(
            uow, row.buyer_org_id, row.seller_org_id, row.buyer_name, announcement.created_by, said
        )
        row.state, row.message_id = "delivered", message.id
        emit(
            uow,
            AnnouncementDelivered(
                announcement_delivery_id=row.id, buyer_org_id=row.buyer_org_id, seller_org_id=row.seller_org_id
            ),
        )
    else:
        row.state, row.reason = "skipped", reason
    row.ended_at = clock.now()
    uow.flush()
    _end(uow, announcement)
    return True


def _left_out(uow: UnitOfWork, row: AnnouncementDelivery) -> str | None:
    """Why this organization does not get it; None where it does."""
    if uow.session.get(AnnouncementOptOut, (row.buyer_org_id, row.seller_org_id)) is not None:
        return "opted_out"
    lately = select(func.count()).where(
        AnnouncementDelivery.buyer_org_id == row.buyer_org_id,
        AnnouncementDelivery.seller_org_id == row.seller_org_id,
        AnnouncementDelivery.ended_at > clock.now() - WITHIN,
        AnnouncementDelivery.state == "delivered",
    )
    return "too_many" if (uow.session.scalar(lately) or 0) >= MOST_TO_ONE else None


def _end(uow: UnitOfWork, announcement: Announcement) -> None:
    waits = select(AnnouncementDelivery.id).where(
        AnnouncementDelivery.announcement_id == announcement.id, AnnouncementDelivery.state == "pending"
    )
    if uow.session.scalar(waits.limit(1)) is None:
        announcement.ended_at = clock.now()
        ANNOUNCEMENT.move(uow, announcement, "sent", org_ids=[announcement.seller_org_id])
        uow.flush()
