"""A year of a test organization, over the API alone: each thing happens at its instant, and nobody else's time moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from app.verify.rules import RULES
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from orders.loop import SWEEP_RENEWALS, SWEEP_TERMS
from orders.order.models import Order, Subscription
from tests.api_server import application
from tests.loop.test_trials import DAYS, MONTH_MINOR, trial_plan
from tests.loop_stage import Stage

YEAR = timedelta(days=366)


class Developer:
    """Of the stage's seller: moves clocks, and buys for the test organization with the key that came with it."""

    def __init__(self, stage: Stage, client: TestClient[Any]) -> None:
        self.stage, self.client = stage, client
        self.clock: dict[str, Any] = {}

    def make(self, name: str = "Renewals") -> dict[str, Any]:
        answer = self.client.post("/v1/test-clocks", json={"name": name})
        assert answer.status_code == 201, answer.text
        self.clock = answer.json()
        return self.clock

    def advance(self, to: datetime, *, status: int = 202) -> dict[str, Any]:
        """Move it, and let the workers do the rest."""
        address = f"/v1/test-clocks/{self.clock['id']}"
        answer = self.client.post(f"{address}/advance", json={"to": to.isoformat()})
        assert answer.status_code == status, answer.text
        if status != 202:
            return dict(answer.json())
        self.stage.run()
        found: dict[str, Any] = self.client.get(address).json()
        assert (found["state"], found["target_at"]) == ("ready", None)
        return found

    @property
    def present(self) -> datetime:
        found = self.client.get(f"/v1/test-clocks/{self.clock['id']}").json()
        return datetime.fromisoformat(found["present_at"])

    def happened(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = []
        address: str | None = f"/v1/test-clocks/{self.clock['id']}/events?limit=100"
        while address:
            page = self.client.get(address).json()
            found += page["items"]
            cursor = page["next_cursor"]
            address = f"/v1/test-clocks/{self.clock['id']}/events?limit=100&cursor={cursor}" if cursor else None
        return found[::-1]

    # ── as the test organization ─────────────────────────────────────────────────────────────────────────────────

    def ask(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        headers = {"authorization": f"Bearer {self.clock['key']}", "idempotency-key": str(uuid7())}
        with TestClient(application(self.stage.services), base_url="https://market.example") as buyer:
            answer = buyer.request(method, path, json=body, headers=headers)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()

    def try_plan(self, plan: UUID, method: str) -> dict[str, Any]:
        """Try a plan; the subscription goes on by itself."""
        quote = self.ask("POST", "/v1/quotes", {"plan_id": str(plan), "quantity": 20, "trial": True})
        (profile,) = self.ask("GET", "/v1/billing-profiles")
        body = {"quote_id": quote["id"], "billing_profile_id": profile["id"], "payment_method": method}
        self.ask("POST", "/v1/purchases", body)
        self.stage.run()
        (newest, *_) = self.ask("GET", "/v1/subscriptions")["items"]
        self.ask("PUT", f"/v1/subscriptions/{newest['id']}/auto-renew", {"auto_renew": True})
        self.stage.run()
        return self.subscription(newest["id"])

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/v1/subscriptions/{subscription_id}")
        return found


def violations(stage: Stage) -> dict[str, int]:
    """What `market verify` finds: other tests of this process may have left something."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        found = {rule.name: rule.find(uow).violations for rule in RULES}
    return {name: count for name, count in found.items() if count}


@pytest.fixture
def developer(stage: Stage) -> Iterator[Developer]:
    token = str(uuid7())
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=stage.seller.owner.person(),
                org_id=stage.seller.id,
                expires_at=clock.now() + timedelta(days=900),
            )
        )
    with TestClient(application(stage.services), base_url="https://market.example") as client:
        client.cookies.set("session", token)
        client.headers["x-csrf-token"] = csrf_of(token)
        yield Developer(stage, client)


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
    clock.advance(timedelta(days=60))
    stage.tick(SWEEP_RENEWALS)
    stage.tick(SWEEP_TERMS)
    (row,) = stage.rows(select(Subscription).where(Subscription.id == UUID(tried["id"])))
    assert (row.state, row.ends_at) == ("active", datetime.fromisoformat(tried["ends_at"]))
    assert developer.subscription(tried["id"])["state"] == "trial"
