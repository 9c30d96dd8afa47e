"""Accounts of parties at a gateway that pays them, where it has such: opened by us, completed by the party at the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """Open an account for a party in `country` (ISO 3166-1 alpha-2). The same key twice is one account."""

    key: str
    country: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """How an account stands. `requirements` is what the gateway wants to know now, by its own names."""

    reference: str
    charges_enabled: bool
    payouts_enabled: bool
    submitted: bool
    """The party has been through the gateway's questions once."""
    capabilities: Mapping[str, str]
    requirements: tuple[str, ...]
    disabled_reason: str
    is_closed: bool = False
    balance: Mapping[str, int] | None = None
    """What the party has there, in minor units per currency; negative where it owes. None where that was not asked."""

    @property
    def is_payable(self) -> bool:
        """Whether money may be sent there, and leaves there for the party's bank."""
        return self.payouts_enabled and self.capabilities.get("transfers") == "active"


@dataclass(frozen=True, slots=True)
class TakeBackRequest:
    """Take `amount` back of what was sent by `transfer`. The same key twice takes it once."""

    key: str
    transfer: str
    amount: Money
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was taken back is `reference`; of its transfer `returned_minor` has come back by now, by whomever."""

    reference: str
    returned_minor: int


class GatewayAccounts(Protocol):
    """Raises as `PaymentGateway` does; never called inside a unit of work."""

    def open(self, request: AccountRequest) -> AccountAnswer:
        """Open an account, once for each key."""

    def look_up(self, reference: str) -> AccountAnswer:
        """How it stands now, with its balance. One that is gone, or has turned us away, is closed."""

    def link(self, reference: str, *, back_to: str, again_at: str) -> str:
        """An address at which its owner answers the gateway's questions; it holds for minutes and once. The gateway sends the
        owner to `back_to` afterwards, and to `again_at` when it no longer holds.
        """

    def take_back(self, request: TakeBackRequest) -> TakenBack:
        """Take money back that was sent to an account. Refused where the account does not have it any more."""

    def find_taken_back(self, request: TakeBackRequest) -> TakenBack | None:
        """What became of such a request; None: the gateway never got it."""
