"""A member's player says how far it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from fulfillment.courses.access import find_place, open_episode
from fulfillment.courses.models import EpisodeProgress
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7

COMPLETED_PERCENT = 90
"""Of an episode: credits at its end need not be watched."""


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """Where in an episode the player is."""

    listing_id: UUID
    video_id: UUID
    position_ms: int


@dataclass(frozen=True, slots=True)
class ProgressKept:
    """How far the member came in the episode. `position_ms`: where it goes on; `furthest_ms` never falls."""

    position_ms: int
    furthest_ms: int
    duration_ms: int
    completed_at: datetime | None


def report_progress(uow: UnitOfWork, command: ReportProgress) -> ProgressKept:
    """Keep where the acting member is in an episode; beyond its ends counts as these. Only a place is kept account of: not
    a seller's own look, nor a free preview watched without a place.

    Raises:
        NotFound: `episode_not_open`.

    Locks: the organization's entitlements of the course, against being ended and against losing the seat meanwhile.
    Idempotent by: organization, person and episode; reports may come in any order.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    episode = open_episode(uow, command.listing_id, command.video_id)
    uow.session.execute(
        select(Entitlement.id)
        .where(Entitlement.buyer_org_id == org_id, Entitlement.listing_id == command.listing_id)
        .order_by(Entitlement.id)
        .with_for_update(read=True)
    )
    place = find_place(uow, command.listing_id)
    if place is None:
        raise NotFound("episode_not_open")
    now = clock.now()
    position_ms = min(max(command.position_ms, 0), episode.duration_ms)
    is_completed = position_ms * 100 >= episode.duration_ms * COMPLETED_PERCENT
    new = insert(EpisodeProgress).values(
        id=uuid7(),
        org_id=org_id,
        seller_org_id=place.seller_org_id,
        listing_id=command.listing_id,
        video_id=command.video_id,
        person_id=person_id,
        entitlement_id=place.entitlement_id,
        seat_id=place.seat_id,
        position_ms=position_ms,
        furthest_ms=position_ms,
        completed_at=now if is_completed else None,
        changed_at=now,
        created_at=now,
    )
    kept = uow.session.execute(
        new.on_conflict_do_update(
            index_elements=["org_id", "person_id", "listing_id", "video_id"],
            set_={
                **{name: new.excluded[name] for name in ("entitlement_id", "seat_id", "position_ms")},
                # Another window's report may have been later and written first.
                "changed_at": func.greatest(EpisodeProgress.changed_at, new.excluded.changed_at),
                "furthest_ms": func.greatest(EpisodeProgress.furthest_ms, new.excluded.furthest_ms),
                "completed_at": func.coalesce(EpisodeProgress.completed_at, new.excluded.completed_at),
            },
        ).returning(EpisodeProgress.furthest_ms, EpisodeProgress.completed_at)
    ).one()
    return ProgressKept(position_ms, kept.furthest_ms, episode.duration_ms, kept.completed_at)
