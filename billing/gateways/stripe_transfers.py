"""Stripe's transfers to connected accounts: https://docs.stripe.com/connect/separate-charges-and-transfers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from billing.gateways.ports import GatewayAnswer, GatewayStatus, PayoutRequest
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from billing.gateways.stripe_calls import call, plain
from billing.gateways.stripe_checkout import ATTEMPT


class StripeTransfers:
    """Sends what parties are paid, in the group of the order or statement that it is for."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def create(self, request: PayoutRequest) -> GatewayAnswer:
        """See `PaymentGateway.pay_out`. What is of one charge names it: Stripe then takes the transfer before the charge's money
        is free, and sends it with it. It may only be in the currency in which the charge came to the balance.
        """
        params: dict[str, Any] = {
            "amount": to_stripe(request.amount),
            "currency": request.amount.currency.lower(),
            "destination": request.destination,
            "description": request.description,
            "transfer_group": request.group or request.key,
            "metadata": {**request.metadata, ATTEMPT: request.key},
        }
        charge = self._charge_of(request)
        if charge is not None:
            params["source_transaction"] = charge
        create: Any = self._api.transfers.create
        return _answer(call(lambda: create(params=params, options={"idempotency_key": request.key})))

    def find(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """See `PaymentGateway.find_payout`. Without its id it is looked for in its group, by our key in its metadata; one
        that was sent before transfers had a group of their own has the key for one.
        """
        retrieve: Any = self._api.transfers.retrieve
        if reference is not None:
            return _answer(call(lambda: retrieve(reference)))
        for group in dict.fromkeys((request.group or request.key, request.key)):
            wanted: Any = {"transfer_group": group, "limit": 100}
            found = call(
                lambda wanted=wanted: _ours(self._api.transfers.list(params=wanted).auto_paging_iter(), request.key)  # type: ignore[misc]  # bound now
            )
            if found is not None:
                return _answer(found)
        return None

    def _charge_of(self, request: PayoutRequest) -> str | None:
        if request.paid_by is None:
            return None
        params: Any = {"expand": ["latest_charge.balance_transaction"]}
        retrieve: Any = self._api.payment_intents.retrieve
        charge = getattr(call(lambda: retrieve(request.paid_by, params=params)), "latest_charge", None)
        moved = getattr(charge, "balance_transaction", None)
        same = moved is not None and str(moved.currency).upper() == request.amount.currency
        return str(charge.id) if charge is not None and same else None


def _answer(transfer: Any) -> GatewayAnswer:
    status = GatewayStatus.FAILED if transfer.reversed else GatewayStatus.SUCCEEDED
    amount = from_stripe(int(transfer.amount), transfer.currency)
    returned = from_stripe(int(getattr(transfer, "amount_reversed", 0) or 0), transfer.currency)
    if transfer.reversed:
        return GatewayAnswer(status, transfer.id, amount, "reversed")
    return GatewayAnswer(status, transfer.id, amount, returned_minor=returned.amount_minor)


def _ours(transfers: Iterable[Any], key: str) -> Any | None:
    return next((found for found in transfers if plain(found.metadata).get(ATTEMPT) == key), None)
