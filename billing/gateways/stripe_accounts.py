"""Stripe's connected accounts (Express): https://docs.stripe.com/connect/express-accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from billing.gateways.accounts import AccountAnswer, AccountRequest, TakeBackRequest, TakenBack
from billing.gateways.ports import GatewayRefused
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from billing.gateways.stripe_calls import call, plain
from billing.gateways.stripe_checkout import ATTEMPT

_GONE = frozenset({"account_invalid", "resource_missing"})


class StripeAccounts:
    """Accounts that Stripe asks its questions itself: nothing that identifies a person passes through here."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def open(self, request: AccountRequest) -> AccountAnswer:
        """See `GatewayAccounts.open`. It asks for transfers alone: parties do not take payments themselves."""
        params = {
            "type": "express",
            "country": request.country,
            "capabilities": {"transfers": {"requested": True}},
            "metadata": dict(request.metadata),
        }
        options = {"idempotency_key": request.key}
        return _answer(call(lambda: self._api.accounts.create(params=params, options=options)))

    def look_up(self, reference: str) -> AccountAnswer:
        """See `GatewayAccounts.look_up`."""
        try:
            found = call(lambda: self._retrieve(reference))
        except GatewayRefused as refused:
            if refused.code not in _GONE:
                raise
            return AccountAnswer(reference, False, False, True, {}, (), refused.code, is_closed=True)
        options = {"stripe_account": reference}
        said = call(lambda: self._api.balance.retrieve(options=options))
        return _answer(found, _balance(said))

    def link(self, reference: str, *, back_to: str, again_at: str) -> str:
        """See `GatewayAccounts.link`: https://docs.stripe.com/api/account_links/create."""
        params = {
            "account": reference,
            "type": "account_onboarding",
            "return_url": back_to,
            "refresh_url": again_at,
        }
        return str(call(lambda: self._api.account_links.create(params=params)).url)

    def take_back(self, request: TakeBackRequest) -> TakenBack:
        """See `GatewayAccounts.take_back`: https://docs.stripe.com/api/transfer_reversals/create."""
        params = {"amount": to_stripe(request.amount), "metadata": {**request.metadata, ATTEMPT: request.key}}
        options = {"idempotency_key": request.key}
        create: Any = self._api.transfers.reversals.create
        made = call(lambda: create(request.transfer, params=params, options=options))
        return self._taken(request, made)

    def find_taken_back(self, request: TakeBackRequest) -> TakenBack | None:
        """See `GatewayAccounts.find_taken_back`."""
        listed: Any = self._api.transfers.reversals.list
        rows = call(lambda: list(listed(request.transfer, params={"limit": 100}).auto_paging_iter()))
        found = next((one for one in rows if plain(one.metadata).get(ATTEMPT) == request.key), None)
        return self._taken(request, found) if found is not None else None

    def _taken(self, request: TakeBackRequest, made: Any) -> TakenBack:
        transfer = call(lambda: self._api.transfers.retrieve(request.transfer))
        back = from_stripe(int(transfer.amount_reversed), str(transfer.currency))
        return TakenBack(str(made.id), back.amount_minor)

    def _retrieve(self, reference: str) -> Any:
        try:
            return self._api.accounts.retrieve(reference)
        except stripe.PermissionError as error:
            # Its owner has turned us away: no question of credentials, which would be tried again.
            if error.code == "account_invalid":
                raise GatewayRefused("account_invalid") from error
            raise


def _answer(found: Any, balance: Mapping[str, int] | None = None) -> AccountAnswer:
    wanted = getattr(found, "requirements", None)
    capabilities = getattr(found, "capabilities", None)
    return AccountAnswer(
        reference=str(found.id),
        charges_enabled=bool(found.charges_enabled),
        payouts_enabled=bool(found.payouts_enabled),
        submitted=bool(found.details_submitted),
        capabilities={
            str(name): str(value) for name, value in (capabilities.to_dict() if capabilities else {}).items()
        },
        requirements=tuple(str(one) for one in getattr(wanted, "currently_due", None) or []),
        disabled_reason=str(getattr(wanted, "disabled_reason", None) or ""),
        balance=balance,
    )


def _balance(said: Any) -> dict[str, int]:
    held: dict[str, int] = {}
    for name in ("available", "pending"):
        for one in getattr(said, name, None) or []:
            money = from_stripe(int(one.amount), str(one.currency))
            held[money.currency] = held.get(money.currency, 0) + money.amount_minor
    return held
