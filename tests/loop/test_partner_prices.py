"""Partners buy at the prices of their tier: frozen with the line, seen by nobody else, over the moment the link ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.verify.partners import RATED
from billing.invoices.models import InvoiceLine
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.partner_models import TierPrice
from marketplace.relations.partner_queries import TierPriceRow, get_partner, list_tier_prices
from marketplace.relations.save_tier import SaveTier, SetTierPrice, end_tier_price, save_tier, set_tier_price
from marketplace.relations.tier_prices import shown_prices
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.quote_models import Quote
from orders.instalments.jobs import SWEEP_INSTALMENTS
from orders.order.models import OrderLine
from orders.partners.end_partner import end_partner, move_partner
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_coupons import made
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_offers import refusal
from tests.loop.test_renewals import renewals, subscribed, switch, until
from tests.loop.test_usage_charges import PRICE, over, use
from tests.loop_stage import Stage

LIST = 19_900 * 20
GOLD = LIST * 7 // 10


def as_seller(stage: Stage, work: Any) -> Any:
    return transact(stage.services.db, stage.seller.owner, work)


def as_buyer(stage: Stage, work: Any) -> Any:
    return transact(stage.services.db, stage.purchaser, work)


def tier(stage: Stage, code: str = "GOLD", rank: int = 1) -> UUID:
    names = {"GOLD": ("金牌", "Gold"), "SILVER": ("银牌", "Silver")}[code]
    tier_id: UUID = as_seller(stage, lambda uow: save_tier(uow, SaveTier(code, *names, rank)).id)
    return tier_id


def priced(stage: Stage, tier_id: UUID, discount_ppm: int = 300_000, **changes: Any) -> UUID:
    """A price of the seat plan, or with `plan_code=None` of its listing."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        plan = uow.session.get_one(Plan, stage.seat_plan)
        named: dict[str, Any] = {"listing_id": plan.listing_id, "plan_code": plan.code}
    values = named | ({} if "unit_price_minor" in changes else {"discount_ppm": discount_ppm}) | changes
    price_id: UUID = as_seller(stage, lambda uow: set_tier_price(uow, SetTierPrice(tier_id, **values)).id)
    return price_id


