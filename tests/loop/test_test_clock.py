"""A year of a test organization, over the API alone: each thing happens at its instant, and nobody else's time moves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import delete, select

from billing.invoices.models import Invoice
from billing.payments.models import Payment
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from fulfillment.usage.record_usage import UsageIn, record_usage
from kernel import clock
from kernel.clock import OwnTime
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.idempotency import IdempotencyKey
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.jobs.outbox import DRIVE_CLOCK
from kernel.principal import SYSTEM
from orders.order.instalments import Instalment
from orders.order.models import Order, Subscription, SubscriptionTerm
from orders.test_clocks import drive
from orders.test_clocks.drive import ClockToDrive, DriveClock
from orders.test_clocks.due_instants import next_due
from orders.test_clocks.jobs import SWEEP_CLOCKS
from tests.api_server import application
from tests.loop.clock_developer import Developer, violations
from tests.loop.test_instalments import PRICE as IN_PARTS
from tests.loop.test_trials import DAYS, MONTH_MINOR, trial_plan
from tests.loop.test_usage_charges import PRICE
from tests.loop_stage import Stage
from tests.races.crowd import at_once

OF_A_BUYER = {
    "orders.not_stuck",
    "subscriptions.steps",
    "subscriptions.amended",
    "instalments.charged",
    "usage.closed",
    "usage.asked_again",
    "runs.timely",
    "gateway.pursued",
    "milestones.timely",
    "refund_cases.waiting",
}
"""Rules that hold what is stored against a buyer's present."""
YEAR = timedelta(days=366)


def test_a_year_of_a_test_organization(stage: Stage, developer: Developer) -> None:
    began, broken = clock.now(), violations(stage)
    developer.make()
    good = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    assert good["state"] == "trial"
    ends_at = datetime.fromisoformat(good["ends_at"])
    assert ends_at == began + timedelta(days=DAYS)
    # The trial converts, and the first month is paid for.
    developer.advance(ends_at + timedelta(hours=1))
    good = developer.subscription(good["id"])
    assert good["state"] == "active"
    assert datetime.fromisoformat(good["ends_at"]) > ends_at + timedelta(days=27)
    # Another one's method is declined: dunned, then recovered.
    bad = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_declined")
    developer.advance(datetime.fromisoformat(bad["ends_at"]) + timedelta(days=4))
    bad = developer.subscription(bad["id"])
    assert bad["state"] == "past_due"
    waiting = stage.rows(select(Order).where(Order.subscription_id == UUID(bad["id"])))
    (renewal,) = waiting
    tries = stage.rows(select(Payment).where(Payment.reference == renewal.purchase_id).order_by(Payment.created_at))
    assert [one.state for one in tries] == ["failed"] * len(tries)
    assert len(tries) >= 3
    developer.ask("POST", f"/v1/purchases/{renewal.purchase_id}/pay", {"payment_method": "sbx_ok"})
    stage.run()
    assert developer.subscription(bad["id"])["state"] == "active"
    developer.ask("PUT", f"/v1/subscriptions/{bad['id']}/payment-method", {"payment_method": "sbx_declined"})
    # A year of months; the second one is paid for by nobody in the end.
    developer.advance(began + YEAR)
    assert developer.subscription(bad["id"])["state"] == "ended"
    good = developer.subscription(good["id"])
    assert good["state"] == "active"
    renewals = stage.rows(select(Order).where(Order.subscription_id == UUID(good["id"])).order_by(Order.created_at))
    assert len(renewals) == 12
    assert {order.state for order in renewals} <= {"active", "completed"}
    assert {order.gross_minor for order in renewals} == {MONTH_MINOR}
    paid = stage.rows(select(Payment).where(Payment.reference.in_([one.purchase_id for one in renewals])))
    assert sorted(one.state for one in paid) == ["succeeded"] * 12
    # Each at its instant, in order; nobody else's time has moved.
    happened = developer.happened()
    at = [datetime.fromisoformat(one["at"]) for one in happened]
    assert at == sorted(at)
    assert at[0] == began
    assert at[-1] > began + timedelta(days=330)
    assert clock.now() == began
    invoices = stage.rows(select(Invoice).where(Invoice.buyer_org_id == UUID(developer.clock["organization_id"])))
    assert len(invoices) >= 13
    assert all((one.number or "").startswith("TEST") for one in invoices)
    ordinary = stage.buy()
    stage.run()
    (own,) = stage.papers(ordinary)
    assert not (own.number or "TEST").startswith("TEST")
    assert own.issued_at == began
    assert violations(stage) == broken


