"""A product becomes its seller's partners' alone: whoever bought it or was offered it goes on, nobody else begins."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Listing, Plan
from marketplace.parties.models import Organization
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import PartnerGroups
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.queries import list_offers
from orders.subscriptions.queries import list_subscriptions
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_amendments import amended
from tests.loop.test_offers import refusal
from tests.loop.test_private_offers import offered
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop_stage import Stage


def for_partners(stage: Stage, plan_id: UUID) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, plan_id).listing_id
    command = ShowListing(listing_id, "partners", PartnerGroups(everybody=True))
    transact(stage.services.db, stage.seller.owner, lambda uow: show_listing(uow, command))


def sees(stage: Stage, plan_id: UUID) -> bool:
    """Whether the database gives the buyer the rows."""
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        found = select(Listing.id).join(Plan, Plan.listing_id == Listing.id).where(Plan.id == plan_id)
        return uow.session.scalar(found) is not None


def test_a_customer_goes_on_and_begins_nothing(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    command = CreateQuote((QuoteItem(subscription.plan_id, 20),))

    def quoted() -> UUID:
        return transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command).id)

    waiting = quoted()
    for_partners(stage, subscription.plan_id)
    assert sees(stage, subscription.plan_id)
    assert refusal(quoted) == "plan_not_found"
    assert refusal(lambda: stage.place(waiting)) == "plan_not_found"
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert subscription.id in {one.id for one in list_subscriptions(uow).items}
    amended(stage, subscription, 25)
    before = len(renewals(stage, subscription))
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    assert [order.state for order in renewals(stage, subscription)[before:]] == ["active"]


def test_whoever_was_offered_it_takes_the_offer_and_nothing_else(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Organization, stage.buyer.id).tax_id_verified_at = clock.now()
    for_partners(stage, stage.seat_plan)
    assert not sees(stage, stage.seat_plan)
    offer_id = offered(stage)
    assert sees(stage, stage.seat_plan)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert offer_id in {one.id for one in list_offers(uow, sells=False).items}
    quote_id = transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, QuoteOffer(offer_id)).id)
    stage.place(quote_id)
