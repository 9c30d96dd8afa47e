"""Documents sent on: the form, what was sent, and what the link in a mail opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class ForwardableItem:
    """A document that was chosen, or that a link opens. A credit note's amount is negative."""

    id: str
    number: str
    seller_name: str
    issued_on: date | None
    gross: Money
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class NewForwardView:
    """Whom to send the chosen documents to."""

    template: ClassVar[str] = "invoice_forwards/new.html"
    active: ClassVar[str] = "invoices"

    documents: tuple[ForwardableItem, ...]
    days: int
    key: str
    to: str = ""
    error: str = ""
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class ForwardItem:
    """What was sent on."""

    id: str
    to_address: str
    sent_by: str
    documents: int
    first_number: str
    state: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ForwardsView:
    """What the organization sent on, the newest first."""

    template: ClassVar[str] = "invoice_forwards/forwards.html"
    active: ClassVar[str] = "invoices"

    rows: tuple[ForwardItem, ...]
    may_revoke: bool
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ForwardedView:
    """What a link opens, for whoever holds it."""

    template: ClassVar[str] = "invoice_forwards/forwarded.html"
    active: ClassVar[str] = ""

    organization: str
    expires_at: datetime
    documents: tuple[ForwardableItem, ...]
    token: str
