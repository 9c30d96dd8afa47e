"""Payments by Stripe: on its own page (Checkout), or by a method that it keeps.

A Checkout Session is one thing, the PaymentIntent that its payer makes on it another; until it is paid we know the session, from
then on the intent. Nothing of what brings a payer back is believed: the session is asked. See
https://docs.stripe.com/payments/checkout/how-checkout-works and https://docs.stripe.com/payments/save-during-payment
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import stripe

from billing.gateways.ports import GatewayAnswer, GatewayRefused, GatewayStatus, OutcomeUnknown, PaymentRequest
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from billing.gateways.stripe_calls import call, details_of, plain
from billing.gateways.stripe_customers import StripeCustomers

ATTEMPT: Final = "attempt"
"""Our idempotency key in every object's metadata: by it an object is found when its answer was lost."""
HOSTED: Final = "checkout"
HOSTED_KEPT: Final = "checkout_kept"
SESSION: Final = "cs_"
"""How the id of a Checkout Session begins."""
NEEDS_PAYER: Final = "authentication_required"
"""The bank wants its customer, who is not there: https://docs.stripe.com/declines/codes"""
ABANDONED: Final = "checkout_expired"
_PAYMENT: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "processing": GatewayStatus.PENDING,
    "requires_action": GatewayStatus.REQUIRES_ACTION,
    "requires_confirmation": GatewayStatus.PENDING,
    "requires_capture": GatewayStatus.PENDING,
    # Confirmation was tried and did not go through: the payer would have to name another method.
    "requires_payment_method": GatewayStatus.FAILED,
    "canceled": GatewayStatus.FAILED,
}


