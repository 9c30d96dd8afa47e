"""Where a dealer orders for customers: in its territory alone, and nowhere that is another's alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from app.verify.end_customers import IN_TERRITORY
from app.verify.partners import TERRITORIES
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.notifications.models import Notification
from marketplace.parties.models import Organization
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.partner_queries import get_partner
from marketplace.relations.territories import SetTerritory, clear_territory, set_territory
from marketplace.relations.territory_models import PartnerTerritory
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import OrderLine
from orders.order_sheets.edit_sheet import MakeSheet, make_sheet
from orders.order_sheets.queries import get_sheet
from orders.order_sheets.sheet_rows import SheetRow
from orders.partners.end_partner import end_partner, move_partner
from tests.factories_marketplace import Org
from tests.loop.test_end_customers import Resale, known
from tests.loop.test_offers import refusal
from tests.loop.test_partner_prices import as_buyer, as_seller, tier
from tests.loop.test_trial_pages import field, seller, shown
from tests.loop_stage import Stage
from tests.races.crowd import at_once

__all__ = ["seller"]


class Ground(Resale):
    """A dealer whose customer is registered in Guangdong, and its link with the seller."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.confirm()
        place(stage, self.customer, "44")
        self.link: UUID = stage.rows(
            select(PartnerLink.id).where(
                PartnerLink.seller_org_id == stage.seller.id, PartnerLink.buyer_org_id == stage.buyer.id
            )
        )[0]
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            self.listing = uow.session.get_one(Plan, stage.seat_plan).listing_id

    def set(
        self, *regions: str, link: UUID | None = None, alone: bool = False, listings: tuple[UUID, ...] = ()
    ) -> UUID:
        command = SetTerritory(link or self.link, regions, alone, listings)
        made: UUID = as_seller(self.stage, lambda uow: set_territory(uow, command).id)
        return made

    def clear(self, link_id: UUID) -> None:
        as_seller(self.stage, lambda uow: clear_territory(uow, link_id).id)

    def refused(self, command: SetTerritory) -> str:
        return refusal(lambda: as_seller(self.stage, lambda uow: set_territory(uow, command).id))

    def other_dealer(self) -> UUID:
        """Another partner of the seller; its link."""
        dealer = known(self.stage)
        tier_id: UUID = tier(self.stage, "SILVER", 2)
        link_id: UUID = as_seller(self.stage, lambda uow: ask_partner(uow, AskPartner(dealer.id, tier_id)).id)
        transact(self.stage.services.db, dealer.owner, lambda uow: accept_partner(uow, link_id).id)
        return link_id

    def broken(self) -> list[int]:
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            return [rule.find(uow).violations for rule in (IN_TERRITORY, TERRITORIES)]


