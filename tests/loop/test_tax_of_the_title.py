"""Tax follows whom the invoice names, whatever organization buys; and nobody pays another total than was shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from billing.invoices.models import Invoice
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.order.models import OrderLine
from orders.queries import get_quote
from tests.adapters.seller_process import OTHER_SECRET
from tests.factories_marketplace import Org, make_seller
from tests.loop_stage import Stage, connect


def title(stage: Stage, country: str, tax_id: str | None, *, org: Org | None = None, **changes: Any) -> UUID:
    """A billing profile of the buyer that names a party of this country."""
    values: dict[str, Any] = {"legal_name": f"Title {country}", "address": "1 Road", "email": "ap@title.example"}
    with unit_of_work(stage.services.db, (org or stage.buyer).owner) as uow:
        return save_billing_profile(uow, SaveBillingProfile(country=country, tax_id=tax_id, **values | changes)).id


def register_in(stage: Stage, country: str) -> None:
    """The buying organization is registered in this country."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Organization, stage.buyer.id).country = country


def shown(stage: Stage, quote_id: UUID) -> tuple[int, int, int, str]:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        quote = get_quote(uow, quote_id)
        return quote.net_minor, quote.tax_minor, quote.gross_minor, quote.lines[0]["tax_reason"]


def taxed(stage: Stage, order_id: UUID) -> tuple[int, int, int, str]:
    order = stage.order(order_id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return order.net_minor, order.tax_minor, order.gross_minor, line.tax_reason


def invoiced(stage: Stage, order_id: UUID) -> tuple[str, int, int]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        row = uow.session.scalars(select(Invoice).where(Invoice.reference == order_id)).one()
        return row.buyer["country"], row.tax_minor, row.gross_minor


class TestIncluded:
    """The price contains its tax: another party moves tax into net, and pays the same."""

    def test_a_quote_is_taxed_by_the_title_that_was_asked_for(self, stage: Stage) -> None:
        assert shown(stage, stage.quote()) == (375_472, 22_528, 398_000, "cn_service")
        foreign = stage.quote(profile=title(stage, "HK", "22609317-000"))
        assert shown(stage, foreign) == (398_000, 0, 398_000, "cn_export")

    def test_an_organization_abroad_that_buys_for_a_title_at_home_pays_the_tax(self, stage: Stage) -> None:
        """The organization is of Hong Kong, the title a mainland company: no export."""
        abroad = title(stage, "HK", "22609317-000", is_default=True)
        quote_id = stage.quote()
        assert shown(stage, quote_id)[3] == "cn_export"
        order_id = stage.place(quote_id, profile=stage.profile)
        assert taxed(stage, order_id) == (375_472, 22_528, 398_000, "cn_service")
        stage.run()
        assert invoiced(stage, order_id) == ("CN", 22_528, 398_000)
        other = stage.place(stage.quote(profile=stage.profile), profile=abroad)
        assert taxed(stage, other) == (398_000, 0, 398_000, "cn_export")


class TestOnTop:
    """The tax comes on top: another party pays another total, which must be seen before."""

    @pytest.fixture
    def plan(self, stage: Stage) -> UUID:
        plan_id, _ = stage.offer(tax_included=False)
        return plan_id

    def test_a_purchase_for_another_title_is_refused_with_the_new_amounts(self, stage: Stage, plan: UUID) -> None:
        quote_id, abroad = stage.quote(plan), title(stage, "US", "12-3456789")
        assert shown(stage, quote_id) == (398_000, 23_880, 421_880, "cn_service")
        with pytest.raises(Conflict, match="price_changed") as refused:
            stage.place(quote_id, profile=abroad)
        told = refused.value.params
        assert (told["net_minor"], told["tax_minor"], told["gross_minor"], told["quoted_gross_minor"]) == (
            398_000,
            0,
            398_000,
            421_880,
        )
        assert stage.topics() == []
        # The quote is still good for whom it was made.
        assert taxed(stage, stage.place(quote_id))[2] == 421_880
        assert taxed(stage, stage.place(stage.quote(plan, profile=abroad), profile=abroad))[:3] == (398_000, 0, 398_000)

    def test_a_title_that_moved_meanwhile_is_another_party(self, stage: Stage, plan: UUID) -> None:
        profile = title(stage, "US", "12-3456789")
        quote_id = stage.quote(plan, profile=profile)
        title(stage, "CN", "91330106MA2CFN3H4G", id=profile)
        with pytest.raises(Conflict, match="price_changed"):
            stage.place(quote_id, profile=profile)

    def test_a_new_address_alone_is_not(self, stage: Stage, plan: UUID) -> None:
        profile = title(stage, "US", "12-3456789")
        quote_id = stage.quote(plan, profile=profile)
        title(stage, "US", "12-3456789", id=profile, address="2 Road", legal_name="Renamed Inc")
        order = stage.order(stage.place(quote_id, profile=profile))
        assert stage.get(Purchase, order.purchase_id).billing_profile["legal_name"] == "Renamed Inc"

    def test_what_waits_for_an_approver_keeps_title_and_tax(self, stage: Stage, plan: UUID) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", 1))
        profile = title(stage, "US", "12-3456789")
        order_id = stage.place(stage.quote(plan, profile=profile), profile=profile)
        title(stage, "CN", "91330106MA2CFN3H4G", id=profile)
        clock.advance(timedelta(days=3))
        purchase_id = stage.order(order_id).purchase_id
        transact(
            stage.services.db, stage.approver, lambda uow: decide_purchase(uow, DecidePurchase(purchase_id, "approved"))
        )
        stage.run()
        assert taxed(stage, order_id)[:3] == (398_000, 0, 398_000)
        assert invoiced(stage, order_id) == ("US", 0, 398_000)

    def test_over_the_api(self, stage: Stage, plan: UUID, browser: TestClient[Any]) -> None:
        abroad = title(stage, "US", "12-3456789")
        asked = {"plan_id": str(plan), "quantity": 20}
        quote = browser.post("/v1/quotes", json=asked).json()
        assert quote["invoice_party"]["billing_profile_id"] == str(stage.profile)
        body = {"quote_id": quote["id"], "billing_profile_id": str(abroad), "payment_method": "sbx_ok"}
        refused = browser.post("/v1/purchases", json=body, headers={"Idempotency-Key": str(uuid7())})
        assert (refused.status_code, refused.json()["code"]) == (409, "price_changed")
        assert refused.json()["params"]["gross_minor"] == 398_000
        quote = browser.post("/v1/quotes", json=asked | {"billing_profile_id": str(abroad)}).json()
        assert (quote["tax"]["amount"], quote["invoice_party"]["country"]) == (0, "US")
        body["quote_id"] = quote["id"]
        bought = browser.post("/v1/purchases", json=body, headers={"Idempotency-Key": str(uuid7())})
        assert (bought.status_code, bought.json()["gross"]["amount"]) == (201, 398_000)


class TestAPlaceThatNothingShows:
    """A title abroad alone makes no export: a tax identifier of there does, or an organization registered there."""

    @pytest.mark.parametrize(
        ("registered", "tax_id", "reason"),
        [
            ("CN", None, "cn_service_unevidenced"),
            ("US", None, "cn_service_unevidenced"),
            ("HK", None, "cn_export"),
            ("CN", "22609317-000", "cn_export"),
        ],
    )
    def test_without_evidence_the_tax_is_that_of_the_sellers_country(
        self, stage: Stage, registered: str, tax_id: str | None, reason: str
    ) -> None:
        register_in(stage, registered)
        profile = title(stage, "HK", tax_id)
        quote_id = stage.quote(profile=profile)
        tax_minor = 0 if reason == "cn_export" else 22_528
        assert shown(stage, quote_id)[1:] == (tax_minor, 398_000, reason)
        order_id = stage.place(quote_id, profile=profile)
        assert taxed(stage, order_id)[1:] == (tax_minor, 398_000, reason)
        stage.run()
        assert invoiced(stage, order_id) == ("HK", tax_minor, 398_000)

    def test_an_organization_that_moved_after_the_quote_is_taxed_as_it_is_when_it_buys(self, stage: Stage) -> None:
        register_in(stage, "HK")
        profile = title(stage, "HK", None)
        quote_id = stage.quote(profile=profile)
        assert shown(stage, quote_id)[3] == "cn_export"
        register_in(stage, "CN")
        assert taxed(stage, stage.place(quote_id, profile=profile))[3] == "cn_service_unevidenced"

    @pytest.mark.parametrize(("language", "words"), [("en", "no tax identifier"), ("zh-CN", "税号")])
    def test_the_quote_says_why(self, stage: Stage, browser: TestClient[Any], language: str, words: str) -> None:
        plan_id, _ = stage.offer()
        asked = {"plan_id": str(plan_id), "quantity": 20, "billing_profile_id": str(title(stage, "HK", None))}
        (line,) = browser.post("/v1/quotes", json=asked, headers={"Accept-Language": language}).json()["lines"]
        assert (line["tax_reason"], line["tax_rate_ppm"]) == ("cn_service_unevidenced", 60_000)
        assert words in line["tax_note"]
        asked["billing_profile_id"] = str(stage.profile)
        (line,) = browser.post("/v1/quotes", json=asked, headers={"Accept-Language": language}).json()["lines"]
        assert line["tax_note"] is None


class TestReverseCharge:
    """Between member states the customer accounts for the tax only where the invoice can print its number."""

    @pytest.fixture
    def plan(self, stage: Stage) -> UUID:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            seller = make_seller(uow, country="DE", tax_id="DE136695976", time_zone="Europe/Berlin")
            connector = connect(uow, stage.services, seller, stage.seller_app, vendor="contoso", secret=OTHER_SECRET)
        plan_id, _ = stage.offer(seller, currency="EUR", tax_included=False, connector_id=connector)
        return plan_id

    def test_the_number_on_the_title_counts(self, stage: Stage, plan: UUID) -> None:
        register_in(stage, "FR")
        numbered = title(stage, "FR", "FR40303265045")
        nameless = title(stage, "FR", None)
        assert shown(stage, stage.quote(plan, profile=numbered))[1:] == (0, 398_000, "eu_reverse_charge")
        assert shown(stage, stage.quote(plan, profile=nameless))[1:] == (79_600, 477_600, "eu_destination")
        with pytest.raises(Conflict, match="price_changed"):
            stage.place(stage.quote(plan, profile=numbered), profile=nameless)


def test_only_ones_own_title(stage: Stage) -> None:
    foreign = title(stage, "US", None, org=stage.promoter)
    for profile in (foreign, uuid7()):
        with pytest.raises(NotFound, match="billing_profile_not_found"):
            stage.quote(profile=profile)
