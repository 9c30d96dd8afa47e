"""What became of a course that was bought: seats that were given, and episodes that were watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import exists, select

from fulfillment.courses.models import EpisodeProgress
from fulfillment.entitlements.models import Entitlement, Seat
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from marketplace.courses.models import CourseEpisode
from orders.tracing.model import Node
from orders.tracing.resolve import mine

SHOWN = 50
"""Of each kind, the latest."""


def courses_of(uow: UnitOfWork, entitlement_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these entitlements are of a course: one that went off sale is still known by whoever bought it."""
    if not entitlement_ids:
        return []
    taught = exists().where(CourseEpisode.listing_id == Entitlement.listing_id)
    with as_platform(uow):
        found = select(Entitlement.id).where(Entitlement.id.in_(entitlement_ids), taught)
        return list(uow.session.scalars(found))


def course_nodes(uow: UnitOfWork, entitlement_ids: Sequence[UUID]) -> Iterator[Node]:
    """Seats and episodes of courses, for the buyer and the platform: a seller knows its readers in numbers alone."""
    courses = courses_of(uow, entitlement_ids)
    if not courses:
        return
    seats = select(Seat).where(Seat.entitlement_id.in_(courses), mine(uow, Seat.org_id))
    for s in uow.session.scalars(seats.order_by(Seat.assigned_at.desc(), Seat.id).limit(SHOWN)):
        taken_back = {"revoked_at": s.revoked_at.isoformat()} if s.revoked_at else {}
        state = "revoked" if taken_back else "given"
        yield Node("seat", s.id, s.assigned_at, state, facts=taken_back, after=(s.entitlement_id,))
    watched = (
        select(EpisodeProgress, CourseEpisode.title, CourseEpisode.title_en)
        .join(
            CourseEpisode,
            (CourseEpisode.listing_id == EpisodeProgress.listing_id)
            & (CourseEpisode.video_id == EpisodeProgress.video_id),
            isouter=True,
        )
        .where(EpisodeProgress.entitlement_id.in_(courses), mine(uow, EpisodeProgress.org_id))
        .order_by(EpisodeProgress.changed_at.desc(), EpisodeProgress.id)
        .limit(SHOWN)
    )
    for p, title, title_en in uow.session.execute(watched).all():
        yield Node(
            "episode",
            p.id,
            p.completed_at or p.changed_at,
            "completed" if p.completed_at else "begun",
            title or "",
            title_en or "",
            {"watched_ms": p.furthest_ms},
            (p.seat_id or p.entitlement_id,),
        )
