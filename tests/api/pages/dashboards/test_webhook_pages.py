"""The pages of endpoints: made, tested, switched, sent again, removed; the log of events and the catalogue."""

from __future__ import annotations

import re
from html import unescape

import pytest

from marketplace.webhooks.jobs import WAKE
from orders.outgoing_events.publish_events import PUBLISH
from tests.api.pages.dashboards.conftest import Dashboards, Visitor

FORM = {"name": "ERP", "url": "https://erp.example/events", "type_order.paid": "yes", "type_order.active": "yes"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)
    assert found is not None
    return unescape(found[1])


def secret_in(page: str) -> str:
    found = re.search(r'value="(whsec_[^"]+)"', page)
    assert found is not None
    return found[1]


def make(visitor: Visitor) -> tuple[str, str]:
    """The address of a new endpoint's page, and its secret."""
    key = hidden(visitor.get("/webhooks").text, "key")
    shown = visitor.post("/webhooks", **FORM, key=key)
    assert shown.status_code == 200, shown.text
    again = visitor.post("/webhooks", **FORM, key=key)
    assert secret_in(again.text) == secret_in(shown.text)
    found = re.search(r'action="(/webhooks/[0-9a-f-]{36})/state"', shown.text)
    assert found is not None
    return found[1], secret_in(shown.text)


def test_an_endpoint_is_made_once_changed_and_its_secret_shown_once(dashboards: Dashboards) -> None:
    address, secret = make(dashboards.seller)
    page = dashboards.seller.get(address).text
    assert secret not in page
    changed = dashboards.seller.post(address, **{**FORM, "name": "ERP 2"})
    assert changed.status_code == 303
    assert "ERP 2" in dashboards.seller.get(address).text
    fresh = dashboards.seller.post(f"{address}/secret", replaces=hidden(page, "replaces"))
    assert secret_in(fresh.text) != secret
    assert secret_in(dashboards.seller.post(f"{address}/secret", replaces=hidden(page, "replaces")).text) == secret_in(
        fresh.text
    )


@pytest.mark.parametrize("change", [{"url": "http://10.0.0.1/x"}, {"name": "x" * 200}, {"url": "ftp://<b>"}])
def test_what_is_refused_keeps_what_was_typed(dashboards: Dashboards, change: dict[str, str]) -> None:
    address, _ = make(dashboards.seller)
    for path in ("/webhooks", address):
        refused = dashboards.seller.post(path, **{**FORM, **change})
        assert refused.status_code == 422
        assert next(iter(change.values())).replace("<", "&lt;").replace(">", "&gt;") in refused.text
        assert re.search(r'name="type_order.paid" value="yes" checked', refused.text)
        assert not re.search(r'name="type_order.refunded" value="yes" checked', refused.text)


def test_no_type_at_all_is_refused(dashboards: Dashboards) -> None:
    assert dashboards.seller.post("/webhooks", name="x", url=FORM["url"]).status_code == 422


def test_a_test_is_sent_looked_at_and_sent_again(dashboards: Dashboards) -> None:
    address, _ = make(dashboards.seller)
    assert dashboards.seller.post(f"{address}/test").status_code == 303
    page = dashboards.seller.get(address).text
    found = re.search(rf'href="({address}/deliveries/[0-9a-f-]{{36}})"', page)
    assert found is not None
    assert "webhook.test" in dashboards.seller.get(found[1]).text
    assert dashboards.seller.post(f"{found[1]}/replay").status_code == 303
    assert dashboards.buyer.get(found[1]).status_code == 404
    for state in ("pending", "delivered", "nonsense"):
        assert dashboards.seller.get(f"{address}?state={state}").status_code == 200
    assert dashboards.seller.post(f"{address}/removal").status_code == 303
    assert dashboards.seller.get(address).status_code == 404


def test_what_was_missed_is_sent_and_a_day_that_is_none_is_refused(dashboards: Dashboards) -> None:
    dashboards.stage.tick(PUBLISH)
    address, _ = make(dashboards.seller)
    page = dashboards.seller.get(address).text
    days = {"since": hidden(page, "since"), "until": hidden(page, "until")}
    assert dashboards.seller.post(f"{address}/replay", **days).status_code == 303
    assert "order.paid" in dashboards.seller.get(address).text
    assert dashboards.seller.post(f"{address}/replay", since="never", until="2026-13-01").status_code == 422
    assert dashboards.seller.post(f"{address}/replay", since=days["until"], until="2020-01-01").status_code == 422
    assert dashboards.seller.post(f"{address}/state", on="no").status_code == 303
    assert dashboards.seller.post(f"{address}/replay", **days).status_code == 409
    assert dashboards.seller.post(f"{address}/test").status_code == 409
    assert dashboards.seller.post(f"{address}/state", on="yes").status_code == 303
    dashboards.seller.post(f"{address}/removal")
    dashboards.stage.tick(WAKE)


def test_the_log_shows_each_side_its_own(dashboards: Dashboards) -> None:
    dashboards.stage.tick(PUBLISH)
    bought, sold = (who.get("/webhooks/events").text for who in (dashboards.buyer, dashboards.seller))
    assert "order.paid" in bought
    assert "commission_ppm" not in bought
    assert "commission_ppm" in sold
    viewer = dashboards.somebody(dashboards.stage.buyer, "approver").get("/webhooks/events").text
    assert "invoice.issued" in bought
    assert "invoice.issued" not in viewer
    assert dashboards.nobody.get("/webhooks/events").status_code in {302, 303, 401}


def test_the_catalogue_has_schema_and_sample(dashboards: Dashboards) -> None:
    page = dashboards.buyer.get("/webhooks/types").text
    assert "order.paid" in page
    assert "commission_ppm" in page  # as the seller gets it
    assert dashboards.somebody(dashboards.stage.buyer, "viewer").get("/webhooks").status_code == 403
