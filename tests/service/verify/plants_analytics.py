"""One corruption for every rule of what is counted."""

from __future__ import annotations

from datetime import timedelta

from app.verify.analytics import SOLD
from kernel import clock
from orders.analytics.count_sales import READER, recount
from tests.service.verify.planting import Planter
from tests.verify_world import World


def analytics_touchpoints(p: Planter, _: World) -> None:
    """A view that nobody had."""
    counted = p.find("SELECT id FROM marketplace.touchpoint_day ORDER BY id")
    p.change("UPDATE marketplace.touchpoint_day SET views = views + 1 WHERE id = :id", id=counted)


def analytics_sales(p: Planter, _: World) -> None:
    """An order that nobody placed, among days that were counted. What others plant changes what these would be."""
    p.change(
        "INSERT INTO kernel.event_cursor (reader, read_until) VALUES (:reader, :now)",
        reader=READER,
        now=clock.now() + timedelta(seconds=1),
    )
    recount(p.uow)
    found = SOLD.find(p.uow)
    assert found.violations == 0, found.examples
    counted = p.find("SELECT id FROM orders.sales_day ORDER BY id")
    p.change("UPDATE orders.sales_day SET orders = orders + 1 WHERE id = :id", id=counted)


def analytics_arrived(p: Planter, _: World) -> None:
    """At a product by a link to a video."""
    p.change(
        """WITH link AS (
               INSERT INTO marketplace.share_link (id, code, org_id, person_id, video_id, created_at)
               SELECT gen_random_uuid(), 'planted-arrival', m.org_id, m.person_id, v.id, now()
               FROM marketplace.member m CROSS JOIN marketplace.video v ORDER BY m.id, v.id LIMIT 1 RETURNING id, org_id
           )
           INSERT INTO marketplace.touchpoint (id, occurred_at, org_id, person_id, kind, channel_org_id, second_ms, watched_ms,
                                               share_link_id, sharer_org_id, listing_id, received_at)
           SELECT gen_random_uuid(), now(), NULL, NULL, 'arrival', l.org_id, 0, 0, link.id, link.org_id, l.id, now()
           FROM link CROSS JOIN marketplace.listing l ORDER BY l.id LIMIT 1"""
    )