def test_everybodys_sweeps_leave_it_alone(stage: Stage, developer: Developer) -> None:
    developer.make()
    tried = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    waiting = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_requires_action")
    assert waiting["state"] == "trial"
    broken = violations(stage)
    clock.advance(timedelta(days=60))
    for name in drive.SWEEPS:
        # Twice: what other tests left waiting is late as well, and its own followers come after it.
        stage.tick(name)
        stage.tick(name)
    (row,) = stage.rows(select(Subscription).where(Subscription.id == UUID(tried["id"])))
    assert (row.state, row.ends_at) == ("active", datetime.fromisoformat(tried["ends_at"]))
    assert developer.subscription(tried["id"])["state"] == "trial"
    late = {name: count for name, count in violations(stage).items() if broken.get(name, 0) < count}
    assert not late.keys() & OF_A_BUYER


# ── how it is moved ──────────────────────────────────────────────────────────────────────────────────────────────


def test_pressed_twice_it_is_moved_once(stage: Stage, developer: Developer) -> None:
    developer.make()
    good = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    to = datetime.fromisoformat(good["ends_at"])
    address = f"/v1/test-clocks/{developer.clock['id']}/advance"
    first = developer.client.post(address, json={"to": to.isoformat()})
    again = developer.client.post(address, json={"to": to.isoformat()})
    assert [first.status_code, again.status_code] == [202, 202]
    assert {first.json()["state"], again.json()["state"]} == {"advancing"}
    developer.advance(to + timedelta(days=1), status=409)
    developer.ask("PUT", f"/v1/subscriptions/{good['id']}/auto-renew", {"auto_renew": False}, status=409)
    assert developer.subscription(good["id"])["state"] == "trial"
    stage.run()
    assert developer.present == to
    assert developer.advance(to)["state"] == "ready"
    paid = stage.rows(select(Order).where(Order.subscription_id == UUID(good["id"])))
    assert len(paid) == 1


def test_only_forward_and_two_years_at_most(stage: Stage, developer: Developer) -> None:
    developer.make()
    began = developer.present
    assert developer.advance(began - timedelta(seconds=1), status=422)["code"] == "test_clock_backward"
    assert developer.advance(began + timedelta(days=733), status=422)["code"] == "test_clock_too_far"
    assert developer.present == began
    assert developer.advance(began + timedelta(days=732))["present_at"] == (
        began + timedelta(days=732)
    ).isoformat().replace("+00:00", "Z")


