"""What recurs, over public HTTP only: a trial that converts, more seats within a term, a payment that fails, a renewal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

from app.demo.demo_session import DemoSession, Evidence, check, wait
from kernel.ids import uuid7

DAY_S = 86_400
TRIED = "team"
"""Code of the plan that is tried."""
TRIED_SEATS = 10
MORE_SEATS = 25
METERED, DIMENSION = "business", "invoice_checks"
CLOSED_AFTER = timedelta(hours=25)
"""After a period's end: late reports are taken for a day."""
TOLD_DAYS = 30
"""The last notice of a year's term before the week of its end; the price of the next is stated by then."""


class SecondYear(DemoSession):
    """The steps after the first purchase, in their order. The sandbox's clock moves a year and more."""

    def recurring_steps(self) -> list[tuple[str, Callable[[], Evidence]]]:
        """Every step in order."""
        return [
            ("trial", self.trial),
            ("trial converts", self.trial_converts),
            ("seats up", self.seats_up),
            ("usage billed", self.usage),
            ("failed payment dunned", self.failed_payment),
            ("recovered", self.recovered),
            ("months", self.months),
            ("renewal", self.renewal),
            ("second year's books", self.books),
        ]

    def closing_steps(self) -> list[tuple[str, Callable[[], Evidence]]]:
        """What is looked at when all is done."""
        return [("gateway's balance", self.balance), ("reconciliation", self.reconciliation)]

    # ── what is tried ────────────────────────────────────────────────────────────────────────────────────────────────

    def trial(self) -> Evidence:
        """A plan is tried: delivered as what is bought is, and nothing is charged."""
        quote, order = self._try_plan("buyer", self.player.good_card)
        stated = quote["lines"][0]["trial"]
        check(quote["gross"]["amount"] == 0, "nothing is to be paid", quote["gross"])
        check(order["payment_id"] is None, "nothing was charged", order)
        subscription = self.subscription_of("buyer", order["id"])
        check(subscription["state"] == "trial", "it is a trial", subscription)
        entitlement = self.find_entitlement(order["id"])
        checked = self.people["seller"].get("/v1/entitlements/check", entitlement_id=entitlement["id"])
        check(checked["trial"], "the seller's system knows that it is a trial", checked)
        self.facts |= {"tried": subscription["id"], "tried_price": stated["gross"]}
        return {
            "order": order["number"],
            "days": stated["days"],
            "then": stated["gross"],
            "state": subscription["state"],
            "ends_at": subscription["ends_at"],
        }

    def trial_converts(self) -> Evidence:
        """Its time is over: the first term is paid for at the price that was stated when it began."""
        self.move_to("buyer", self.facts["tried"])
        term = wait(lambda: self.find_term("buyer", self.facts["tried"], 2), "the first paid term has begun")
        check(term["amount"] == self.facts["tried_price"], "it costs what was stated", term)
        found = self.await_document(term["order_id"], "invoice")
        check(found["gross"] == term["amount"], "its invoice is of the same amount", found)
        return {
            "paid": term["amount"],
            "stated": self.facts["tried_price"],
            "invoice": found["number"],
            "at": term["at"],
        }

    # ── more, within a term ──────────────────────────────────────────────────────────────────────────────────────────

    def seats_up(self) -> Evidence:
        """More seats at once: the rest of the term at the frozen price, previewed, charged and sent to the seller."""
        buyer, subscription = self.people["buyer"], self.subscription_of("buyer", self.facts["order"])
        asked = {"quantity": MORE_SEATS}
        quote = buyer.post(f"/v1/subscriptions/{subscription['id']}/amendment-quotes", asked, expect=201)
        placed = self.accept(quote["id"], "PO-2026-0044")
        self.facts |= {"subscription": subscription["id"], "amendment": placed["orders"][0]["id"]}

        def grown() -> Evidence | None:
            found = self.subscription_of("buyer", self.facts["order"])
            return found if found["quantity"] == MORE_SEATS and found["seats"] == MORE_SEATS else None

        after = wait(grown, "the seats are there")
        wait(lambda: self.find_effect(self.facts["entitlement"], "changed"), "the seller's system has the seats")
        order = buyer.get(f"/v1/orders/{self.facts['amendment']}")
        payment = buyer.get(f"/v1/payments/{order['payment_id']}")
        check(payment["amount"] == quote["gross"], "what was previewed is what was charged", payment)
        return {
            "seats": f"{subscription['quantity']} → {after['quantity']}",
            "previewed": quote["gross"],
            "charged": payment["amount"],
            "until": after["ends_at"],
        }

    # ── what is metered ──────────────────────────────────────────────────────────────────────────────────────────────

    def usage(self) -> Evidence:
        """The seller's system reports what was used; a month later what exceeds the included amount is charged by itself."""
        buyer, seller = self.people["buyer"], self.people["seller"]
        quote = buyer.post("/v1/quotes", {"plan_id": self._plan(METERED)["id"], "quantity": 1}, expect=201)
        order_id = self.accept(quote["id"], "PO-2026-0045")["orders"][0]["id"]
        buyer.watch_progress(f"/v1/orders/{order_id}/progress", lambda _: None)
        entitlement, bought = self.find_entitlement(order_id), self.subscription_of("buyer", order_id)
        events = [
            {"id": str(uuid7()), "entitlement": entitlement["id"], "time": entitlement["valid_from"], **one}
            for one in ({"dimension": DIMENSION, "quantity": "420"}, {"dimension": DIMENSION, "quantity": "80"})
        ]
        reported = [seller.post("/v1/usage", {"events": events}) for _ in range(2)]
        check(reported[0]["accepted"] == len(events), "what was used is accepted", reported[0])
        check(reported[1]["duplicates"] == len(events), "reported again it counts once", reported[1])
        shown = buyer.get(f"/v1/entitlements/{entitlement['id']}/usage")
        # What was tried is paid for in between, on its own day.
        self.move_to("buyer", self.facts["tried"])
        self.move_until(datetime.fromisoformat(shown["ends_at"]) + CLOSED_AFTER)

        def charged() -> Evidence | None:
            entries = buyer.get(f"/v1/subscriptions/{bought['id']}/timeline")
            found = next((one for one in entries if one["kind"] == "usage" and not one["is_due"]), None)
            # With the last period of a term what was bought is over, and its order complete.
            given = found and buyer.get(f"/v1/orders/{found['order_id']}")["state"] in ("active", "completed")
            return found if given else None

        paid = wait(charged, "the period is paid")
        period = buyer.get(f"/v1/entitlements/{entitlement['id']}/usage")["periods"][0]
        check(period["state"] == "invoiced", "the period is invoiced", period)
        self.facts["usage"] = paid["order_id"]
        order = buyer.get(f"/v1/orders/{paid['order_id']}")
        return {
            "used": f"{shown['dimensions'][0]['quantity']} of {shown['dimensions'][0]['included']} included",
            "rated": period["amount"],
            "charged": order["gross"],
            "invoice": self.await_document(order["id"], "invoice")["number"],
        }

    # ── a payment that fails ─────────────────────────────────────────────────────────────────────────────────────────

    def failed_payment(self) -> Evidence:
        """Another organization's card is refused when its trial ends: it is asked again, and goes on meanwhile."""
        _, order = self._try_plan("second buyer", self.player.bad_card)
        subscription = self.subscription_of("second buyer", order["id"])
        self.facts["unpaid"] = subscription["id"]
        self.move_to("second buyer", subscription["id"])
        wait(lambda: self._tried(1), "its card was asked")
        self.move(60)
        wait(lambda: self._in_state("past_due"), "it is past due")
        self.move(DAY_S)
        wait(lambda: self._tried(2), "it is asked for again")
        found = wait(lambda: self._in_state("past_due"), "it is still past due")
        check(found["entitlement_state"] == "active", "it is still in use", found)
        return {
            "state": found["state"],
            "entitlement": found["entitlement_state"],
            "timeline": [f"{one['kind']} {one['days'] or ''}".strip() for one in self._timeline(is_due=False)],
            "next": [f"{one['kind']} {one['at'][:10]}" for one in self._timeline(is_due=True)],
        }

    def recovered(self) -> Evidence:
        """Paid with another card, it goes on; nothing was taken down."""
        payer = self.people["second buyer"]
        owed = self._in_state("past_due") or {}
        order = payer.get(f"/v1/orders/{owed['renewal_order_id']}")
        key = str(uuid7())
        payer.post(f"/v1/purchases/{order['purchase_id']}/pay", {"payment_method": self.player.good_card}, key=key)
        found = wait(lambda: self._in_state("active"), "it is paid")
        payer.put(f"/v1/subscriptions/{found['id']}/auto-renew", {"auto_renew": False})
        seen = [one["kind"] for one in self._timeline(is_due=False)]
        check("recovered" in seen and "suspend" not in seen, "it was recovered and never suspended", {"seen": seen})
        return {"paid": order["gross"], "state": found["state"], "until": found["ends_at"], "timeline": seen}

    # ── a year ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def months(self) -> Evidence:
        """Month by month what was tried is paid for, always on its day and at its price, until a year is nearly over."""
        buyer = self.people["buyer"]
        year = self.subscription_of("buyer", self.facts["order"])
        buyer.put(f"/v1/subscriptions/{year['id']}/auto-renew", {"auto_renew": True})
        until = datetime.fromisoformat(year["ends_at"]) - timedelta(days=TOLD_DAYS)
        number = max(one["number"] for one in self._terms("buyer", self.facts["tried"]))
        while True:
            end = self.subscription("buyer", self.facts["tried"])["ends_at"]
            if datetime.fromisoformat(end) >= until:
                break
            self.move_to("buyer", self.facts["tried"])
            number += 1
            term = wait(
                lambda number=number: self.find_term("buyer", self.facts["tried"], number),  # type: ignore[misc]  # bound now
                f"term {number} is paid",
            )
            check(term["amount"] == self.facts["tried_price"], "every month costs the same", term)
        self.move_until(until + timedelta(hours=1))
        paid = [one for one in self._terms("buyer", self.facts["tried"]) if one["amount"]["amount"]]
        return {
            "terms": len(paid),
            "paid": {"amount": sum(one["amount"]["amount"] for one in paid), "currency": paid[0]["amount"]["currency"]},
            "days": [one["at"][:10] for one in paid],
        }

    def renewal(self) -> Evidence:
        """The year is renewed at the price that was stated a month before."""

        def is_stated() -> Evidence | None:
            found = self.subscription("buyer", self.facts["subscription"])
            return found if found["next_gross_minor"] is not None else None

        stated = wait(is_stated, "the price of the next year is stated")
        self.move_to("buyer", self.facts["subscription"])
        term = wait(lambda: self.find_term("buyer", self.facts["subscription"], 2), "the second year has begun")
        price = {"amount": stated["next_gross_minor"], "currency": stated["next_currency"]}
        check(term["amount"] == price, "it costs what was stated", term)
        after = self.subscription("buyer", self.facts["subscription"])
        self.facts["renewal"] = term["order_id"]
        return {"stated": price, "paid": term["amount"], "seats": after["quantity"], "until": after["ends_at"]}

    def books(self) -> Evidence:
        """Order by order: what was agreed, paid, invoiced and shared out is one amount."""
        tried = [one["order_id"] for one in self._terms("buyer", self.facts["tried"]) if one["amount"]["amount"]]
        late = [one["order_id"] for one in self._terms("second buyer", self.facts["unpaid"]) if one["amount"]["amount"]]
        own = [("buyer", one) for one in (self.facts["amendment"], self.facts["usage"], self.facts["renewal"], *tried)]
        rows = [self._row(role, order_id) for role, order_id in (*own, *(("second buyer", one) for one in late))]
        for row in rows:
            check(len({row["agreed"], row["paid"], row["invoiced"], row["shared"]}) == 1, "all are one amount", row)
        return {
            "orders": len(rows),
            "total": {"amount": sum(row["agreed"] for row in rows), "currency": "CNY"},
            "rows": [f"{row['order']} {row['agreed'] // 100}.{row['agreed'] % 100:02}" for row in rows],
        }

    def balance(self) -> Evidence:
        """What the gateway says that it holds is what our books say, to the cent: fees, refunds and payouts are in both."""
        operator, gateway = self.people["operator"], self.player.gateway
        asked = datetime.fromisoformat(self.move(1)["now"])
        operator.post("/v1/operator/gateway-balances/read", {"gateway": gateway}, expect=202)

        def agreed() -> Evidence | None:
            found = operator.get("/v1/operator/gateway-balances")
            held = [one for one in found["items"] if one["gateway"] == gateway]
            is_read = held and all(one["asked_at"] and datetime.fromisoformat(one["asked_at"]) >= asked for one in held)
            waits = any(one["difference"]["amount"] or one["waiting"]["amount"] for one in held)
            return {one["currency"]: one for one in held} if is_read and not waits else None

        held = wait(agreed, "the gateway's balance is that of the ledger")
        own = held["CNY"]
        return {"gateway": gateway, "held": own["available"], "ledger": own["ledger"], "difference": own["difference"]}

    def reconciliation(self) -> Evidence:
        """Every pair of books is compared from end to end, and no key differs."""
        runs = self.people["operator"].post("/v1/operator/reconciliation/runs", expect=201)
        differing = {one["leg"]: one["kinds"] for one in runs if one["differing"]}
        check(not differing, "no book differs from the one beside it", differing)
        return {"legs": len(runs), "compared": sum(one["compared"] for one in runs), "differing": 0}

    def _row(self, role: str, order_id: str) -> dict[str, Any]:
        person = self.people[role]
        order = person.get(f"/v1/orders/{order_id}")
        payment = person.get(f"/v1/payments/{order['payment_id']}")
        invoice = self.await_document(order_id, "invoice", of=role)

        def shared() -> Evidence | None:
            traced = self.people["operator"].get(f"/v1/trace/{order_id}")
            parts = [node["facts"]["amount"] for node in traced["nodes"] if node["kind"] == "share"]
            return {"amount": sum(part["amount"] for part in parts)} if parts else None

        return {
            "order": order["number"],
            "agreed": order["gross"]["amount"],
            "paid": payment["amount"]["amount"],
            "invoiced": invoice["gross"]["amount"],
            "shared": wait(shared, "its shares are there")["amount"],
        }

    # ── looking things up ────────────────────────────────────────────────────────────────────────────────────────────

    def subscription(self, role: str, subscription_id: str) -> Evidence:
        """A subscription as it is now."""
        found: Evidence = self.people[role].get(f"/v1/subscriptions/{subscription_id}")
        return found

    def subscription_of(self, role: str, order_id: str) -> Evidence:
        """The subscription that an order began."""
        items = self.people[role].get("/v1/subscriptions")["items"]
        found: Evidence = next(one for one in items if one["order_id"] == order_id)
        return found

    def find_term(self, role: str, subscription_id: str, number: int) -> Evidence | None:
        """A paid term by its number."""
        return next((one for one in self._terms(role, subscription_id) if one["number"] == number), None)

    def find_effect(self, entitlement_id: str, kind: str) -> Evidence | None:
        """What the seller's own log says of an entitlement."""
        query = {"entitlement_id": entitlement_id}
        log = httpx.get(f"{self.seller_url}/log", params=query, timeout=10, trust_env=False).json()
        return next((effect for effect in log["effects"] if kind in effect["kind"]), None)

    def move_to(self, role: str, subscription_id: str) -> None:
        """Move the sandbox's clock to the end of what is paid for, or tried."""
        self.move_until(datetime.fromisoformat(self.subscription(role, subscription_id)["ends_at"]))

    def _terms(self, role: str, subscription_id: str) -> list[Evidence]:
        entries = self.people[role].get(f"/v1/subscriptions/{subscription_id}/timeline")
        return [one for one in entries if one["kind"] == "term" and not one["is_due"]]

    def _timeline(self, *, is_due: bool) -> list[Evidence]:
        entries = self.people["second buyer"].get(f"/v1/subscriptions/{self.facts['unpaid']}/timeline")
        return [one for one in entries if one["is_due"] == is_due]

    def _tried(self, times: int) -> Evidence | None:
        tries = [one for one in self._timeline(is_due=False) if one["kind"] == "try" and one["state"] == "failed"]
        return tries[-1] if len(tries) >= times else None

    def _in_state(self, state: str) -> Evidence | None:
        found = self.subscription("second buyer", self.facts["unpaid"])
        return found if found["state"] == state else None

    def _plan(self, code: str) -> Evidence:
        listings = self.people["seller"].get("/v1/listings", limit="50")["items"]
        found: Evidence = next(plan for one in listings for plan in one["plans"] if plan["code"] == code)
        return found

    def _try_plan(self, role: str, card: str) -> tuple[Evidence, Evidence]:
        """Quote and order of a trial that runs."""
        person = self.people[role]
        asked = {"plan_id": self._plan(TRIED)["id"], "quantity": TRIED_SEATS, "trial": True}
        quote = person.post("/v1/quotes", asked, expect=201)
        order_id = self.accept(quote["id"], "PO-2026-0050", by=role, card=card)["orders"][0]["id"]
        person.watch_progress(f"/v1/orders/{order_id}/progress", lambda _: None)
        return quote, person.get(f"/v1/orders/{order_id}")
