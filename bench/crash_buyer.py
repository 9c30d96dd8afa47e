"""A buyer who goes on while everything around is killed: repeats what was not answered, and keeps what was acknowledged."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import httpx

from bench.stack import HOST, Stack
from kernel.ids import uuid7

METHODS = ("sbx_ok",) * 6 + ("sbx_timeout", "sbx_delayed_1", "sbx_request_lost", "sbx_declined")
PERSON = "owner@xinghe.example"
"""May buy, and give seats."""
GIVEN_UP, REFUNDED, SEATED = 1 / 6, 0.1, 0.1
"""Shares of purchases: the answer is not awaited; money is asked back; a seat is given."""
PAUSE_S = (0.2, 1.2)
ANSWER_WITHIN_S = 40.0
INSISTS_S = 150.0
"""How long a request is repeated before the product counts as gone."""
LATER = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY})
"""Ask again: nothing was decided."""
SUCCEEDED = range(200, 300)


class Stopped(Exception):
    """The product gave an answer that no crash excuses, or none for a long time."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A purchase that the product has acknowledged."""

    po_number: str
    """Made from its Idempotency-Key, so that what a key made can be counted."""
    purchase_id: str
    order_id: str


@dataclass
class Buyer:
    """One signed-in buyer. Used by one thread."""

    client: httpx.Client
    chance: random.Random
    plan_id: str
    quantity: int
    profile_id: str
    person_id: str
    placed: list[Placed] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    """How often each status was answered; 0: no answer."""
    repeated: int = 0
    refunds: int = 0
    seats: int = 0

    @classmethod
    def open(cls, running: Stack, seed: int) -> Self:
        """The sample buyer with a session of its own, before anything is killed."""
        client = httpx.Client(base_url=f"http://{HOST}:{running.port}", timeout=ANSWER_WITHIN_S, trust_env=False)
        opened = (
            client.post("/v1/session", json={"email": PERSON, "password": running.password}).raise_for_status().json()
        )
        client.headers["X-CSRF-Token"] = opened["csrf"]
        feed = client.get("/v1/feed", params={"limit": 20}).raise_for_status().json()
        card = next(card for item in feed["items"] for card in item["cards"] if card["pricing"] == "per_seat")
        profile = client.get("/v1/billing-profiles").raise_for_status().json()[0]
        quantity, chance = card["min_seats"] + 3, random.Random(seed)  # noqa: S311 - repeatable, not secret
        return cls(client, chance, card["plan_id"], quantity, profile["id"], opened["person_id"])

    def go_on(self, end: threading.Event) -> None:
        """One purchase and what follows it. Raises Stopped."""
        placed = self._buy()
        self.placed.append(placed)
        what_next = self.chance.random()
        if what_next < REFUNDED:
            self._ask_money_back(placed, end)
        elif what_next < REFUNDED + SEATED:
            self._give_seat(placed, end)
        end.wait(self.chance.uniform(*PAUSE_S))

    def _buy(self) -> Placed:
        quote = self._insist("POST", "/v1/quotes", {"plan_id": self.plan_id, "quantity": self.quantity})
        key = str(uuid7())
        body = {
            "quote_id": quote["id"],
            "billing_profile_id": self.profile_id,
            "payment_method": self.chance.choice(METHODS),
            "po_number": f"crash-{key}",
        }
        if self.chance.random() < GIVEN_UP:
            self.repeated += 1
            # Somewhere between the request's arrival and its answer.
            self._try("POST", "/v1/purchases", body, key, self.chance.uniform(0.001, 0.03))
        bought = self._insist("POST", "/v1/purchases", body, key)
        return Placed(f"crash-{key}", bought["id"], bought["orders"][0]["id"])

    def _ask_money_back(self, placed: Placed, end: threading.Event) -> None:
        if self._active(placed, end):
            path = f"/v1/orders/{placed.order_id}/refunds"
            self._insist("POST", path, {"reason": "crash run"}, str(uuid7()))
            self.refunds += 1

    def _give_seat(self, placed: Placed, end: threading.Event) -> None:
        if self._active(placed, end):
            newest = self._insist("GET", "/v1/entitlements?limit=100")["items"]
            given = next((right for right in newest if right["order_id"] == placed.order_id and right["usable"]), None)
            if given is not None:
                path = f"/v1/entitlements/{given['id']}/seats"
                self._insist("POST", path, {"person_id": self.person_id}, str(uuid7()))
                self.seats += 1

    def _active(self, placed: Placed, end: threading.Event) -> bool:
        """Whether the order became active while there was patience."""
        for _ in range(20):
            if self._insist("GET", f"/v1/orders/{placed.order_id}")["state"] == "active":
                return True
            if end.wait(0.5):
                break
        return False

    def _insist(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """Repeat the request until it is answered. Raises Stopped for an answer that no crash excuses."""
        until = time.monotonic() + INSISTS_S
        while time.monotonic() < until:
            answer = self._try(method, path, body, key, ANSWER_WITHIN_S)
            if answer is not None and answer.status_code in SUCCEEDED:
                return answer.json()
            excused = answer is None or answer.status_code in LATER or "idempotency_key_in_use" in answer.text
            if not excused and answer is not None:
                raise Stopped(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            time.sleep(0.3)
        raise Stopped(f"{method} {path}: no answer for {INSISTS_S:.0f} s")

    def _try(self, method: str, path: str, body: object, key: str | None, timeout_s: float) -> httpx.Response | None:
        """One request; None when it was not answered."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self.client.request(method, path, json=body, headers=headers, timeout=timeout_s)
        except httpx.TransportError:
            self.answers[0] += 1
            return None
        self.answers[answer.status_code] += 1
        return answer