def place(stage: Stage, org: Org, province: str) -> None:
    """Let the organization's code say that it was registered in a province (GB/T 2260)."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        row = uow.session.get_one(Organization, org.id)
        assert row.tax_id is not None
        row.tax_id = f"91{province}{row.tax_id[4:]}"


@pytest.fixture
def ground(stage: Stage) -> Ground:
    return Ground(stage)


def test_without_a_territory_customers_are_everywhere(ground: Ground) -> None:
    order = ground.stage.order(ground.buy())
    assert order.end_customer_org_id == ground.customer.id


@pytest.mark.parametrize("regions", [("CN-GD",), ("CN",), ("SG", "CN-GD", "CN-BJ")])
def test_in_it_the_dealer_orders_and_the_line_says_so(ground: Ground, regions: tuple[str, ...]) -> None:
    territory_id = ground.set(*regions)
    order_id = ground.buy()
    (line,) = ground.stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    named = line.plan["end_customer"]
    assert (named["region"], named["territory_id"]) == ("CN-GD", str(territory_id))
    assert ground.broken() == [0, 0]


def test_outside_of_it_nothing_is_quoted_and_what_was_quoted_is_not_ordered(ground: Ground) -> None:
    before = ground.quote()
    ground.set("CN-GX", "SG")
    assert refusal(ground.quote) == "outside_territory"
    assert refusal(lambda: ground.stage.place(before)) == "outside_territory"
    # What it uses itself is bound by nothing.
    ground.quote(None)
    ground.clear(ground.link)
    ground.stage.place(ground.quote())


def test_what_was_ordered_stays_and_goes_on(ground: Ground) -> None:
    order_id = ground.buy()
    ground.set("SG")
    assert ground.stage.order(order_id).state == "active"
    assert [row.seats for row in ground.allocations()] == [20]
    assert ground.broken() == [0, 0]


def test_where_another_alone_may_order_nobody_else_does(ground: Ground) -> None:
    link_id = ground.other_dealer()
    ground.set("CN-GD", link=link_id, alone=True)
    assert refusal(ground.quote) == "territory_exclusive"
    ground.quote(None)
    ground.set("CN-GD", link=link_id, alone=True, listings=(ground.listing,))
    assert refusal(ground.quote) == "territory_exclusive"
    # Elsewhere, or not alone, it binds nobody else.
    ground.set("CN-BJ", link=link_id, alone=True)
    ground.quote()
    ground.set("CN-GD", link=link_id)
    ground.quote()
    ground.set("CN", link=link_id, alone=True)
    assert refusal(ground.quote) == "territory_exclusive"
    transact(ground.stage.services.db, ground.stage.seller.owner, lambda uow: end_partner(uow, link_id).id)
    ground.quote()


def test_two_exclusive_territories_never_overlap(ground: Ground) -> None:
    link_id = ground.other_dealer()
    ground.set("CN-GD", "SG", alone=True)
    with pytest.raises(DomainError) as refused:
        ground.set("CN", link=link_id, alone=True)
    assert (refused.value.code, refused.value.params["regions"]) == ("territory_taken", ["CN-GD"])
    ground.set("CN-GX", link=link_id, alone=True)
    ground.set("CN", link=link_id)
    # Of different products they may.
    ground.set("CN-GD", alone=True, listings=(ground.listing,))
    assert refusal(lambda: ground.set("CN-GD", link=link_id, alone=True)) == "territory_taken"
    assert ground.broken() == [0, 0]


def test_two_at_once_have_one_of_them(ground: Ground) -> None:
    """Each waits for the other, and finds what it set."""
    other = ground.other_dealer()

    def take(link_id: UUID) -> str:
        try:
            ground.set("CN-GD", link=link_id, alone=True)
        except DomainError as refused:
            return refused.code
        return "set"

    for _ in range(5):
        for link_id in (ground.link, other):
            ground.clear(link_id)
        assert sorted(at_once([lambda: take(ground.link), lambda: take(other)])) == ["set", "territory_taken"]
    assert ground.broken() == [0, 0]


def test_it_goes_on_in_another_tier_and_ends_with_the_partnership(ground: Ground) -> None:
    territory_id = ground.set("CN-GD", alone=True)
    assert ground.set("CN-GD", alone=True) == territory_id, "the same again changes nothing"
    silver: UUID = tier(ground.stage, "SILVER", 2)
    ground.link = as_seller(ground.stage, lambda uow: move_partner(uow, ground.link, silver).id)
    row = as_buyer(ground.stage, lambda uow: get_partner(uow, ground.link))
    assert row.territory is not None
    assert (list(row.territory.regions), row.territory.is_exclusive) == (["CN-GD"], True)
    as_buyer(ground.stage, lambda uow: end_partner(uow, ground.link).id)
    assert ground.stage.get(PartnerTerritory, territory_id).ended_at is not None
    assert ground.broken() == [0, 0]


def test_only_the_seller_sets_it_of_a_partner_that_it_has(ground: Ground) -> None:
    command = SetTerritory(ground.link, ("CN",))
    assert refusal(lambda: as_buyer(ground.stage, lambda uow: set_territory(uow, command).id)) in (
        "partner_link_not_found",
        "permission_missing",
    )
    for wrong, code in [
        (SetTerritory(ground.link, ()), "territory_empty"),
        (SetTerritory(ground.link, ("XX",)), "region_unknown"),
        (SetTerritory(ground.link, ("CN",), listing_ids=(ground.listing,)), "territory_listings_unfit"),
        (SetTerritory(ground.link, ("CN",), is_exclusive=True, listing_ids=(ground.link,)), "listing_not_found"),
    ]:
        assert ground.refused(wrong) == code
    as_buyer(ground.stage, lambda uow: end_partner(uow, ground.link).id)
    assert refusal(lambda: ground.set("CN")) == "partner_link_not_running"


def test_a_sheet_names_each_line_whose_customer_is_elsewhere(ground: Ground) -> None:
    ground.set("SG")
    rows = (
        SheetRow(1, str(ground.stage.seat_plan), "20", end_customer=str(ground.id)),
        SheetRow(2, str(ground.stage.seat_plan), "20"),
    )
    sheet_id: UUID = as_buyer(ground.stage, lambda uow: make_sheet(uow, MakeSheet("sheet", rows)).id)
    found: Any = as_buyer(ground.stage, lambda uow: get_sheet(uow, sheet_id))
    assert found.item.wrong == 1
    faults = {one.row.number: [(fault.column, fault.code) for fault in one.faults] for one in found.rows if one.faults}
    assert faults == {1: [("end_customer", "outside_territory")]}


def test_the_partner_is_notified(ground: Ground) -> None:
    before = clock.now()
    ground.set("CN-GD")
    ground.stage.tick(NOTIFY)
    kinds = ground.stage.rows(
        select(Notification.kind).where(Notification.org_id == ground.stage.buyer.id, Notification.created_at >= before)
    )
    assert "partner_territory_set" in kinds


def test_the_seller_sets_it_on_a_page_and_the_partner_reads_it(
    ground: Ground, seller: TestClient[Any], browser: TestClient[Any]
) -> None:
    address = f"/seller/partners/{ground.link}/territory"
    page = shown(seller, address)
    sent = {"csrf": field(page, "csrf")}
    wrong = seller.post(address, data=sent | {"countries": "SG, ZZ", "region-CN-GD": "on"}, follow_redirects=False)
    assert wrong.status_code == 422
    assert "ZZ" in wrong.text
    assert 'name="region-CN-GD" value="on" checked' in wrong.text, "what was ticked stays"
    typed = {"countries": "sg", "region-CN-GD": "on", "is_exclusive": "on", f"listing-{ground.listing}": "on"}
    done = seller.post(address, data=sent | typed, follow_redirects=False)
    assert (done.status_code, done.headers["Location"].partition("?")[0]) == (303, "/seller/partners")
    row = as_buyer(ground.stage, lambda uow: get_partner(uow, ground.link)).territory
    assert (list(row.regions), row.is_exclusive, list(row.listing_ids)) == (["CN-GD", "SG"], True, [ground.listing])
    again = shown(seller, address)
    assert again.count(" checked") == 3
    assert 'value="SG"' in again
    for reader, where in ((browser, "/partners"), (seller, "/seller/partners")):
        text = shown(reader, where)
        assert "广东" in text or "Guangdong" in text
    cleared = seller.post(f"{address}/clear", data=sent, follow_redirects=False)
    assert cleared.status_code == 303
    assert as_buyer(ground.stage, lambda uow: get_partner(uow, ground.link)).territory is None
    assert browser.get(address).status_code in (403, 404)