def test_drivers_in_parallel_do_everything_once(stage: Stage, developer: Developer) -> None:
    """As many workers as there may be, one of which is killed in the middle: whoever comes goes on."""
    developer.make()
    good = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    began = developer.present
    address = f"/v1/test-clocks/{developer.clock['id']}"
    assert developer.client.post(f"{address}/advance", json={"to": (began + YEAR).isoformat()}).status_code == 202
    clock_id = UUID(developer.clock["id"])
    handler, asked = DriveClock(stage.services.db), ClockToDrive(clock_id, began)
    works = [lambda: handler.call(asked) for _ in range(4)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(drive, "next_due", stumble_after(5))
        with pytest.raises(Killed):
            handler.call(asked)
    assert began < developer.present < began + YEAR
    assert at_once(works).count(True) >= 1
    stage.run()
    assert developer.present == began + YEAR
    orders = stage.rows(select(Order).where(Order.subscription_id == UUID(good["id"])))
    terms = stage.rows(select(SubscriptionTerm).where(SubscriptionTerm.subscription_id == UUID(good["id"])))
    assert len(terms) == len(orders) + 1
    assert len({term.starts_at for term in terms}) == len(terms)
    payments = stage.rows(select(Payment).where(Payment.payer_org_id == UUID(developer.clock["organization_id"])))
    assert len(payments) == len(orders)


def test_a_driver_that_was_lost_is_looked_for(stage: Stage, developer: Developer) -> None:
    developer.make()
    began = developer.present
    address = f"/v1/test-clocks/{developer.clock['id']}/advance"
    developer.client.post(address, json={"to": (began + YEAR).isoformat()})
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(delete(Job).where(Job.kind == DRIVE_CLOCK))
    stage.run()
    assert developer.present == began
    stage.tick(SWEEP_CLOCKS)
    assert developer.present == began + YEAR


def test_what_the_seller_answers_later_counts_at_its_time(stage: Stage, developer: Developer) -> None:
    """A callback comes at everybody's time; what it brings is dated by the buyer's."""
    developer.make()
    began = developer.present
    developer.advance(began + timedelta(days=40))
    stage.seller_app.behave(mode="async", step_ms=1, drop_callbacks=True)
    good = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok", wait=False)
    (run,) = stage.rows(select(Run).where(Run.buyer_org_id == UUID(developer.clock["organization_id"])))
    assert good == {}
    body = {"status": "succeeded", "external_id": "t-1", "launch_url": "https://seller.example/t-1"}
    stage.call_back(stage.token(run), body)
    stage.run()
    (entitlement,) = stage.rows(select(Entitlement).where(Entitlement.id == run.entitlement_id))
    assert (entitlement.state, entitlement.valid_from) == ("active", began + timedelta(days=40))


def test_usage_counts_at_its_time(stage: Stage, developer: Developer) -> None:
    """The seller reports what was used; the period is closed and charged when the clock has passed its end."""
    developer.make()
    began = developer.present
    developer.advance(began + timedelta(days=40))
    plan, _ = stage.offer(price=PRICE)
    quote = developer.ask("POST", "/v1/quotes", {"plan_id": str(plan), "quantity": 1})
    (profile,) = developer.ask("GET", "/v1/billing-profiles")
    body = {"quote_id": quote["id"], "billing_profile_id": profile["id"], "payment_method": "sbx_ok"}
    developer.ask("POST", "/v1/purchases", body)
    stage.run()
    (entitlement,) = stage.rows(
        select(Entitlement).where(Entitlement.buyer_org_id == UUID(developer.clock["organization_id"]))
    )
    at = began + timedelta(days=40, minutes=1)
    item = UsageIn(str(uuid7()), at, entitlement.id, "calls", Decimal(2_000))
    (result,) = transact(stage.services.db, stage.seller.owner, lambda uow: record_usage(uow, [item]))
    assert result.outcome == "accepted", result
    developer.advance(began + timedelta(days=80))
    (order, *_) = stage.rows(
        select(Order)
        .where(Order.buyer_org_id == entitlement.buyer_org_id, Order.usage_period_id.is_not(None))
        .order_by(Order.created_at)
    )
    assert (order.state, order.gross_minor) == ("active", 17_500)
    assert order.created_at > began + timedelta(days=70)


def test_instalments_are_charged_at_its_time(stage: Stage, developer: Developer) -> None:
    """Each on its day as the clock passes it, and none for anybody else's time."""
    broken = violations(stage)
    developer.make()
    began = developer.present
    plan, _ = stage.offer(price=IN_PARTS)
    quote = developer.ask("POST", "/v1/quotes", {"plan_id": str(plan), "quantity": 1})
    assert len(quote["lines"][0]["instalments"]) == 4
    (profile,) = developer.ask("GET", "/v1/billing-profiles")
    body = {"quote_id": quote["id"], "billing_profile_id": profile["id"], "payment_method": "sbx_ok"}
    developer.ask("POST", "/v1/purchases", body)
    stage.run()
    developer.advance(began + timedelta(days=200))
    mine = select(Instalment).where(Instalment.buyer_org_id == UUID(developer.clock["organization_id"]))
    parts = stage.rows(mine.order_by(Instalment.number))
    assert [one.state for one in parts] == ["paid", "paid", "scheduled"]
    orders = stage.rows(
        select(Order).where(Order.instalment_id.in_([one.id for one in parts])).order_by(Order.created_at)
    )
    assert [(one.state, one.created_at) for one in orders] == [("active", one.due_at) for one in parts[:2]]
    for rule, count in violations(stage).items():
        assert not rule.startswith("instalments.") or count <= broken.get(rule, 0), rule
    assert developer.client.delete(f"/v1/test-clocks/{developer.clock['id']}").json()["state"] == "deleting"
    stage.run()
    assert stage.rows(mine.order_by(Instalment.number))[2].state == "cancelled"


def test_deleted_everything_of_it_ends(stage: Stage, developer: Developer) -> None:
    developer.make()
    good = developer.try_plan(trial_plan(stage, trial_needs_method=True), "sbx_ok")
    address = f"/v1/test-clocks/{developer.clock['id']}"
    assert developer.client.delete(address).json()["state"] == "deleting"
    assert developer.client.delete(address).status_code == 202
    stage.run()
    assert developer.client.get(address).json()["state"] == "deleted"
    assert developer.client.get("/v1/test-clocks").json()["items"] == []
    (row,) = stage.rows(select(Subscription).where(Subscription.id == UUID(good["id"])))
    assert row.state == "ended"
    ended = stage.rows(select(Run).where(Run.buyer_org_id == row.buyer_org_id, Run.operation == "deprovision"))
    assert [run.state for run in ended] == ["succeeded"]
    developer.ask("GET", "/v1/subscriptions", status=401)
    assert developer.advance(clock.now() + YEAR, status=409)["code"] == "test_clock_deleted"


def test_another_key_replaces_the_first(stage: Stage, developer: Developer) -> None:
    developer.make()
    before = developer.clock["key"]
    developer.clock["key"] = developer.client.post(f"/v1/test-clocks/{developer.clock['id']}/keys").json()["key"]
    assert developer.ask("GET", "/v1/subscriptions")["items"] == []
    developer.clock["key"] = before
    developer.ask("GET", "/v1/subscriptions", status=401)


def test_real_money_knows_no_test_clocks(stage: Stage, developer: Developer) -> None:
    settings = stage.services.settings.model_copy(update={"market_mode": "production"})
    services = replace(stage.services, settings=settings)
    with TestClient(application(services), base_url="https://market.example") as client:
        client.cookies.update(developer.client.cookies)
        client.headers["x-csrf-token"] = developer.client.headers["x-csrf-token"]
        answer = client.post("/v1/test-clocks", json={"name": "Renewals"}, headers={"idempotency-key": str(uuid7())})
    assert (answer.status_code, answer.json()["code"]) == (403, "sandbox_only")


def test_asked_twice_with_one_key_it_is_one_clock(stage: Stage, developer: Developer) -> None:
    def ask(name: str = "Renewals") -> Any:
        return developer.client.post("/v1/test-clocks", json={"name": name}, headers={"idempotency-key": "once"})

    first, again = ask(), ask()
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert first.json() | {"key": ""} == again.json() | {"key": ""}
    assert len(developer.client.get("/v1/test-clocks").json()["items"]) == 1
    kept = stage.rows(select(IdempotencyKey.answer).where(IdempotencyKey.key == "once"))
    assert not any(answer.json()["key"] in one for answer in (first, again) for one in kept), "no secret is kept"
    developer.clock = first.json()
    developer.ask("GET", "/v1/subscriptions", status=401)
    developer.clock = again.json()
    developer.ask("GET", "/v1/subscriptions", status=200)
    assert ask("Another").json()["code"] == "idempotency_key_reused"
    assert developer.client.post("/v1/test-clocks", json={"name": "x"}).json()["code"] == "idempotency_key_required"


def test_sellers_tell_test_organizations_apart(stage: Stage, developer: Developer) -> None:
    for name in ("Renewals", "Trials"):
        developer.make(name)
        (profile,) = developer.ask("GET", "/v1/billing-profiles")
        assert profile["legal_name"].endswith(f" · {name} (TEST)")


def test_its_pages(stage: Stage, developer: Developer) -> None:
    """Made twice by one form it is one; moved by a button that says where to; what happened stands there."""
    page, key = developer.client, str(uuid7())
    csrf = page.headers["x-csrf-token"]
    form = {"csrf": csrf, "key": key, "name": "Renewals"}
    made = page.post("/test-clocks", data=form)
    again = page.post("/test-clocks", data=form)
    assert (made.status_code, again.status_code) == (200, 200)
    (one,) = page.get("/v1/test-clocks").json()["items"]
    assert one["id"] == key
    here = f"/test-clocks/{key}"
    to = (datetime.fromisoformat(one["present_at"]) + timedelta(days=1)).isoformat()
    moved = page.post(f"{here}/advance", data={"csrf": csrf, "to": to}, follow_redirects=False)
    assert moved.status_code == 303
    assert "refresh" in page.get(here).text
    stage.run()
    assert to[:10] in page.get(here).text
    wrong = page.post(f"{here}/advance", data={"csrf": csrf, "day": "1999-01-01"})
    assert wrong.status_code == 422
    assert 'value="1999-01-01"' in wrong.text
    said = re.search(r'id="day-wrong"[^>]*>([^<]*)', wrong.text)
    assert said is not None
    assert "+00:00" not in said[1], "an instant is said as the page says it"
    beyond = page.post(f"{here}/advance", data={"csrf": csrf, "day": "2999-01-01"})
    assert "+00:00" not in beyond.text.split("day-wrong")[-1].split("</p>")[0]
    assert page.post(f"{here}/keys", data={"csrf": csrf}).status_code == 200
    gone = page.post(f"{here}/removal", data={"csrf": csrf}, follow_redirects=False)
    assert gone.status_code == 303
    assert "Renewals" in page.get("/test-clocks").text
    stage.run()
    assert "Renewals" not in page.get("/test-clocks").text


class Killed(Exception):
    """The driver's process is gone."""


def stumble_after(moves: int) -> Callable[[UnitOfWork, OwnTime], datetime | None]:
    """As `next_due`, for a driver that does not live longer than so many moves."""
    left = [moves]

    def due(uow: UnitOfWork, own: OwnTime) -> datetime | None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return next_due(uow, own)

    return due
