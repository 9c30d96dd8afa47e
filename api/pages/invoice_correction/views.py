"""The form by which the title of an issued invoice is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class TypedTitle:
    """What was typed, or stands on the invoice."""

    billing_profile_id: str
    legal_name: str
    tax_id: str
    address: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceCorrectionView:
    """``profiles`` can be chosen instead of typing. ``left`` is what the new invoice will come to."""

    template: ClassVar[str] = "invoice_correction/correction.html"
    active: ClassVar[str] = "invoices"

    invoice_id: str
    number: str
    seller_name: str
    buyer_name: str
    buyer_tax_id: str
    left: Money
    profiles: tuple[Choice, ...]
    typed: TypedTitle
    has_fapiao: bool = False
    """Tax invoices (数电票) stand for it: red ones come first."""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
