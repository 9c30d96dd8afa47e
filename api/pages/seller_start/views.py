"""A seller's start as its pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.seller_start.gateway_account import GatewayAccountItem
from marketplace.channels.queries import ChannelView
from marketplace.onboarding.agreement_text import AgreementText
from marketplace.onboarding.queries import AcceptanceView, LegalProofView, PayoutAccountView, StepState


@dataclass(frozen=True, slots=True)
class StepCard:
    """A step of the checklist; its words are under ``start.<key>``. Without ``address`` the reader's role does not do it.

    ``facts`` is what was given, or what was said to it, in ready words; ``roles`` are those that do the step.
    """

    key: str
    state: StepState
    address: str | None
    roles: tuple[str, ...]
    facts: str = ""


@dataclass(frozen=True, slots=True)
class StartView:
    """The checklist, in two parts: what selling asks for, and what there is to sell. Empty before one sells."""

    template: ClassVar[str] = "seller_start/start.html"
    active: ClassVar[str] = "seller_start"

    required: tuple[StepCard, ...]
    selling: tuple[StepCard, ...]
    done: int = 0
    by_rule: bool = False
    """Whether listings are approved by rule: nobody is waited for."""


@dataclass(frozen=True, slots=True)
class BecomeSellerView:
    """What selling asks for, and the button that begins it."""

    template: ClassVar[str] = "seller_start/become.html"
    active: ClassVar[str] = "become_seller"

    organization: str
    steps: tuple[str, ...]
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class RegisteredDetails:
    """What is registered of the organization."""

    legal_name: str
    country: str
    country_name: str
    tax_id: str | None


@dataclass(frozen=True, slots=True)
class LegalView:
    """The document, and what the platform said to it."""

    template: ClassVar[str] = "seller_start/legal.html"
    active: ClassVar[str] = "seller_start"

    registered: RegisteredDetails
    proof: LegalProofView | None
    state: StepState
    done_at: datetime | None
    max_bytes: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TaxView:
    """Tax details to confirm."""

    template: ClassVar[str] = "seller_start/tax.html"
    active: ClassVar[str] = "seller_start"

    registered: RegisteredDetails
    done_at: datetime | None
    tax_id: str = ""
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class PayoutAccountsView:
    """Where payouts go, and the form for another account."""

    template: ClassVar[str] = "seller_start/payout_account.html"
    active: ClassVar[str] = "seller_start"

    accounts: tuple[PayoutAccountView, ...]
    countries: tuple[Choice, ...]
    currencies: tuple[Choice, ...]
    typed: Mapping[str, str]
    error: str | None = None
    error_field: str = ""
    gateways: tuple[GatewayAccountItem, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementView:
    """The text, and who accepted it."""

    template: ClassVar[str] = "seller_start/agreement.html"
    active: ClassVar[str] = "seller_start"

    text: AgreementText
    acceptance: AcceptanceView | None
    organization: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelsView:
    """The organization's channels and the form for one. ``typed`` belongs to the channel ``typed_of``, or to the new one."""

    template: ClassVar[str] = "seller_start/channel.html"
    active: ClassVar[str] = "seller_start"
    sells: ClassVar[bool] = True

    channels: tuple[ChannelView, ...]
    typed: Mapping[str, str] = field(default_factory=dict)
    typed_of: str = ""
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class PromoterChannelsView(ChannelsView):
    """The same for whoever sells nothing and recommends what others sell: no step of anything, but a place of its own."""

    active: ClassVar[str] = "own_channel"
    sells: ClassVar[bool] = False
