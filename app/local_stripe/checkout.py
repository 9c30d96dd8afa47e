"""The part of the local Stripe that payers see: customers and their methods, Checkout's page, the bank's page, and events.

A page has buttons for what can happen: pay, pay later by a method that takes its time, a card that the bank wants confirmed,
one that is declined, leave. Objects are in the shapes of https://docs.stripe.com/api, as far as anybody reads them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from app.local_stripe.books import StripeBooks
from app.local_stripe.hook import Hook, send_events
from app.local_stripe.payer_pages import CARDS, account_page, bank_page, pay_page
from app.local_stripe.shapes import SHAPES, StripeFault

Fields = dict[str, str]


@dataclass
class Injected:
    """A fault that the next requests of a kind meet: `lost` and `500` after they were done, those of `TURNED_AWAY` instead."""

    method: str
    path: str
    what: str
    left: int = 1
    delay_s: float = 0.0


TURNED_AWAY = {
    "409": (409, "invalid_request_error", "lock_timeout"),
    "429": (429, "invalid_request_error", "rate_limit"),
    "503": (503, "api_error", "api_error"),
    "key_reused": (400, "idempotency_error", "idempotency_key_in_use"),
}
"""By what a request is answered instead of being done: status, type and code."""


def turned_away(fault: Injected) -> tuple[int, dict[str, Any]]:
    """Its answer."""
    status, kind, code = TURNED_AWAY[fault.what]
    return status, {"error": {"type": kind, "code": code, "message": "injected"}}


class CheckoutServer(StripeBooks):
    """What `LocalStripe` is made of; its lock is held while any of this runs."""

    address: str

    def __init__(self) -> None:
        super().__init__()
        self.hook: Hook | None = None
        self.faults: list[Injected] = []
        self.chance: Callable[[str, str], str | None] = lambda _method, _path: None
        self.events: list[dict[str, Any]] = []
        self._untold: list[dict[str, Any]] = []

    def of_payers(self, method: str, pieces: list[str], fields: Fields) -> dict[str, Any] | None:
        """The answer to a request about customers, methods and pages; None to any other."""
        named = pieces[-2] if len(pieces) > 1 and pieces[0] != "checkout" else pieces[2] if len(pieces) > 2 else ""
        match [method, *pieces]:
            case ["POST", "customers"]:
                answer = self.customer(fields)
            case ["GET", "customers", _, "payment_methods"]:
                answer = self.methods_of(named, fields)
            case ["POST", "payment_methods", _, "detach"]:
                answer = self.detach(named)
            case ["POST", "payment_intents", _, "confirm"]:
                answer = self.confirm_intent(named, fields)
            case ["POST", "checkout", "sessions"]:
                answer = self.open_session(fields)
            case ["GET", "checkout", "sessions"]:
                answer = self.sessions_of(fields)
            case ["GET", "checkout", "sessions", _]:
                answer = self._get(named)
            case ["POST", "checkout", "sessions", _, "expire"]:
                answer = self.expire_session(named)
            case _:
                return None
        return answer

    # ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────

    def customer(self, fields: Fields) -> dict[str, Any]:
        """A payer is made known."""
        return self._put("cus", "customer", metadata=metadata_of(fields))

    def methods_of(self, customer: str, fields: Fields) -> dict[str, Any]:
        """What is kept for a payer."""
        del fields
        data = [
            deepcopy(one)
            for one in self.objects.values()
            if one["object"] == "payment_method" and one["customer"] == customer
        ]
        return {"object": "list", "url": f"/v1/customers/{customer}/payment_methods", "has_more": False, "data": data}

    def detach(self, name: str) -> dict[str, Any]:
        """Keep a method no longer."""
        method = self.objects[self._get(name)["id"]]
        if method["customer"] is None:
            raise StripeFault(400, type="invalid_request_error", message="The payment method is not attached")
        before = method["customer"]
        method["customer"] = None
        self.note("payment_method.detached", method, previous_attributes={"customer": before})
        return deepcopy(method)

    def open_session(self, fields: Fields) -> dict[str, Any]:
        """https://docs.stripe.com/api/checkout/sessions/create."""
        customer = fields.get("customer")
        if customer is not None:
            self._get(customer)
        amount = int(fields["line_items[0][price_data][unit_amount]"]) if fields["mode"] == "payment" else None
        made = self._put(
            "cs_test",
            "checkout.session",
            mode=fields["mode"],
            status="open",
            payment_status="unpaid" if fields["mode"] == "payment" else "no_payment_required",
            amount_total=amount,
            currency=fields.get("line_items[0][price_data][currency]", fields.get("currency")),
            customer=customer,
            payment_intent=None,
            setup_intent=None,
            client_reference_id=fields.get("client_reference_id"),
            success_url=fields["success_url"],
            cancel_url=fields["cancel_url"],
            metadata=metadata_of(fields),
            _keeps=fields.get("payment_intent_data[setup_future_usage]"),
            _intent_metadata=metadata_of(fields, "payment_intent_data[metadata]"),
            _name=fields.get("line_items[0][price_data][product_data][name]", ""),
        )
        self.objects[made["id"]]["url"] = f"{self.address}/pay/{made['id']}"
        return self._get(made["id"])

    def sessions_of(self, fields: Fields) -> dict[str, Any]:
        """The page on which a payment is made."""
        intent = fields["payment_intent"]
        data = [
            deepcopy(one)
            for one in self.objects.values()
            if one["object"] == "checkout.session" and one["payment_intent"] == intent
        ]
        return {"object": "list", "url": "/v1/checkout/sessions", "has_more": False, "data": data}

    def expire_session(self, name: str) -> dict[str, Any]:
        """Nobody can pay on a page any more."""
        session = self.objects[self._get(name)["id"]]
        if session["status"] != "open":
            raise StripeFault(400, type="invalid_request_error", message="Only open sessions can be expired")
        session |= {"status": "expired", "url": None}
        if session["payment_intent"] is not None:
            self.objects[session["payment_intent"]]["status"] = "canceled"
        self.note("checkout.session.expired", session)
        return deepcopy(session)

    def confirm_intent(self, name: str, fields: Fields) -> dict[str, Any]:
        """Once more with the payer there, who is led to the bank."""
        intent = self.objects[self._get(name)["id"]]
        if intent["status"] != "requires_payment_method":
            raise StripeFault(400, type="invalid_request_error", code="payment_intent_unexpected_state", message="late")
        self._ask_bank(intent, fields["return_url"])
        return deepcopy(intent)

    def acts_of(self, token: str, customer: str | None) -> str | None:
        """What a kept method does when it is charged; None where the token is none of these."""
        method = self.objects.get(token)
        if method is None:
            return None
        if method["customer"] is None or method["customer"] != customer:
            raise StripeFault(400, type="invalid_request_error", message="The payment method is not this customer's")
        return str(method["_acts"])

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────

    def page(self, method: str, path: str, fields: Fields) -> tuple[int, str]:
        """A page to show (200 and its text), or where the payer is led (303 and the address)."""
        _, kind, name = path.split("/", 2)
        if kind == "connect":
            return self._asked(name, method, fields.get("action", ""))
        if name not in self.objects:
            return 404, "no such page"
        found = self.objects[name]
        if kind == "bank":
            return self._bank(found, fields.get("action", "")) if method == "POST" else (200, bank_page(found))
        if method == "POST" and found["status"] == "open":
            return self._chosen(found, fields.get("action", ""))
        return 200, pay_page(found)

    def _asked(self, name: str, method: str, action: str) -> tuple[int, str]:
        """The page on which a connected account's owner answers questions. Its address holds once."""
        link = next((one for one in self.links if str(one["url"]).endswith(f"/{name}")), None)
        if link is None:
            return 404, "no such page"
        if link.get("_used"):
            return 303, str(link["refresh_url"])
        account = str(link["account"])
        if method != "POST":
            return 200, account_page(self.objects[account])
        link["_used"] = True
        if action == "complete":
            self.complete_account(account)
            self.note("account.updated", self.objects[account])
        return 303, str(link["return_url"])

    def _chosen(self, session: dict[str, Any], action: str) -> tuple[int, str]:
        if action == "leave":
            return 303, str(session["cancel_url"])
        if session["mode"] == "setup":
            method = self._kept(session, action)
            intent = self._put(
                "seti", "setup_intent", status="succeeded", payment_method=method, customer=session["customer"]
            )
            session |= {"setup_intent": intent["id"], "status": "complete", "url": None}
            self.note("setup_intent.succeeded", intent)
            self.note("checkout.session.completed", session)
            return 303, str(session["success_url"])
        intent = self._intent_of(session)
        if action == "slow":
            intent |= {"status": "processing", "last_payment_error": None}
            self._complete(session, intent, "unpaid")
            return 303, str(session["success_url"])
        if action == "decline":
            declined(intent)
            self.note("payment_intent.payment_failed", intent)
            return 200, pay_page(session, "Your card was declined.")
        intent["_card"] = action
        if action == "authenticate":
            self._ask_bank(intent, str(session["success_url"]))
            return 303, f"{self.address}/bank/{intent['id']}"
        self._paid(session, intent)
        return 303, str(session["success_url"])

    def _bank(self, intent: dict[str, Any], action: str) -> tuple[int, str]:
        """The bank's page of 3-D Secure."""
        session = next((one for one in self.objects.values() if one.get("payment_intent") == intent["id"]), None)
        session = session if session is not None and session["object"] == "checkout.session" else None
        if intent["status"] != "requires_action":
            return 303, str(intent["_back"])
        intent["next_action"] = None
        if action != "confirm":
            intent |= {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "payment_intent_authentication_failure", "type": "card_error"},
            }
            self.note("payment_intent.payment_failed", intent)
            return 303, str(session["url"]) if session is not None else str(intent["_back"])
        if session is not None:
            self._paid(session, intent)
        else:
            intent["status"] = "succeeded"
            self.account_for(intent)
            self.note("payment_intent.succeeded", intent)
        return 303, str(intent["_back"])

    def press(self, address: str, action: str) -> str:
        """What a payer does at an address of these pages; answers where it is led."""
        path = address.removeprefix(self.address)
        _, location = self.page("POST", path, {"action": action})
        self.tell()
        return location

    def settle(self, intent: str, *, succeeds: bool) -> None:
        """A method that takes its time has made up its mind."""
        found = self.objects[intent]
        session = next(one for one in self.objects.values() if one.get("payment_intent") == intent)
        if succeeds:
            found["status"], session["payment_status"] = "succeeded", "paid"
            self.account_for(found)
        else:
            declined(found)
        outcome = "succeeded" if succeeds else "failed"
        self.note(f"payment_intent.{'succeeded' if succeeds else 'payment_failed'}", found)
        self.note(f"checkout.session.async_payment_{outcome}", session)
        self.tell()

    def _intent_of(self, session: dict[str, Any]) -> dict[str, Any]:
        if session["payment_intent"] is None:
            made = deepcopy(SHAPES["payment_intent"])
            made |= {
                "id": f"pi_{secrets.token_hex(8)}",
                "amount": session["amount_total"],
                "currency": session["currency"],
                "customer": session["customer"],
                "metadata": session["_intent_metadata"],
                "setup_future_usage": session["_keeps"],
            }
            self.objects[made["id"]] = made
            session["payment_intent"] = made["id"]
        return self.objects[session["payment_intent"]]

    def _ask_bank(self, intent: dict[str, Any], back: str) -> None:
        at = f"{self.address}/bank/{intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": at, "return_url": back}}
        intent |= {"status": "requires_action", "next_action": action, "last_payment_error": None, "_back": back}

    def _paid(self, session: dict[str, Any], intent: dict[str, Any]) -> None:
        intent |= {"status": "succeeded", "last_payment_error": None, "_back": session["success_url"]}
        if session["_keeps"]:
            intent["payment_method"] = self._kept(session, str(intent["_card"]))
        self.account_for(intent)
        self.note("payment_intent.succeeded", intent)
        self._complete(session, intent, "paid")

    def _complete(self, session: dict[str, Any], intent: dict[str, Any], payment_status: str) -> None:
        del intent
        session |= {"status": "complete", "payment_status": payment_status, "url": None}
        self.note("checkout.session.completed", session)

    def _kept(self, session: dict[str, Any], card: str) -> str:
        brand, last4, acts = CARDS[card]
        made = self.keep(session["customer"], brand, last4, acts)
        self.note("payment_method.attached", self.objects[made])
        return made

    def keep(self, customer: str | None, brand: str, last4: str, acts: str) -> str:
        """A method is attached to a customer; returns its id."""
        card = {"brand": brand, "display_brand": brand, "last4": last4, "exp_month": 12, "exp_year": 2031}
        return str(self._put("pm", "payment_method", type="card", customer=customer, card=card, _acts=acts)["id"])

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, kind: str, subject: dict[str, Any], **data: Any) -> None:
        """Something happened; it is told when the request that did it is over."""
        self._untold.append({"type": kind, "data": {"object": public(subject), **data}})

    def tell(self) -> None:
        """Send what happened to the hook, as it says."""
        news, self._untold = self._untold, []
        self.events += news
        if self.hook is not None and news:
            threading.Thread(target=send_events, args=(self.hook, news), daemon=True).start()

    def injected(self, method: str, path: str) -> Injected | None:
        """The fault that this request meets, if any: one that was set for it, else what `chance` says."""
        for fault in self.faults:
            if fault.left and fault.method == method and path.startswith(fault.path):
                fault.left -= 1
                return fault
        what = self.chance(method, path)
        return Injected(method, path, what) if what is not None else None

    def _put(self, prefix: str, kind: str, **values: Any) -> dict[str, Any]:
        made = {"id": f"{prefix}_{secrets.token_hex(8)}", "object": kind, "livemode": False, **values}
        self.objects[made["id"]] = made
        return deepcopy(made)

    def _get(self, name: str) -> dict[str, Any]:
        if name not in self.objects:
            raise StripeFault(404, type="invalid_request_error", code="resource_missing", message="No such object")
        return deepcopy(self.objects[name])


def public(found: dict[str, Any]) -> dict[str, Any]:
    """An object as Stripe shows it, without what the server keeps for itself."""
    return {name: deepcopy(value) for name, value in found.items() if not name.startswith("_")}


def declined(intent: dict[str, Any]) -> None:
    """The bank says no."""
    error = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"}
    intent |= {"status": "requires_payment_method", "last_payment_error": error}


def metadata_of(fields: Fields, name: str = "metadata") -> dict[str, str]:
    """The metadata among form fields."""
    return {key[len(name) + 1 : -1]: value for key, value in fields.items() if key.startswith(f"{name}[")}
