"""The sample market's circle is founded once, and its members find a price in it."""

from __future__ import annotations

from sqlalchemy import select

from app.sample.circle import FOUNDER, MEMBERS, SELLER, SHOWN, WELCOME, seed_circle
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from marketplace.circles.models import Circle
from marketplace.circles.queries import get_circle, list_posts, marked_posts
from orders.coupons.circle_offers import circle_offers
from tests.factories_marketplace import acting, make_org, make_plans, make_published_video, make_seller


def test_it_is_founded_once(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        plan = make_plans(uow, seller)[0]
        video, _ = make_published_video(uow, seller, plan)
        orgs = {FOUNDER: make_org(uow), MEMBERS[0]: make_org(uow), SELLER: seller}
        plan_id, video_id = plan.id, video.id
    for _ in range(2):
        seed_circle(db, {key: org.id for key, org in orgs.items()}, {SHOWN: video_id}, {SHOWN: plan_id})
    with unit_of_work(db, SYSTEM) as uow:
        founder = orgs[FOUNDER].owner
        (circle_id,) = uow.session.scalars(select(Circle.org_id).where(Circle.founded_by == founder.person_id))
        with acting(uow, orgs[MEMBERS[0]].owner):
            shown = get_circle(uow, circle_id)
            assert (shown.members, shown.posts, shown.role) == (3, 2, "member")
            assert [one.text for one in marked_posts(uow, circle_id)] == [WELCOME]
            assert video_id in {one.video_id for one in list_posts(uow, circle_id).items}
            assert [one.left for one in circle_offers(uow, circle_id)] == [20]
