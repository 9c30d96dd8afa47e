"""The pages of what recurs: a change is priced, confirmed and made once; the next term is set and undone; the line is shown."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.money import Money
from kernel.principal import SYSTEM
from orders.amendments.models import Amendment
from orders.checkout.models import Purchase
from orders.order.models import Order, Subscription
from tests.api.pages.dashboards.conftest import Dashboards, Visitor
from tests.loop.test_end_of_term import subscriptions


@pytest.fixture(scope="module")
def subscription(dashboards: Dashboards) -> Subscription:
    (found,) = subscriptions(dashboards.stage, dashboards.order_id)
    return found


def now(dashboards: Dashboards, subscription: Subscription) -> Subscription:
    return dashboards.stage.get(Subscription, subscription.id)


def opened(visitor: Visitor, subscription: Subscription, asked: str = "") -> str:
    answer = visitor.get(f"/subscriptions/{subscription.id}{asked}")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def hidden(html: str, form: str) -> dict[str, str]:
    """The fields of the form that posts to `form` as a browser would send them unchanged."""
    start = html.index(f'{form}"')
    body = html[start : html.index("</form>", start)]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', body))
    found.pop("csrf")
    return found


def quantity(dashboards: Dashboards, subscription: Subscription) -> int:
    return now(dashboards, subscription).quantity


def changes(dashboards: Dashboards, subscription: Subscription) -> int:
    made = select(func.count()).where(Amendment.subscription_id == subscription.id)
    return int(dashboards.stage.rows(made)[0])


def test_the_list_says_what_follows(dashboards: Dashboards, subscription: Subscription) -> None:
    html = unescape(dashboards.buyer.get("/subscriptions").text)
    assert f"/subscriptions/{subscription.id}" in html
    assert "is not renewed" in html
    assert f"0 / {subscription.quantity}" in html


def test_a_change_is_priced_and_bought_once(dashboards: Dashboards, subscription: Subscription) -> None:
    stage, buyer = dashboards.stage, dashboards.buyer
    more = quantity(dashboards, subscription) + 5
    html = opened(buyer, subscription, f"?when=now&quantity={more}&plan=")
    assert "5 seats added, for the rest of the term" in html
    fields = hidden(html, "/change") | {"payment_method_id": "sandbox:sbx_ok", "po_number": "PO-9"}
    other_tab = hidden(opened(buyer, subscription, f"?when=now&quantity={more}&plan="), "/change")
    address = f"/subscriptions/{subscription.id}/change"
    first, again = (buyer.post(address, **fields) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    late = buyer.post(address, **other_tab | {"payment_method_id": "sandbox:sbx_ok"})
    assert late.status_code == 409
    assert "was changed or renewed since" in unescape(late.text)
    stage.run()
    order = stage.order(UUID(first.headers["location"].rsplit("/", 1)[1]))
    written = f"{Money(order.gross_minor, 'CNY').decimal():,.2f}"
    assert written in html, "preview = charge to the cent"
    assert (changes(dashboards, subscription), quantity(dashboards, subscription)) == (1, more)
    assert "Seats 20 → 25" in opened(buyer, subscription)


def test_a_later_end_is_priced_and_bought_once(dashboards: Dashboards, subscription: Subscription) -> None:
    stage, buyer = dashboards.stage, dashboards.buyer
    clock.advance(timedelta(days=2))
    plan_id, context = stage.offer(interval="year", min_seats=1)
    order_id = stage.place(stage.quote(plan_id, 1, context=context))
    stage.run()
    (other,) = subscriptions(stage, order_id)
    html = opened(buyer, subscription, f"?when=with&align={other.id}")
    assert "Ends with another subscription, for the time that is added" in html
    assert re.search(rf'<option value="{other.id}" selected', html)
    fields = hidden(html, "/change") | {"payment_method_id": "sandbox:sbx_ok"}
    assert fields["align"] == str(other.id)
    address = f"/subscriptions/{subscription.id}/change"
    altered = buyer.post(address, **{key: value for key, value in fields.items() if key != "align"})
    assert altered.status_code == 409
    first, again = (buyer.post(address, **fields) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    stage.run()
    order = stage.order(UUID(first.headers["location"].rsplit("/", 1)[1]))
    assert f"{Money(order.gross_minor, 'CNY').decimal():,.2f}" in html, "preview = charge to the cent"
    assert now(dashboards, subscription).ends_at == other.ends_at
    assert "instead of" in opened(buyer, subscription)
    same = opened(buyer, subscription, f"?when=with&align={other.id}")
    assert "That changes nothing" in same


def test_what_was_typed_stays_and_nothing_else_can_be_bought(
    dashboards: Dashboards, subscription: Subscription
) -> None:
    buyer, before = dashboards.buyer, changes(dashboards, subscription)
    less = opened(buyer, subscription, "?when=now&quantity=3")
    assert "Less is from the next term on" in less
    assert re.search(r'name="quantity"[^>]*value="3"', less)
    assert 'aria-invalid="true"' in opened(buyer, subscription, "?when=now&quantity=many")
    more = quantity(dashboards, subscription) + 1
    fields = hidden(opened(buyer, subscription, f"?when=now&quantity={more}"), "/change")
    altered = fields | {"quantity": str(more + 1), "payment_method_id": "sandbox:sbx_ok"}
    refused = buyer.post(f"/subscriptions/{subscription.id}/change", **altered)
    assert refused.status_code == 409
    assert changes(dashboards, subscription) == before
    no_method = buyer.post(f"/subscriptions/{subscription.id}/change", **fields | {"payment_method_id": "?"})
    assert no_method.status_code == 422
    assert re.search(rf'name="quantity"[^>]*value="{more}"', unescape(no_method.text))


def test_the_next_term_is_set_and_undone(dashboards: Dashboards, subscription: Subscription) -> None:
    buyer, fewer = dashboards.buyer, quantity(dashboards, subscription) - 3
    html = opened(buyer, subscription, f"?when=next&quantity={fewer}&plan=")
    assert f"× {fewer}" in html
    assert now(dashboards, subscription).next_quantity is None, "a preview changes nothing"
    address = f"/subscriptions/{subscription.id}/next-term"
    assert buyer.post(address, **hidden(html, "/next-term"), action="note").status_code == 303
    assert now(dashboards, subscription).next_quantity == fewer
    assert "Leave it as it is" in opened(buyer, subscription)
    assert buyer.post(address, action="undo").status_code == 303
    assert now(dashboards, subscription).next_quantity is None


def test_cancelled_at_the_end_and_undone(dashboards: Dashboards, subscription: Subscription) -> None:
    address = f"/subscriptions/{subscription.id}/auto-renew"
    for wanted in ("on", "off", "on", "off"):
        assert dashboards.buyer.post(address, wanted=wanted).status_code == 303
        assert now(dashboards, subscription).auto_renew is (wanted == "on")


def test_whoever_only_reads_sees_it_and_others_see_nothing(dashboards: Dashboards, subscription: Subscription) -> None:
    viewer = dashboards.somebody(dashboards.stage.buyer, "viewer")
    html = opened(viewer, subscription, "?when=now&quantity=90")
    assert "/change" not in html
    assert "Term 1" in html
    assert viewer.post(f"/subscriptions/{subscription.id}/auto-renew", wanted="on").status_code == 403
    _, stranger = dashboards.new_organization()
    address = f"/subscriptions/{subscription.id}"
    assert stranger.get(address).status_code == dashboards.seller.get(address).status_code == 404
    for act in ("next-term", "auto-renew"):
        assert stranger.post(f"{address}/{act}", wanted="on").status_code == 404


def test_an_approver_is_asked_where_the_rules_say_so(dashboards: Dashboards, subscription: Subscription) -> None:
    made = dashboards.buyer.post("/purchase-rules", new="yes", currency="CNY", max_order="1", max_month="")
    assert made.status_code == 303
    more = quantity(dashboards, subscription) + 2
    buyer = dashboards.somebody(dashboards.stage.buyer, "purchaser")
    html = opened(buyer, subscription, f"?when=now&quantity={more}")
    fields = hidden(html, "/change") | {"payment_method_id": "sandbox:sbx_ok"}
    answer = buyer.post(f"/subscriptions/{subscription.id}/change", **fields)
    assert answer.status_code == 303
    order: Order = dashboards.stage.order(UUID(answer.headers["location"].rsplit("/", 1)[1]))
    assert order.state == "pending_approval"
    assert quantity(dashboards, subscription) == more - 2


def test_the_method_is_changed_on_the_page(dashboards: Dashboards, subscription: Subscription) -> None:
    buyer, address = dashboards.buyer, f"/subscriptions/{subscription.id}/payment-method"
    assert "Pay by another method" in opened(buyer, subscription)
    assert buyer.post(address, payment_method_id="sandbox:sbx_delayed").status_code == 303
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        began = uow.session.get_one(Order, dashboards.order_id)
        assert uow.session.get_one(Purchase, began.purchase_id).method_token == "sbx_delayed"
    for wrong in ("", "sandbox:", "nowhere:x"):
        answer = buyer.post(address, payment_method_id=wrong)
        assert answer.status_code == 422, answer.text
