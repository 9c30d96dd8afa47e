"""What is offered to a circle: its members buy at it through the circle for their organization, so many orders, until it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError, Forbidden, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.catalog.models import Plan
from marketplace.circles.membership import leave_circle
from marketplace.circles.models import Circle
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.priced_line import Context
from orders.checkout.quote_models import Quote
from orders.coupons.circle_offers import OfferToCircle, circle_offers, end_circle_offer, offer_to_circle
from orders.order.models import Attribution, OrderLine
from tests.circle_stage import join, make_circle
from tests.factories_marketplace import make_org
from tests.loop_stage import Stage

LIST = 19_900 * 20


def opened(stage: Stage) -> Circle:
    """Somebody's circle that the stage's seller and a purchaser of its buyer are in."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        circle = make_circle(uow, make_org(uow).owner)
        join(uow, circle, stage.seller.owner, stage.purchaser)
    return circle


def offered(stage: Stage, circle: Circle, who: Principal | None = None, places: int | None = None) -> UUID:
    listing_id, today = stage.get(Plan, stage.seat_plan).listing_id, clock.today("Asia/Shanghai")
    ends_on = today + timedelta(days=9)
    command = OfferToCircle(circle.org_id, listing_id, "圈内八折", today, ends_on, percent_ppm=200_000, places=places)
    return transact(stage.services.db, who or stage.seller.owner, lambda uow: offer_to_circle(uow, command).id)


def quoted(stage: Stage, circle: Circle | None, who: Principal | None = None) -> Quote:
    context = Context(circle_id=circle.org_id) if circle is not None else Context()
    command = CreateQuote((QuoteItem(stage.seat_plan, 20),), context=context)
    return stage.get(
        Quote, transact(stage.services.db, who or stage.purchaser, lambda uow: create_quote(uow, command).id)
    )


def test_a_member_buys_at_it_through_the_circle(stage: Stage) -> None:
    circle = opened(stage)
    offer_id = offered(stage, circle, places=3)
    assert quoted(stage, None).gross_minor == LIST
    before = quoted(stage, circle)
    assert (before.gross_minor, before.lines[0]["coupon"]) == (LIST - LIST // 5, "圈内八折")
    order_id = stage.place(before.id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert (credit.circle_id, credit.promoter_org_id) == (circle.org_id, None)
    (node,) = [one for one in stage.trace(stage.purchaser, order_id).nodes if one.kind == "attribution"]
    assert node.facts["circle_id"] == str(circle.org_id)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        (shown,) = circle_offers(uow, circle.org_id)
    assert (shown.id, shown.left, shown.may_end) == (offer_id, 2, False)
    given_before = quoted(stage, circle)
    transact(stage.services.db, stage.seller.owner, lambda uow: end_circle_offer(uow, offer_id).id)
    assert quoted(stage, circle).gross_minor == LIST
    # A quote binds.
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == stage.place(given_before.id)))
    assert line.discount_minor == LIST // 5


def test_nobody_else_is_quoted_at_it_offers_or_ends_it(stage: Stage) -> None:
    circle = opened(stage)
    offer_id = offered(stage, circle)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        stranger, other = make_org(uow).owner, make_org(uow)
    # A member, acting for another organization than the one that they joined for.
    elsewhere = Principal(
        stage.purchaser.kind, other.id, stage.purchaser.person_id, stage.purchaser.permissions, label="elsewhere"
    )
    for who, code in ((stranger, "circle_members_only"), (elsewhere, "circle_other_organization")):
        with pytest.raises(Forbidden) as refused:
            quoted(stage, circle, who)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        transact(stage.services.db, stranger, lambda uow: end_circle_offer(uow, offer_id).id)
    with pytest.raises(Forbidden):
        transact(stage.services.db, stage.purchaser, lambda uow: end_circle_offer(uow, offer_id).id)
    transact(stage.services.db, stage.purchaser, lambda uow: leave_circle(uow, circle.org_id))
    with pytest.raises(Forbidden):
        quoted(stage, circle)


def test_many_at_once_take_no_more_places_than_there_are(stage: Stage) -> None:
    circle = opened(stage)
    offered(stage, circle, places=2)
    quotes = [quoted(stage, circle).id for _ in range(8)]

    def place(quote_id: UUID) -> str:
        try:
            stage.purchase(quote_id)
        except DomainError as refused:
            return refused.code
        return "placed"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(place, quotes))
    assert (outcomes.count("placed"), outcomes.count("coupon_used_up")) == (2, 6)
    assert quoted(stage, circle).gross_minor == LIST