def verify(stage: Stage) -> None:
    """Both are to be found by the other."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for org_id in (stage.buyer.id, stage.seller.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()


def linked(stage: Stage, tier_id: UUID) -> UUID:
    verify(stage)
    link_id: UUID = as_seller(stage, lambda uow: ask_partner(uow, AskPartner(stage.buyer.id, tier_id)).id)
    as_buyer(stage, lambda uow: accept_partner(uow, link_id).id)
    return link_id


def quoted(stage: Stage, coupon: str = "", quantity: int = 20) -> Quote:
    command = CreateQuote((QuoteItem(stage.seat_plan, quantity),), coupon=coupon)
    return stage.get(Quote, as_buyer(stage, lambda uow: create_quote(uow, command).id))


@pytest.fixture
def gold(stage: Stage) -> UUID:
    """The buyer is a partner in Gold, at 30 % off the seat plan. The link."""
    tier_id = tier(stage)
    priced(stage, tier_id)
    return linked(stage, tier_id)


def test_the_tier_stands_in_the_line_of_quote_order_and_invoice(stage: Stage, gold: UUID) -> None:
    quote = quoted(stage)
    (line,) = quote.lines
    assert (line["list_minor"], line["discount_minor"], line["unit_price_minor"]) == (GOLD, 0, 13_930)
    assert (line["tier"]["code"], line["tier"]["list_minor"], line["tier"]["link_id"]) == ("GOLD", LIST, str(gold))
    order_id = stage.place(quote.id)
    stage.run()
    (sold,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    assert (sold.list_minor, sold.unit_price_minor, sold.plan["tier"]["name_en"]) == (GOLD, 13_930, "Gold")
    (billed,) = stage.rows(select(InvoiceLine.description).where(InvoiceLine.reference == sold.id))
    assert "Partner price (金牌 Gold), 目录价 List 3980.00 CNY" in billed


def test_a_renewal_keeps_the_price_after_the_link_has_ended(stage: Stage, gold: UUID) -> None:
    order_id = stage.place(quoted(stage).id)
    stage.run()
    as_buyer(stage, lambda uow: end_partner(uow, gold).id)
    (first,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (subscription,) = subscriptions(stage, order_id)
    switch(stage, subscription, wanted=True)
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    (renewal,) = renewals(stage, subscription)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == renewal.id))
    assert (line.unit_price_minor, line.list_minor) == (13_930, first.list_minor)
    assert (line.plan["tier"]["code"], line.plan["tier"]["list_minor"]) == ("GOLD", None)
    assert quoted(stage).lines[0]["unit_price_minor"] == 19_900


def test_the_price_of_the_plan_goes_before_that_of_all_and_an_ended_one_holds_no_more(stage: Stage) -> None:
    tier_id = tier(stage)
    priced(stage, tier_id, 100_000, plan_code=None)
    linked(stage, tier_id)
    assert quoted(stage).lines[0]["unit_price_minor"] == 17_910
    price_id = priced(stage, tier_id, unit_price_minor=12_000)
    assert quoted(stage).lines[0]["unit_price_minor"] == 12_000
    as_seller(stage, lambda uow: end_tier_price(uow, price_id).id)
    assert quoted(stage).lines[0]["unit_price_minor"] == 17_910
    assert refusal(lambda: priced(stage, tier_id, unit_price_minor=19_901)) == "tier_price_above"


@pytest.mark.usefixtures("gold")
@pytest.mark.parametrize(
    ("percent_ppm", "with_offers", "expected"),
    [
        (200_000, False, (GOLD, 0, "GOLD")),
        (400_000, False, (LIST, LIST * 4 // 10, None)),
        (200_000, True, (GOLD, GOLD // 5, "GOLD")),
    ],
)
def test_a_promotion_and_the_tier_whichever_is_better_and_both_where_it_combines(
    stage: Stage,
    percent_ppm: int,
    with_offers: bool,  # noqa: FBT001 - a case
    expected: tuple[int, int, str | None],
) -> None:
    made(stage, code="", percent_ppm=percent_ppm, with_offers=with_offers)
    (line,) = quoted(stage).lines
    assert (line["list_minor"], line["discount_minor"], line["tier"] and line["tier"]["code"]) == expected


@pytest.mark.usefixtures("gold")
def test_a_code_that_is_no_better_is_refused_and_one_that_is_replaces_the_tier(stage: Stage) -> None:
    made(stage, code="LESS-20", percent_ppm=200_000)
    made(stage, code="MORE-50", percent_ppm=500_000)
    assert refusal(lambda: quoted(stage, "LESS-20")) == "coupon_above_partner_price"
    (line,) = quoted(stage, "MORE-50").lines
    assert (line["list_minor"], line["discount_minor"], line["tier"]) == (LIST, LIST // 2, None)


@pytest.mark.usefixtures("gold")
def test_nobody_else_has_the_price_nor_sees_it(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, stage.seat_plan).listing_id
    for other, seen in ((stage.purchaser, 1), (stage.promoter.owner, 0), (stage.seller.owner, 0)):
        with unit_of_work(stage.services.db, other) as uow:
            assert len(shown_prices(uow, [listing_id])) == seen
    command = CreateQuote((QuoteItem(stage.seat_plan, 20),))
    theirs = transact(stage.services.db, stage.promoter.owner, lambda uow: create_quote(uow, command).id)
    assert (stage.get(Quote, theirs).lines[0]["tier"], stage.get(Quote, theirs).gross_minor) == (None, LIST)


@pytest.mark.usefixtures("gold")
def test_a_shorter_first_term_is_compared_with_the_plans_price_for_as_long(stage: Stage) -> None:
    _, other = subscribed(stage)
    command = CreateQuote((QuoteItem(stage.seat_plan, 20),), align_with=other.id)
    quote = stage.get(Quote, as_buyer(stage, lambda uow: create_quote(uow, command).id))
    (line,) = quote.lines
    assert line["list_minor"] < GOLD // 6
    assert line["tier"]["list_minor"] == pytest.approx(line["list_minor"] / 0.7, abs=1)


def test_usage_and_instalments_name_the_tier_and_are_compared_with_nothing(stage: Stage) -> None:
    tier_id = tier(stage)
    price = PRICE.model_copy(update={"instalments": 12})
    plan_id, _ = stage.offer(price=price)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, plan_id).listing_id
    said = SetTierPrice(tier_id, listing_id, discount_ppm=500_000)
    as_seller(stage, lambda uow: set_tier_price(uow, said).id)
    linked(stage, tier_id)
    command = CreateQuote((QuoteItem(plan_id, 1),))
    order_id = stage.place(as_buyer(stage, lambda uow: create_quote(uow, command).id))
    stage.run()
    use(stage, order_id, 1_400)
    over(stage, order_id)
    stage.tick(SWEEP_INSTALMENTS)
    (first,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    later = stage.rows(select(OrderLine).where(OrderLine.buyer_org_id == stage.buyer.id, OrderLine.id != first.id))
    assert {line.price_lines[0]["kind"] for line in later} == {"metered", "instalment"}
    # 400 calls at 12.5, and a twelfth of twelve months at 4950.
    assert sorted(line.list_minor for line in later) == [4_950, 5_000]
    assert {(line.plan["tier"]["code"], line.plan["tier"]["list_minor"]) for line in later} == {("GOLD", None)}
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert RATED.find(uow).violations == 0


def test_a_price_that_holds_no_more_is_said_to_its_seller(stage: Stage) -> None:
    tier_id = tier(stage)
    price_id = priced(stage, tier_id, unit_price_minor=15_000)

    def listed() -> TierPriceRow:
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            return next(one for one in list_tier_prices(uow, tier_id) if one.id == price_id)

    assert (listed().on_sale, listed().in_force, listed().list_unit_minor) == (True, True, 19_900)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        # As after a new version of the product with a lower price.
        uow.session.get_one(TierPrice, price_id).unit_price_minor = 25_000
    assert (listed().on_sale, listed().in_force) == (True, False)


def test_a_partner_reads_no_rank_of_its_tier(stage: Stage, gold: UUID) -> None:
    for who, rank in ((stage.purchaser, None), (stage.seller.owner, 1)):
        with unit_of_work(stage.services.db, who) as uow:
            found = get_partner(uow, gold).tier
        assert found is not None
        assert (found.code, found.rank) == ("GOLD", rank)


def test_an_end_is_at_once_for_quotes_that_nobody_used(stage: Stage, gold: UUID) -> None:
    quote = quoted(stage)
    assert quote.partner_link_ids == [gold]
    as_seller(stage, lambda uow: end_partner(uow, gold).id)
    assert stage.get(Quote, quote.id).expires_at <= clock.now()
    assert refusal(lambda: stage.place(quote.id)) == "quote_expired"
    assert quoted(stage).lines[0]["tier"] is None


def test_a_move_to_another_tier_is_another_link(stage: Stage, gold: UUID) -> None:
    silver = tier(stage, "SILVER", 2)
    priced(stage, silver, 100_000)
    before = quoted(stage)
    moved = as_seller(stage, lambda uow: move_partner(uow, gold, silver).id)
    assert refusal(lambda: stage.place(before.id)) == "quote_expired"
    (line,) = quoted(stage).lines
    assert (line["tier"]["code"], line["tier"]["link_id"], line["unit_price_minor"]) == ("SILVER", str(moved), 17_910)
    assert (
        refusal(lambda: as_seller(stage, lambda uow: move_partner(uow, gold, silver).id)) == "partner_link_not_running"
    )


@pytest.mark.parametrize("first", ["end", "place"])
def test_an_end_and_a_purchase_at_once_agree(stage: Stage, gold: UUID, first: str) -> None:
    """Whichever comes first: no line is bought at a partner's price after its link has ended."""
    quote = quoted(stage)

    def end() -> str:
        return str(as_seller(stage, lambda uow: end_partner(uow, gold).state))

    def place() -> str:
        try:
            stage.place(quote.id)
        except DomainError as refused:
            return refused.code
        return "placed"

    acts = [end, place] if first == "end" else [place, end]
    with ThreadPoolExecutor(2) as threads:
        outcomes = [future.result() for future in [threads.submit(act) for act in acts]]
    assert "ended" in outcomes
    lines = stage.rows(select(OrderLine).where(OrderLine.buyer_org_id == stage.buyer.id))
    assert bool(lines) == ("placed" in outcomes)
    assert {"placed", "quote_expired"} & set(outcomes)
