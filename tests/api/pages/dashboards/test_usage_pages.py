"""Usage over HTTP: reported by the seller, seen, drawn and capped by the buyer; what is wrong is said and kept."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from fulfillment.usage.caps import remove_cap
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.close_period import close_period
from fulfillment.usage.models import UsageLine, UsagePeriod
from fulfillment.usage.record_usage import UsageIn, record_usage
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Order
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.conformance.api_walk import key_of
from tests.factories_usage import PRICE
from tests.loop.test_usage_charges import metered, over, use


def test_usage_is_reported_seen_and_capped(dashboards: Dashboards) -> None:
    stage, buyer = dashboards.stage, dashboards.buyer
    entitlement = stage.entitlement(dashboards.order_id)
    address = f"/entitlements/{entitlement.id}/usage"
    assert buyer.get(address).status_code == 404, "nothing of it is metered"
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        set_usage_terms(uow, entitlement.id, PRICE)
        key = key_of(uow, stage.seller.owner)
    good = {"id": uuid7().hex, "time": clock.now().isoformat(), "entitlement": str(entitlement.id)}
    good |= {"dimension": "calls", "quantity": "1400"}
    bad = good | {"id": uuid7().hex, "dimension": "minutes"}
    told = buyer.client.post("/v1/usage", json={"events": [bad]}, headers=key)
    assert (told.status_code, told.json()["code"]) == (422, "usage_none_accepted")
    assert [one["code"] for one in told.json()["errors"]] == ["usage_dimension_unknown"]
    told = buyer.client.post("/v1/usage", json={"events": [good, bad]}, headers=key)
    assert told.status_code == 200
    assert [one["outcome"] for one in told.json()["results"]] == ["accepted", "refused"]
    assert buyer.client.post("/v1/usage", json={"events": [good]}, headers=key).json()["duplicates"] == 1
    unreadable = [good | {"quantity": "abc"}, good | {"id": "x" * 101}, good | {"time": "2026-11-22T12:00:00"}, 5]
    told = buyer.client.post("/v1/usage", json={"events": [*unreadable, good]}, headers=key)
    assert [one["outcome"] for one in told.json()["results"]] == ["refused"] * 4 + ["duplicate"]
    assert {one["code"] for one in told.json()["results"][:4]} == {"usage_event_unreadable"}
    assert "quantity" in told.json()["results"][0]["message"]
    told = buyer.client.post("/v1/usage", json={"events": unreadable}, headers=key)
    assert (told.status_code, len(told.json()["errors"])) == (422, 4)
    assert "1,400" in text_of(buyer.get(address))
    assert '<figure class="chart"' in buyer.get(address).text
    wrong = buyer.post(f"{address}/caps", dimension="calls", kind="hard", quantity="many")
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text
    assert buyer.post(f"{address}/caps", dimension="calls", kind="hard", quantity="1,400").status_code == 303
    shown = text_of(buyer.get(address))
    assert "hard cap is reached" in shown
    assert "API calls" in shown
    assert "gb_days" in shown, "what has no name is called by its code"
    assert "1,400" in (shown := text_of(dashboards.seller.get("/seller/usage")))
    assert "API calls" in shown
    assert dashboards.seller.get(f"/seller/usage/{entitlement.id}").status_code == 200
    assert dashboards.seller.get(address).status_code == 404
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        more = UsageIn(uuid7().hex, clock.now(), entitlement.id, "calls", Decimal(1))
        assert [one.code for one in record_usage(uow, [more])] == ["usage_cap_reached"]


def test_both_sides_are_told_in_their_notifications(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    entitlement = stage.entitlement(dashboards.order_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        set_usage_terms(uow, entitlement.id, PRICE)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        remove_cap(uow, entitlement.id, "calls")
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        record_usage(uow, [UsageIn(uuid7().hex, clock.now(), entitlement.id, "calls", Decimal(1_200))])
    stage.tick(NOTIFY)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        period = uow.session.scalars(select(UsagePeriod).where(UsagePeriod.entitlement_id == entitlement.id)).one()
        clock.advance(period.closes_at - clock.now())
        assert close_period(uow, period.id)
        uow.flush()
        lines = select(UsageLine.id).where(UsageLine.period_id == period.id, UsageLine.dimension == "calls")
        line_id = uow.session.scalars(lines).one()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        challenge_id = challenge_line(uow, line_id, "Not ours.")
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        answer_challenge(uow, AnswerChallenge(challenge_id, 1, "Taken back."))
    stage.tick(NOTIFY)
    kinds = {row.kind for row in stage.rows(select(Notification).where(Notification.kind.like("usage%")))}
    assert kinds == {"usage_alerted", "usage_questioned", "usage_corrected"}
    alerted = stage.rows(select(Notification.params).where(Notification.kind == "usage_alerted"))[0]
    assert (alerted["dimension"], alerted["dimension_en"]) == ("接口调用", "API calls")


def test_what_was_charged_is_shown_with_its_order_and_how_it_came_about(dashboards: Dashboards) -> None:
    stage, buyer = dashboards.stage, dashboards.buyer
    order_id, _ = metered(stage)
    use(stage, order_id, 2_000)
    over(stage, order_id)
    entitlement_id = stage.entitlement(order_id).id
    (period,) = stage.rows(select(UsagePeriod).where(UsagePeriod.entitlement_id == entitlement_id))
    (order,) = stage.rows(select(Order).where(Order.usage_period_id == period.id))
    shown = buyer.get(f"/entitlements/{entitlement_id}/usage")
    assert f'href="/orders/{order.id}"' in shown.text
    how = "Usage calls 2,000 (1,000 included): 500 × ¥0.25 + 500 × ¥0.10 = ¥175.00"
    assert how in text_of(shown)
    assert how in text_of(buyer.get(f"/orders/{order.id}"))
    assert how in text_of(buyer.get(f"/trace/{period.id}"))
    sold = dashboards.seller.get(f"/seller/usage/{entitlement_id}")
    assert f'href="/trace/{order.id}"' in sold.text
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        key = key_of(uow, stage.buyer.owner)
    told = buyer.client.get(f"/v1/entitlements/{entitlement_id}/usage", headers=key).json()["periods"][0]
    assert (told["state"], told["order_id"], told["credited"]["amount"], told["trial"]) == (
        "invoiced",
        str(order.id),
        0,
        False,
    )
    assert told["lines"][0]["explained"]["text_en"] == how