class StripePayments:
    """Payments through one account. `payments_at` as of `StripeGateway`."""

    def __init__(self, api: Any, customers: StripeCustomers, payments_at: str | None) -> None:
        self._api = api
        self._customers = customers
        self._payments_at = payments_at

    def open_page(self, request: PaymentRequest) -> GatewayAnswer:
        """Open a page on which this is paid; every way to pay that the account has is offered there."""
        if self._payments_at is None:
            raise GatewayRefused("no_way_back")
        back = self._way_back(request)
        metadata = {**request.metadata, ATTEMPT: request.key}
        intent: dict[str, Any] = {"description": request.description, "metadata": metadata}
        if request.method_token == HOSTED_KEPT:
            intent["setup_future_usage"] = "off_session"
        line = {
            "quantity": 1,
            "price_data": {
                "currency": request.amount.currency.lower(),
                "unit_amount": to_stripe(request.amount),
                "product_data": {"name": request.description},
            },
        }
        params: dict[str, Any] = {
            "mode": "payment",
            "client_reference_id": request.metadata["payment_id"],
            "line_items": [line],
            "success_url": back,
            "cancel_url": back,
            # The amount stays ours: in another currency it would not be what was agreed.
            "adaptive_pricing": {"enabled": False},
            "metadata": metadata,
            "payment_intent_data": intent,
            **self._of_payer(request.payer),
        }
        options: Any = {"idempotency_key": request.key}
        return self._of_session(call(lambda: self._api.checkout.sessions.create(params=params, options=options)))

    def find_page(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """How it stands. A page whose answer was lost is opened again by its key: it is the same one, and nobody has seen it."""
        if reference is not None and reference.startswith(SESSION):
            return self._of_session(call(lambda: self._api.checkout.sessions.retrieve(reference)))
        intent = self._intent(request, reference)
        if intent is None:
            return None
        if intent.status == "requires_payment_method":
            wanted: Any = {"payment_intent": intent.id, "limit": 1}
            found = call(lambda: self._api.checkout.sessions.list(params=wanted))
            if found.data:
                return self._of_session(found.data[0])
        return payment_answer(intent)

    def close_page(self, reference: str) -> GatewayAnswer:
        """Let nobody pay on it any more; one that was paid meanwhile answers so."""
        try:
            return self._of_session(call(lambda: self._api.checkout.sessions.expire(reference)))
        except GatewayRefused:
            return self._of_session(call(lambda: self._api.checkout.sessions.retrieve(reference)))

    def charge(self, request: PaymentRequest) -> GatewayAnswer:
        """Create and confirm a PaymentIntent.

        With an address to come back to, Stripe answers a payment that its payer has to confirm by the address of the
        bank's page (`redirect_to_url`), else by what only its own script could use: https://docs.stripe.com/payments/3d-secure
        """
        redirects = "never" if self._payments_at is None else "always"
        params: dict[str, Any] = {
            "amount": to_stripe(request.amount),
            "currency": request.amount.currency.lower(),
            "payment_method": request.method_token,
            "confirm": True,
            "description": request.description,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects},
            "metadata": {**request.metadata, ATTEMPT: request.key},
            **self._of_payer(request.payer),
        }
        if self._payments_at is not None:
            params["return_url"] = self._way_back(request)
        if request.payer_absent:
            params["off_session"] = True
        options: Any = {"idempotency_key": request.key}
        return payment_answer(call(lambda: self._created(request, params, options)))

    def find_charge(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else by our key in its metadata. Stripe's search lags; what it misses is replayed by its key.

        One that waits for another method is cancelled: its payer has its secret, and could pay what we call failed.
        """
        intent = self._intent(request, reference)
        if intent is None:
            return None
        if intent.status != "requires_payment_method":
            return payment_answer(intent)
        if self._waits_for_payer(request, plain(getattr(intent, "last_payment_error", None))):
            return payment_answer(call(lambda: self._confirmed(request, intent.id)))
        return self.cancel(intent.id)

    def cancel(self, reference: str) -> GatewayAnswer:
        """Cancel the PaymentIntent, or close the page; what can no longer be cancelled answers how it stands."""
        if reference.startswith(SESSION):
            return self.close_page(reference)
        try:
            return payment_answer(call(lambda: self._api.payment_intents.cancel(reference)))
        except GatewayRefused:
            return payment_answer(call(lambda: self._api.payment_intents.retrieve(reference)))

    def open_setup(self, payer: UUID, key: str, currency: str, return_to: str) -> str:
        """Open a page on which a method is kept without paying; see https://docs.stripe.com/payments/save-and-reuse for it."""
        params: dict[str, Any] = {
            "mode": "setup",
            "success_url": return_to,
            "cancel_url": return_to,
            # Without it a setup page does not know which methods to offer.
            "currency": currency.lower(),
            **self._of_payer(payer),
        }
        options: Any = {"idempotency_key": key}
        made = call(lambda: self._api.checkout.sessions.create(params=params, options=options))
        return str(made.url)

    def _way_back(self, request: PaymentRequest) -> str:
        return f"{self._payments_at}/{request.metadata['payment_id']}/return"

    def _of_payer(self, payer: UUID | None) -> dict[str, str]:
        customer = self._customers.customer_of(payer)
        return {"customer": customer} if customer is not None else {}

    def _intent(self, request: PaymentRequest, reference: str | None) -> Any:
        if reference is not None:
            return call(lambda: self._api.payment_intents.retrieve(reference))
        query: Any = {"query": f"metadata['{ATTEMPT}']:'{request.key}'", "limit": 1}
        found = call(lambda: self._api.payment_intents.search(params=query))
        return found.data[0] if found.data else None

    def _created(self, request: PaymentRequest, params: Mapping[str, Any], options: Any) -> Any:
        try:
            return self._api.payment_intents.create(params=params, options=options)
        except stripe.CardError as error:
            details = details_of(error)
            intent = details.get("payment_intent")
            if not isinstance(intent, Mapping) or not self._waits_for_payer(request, details):
                raise
            return self._confirmed(request, str(intent["id"]))

    def _waits_for_payer(self, request: PaymentRequest, trouble: Mapping[str, Any]) -> bool:
        asked = NEEDS_PAYER in {trouble.get("code"), trouble.get("decline_code")}
        return asked and request.payer_absent and self._payments_at is not None

    def _confirmed(self, request: PaymentRequest, intent: str) -> Any:
        """The same payment once more, as one whose payer can be led to the bank."""
        params: Any = {"payment_method": request.method_token, "return_url": self._way_back(request)}
        options: Any = {"idempotency_key": f"{request.key}:present"}
        return self._api.payment_intents.confirm(intent, params=params, options=options)

    def _of_session(self, session: Any) -> GatewayAnswer:
        if session.status == "complete" and getattr(session, "payment_intent", None):
            intent = call(lambda: self._api.payment_intents.retrieve(str(session.payment_intent)))
            return payment_answer(intent, formerly=session.id)
        amount = from_stripe(int(session.amount_total), session.currency)
        if session.status == "expired":
            return GatewayAnswer(GatewayStatus.FAILED, session.id, amount, ABANDONED)
        if session.status != "open":
            raise OutcomeUnknown
        action = {"kind": "redirect", "url": str(session.url)}
        return GatewayAnswer(GatewayStatus.REQUIRES_ACTION, session.id, amount, next_action=action)


def payment_answer(intent: Any, *, formerly: str | None = None) -> GatewayAnswer:
    """How a PaymentIntent stands. `formerly`: the session whose page it was made on."""
    status = _PAYMENT.get(intent.status, GatewayStatus.PENDING)
    waits, failed = status is GatewayStatus.REQUIRES_ACTION, status is GatewayStatus.FAILED
    trouble = plain(getattr(intent, "last_payment_error", None))
    code = trouble.get("decline_code") or trouble.get("code") or intent.status
    kept = getattr(intent, "payment_method", None) if getattr(intent, "setup_future_usage", None) else None
    return GatewayAnswer(
        status=status,
        reference=intent.id,
        amount=from_stripe(int(intent.amount), intent.currency),
        error_code=str(code) if failed else None,
        next_action=_next_action(plain(getattr(intent, "next_action", None)), str(intent.client_secret))
        if waits
        else None,
        formerly=formerly,
        kept_method=str(kept) if kept and status is GatewayStatus.SUCCEEDED else None,
    )


def _next_action(action: Mapping[str, Any], client_secret: str) -> dict[str, str]:
    """What the payer has to do: go to an address, or what only Stripe's own script can show."""
    address = str(plain(action.get("redirect_to_url")).get("url") or "")
    if address:
        return {"kind": "redirect", "url": address}
    return {"kind": str(action.get("type", "")), "client_secret": client_secret}
