"""Booths of a hall: the organizer invites exhibitors, they accept and say what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.access.find_organizations import get_findable
from marketplace.catalog.models import Listing
from marketplace.channels.models import Channel
from marketplace.halls.events import BoothAnswered, BoothInvited
from marketplace.halls.models import BOOTH, STANDING, HallBooth, HallBoothItem
from marketplace.halls.save_hall import PERMISSION, lock_own_hall, require_organizer
from marketplace.input_text import paragraphs
from marketplace.parties.models import Organization
from marketplace.videos.access import OPEN
from marketplace.videos.models import Video

MAX_BOOTHS, MAX_ITEMS, MAX_WORDS = 500, 24, 2_000


@dataclass(frozen=True, slots=True)
class SaveBooth:
    """What a booth shows: a channel, products and videos in their order, and words."""

    booth_id: UUID
    channel_id: UUID | None = None
    listing_ids: Sequence[UUID] = ()
    video_ids: Sequence[UUID] = ()
    words: str = ""
    words_en: str = ""


def invite_exhibitor(uow: UnitOfWork, hall_id: UUID, org_id: UUID) -> HallBooth:
    """Ask a seller into the acting organizer's hall; the organizer's own booth stands at once.

    Raises:
        as `lock_own_hall`; NotFound: `organization_not_found`. Conflict: `exhibitor_not_seller`, `booth_invited_already`,
        `hall_archived`, `hall_booths_too_many`.

    Emits: BoothInvited. Locks: the hall.
    """
    hall = lock_own_hall(uow, hall_id)
    if hall.state == "archived":
        raise Conflict("hall_archived")
    is_own = org_id == hall.org_id
    found_id, name = (hall.org_id, hall.organizer_name) if is_own else _findable(uow, org_id)
    with as_platform(uow):
        exhibitor = uow.session.get_one(Organization, found_id)
        if not exhibitor.is_seller:
            raise Conflict("exhibitor_not_seller")
        last = uow.session.scalar(select(func.max(HallBooth.position)).where(HallBooth.hall_id == hall.id)) or 0
    if last >= MAX_BOOTHS:
        raise Conflict("hall_booths_too_many", most=MAX_BOOTHS)
    booth = HallBooth(
        id=uuid7(),
        hall_id=hall.id,
        org_id=hall.org_id,
        exhibitor_org_id=found_id,
        exhibitor_name=name,
        position=last + 1,
        channel_id=None,
        words="",
        words_en="",
        created_at=clock.now(),
    )
    BOOTH.begin(uow, booth, "accepted" if is_own else "invited", org_ids=booth.parties)
    uow.session.add(booth)
    uow.flush()
    if not is_own:
        emit(uow, BoothInvited(booth_id=booth.id, org_id=booth.org_id, exhibitor_org_id=booth.exhibitor_org_id))
    return booth


def remove_booth(uow: UnitOfWork, booth_id: UUID) -> HallBooth:
    """The organizer takes an exhibitor out of its hall. What visitors gave it stays. Done already, nothing changes.

    Raises: as `require_organizer`; NotFound `booth_not_found`; Conflict `invalid_transition`, it declined. Locks: the booth.
    """
    require_organizer(uow)
    booth = lock_row(uow.session, HallBooth, booth_id)
    if booth is None or booth.org_id != uow.principal.organization():
        raise NotFound("booth_not_found")
    BOOTH.move(uow, booth, "removed", org_ids=booth.parties)
    uow.flush()
    return booth


def answer_booth(uow: UnitOfWork, booth_id: UUID, *, accept: bool) -> HallBooth:
    """The exhibitor takes the booth or declines. Answered so already, nothing changes.

    Raises: as `lock_own_booth`; Conflict `booth_answered`. Emits: BoothAnswered. Locks: the booth.
    """
    booth = lock_own_booth(uow, booth_id)
    wanted = "accepted" if accept else "declined"
    if booth.state == wanted:
        return booth
    if booth.state != "invited":
        raise Conflict("booth_answered", state=booth.state)
    BOOTH.move(uow, booth, wanted, org_ids=booth.parties)
    uow.flush()
    emit(
        uow,
        BoothAnswered(booth_id=booth.id, org_id=booth.org_id, exhibitor_org_id=booth.exhibitor_org_id, accepted=accept),
    )
    return booth


def save_booth(uow: UnitOfWork, command: SaveBooth) -> HallBooth:
    """Let the booth show this.

    Raises:
        as `lock_own_booth`; Conflict: `booth_not_accepted`.
        NotFound: `channel_not_found`. Invalid: `booth_listing_unknown` (not one's own on sale), `booth_video_unknown` (not one's
            own that everybody may watch), `booth_items_too_many`, `text_too_long`.

    Locks: the booth. Idempotent by: the content.
    """
    booth = lock_own_booth(uow, command.booth_id)
    if booth.state != "accepted":
        raise Conflict("booth_not_accepted")
    own_id = booth.exhibitor_org_id
    listings, videos = (tuple(dict.fromkeys(ids)) for ids in (command.listing_ids, command.video_ids))
    if len(listings) + len(videos) > MAX_ITEMS:
        raise Invalid("booth_items_too_many", field="listing_ids", most=MAX_ITEMS)
    if command.channel_id is not None:
        channel = uow.session.get(Channel, command.channel_id)
        if channel is None or channel.org_id != own_id:
            raise NotFound("channel_not_found")
    on_sale = select(Listing.id).where(Listing.org_id == own_id, Listing.id.in_(listings), Listing.state == "published")
    if set(uow.session.scalars(on_sale)) != set(listings):
        raise Invalid("booth_listing_unknown", field="listing_ids")
    shown = select(Video.id).where(
        Video.org_id == own_id, Video.id.in_(videos), state_in(Video.state, "published"), Video.visibility.in_(OPEN)
    )
    if set(uow.session.scalars(shown)) != set(videos):
        raise Invalid("booth_video_unknown", field="video_ids")
    booth.channel_id = command.channel_id
    booth.words = paragraphs("words", command.words, MAX_WORDS)
    booth.words_en = paragraphs("words_en", command.words_en, MAX_WORDS)
    uow.session.execute(delete(HallBoothItem).where(HallBoothItem.booth_id == booth.id))
    named = [(one, None) for one in listings] + [(None, one) for one in videos]
    uow.session.add_all(
        HallBoothItem(
            id=uuid7(),
            booth_id=booth.id,
            exhibitor_org_id=own_id,
            position=place,
            listing_id=listing_id,
            video_id=video_id,
        )
        for place, (listing_id, video_id) in enumerate(named, 1)
    )
    uow.flush()
    return booth


def lock_own_booth(uow: UnitOfWork, booth_id: UUID) -> HallBooth:
    """A booth of the acting exhibitor.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `booth_not_found`. Locks: the booth.
    """
    uow.principal.require(PERMISSION)
    booth = lock_row(uow.session, HallBooth, booth_id)
    if booth is None or booth.exhibitor_org_id != uow.principal.organization():
        raise NotFound("booth_not_found")
    return booth


def standing_booth(uow: UnitOfWork, hall_id: UUID, org_id: UUID) -> HallBooth | None:
    """The booth that an exhibitor has or may have in a hall."""
    found = select(HallBooth).where(
        HallBooth.hall_id == hall_id, HallBooth.exhibitor_org_id == org_id, state_in(HallBooth.state, *STANDING)
    )
    return uow.session.scalars(found).one_or_none()


def _findable(uow: UnitOfWork, org_id: UUID) -> tuple[UUID, str]:
    found = get_findable(uow, org_id)
    return found.id, found.display_name
