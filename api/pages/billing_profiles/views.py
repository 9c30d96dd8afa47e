"""An organization's invoice titles, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice
from marketplace.parties.lookups import InvoiceTitle


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """A title in the list; its country is written out."""

    title: InvoiceTitle
    country: str


@dataclass(frozen=True, slots=True)
class ProfilesView:
    """Titles in use, the default first, and those that are retired."""

    template: ClassVar[str] = "billing_profiles/profiles.html"
    active: ClassVar[str] = "billing_profiles"

    in_use: tuple[ProfileLine, ...]
    retired: tuple[ProfileLine, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileTyped:
    """What the form holds, as it was typed."""

    party_type: str = "organization"
    legal_name: str = ""
    country: str = "CN"
    tax_id: str = ""
    address: str = ""
    """On one line, as it was given before there were parts."""
    street: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_account: str = ""
    email: str = ""
    recipient: str = ""
    invoice_kind: str = "ordinary"
    vat_status: str = ""
    is_default: bool = False
    monthly_invoice: bool = False


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The form of one title."""

    template: ClassVar[str] = "billing_profiles/profile.html"
    active: ClassVar[str] = "billing_profiles"

    address: str
    countries: tuple[Choice, ...]
    typed: ProfileTyped
    is_new: bool
    idempotency_key: str = ""
    bank_account_masked: str = ""
    """The account that is kept where the field is left empty."""
    is_default: bool = False
    error: str | None = None
    error_field: str = ""
    field_error: str = ""
