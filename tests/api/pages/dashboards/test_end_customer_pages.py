"""A dealer orders for an end customer, on the pages of both: the link, the sheet, the seats, the end."""

from __future__ import annotations

import re

from sqlalchemy import select

from fulfillment.entitlements.allocation_models import SeatAllocation
from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.end_customers.models import EndCustomer
from orders.order.models import Order
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api.pages.dashboards.test_offer_pages import value
from tests.factories_marketplace import make_member
from tests.loop.test_partner_prices import linked, tier


def test_a_dealer_orders_for_whoever_confirmed_its_link(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    linked(stage, tier(stage))
    org, customer = dashboards.new_organization()
    page = dashboards.buyer.get("/end-customers")
    asked = dashboards.buyer.post(
        "/end-customers", name="Blue Ocean", tax_id="", idempotency_key=value(page, "idempotency_key")
    )
    assert asked.status_code == 303
    refused = dashboards.buyer.post("/end-customers", name="", tax_id="")
    assert refused.status_code == 422
    link = re.search(r"/end-customer-links/[\w-]+", dashboards.buyer.get("/end-customers").text)
    assert link is not None
    address = link.group()
    assert "pays and is invoiced" in text_of(customer.get(address))
    assert customer.post(address).status_code == 303
    (row,) = stage.rows(select(EndCustomer).where(EndCustomer.org_id == org.id))
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, stage.seat_plan).listing_id
        person = make_member(uow, org, "viewer").person()
    buy = f"/products/{listing_id}/buy"
    assert row.name in dashboards.buyer.get(buy).text
    chosen = {"plan_id": str(stage.seat_plan), "quantity": "20", "end_customer_id": str(row.id)}
    sheet = dashboards.buyer.post(buy, action="quote", trial="0", **chosen)
    assert f"For {row.name}, which uses it" in text_of(sheet)
    names = ("quote_id", "idempotency_key")
    paid = {"billing_profile_id": str(stage.profile), "payment_method_id": "sandbox:sbx_ok", "trial": "0"}
    bought = dashboards.buyer.post(buy, action="pay", **chosen, **paid, **{name: value(sheet, name) for name in names})
    assert bought.status_code == 303, text_of(bought)
    stage.run()
    (order,) = stage.rows(select(Order).where(Order.end_customer_org_id == org.id))
    assert row.name in text_of(dashboards.buyer.get(f"/orders/{order.id}"))
    (entitlement,) = stage.rows(select(Entitlement).where(Entitlement.group_reference == order.id))
    own = text_of(dashboards.buyer.get(f"/entitlements/{entitlement.id}"))
    assert "not who holds a seat" in own
    (allocation,) = stage.rows(select(SeatAllocation).where(SeatAllocation.org_id == org.id))
    seats = f"/allocated-seats/{allocation.id}"
    assert seats in customer.get("/entitlements").text
    assert "Ordered for you by" in text_of(customer.get(seats))
    assert customer.post(f"{seats}/seats", member_id=str(person), action="assign").status_code == 303
    assert customer.get(f"{seats}/launch").status_code == 303
    assert customer.get(f"/orders/{order.id}").status_code == 404
    assert customer.post(f"/end-customers/{row.id}/end").status_code == 303
    refused = dashboards.buyer.post(buy, action="quote", trial="0", **chosen)
    assert "does not let you any more" in text_of(refused)
