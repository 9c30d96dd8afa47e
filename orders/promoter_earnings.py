"""Who of an organization brought what: each member by their links, each channel by its videos. Names no buyer and no order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, case, func, literal, null, or_, select, union_all

from billing.shares.models import Share
from billing.shares.promotion import PROMOTION
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from marketplace.access.models import Person
from marketplace.attribution.models import Touchpoint
from marketplace.channels.models import Channel
from marketplace.live.models import LiveSession
from marketplace.sharing.models import ShareLink
from marketplace.videos.models import Video
from orders.order.models import Attribution

Bringer = Literal["person", "channel", "chain", "earlier"]
"""Who brought it: a member by their links; a channel without one; others, as it is their distributor or service provider; and a
member of whom is not known who it was: attributions name the link since 2026-12 alone."""
BRINGERS: tuple[Bringer, ...] = ("person", "channel", "chain", "earlier")


@dataclass(frozen=True, slots=True)
class EarnedIn:
    """What was earned in one currency, less what was taken back; of it what was paid out."""

    currency: str
    earned_minor: int
    paid_minor: int
    taken_back_minor: int


@dataclass(frozen=True, slots=True)
class BroughtBy:
    """What one of them brought. `views` are those of others than the organization itself; `visits` how often others opened their
    links of products and channels; `orders` those with its promotion.
    """

    kind: Bringer
    subject_id: UUID | None
    name: str
    name_en: str
    views: int
    visits: int
    orders: int
    earned: tuple[EarnedIn, ...]


def earnings_by_bringer(uow: UnitOfWork) -> list[BroughtBy]:
    """Of the acting organization as promoter: its members with links, its channels, and what is neither's; the best first.

    All amounts of a currency together are its shares of promotion there, less what was taken back of them.
    """
    org_id = uow.principal.organization()
    # Attributions are their sale's two sides' to read; what is said of them here is summed, and of this organization alone.
    with reading_as_platform(uow):
        orders, earned = _earned(uow, org_id)
        views = _views_of_links(uow, org_id) | _views_of_channels(uow, org_id)
        visits = _visits_of_links(uow, org_id)
        names = _names(uow, org_id)
    keys = {*earned, *names}
    rows = [
        BroughtBy(kind, subject_id, *names.get((kind, subject_id), ("", "")), views.get((kind, subject_id), 0),
                  visits.get((kind, subject_id), 0), orders.get((kind, subject_id), 0), earned.get((kind, subject_id), ()))
        for kind, subject_id in keys
    ]  # fmt: skip
    return sorted(rows, key=_rank)


_Key = tuple[Bringer, UUID | None]


def _rank(row: BroughtBy) -> tuple[int, int, int, str, str]:
    best = max((one.earned_minor for one in row.earned), default=0)
    return BRINGERS.index(row.kind), -best, -row.views, row.name, str(row.subject_id)


def _earned(uow: UnitOfWork, org_id: UUID) -> tuple[dict[_Key, int], dict[_Key, tuple[EarnedIn, ...]]]:
    by_channel = or_(Video.org_id == org_id, LiveSession.org_id == org_id)
    kind = case(
        (Share.kind != "promoter", literal("chain")),
        (ShareLink.person_id.is_not(None), literal("person")),
        (by_channel, literal("channel")),
        else_=literal("earlier"),
    )
    subject = case(
        (Share.kind != "promoter", null()),
        (ShareLink.person_id.is_not(None), ShareLink.person_id),
        (by_channel, func.coalesce(LiveSession.channel_id, Video.channel_id)),
        else_=null(),
    )
    kept = Share.amount_minor - Share.reversed_minor
    rows = uow.session.execute(
        select(
            kind.label("bringer"),
            subject.label("bringer_id"),
            Share.currency,
            func.array_agg(Share.group_reference.distinct()),
            func.sum(kept),
            func.coalesce(func.sum(kept).filter(Share.state == "paid"), 0),
            func.sum(Share.reversed_minor),
        )
        .select_from(Share)
        .join(Attribution, Attribution.order_line_id == Share.reference, isouter=True)
        .join(ShareLink, and_(ShareLink.id == Attribution.share_link_id, ShareLink.org_id == org_id), isouter=True)
        .join(LiveSession, LiveSession.id == Attribution.live_session_id, isouter=True)
        .join(Video, Video.id == Share.video_id, isouter=True)
        .where(Share.org_id == org_id, Share.kind.in_(PROMOTION))
        .group_by("bringer", "bringer_id", Share.currency)
        .order_by(Share.currency)
    )
    orders: dict[_Key, set[UUID]] = {}
    earned: dict[_Key, tuple[EarnedIn, ...]] = {}
    for who, subject_id, currency, references, kept_minor, paid_minor, back_minor in rows:
        key: _Key = (who, subject_id)
        orders.setdefault(key, set()).update(references)
        amounts = EarnedIn(currency.strip(), int(kept_minor), int(paid_minor), int(back_minor))
        earned[key] = (*earned.get(key, ()), amounts)
    return {key: len(found) for key, found in orders.items()}, earned


def _views_of_links(uow: UnitOfWork, org_id: UUID) -> dict[_Key, int]:
    """A link to a channel led to each of its videos. Each by its own index."""
    shown = union_all(
        *(
            select(ShareLink.id.label("link_id"), ShareLink.person_id, Video.id.label("video_id"), Video.org_id)
            .join(Video, by)
            .where(ShareLink.org_id == org_id)
            for by in (Video.id == ShareLink.video_id, Video.channel_id == ShareLink.channel_id)
        )
    ).subquery("shown")
    rows = uow.session.execute(
        select(shown.c.person_id, func.count())
        .join(
            Touchpoint,
            and_(
                Touchpoint.channel_org_id == shown.c.org_id,
                Touchpoint.video_id == shown.c.video_id,
                Touchpoint.share_link_id == shown.c.link_id,
                Touchpoint.kind == "view",
                Touchpoint.org_id.is_distinct_from(org_id),
            ),
        )
        .group_by(shown.c.person_id)
    )
    return {("person", person_id): number for person_id, number in rows}


def _visits_of_links(uow: UnitOfWork, org_id: UUID) -> dict[_Key, int]:
    """How often others opened products and channels by them."""
    rows = uow.session.execute(
        select(ShareLink.person_id, func.count())
        .join(
            Touchpoint,
            and_(
                Touchpoint.share_link_id == ShareLink.id,
                or_(Touchpoint.listing_id.is_not(None), Touchpoint.channel_id.is_not(None)),
                Touchpoint.org_id.is_distinct_from(org_id),
            ),
        )
        .where(ShareLink.org_id == org_id)
        .group_by(ShareLink.person_id)
    )
    return {("person", person_id): number for person_id, number in rows}


def _views_of_channels(uow: UnitOfWork, org_id: UUID) -> dict[_Key, int]:
    """Those that no link led to, whoever's it was."""
    rows = uow.session.execute(
        select(Video.channel_id, func.count())
        .join(
            Touchpoint,
            and_(
                Touchpoint.channel_org_id == org_id,
                Touchpoint.video_id == Video.id,
                Touchpoint.share_link_id.is_(None),
                Touchpoint.kind == "view",
                Touchpoint.org_id.is_distinct_from(org_id),
            ),
        )
        .where(Video.org_id == org_id)
        .group_by(Video.channel_id)
    )
    return {("channel", channel_id): number for channel_id, number in rows}


def _names(uow: UnitOfWork, org_id: UUID) -> Mapping[_Key, tuple[str, str]]:
    """Of all that may bring something: whoever has a link, members or not any more, and channels."""
    people = uow.session.execute(
        select(Person.id, Person.name).where(
            Person.id.in_(select(ShareLink.person_id).where(ShareLink.org_id == org_id))
        )
    )
    channels = uow.session.execute(select(Channel.id, Channel.name, Channel.name_en).where(Channel.org_id == org_id))
    named: dict[_Key, tuple[str, str]] = {("person", person_id): (name, name) for person_id, name in people}
    return named | {("channel", channel_id): (name, name_en) for channel_id, name, name_en in channels}
