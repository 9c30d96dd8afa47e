"""A developer of the stage's seller, who moves test clocks and buys for their organizations, over the API alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar.testing import TestClient

from app.verify.rules import RULES
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.api_server import application
from tests.loop_stage import Stage


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
        return answer.json() if answer.content else {}

    def try_plan(self, plan: UUID, method: str, *, wait: bool = True) -> dict[str, Any]:
        """Try a plan; the subscription goes on by itself. Without `wait` the seller answers later."""
        quote = self.ask("POST", "/v1/quotes", {"plan_id": str(plan), "quantity": 20, "trial": True})
        (profile,) = self.ask("GET", "/v1/billing-profiles")
        body = {"quote_id": quote["id"], "billing_profile_id": profile["id"], "payment_method": method}
        self.ask("POST", "/v1/purchases", body)
        self.stage.run()
        if not wait:
            return {}
        (newest, *_) = self.ask("GET", "/v1/subscriptions")["items"]
        self.ask("PUT", f"/v1/subscriptions/{newest['id']}/auto-renew", {"auto_renew": True})
        self.stage.run()
        return self.subscription(newest["id"])

    def buy_plan(self, plan: UUID, method: str) -> dict[str, Any]:
        """Buy a plan; the subscription goes on by itself."""
        quote = self.ask("POST", "/v1/quotes", {"plan_id": str(plan), "quantity": 20})
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
