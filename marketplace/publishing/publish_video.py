"""A video goes into the feed, and out of it again. What stands in the way is named, all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.channels.models import Channel
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.discovery.place_video import place_video, set_category
from marketplace.onboarding.checklist import missing_steps
from marketplace.onboarding.models import SellerOnboarding
from marketplace.placements.claim_checks import ClaimValue, find_contradiction
from marketplace.placements.models import Claim, Placement
from marketplace.search_index.entries import remove_entry
from marketplace.videos.access import get_visible_video, lock_own_video
from marketplace.videos.events import VideoPublished, VideoWithdrawn
from marketplace.videos.index_video import index_video
from marketplace.videos.models import VIDEO, Video
from marketplace.videos.set_chapters import chapters_of


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why a video cannot be published: an error code with its parameters, and the row it is about."""

    code: str
    params: dict[str, Any]
    subject_id: UUID | None = None


def publish_video(uow: UnitOfWork, video_id: UUID) -> Video:
    """Publish a ready (or withdrawn) video. Published already, nothing changes. Its place in the feed is that of the first time.

    Raises:
        NotFound: `video_not_found`.
        Conflict: the first of `publication_blockers`, with the number of all of them in `count`.

    Emits: VideoPublished. Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    if video.state == "published":
        return video
    require_publishable(uow, video)
    VIDEO.move(uow, video, "published", org_ids=[video.org_id])
    video.publish_at = video.publish_refused_code = None
    if video.published_at is None:
        video.published_at = clock.now()
        place_video(uow, video, video.published_at)
    else:
        set_category(uow, video)
    emit(uow, VideoPublished(video_id=video.id, org_id=video.org_id))
    uow.flush()
    index_video(uow, video)
    return video


def withdraw_video(uow: UnitOfWork, video_id: UUID) -> Video:
    """Take a published video out of every feed at once. Orders it sold keep naming it.

    Raises:
        NotFound: `video_not_found`. Conflict: `invalid_transition`: it was never published.

    Emits: VideoWithdrawn. Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    if VIDEO.move(uow, video, "withdrawn", org_ids=[video.org_id]):
        remove_entry(uow, video.id)
        emit(uow, VideoWithdrawn(video_id=video.id, org_id=video.org_id))
    uow.flush()
    return video


def remove_video(uow: UnitOfWork, video_id: UUID, reason: str) -> None:
    """Take a video out of every feed for good: only the platform asks for it. Orders it sold keep naming it.

    Raises:
        NotFound: `video_not_found`. Conflict: `invalid_transition`: it was never published.

    Emits: VideoWithdrawn. Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    was_published = video.state == "published"
    if VIDEO.move(uow, video, "removed", org_ids=[video.org_id], reason=reason) and was_published:
        remove_entry(uow, video.id)
        emit(uow, VideoWithdrawn(video_id=video.id, org_id=video.org_id))
    video.publish_at = None
    uow.flush()


def _find_reportable(uow: UnitOfWork, video_id: UUID) -> ReportedContent:
    video = get_visible_video(uow, video_id)
    if video.state != "published":
        raise NotFound("video_not_found")
    # Whoever reports it may not read the organization's own row; its channel is public.
    channel = uow.session.get_one(Channel, video.channel_id)
    return ReportedContent(video.id, video.org_id, None, channel.name or channel.name_en, video.title or video.title_en)


register_kind("video", ReportableKind(_find_reportable, remove_video))


def require_publishable(uow: UnitOfWork, video: Video) -> None:
    """Raises Conflict: the first of `publication_blockers`, with the number of all of them in `count`."""
    blockers = publication_blockers(uow, video)
    if blockers:
        first = blockers[0]
        raise Conflict(first.code, **first.params, count=len(blockers))


def publication_blockers(uow: UnitOfWork, video: Video) -> list[Blocker]:
    """Everything that keeps a video from being published: codes `onboarding_incomplete`, `video_not_ready`,
    `placement_not_on_sale`, `placement_beyond_end`, `chapter_beyond_end`, `claim_contradicts_plan`.
    """
    found: list[Blocker] = []
    rows = uow.session.execute(
        select(Placement, Plan, Listing, ListingVersion)
        .outerjoin(Plan, Plan.id == Placement.plan_id)
        .outerjoin(Listing, Listing.id == Placement.listing_id)
        .outerjoin(ListingVersion, ListingVersion.id == Plan.version_id)
        .where(Placement.video_id == video.id, Placement.org_id == video.org_id, Placement.removed_at.is_(None))
        .order_by(Placement.start_ms, Placement.id)
    ).all()
    onboarding = uow.session.scalar(select(SellerOnboarding).where(SellerOnboarding.org_id == video.org_id))
    missing = missing_steps(onboarding) if onboarding is not None else ()
    if missing and not _promotes_others([placement for placement, *_ in rows], video.org_id):
        found.append(Blocker("onboarding_incomplete", {"missing": ", ".join(missing)}))
    if video.state not in {"ready", "withdrawn"}:
        found.append(Blocker("video_not_ready", {"state": video.state}))
    plans: dict[UUID, Plan] = {}
    for placement, plan, listing, version in rows:
        on_sale = plan is not None and listing is not None and _on_sale(plan, listing)
        if not on_sale:
            title = version.title if version is not None else ""
            found.append(Blocker("placement_not_on_sale", {"title": title}, placement.id))
        else:
            plans[placement.id] = plan
        if video.duration_ms is not None and placement.end_ms > video.duration_ms:
            params = {"end_ms": placement.end_ms, "duration_ms": video.duration_ms}
            found.append(Blocker("placement_beyond_end", params, placement.id))
    return found + _late_chapters(video) + _mismatches(uow, video, plans)


def _late_chapters(video: Video) -> list[Blocker]:
    """Chapters that were put before the file there is now, which is shorter."""
    late = [
        number
        for number, chapter in enumerate(chapters_of(video), 1)
        if video.duration_ms is not None and chapter.at_ms >= video.duration_ms
    ]
    return [Blocker("chapter_beyond_end", {"number": late[0]})] if late else []


def _promotes_others(placements: Sequence[Placement], org_id: UUID) -> bool:
    """Whether the video sells for other organizations alone: who begins to sell goes on promoting meanwhile."""
    return bool(placements) and all(placement.seller_org_id != org_id for placement in placements)


def _on_sale(plan: Plan, listing: Listing) -> bool:
    return plan.state == "active" and listing.state == "published" and listing.current_version_id == plan.version_id


def _mismatches(uow: UnitOfWork, video: Video, plans: dict[UUID, Plan]) -> list[Blocker]:
    claims = uow.session.scalars(
        select(Claim)
        .where(Claim.video_id == video.id, Claim.org_id == video.org_id, Claim.removed_at.is_(None))
        .order_by(Claim.at_ms, Claim.id)
    )
    found = []
    for claim in claims:
        plan = plans.get(claim.placement_id)
        wrong = find_contradiction(ClaimValue.of(claim), terms_of(plan)) if plan is not None else None
        if wrong is not None:
            params = {"said": wrong.said, "holds": wrong.holds, "kind": claim.kind, "text": claim.text}
            found.append(Blocker("claim_contradicts_plan", params, claim.id))
    return found
