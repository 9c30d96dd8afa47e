"""A party's account at a gateway, on the page of its payout accounts: what it may do, and what is wanted of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from billing.connected_accounts.pay_to_account import list_payable_accounts
from billing.connected_accounts.queries import ConnectedAccountView, list_accounts
from kernel.db.uow import UnitOfWork
from kernel.money import Money

_GROUPS: Final = {
    "external_account": "external_account",
    "tos_acceptance": "tos_acceptance",
    "business_profile": "business_profile",
    "business_type": "business_type",
    "company": "company",
    "individual": "person",
    "person": "person",
    "representative": "person",
    "owners": "owners",
    "directors": "owners",
    "executives": "owners",
    "documents": "documents",
}
"""By the first part of Stripe's names: https://docs.stripe.com/api/accounts/object#account_object-requirements"""


@dataclass(frozen=True, slots=True)
class GatewayAccountItem:
    """An account at a gateway that opens such, or none yet (``state`` is empty). ``needs`` are words under ``connect.need``."""

    gateway: str
    state: str
    needs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """What is wanted, by the gateway's own names."""
    can_receive: bool = False
    pays_out: bool = False
    reason: str = ""
    trouble: str = ""
    balance: tuple[Money, ...] = ()
    asked_at: datetime | None = None
    used_for: tuple[str, ...] | None = None
    """The currencies whose payouts go there; None while none may."""


def group_of(name: str) -> str:
    """The word for something that is wanted."""
    first = name.split(".", 1)[0]
    if "document" in name:
        return "documents"
    return _GROUPS.get(first, "person" if first.startswith("person_") else "other")


def gateway_accounts(page_request: PageRequest, uow: UnitOfWork) -> tuple[GatewayAccountItem, ...]:
    """The acting organization's, for each gateway that opens accounts."""
    present = {one.gateway: one for one in list_accounts(uow)}
    opening = [name for name, gateway in page_request.services.gateways.items() if gateway.accounts is not None]
    payable = {one.gateway: one.currencies for one in list_payable_accounts(uow)}
    return tuple(_item(name, present.get(name), payable.get(name)) for name in opening)


def _item(gateway: str, found: ConnectedAccountView | None, used_for: tuple[str, ...] | None) -> GatewayAccountItem:
    if found is None:
        return GatewayAccountItem(gateway, "")
    return GatewayAccountItem(
        gateway,
        found.state,
        tuple(dict.fromkeys(map(group_of, found.requirements))),
        found.requirements,
        found.capabilities.get("transfers") == "active",
        found.payouts_enabled,
        found.disabled_reason,
        found.trouble or "",
        tuple(money(minor, currency) for currency, minor in sorted(found.balance.items()) if minor),
        found.asked_at,
        used_for,
    )
