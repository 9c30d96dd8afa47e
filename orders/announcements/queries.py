"""What a seller reads of its announcements, and an organization of those that it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.parties.models import Organization
from orders.announcements.models import Announcement, AnnouncementDelivery, AnnouncementOptOut
from orders.conversations.models import ConversationMessage, ConversationReading
from orders.conversations.sides import MANAGE


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """An announcement as its seller sees it. Who left it out, and why, the seller is not told."""

    id: UUID
    title: str
    text: str
    audience: str
    tier_id: UUID | None
    listing_id: UUID | None
    state: str
    recipients: int
    delivered: int
    read: int
    """Of those delivered: in how many organizations somebody has read it."""
    left_out: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceivedAnnouncement:
    """An announcement as the organization sees it that got it."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    title: str
    received_at: datetime
    is_opted_out: bool
    """Whether it takes none of this seller any more."""


def seller_announcements(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[AnnouncementView]:
    """The acting seller's, the newest first. Raises Forbidden(`permission_missing`)."""
    uow.principal.require(MANAGE)
    wanted = _announcements().where(Announcement.seller_org_id == uow.principal.organization())
    with as_platform(uow):
        # How far the other side has read is its own; the seller is told a number.
        rows = uow.session.execute(newest_first(wanted, Announcement.created_at, Announcement.id, cursor, limit)).all()
    return cut([_view(row) for row in rows], limit, lambda one: (one.created_at, one.id))


def get_announcement(uow: UnitOfWork, announcement_id: UUID) -> AnnouncementView:
    """One of the acting seller's. Raises Forbidden(`permission_missing`), NotFound(`announcement_not_found`)."""
    uow.principal.require(MANAGE)
    own = (Announcement.id == announcement_id, Announcement.seller_org_id == uow.principal.organization())
    with as_platform(uow):
        row = uow.session.execute(_announcements().where(*own)).one_or_none()
    if row is None:
        raise NotFound("announcement_not_found")
    return _view(row)


def received_announcements(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20
) -> Page[ReceivedAnnouncement]:
    """What the acting organization was sent, the latest first."""
    out = exists().where(
        AnnouncementOptOut.buyer_org_id == AnnouncementDelivery.buyer_org_id,
        AnnouncementOptOut.seller_org_id == AnnouncementDelivery.seller_org_id,
    )
    wanted: Any = (
        select(AnnouncementDelivery, Organization.display_name, out)
        .join(Organization, Organization.id == AnnouncementDelivery.seller_org_id)
        .where(
            AnnouncementDelivery.buyer_org_id == uow.principal.organization(), AnnouncementDelivery.state == "delivered"
        )
    )
    found = newest_first(wanted, AnnouncementDelivery.ended_at, AnnouncementDelivery.id, cursor, limit)
    views = [
        ReceivedAnnouncement(row.id, row.seller_org_id, name, row.title, row.ended_at or row.created_at, is_out)
        for row, name, is_out in uow.session.execute(found)
    ]
    return cut(views, limit, lambda one: (one.received_at, one.id))


def _announcements() -> Select[Any]:
    of_it = AnnouncementDelivery.announcement_id == Announcement.id
    delivered, left_out = (
        select(func.count()).where(of_it, AnnouncementDelivery.state == state).correlate(Announcement).scalar_subquery()
        for state in ("delivered", "skipped")
    )
    somebody_read = exists().where(
        ConversationReading.conversation_id == ConversationMessage.conversation_id,
        ConversationReading.org_id == AnnouncementDelivery.buyer_org_id,
        ConversationReading.read_number >= ConversationMessage.number,
    )
    read = (
        select(func.count())
        .select_from(AnnouncementDelivery)
        .join(ConversationMessage, ConversationMessage.id == AnnouncementDelivery.message_id)
        .where(of_it, somebody_read)
        .correlate(Announcement)
        .scalar_subquery()
    )
    joined: Any = select(Announcement, delivered, read, left_out)
    statement: Select[Any] = joined
    return statement


def _view(row: Any) -> AnnouncementView:
    one, delivered, read, left_out = row
    return AnnouncementView(
        one.id,
        one.title,
        one.text,
        one.audience,
        one.tier_id,
        one.listing_id,
        one.state,
        one.recipients,
        delivered,
        read,
        left_out,
        one.created_at,
        one.ended_at,
    )
