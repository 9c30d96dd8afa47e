"""Share links: a member sends a video, a product or a channel on, and the link remembers who did."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.catalog.queries import get_listing
from marketplace.channels.queries import get_channel
from marketplace.sharing.models import ShareLink
from marketplace.videos.access import get_visible_video

SharedKind = Literal["video", "listing", "channel"]
_COLUMNS: Final[dict[SharedKind, InstrumentedAttribute[UUID | None]]] = {
    "video": ShareLink.video_id,
    "listing": ShareLink.listing_id,
    "channel": ShareLink.channel_id,
}


@dataclass(frozen=True, slots=True)
class SharedBy:
    """What a link's code stands for: whose member sent what on."""

    link_id: UUID
    org_id: UUID
    kind: SharedKind
    subject_id: UUID

    def leads_to(self, video_id: UUID | None, channel_id: UUID | None) -> bool:
        """Whether it is a link to this video, or to the channel that it is on."""
        if self.kind == "video":
            return self.subject_id == video_id
        return self.kind == "channel" and self.subject_id == channel_id

    def is_of(self, kind: SharedKind, subject_id: UUID | None) -> bool:
        """Whether it opens this."""
        return (self.kind, self.subject_id) == (kind, subject_id)


def share_video(uow: UnitOfWork, video_id: UUID) -> str:
    """The acting person's link code for a video they may see; the same one every time.

    Raises:
        NotFound: `video_not_found`.
        Forbidden: `person_required`, `organization_required`.
    """
    who = uow.principal.organization(), uow.principal.person()
    get_visible_video(uow, video_id)
    return _share(uow, who, "video", video_id)


def share_listing(uow: UnitOfWork, listing_id: UUID) -> str:
    """The acting person's link code for a product on sale, or of their own organization; the same one every time.

    Raises:
        NotFound: `listing_not_found`.
        Forbidden: `person_required`, `organization_required`.
    """
    who = uow.principal.organization(), uow.principal.person()
    get_listing(uow, listing_id)
    return _share(uow, who, "listing", listing_id)


def share_channel(uow: UnitOfWork, channel_id: UUID) -> str:
    """The acting person's link code for a channel; the same one every time.

    Raises:
        NotFound: `channel_not_found`.
        Forbidden: `person_required`, `organization_required`.
    """
    who = uow.principal.organization(), uow.principal.person()
    get_channel(uow, channel_id)
    return _share(uow, who, "channel", channel_id)


def _share(uow: UnitOfWork, who: tuple[UUID, UUID], kind: SharedKind, subject_id: UUID) -> str:
    org_id, person_id = who
    column = _COLUMNS[kind]
    uow.session.execute(
        insert(ShareLink)
        .values(
            {
                "id": uuid7(),
                "code": secrets.token_urlsafe(9),
                "org_id": org_id,
                "person_id": person_id,
                column.key: subject_id,
                "created_at": clock.now(),
            }
        )
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", column.key])
    )
    return uow.session.scalars(
        select(ShareLink.code).where(ShareLink.org_id == org_id, ShareLink.person_id == person_id, column == subject_id)
    ).one()


def find_own_code(uow: UnitOfWork, kind: SharedKind, subject_id: UUID) -> str | None:
    """The acting person's link code for it, where they have one already."""
    org_id, person_id = uow.principal.org_id, uow.principal.person_id
    if org_id is None or person_id is None:
        return None
    return uow.session.scalar(
        select(ShareLink.code).where(
            ShareLink.org_id == org_id, ShareLink.person_id == person_id, _COLUMNS[kind] == subject_id
        )
    )


_FIND: Final = text("SELECT id, org_id, video_id, listing_id, channel_id FROM marketplace.find_share_link(:code)")


def find_share_link(uow: UnitOfWork, code: str) -> SharedBy | None:
    """What a code stands for; whoever was given the link may ask, whatever organization it is of."""
    row = uow.session.execute(_FIND, {"code": code}).first()
    if row is None or row.id is None:
        return None
    subjects: tuple[tuple[SharedKind, UUID | None], ...] = (
        ("video", row.video_id),
        ("listing", row.listing_id),
        ("channel", row.channel_id),
    )
    return next((SharedBy(row.id, row.org_id, kind, one) for kind, one in subjects if one is not None), None)
