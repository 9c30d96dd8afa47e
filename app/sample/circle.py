"""The sample market's circle: people of three organizations, a pinned post, a shared film, and a price for its members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.access.models import Member
from marketplace.access.permissions import permissions_of
from marketplace.catalog.models import Plan
from marketplace.circles.follow_channels import follow_for_circle
from marketplace.circles.found_circle import SaveCircle, found_circle
from marketplace.circles.membership import join_by_link
from marketplace.circles.models import Circle
from marketplace.circles.posts import WritePost, mark_post, write_post
from marketplace.videos.models import Video
from orders.coupons.circle_offers import OfferToCircle, offer_to_circle

FOUNDER: Final = "xinghe"
SELLER: Final = "yihao"
MEMBERS: Final = ("lakeside", SELLER)
SHOWN: Final = "recruiting"
"""The scene whose film is shared, and whose product its seller offers."""
CIRCLE: Final = SaveCircle(
    "招聘与人事同行圈 · HR peers",
    "community",
    "交流招聘工具、价格与校招经验。\nPeers in hiring and HR: tools, prices, campus seasons.",
    visibility="open",
    joining="open",
)
WELCOME: Final = "欢迎！欢迎分享用过的工具，请勿发布广告。 / Welcome! Tell what you used; no advertising, please."
SHARED: Final = "这段演示把校招流程讲得很清楚。 / This film explains a campus season well."
OFFER_DAYS: Final = 365


def seed_circle(
    db: Database, organizations: Mapping[str, UUID], videos: Mapping[str, UUID], plans: Mapping[str, UUID]
) -> None:
    """Found it, let the others join, write and offer. Founded already by the same person, nothing changes."""
    founder = transact(db, SYSTEM, lambda uow: owner_of(uow, organizations[FOUNDER]))
    known = select(Circle.org_id).where(Circle.founded_by == founder.person())
    if transact(db, SYSTEM, lambda uow: uow.session.scalar(known.limit(1))) is not None:
        return
    circle_id, code = transact(db, founder, _found)
    others = transact(db, SYSTEM, lambda uow: {key: owner_of(uow, organizations[key]) for key in MEMBERS})
    for member in others.values():
        transact(db, member, lambda uow: join_by_link(uow, code).id)
    transact(db, others[SELLER], lambda uow: _offer(uow, circle_id, plans[SHOWN]))
    transact(db, founder, lambda uow: _write(uow, circle_id, videos[SHOWN]))


def owner_of(uow: UnitOfWork, org_id: UUID) -> Principal:
    """The sample organization's owner, acting."""
    person_id = uow.session.scalars(
        select(Member.person_id)
        .where(Member.org_id == org_id, Member.roles == ["owner"], Member.state == "active")
        .order_by(Member.created_at, Member.id)
        .limit(1)
    ).one()
    return Principal(PrincipalKind.PERSON, org_id, person_id, permissions_of(["owner"]), label="sample")


def _found(uow: UnitOfWork) -> tuple[UUID, str]:
    made = found_circle(uow, CIRCLE)
    return made.org_id, made.code


def _write(uow: UnitOfWork, circle_id: UUID, video_id: UUID) -> None:
    mark_post(uow, write_post(uow, circle_id, WritePost(WELCOME)).id, marked=True)
    write_post(uow, circle_id, WritePost(SHARED, video_id=video_id))
    follow_for_circle(uow, circle_id, uow.session.get_one(Video, video_id).channel_id)


def _offer(uow: UnitOfWork, circle_id: UUID, plan_id: UUID) -> None:
    """A tenth off, for twenty orders of the circle's members."""
    plan = uow.session.get_one(Plan, plan_id)
    today = clock.today("Asia/Shanghai")
    until = today + timedelta(days=OFFER_DAYS)
    offer_to_circle(
        uow, OfferToCircle(circle_id, plan.listing_id, "圈内九折", today, until, percent_ppm=100_000, places=20)
    )
