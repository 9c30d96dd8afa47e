"""Who may watch an episode: the one place that decides it. Page, bytes, progress and lists all ask here."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.validity import in_force
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.access.models import Member
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing
from marketplace.courses.queries import Episode, find_episode
from marketplace.parties.models import Organization
from marketplace.videos.queries import Media, find_media


@dataclass(frozen=True, slots=True)
class Place:
    """By what the acting member watches: an entitlement in force and, where it is sold by seat, a seat of their own."""

    entitlement_id: UUID
    seat_id: UUID | None
    seller_org_id: UUID


def held_by(person_id: object) -> ColumnElement[bool]:
    """The join of an entitlement with the seat that a person holds under it now."""
    return and_(Seat.entitlement_id == Entitlement.id, Seat.person_id == person_id, Seat.revoked_at.is_(None))


def has_place() -> ColumnElement[bool]:
    """The condition under which an entitlement, joined by `held_by`, lets that person watch at this moment."""
    return and_(in_force(), or_(Seat.id.is_not(None), Entitlement.seats == 0))


def find_place(uow: UnitOfWork, listing_id: UUID) -> Place | None:
    """The acting member's place in a course, the one that lasts longest; none for keys, strangers and former members."""
    org_id, person_id = uow.principal.org_id, uow.principal.person_id
    if org_id is None or person_id is None:
        return None
    row = uow.session.execute(
        select(Entitlement.id, Seat.id.label("seat_id"), Entitlement.seller_org_id)
        .join(Member, and_(Member.org_id == Entitlement.buyer_org_id, Member.person_id == person_id))
        .outerjoin(Seat, held_by(person_id))
        .where(
            Entitlement.buyer_org_id == org_id,
            Entitlement.listing_id == listing_id,
            Member.state == "active",
            has_place(),
        )
        .order_by(Entitlement.valid_to.desc().nulls_first(), Entitlement.id.desc())
        .limit(1)
    ).first()
    return Place(row.id, row.seat_id, row.seller_org_id) if row is not None else None


def open_episode(uow: UnitOfWork, listing_id: UUID, video_id: UUID) -> Episode:
    """The episode, when the principal may watch it at this moment: its seller, whoever has a place, and of a free preview
    whoever may see the product.

    Raises:
        NotFound: `episode_not_open`.
    """
    episode = find_episode(uow, listing_id, video_id)
    if episode is None or not episode.is_playable or not _may_watch(uow, listing_id, episode):
        raise NotFound("episode_not_open")
    return episode


def find_episode_media(uow: UnitOfWork, listing_id: UUID, video_id: UUID) -> Media:
    """Where an episode's bytes lie, for whoever may watch it. Raises NotFound(`episode_not_open`, `video_not_found`)."""
    open_episode(uow, listing_id, video_id)
    with reading_as_platform(uow):
        return find_media(uow, video_id)


def _may_watch(uow: UnitOfWork, listing_id: UUID, episode: Episode) -> bool:
    if uow.principal.org_id == episode.org_id:
        return True
    return (episode.is_preview and is_on_sale(uow, listing_id)) or find_place(uow, listing_id) is not None


def is_on_sale(uow: UnitOfWork, listing_id: UUID) -> bool:
    """Whether the product is on sale to who asks."""
    shown = (
        select(Listing.id)
        .join(Organization, Organization.id == Listing.org_id)
        .where(Listing.id == listing_id, Listing.state == "published", Organization.state == "active", SHOWN)
    )
    return uow.session.scalar(shown) is not None
