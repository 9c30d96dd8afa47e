"""A quote binds: what was shown is what is charged, as long as it is sold at all."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Gone, Invalid, NotFound
from marketplace.catalog.draft_listing import ReviseListing, revise_listing
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import ReviewListing, review_listing, suspend_listing, withdraw_plan
from marketplace.catalog.submit_listing import submit_listing
from orders.checkout.create_quote import QUOTE_TTL, QuoteItem
from orders.checkout.priced_line import Context
from orders.checkout.purge_quotes import KEPT
from orders.loop import PURGE_QUOTES
from orders.queries import get_quote
from tests.factories_marketplace import OPERATOR_PRINCIPAL, per_seat_plan, words
from tests.loop_stage import Stage


def raise_price(stage: Stage, plan_id: UUID, unit_price_minor: int) -> None:
    """Publish another version of the plan's listing with another price."""
    listing_id = stage.get(Plan, plan_id).listing_id
    plan = per_seat_plan(connector_id=stage.connector, unit_price_minor=unit_price_minor)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        revise_listing(uow, ReviseListing(listing_id, words(), (plan,)))
        submit_listing(uow, listing_id)
    with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
        review_listing(uow, ReviewListing(listing_id, approve=True))


class TestQuote:
    def test_a_new_price_does_not_change_what_was_quoted(self, stage: Stage) -> None:
        quote_id = stage.quote()
        raise_price(stage, stage.seat_plan, 29_900)
        order_id = stage.place(quote_id)
        stage.run()
        order = stage.order(order_id)
        assert (order.state, order.net_minor, order.tax_minor, order.gross_minor) == (
            "active",
            375_472,
            22_528,
            398_000,
        )
        (payment,) = stage.payments(order.purchase_id)
        assert payment.amount_minor == 398_000
        with pytest.raises(Conflict, match="plan_withdrawn"):
            stage.quote()

    def test_a_plan_taken_back_is_not_sold_any_more(self, stage: Stage) -> None:
        quote_id = stage.quote()
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            withdraw_plan(uow, stage.seat_plan)
        with pytest.raises(Conflict, match="plan_withdrawn"):
            stage.place(quote_id)
        with pytest.raises(Conflict, match="plan_withdrawn"):
            stage.quote()
        assert stage.topics() == []

    def test_nor_one_of_a_suspended_listing(self, stage: Stage) -> None:
        quote_id = stage.quote()
        with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
            suspend_listing(uow, stage.get(Plan, stage.seat_plan).listing_id, "under review")
        with pytest.raises(Conflict, match="listing_suspended"):
            stage.place(quote_id)

    def test_one_that_nobody_accepted_is_forgotten(self, stage: Stage) -> None:
        used, unused = stage.quote(), stage.quote(context=Context(share="no\x00code"))
        stage.place(used)
        clock.advance(QUOTE_TTL + KEPT)
        stage.tick(PURGE_QUOTES)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_quote(uow, unused).context["share"] is None
        clock.advance(timedelta(seconds=1))
        stage.tick(PURGE_QUOTES)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_quote(uow, used).used_at is not None
            with pytest.raises(NotFound):
                get_quote(uow, unused)

    def test_it_lives_thirty_minutes_and_is_used_once(self, stage: Stage) -> None:
        quote_id, late = stage.quote(), stage.quote()
        clock.advance(timedelta(minutes=30) - timedelta(seconds=1))
        stage.place(quote_id)
        with pytest.raises(Conflict, match="quote_used"):
            stage.place(quote_id)
        clock.advance(timedelta(seconds=1))
        with pytest.raises(Gone, match="quote_expired"):
            stage.place(late)

    def test_another_organization_cannot_take_it(self, stage: Stage) -> None:
        quote_id = stage.quote()
        with pytest.raises(NotFound):
            stage.place(quote_id, principal=stage.promoter.owner)

    def test_what_cannot_be_priced(self, stage: Stage) -> None:
        for quantity in (0, 5_001):
            with pytest.raises(Invalid, match="quantity_out_of_range"):
                stage.quote(quantity=quantity)
        with pytest.raises(Invalid, match="quantity_out_of_range"):
            stage.quote(stage.service_plan, 2)
        with pytest.raises(Invalid, match="too_many_lines"):
            stage.quote(lines=tuple(QuoteItem(stage.seat_plan, 1) for _ in range(21)))
        dollars, _ = stage.offer(currency="USD")
        with pytest.raises(Invalid, match="currencies_differ"):
            stage.quote(lines=(QuoteItem(stage.seat_plan, 1), QuoteItem(dollars, 1)))
        with pytest.raises(Conflict, match="own_listing"):
            stage.quote(principal=stage.seller.owner)
