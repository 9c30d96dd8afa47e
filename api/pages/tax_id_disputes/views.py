"""Tax identifiers that several organizations claim, as the operator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marketplace.onboarding.tax_id_queries import DisputeView


@dataclass(frozen=True, slots=True)
class TaxIdDisputeRow:
    """One in the list, with who claims it and how long it waits."""

    id: str
    tax_id: str
    country_name: str
    state: str
    names: tuple[str, ...]
    waiting_s: int


@dataclass(frozen=True, slots=True)
class TaxIdDisputesView:
    """What is not decided, the oldest first."""

    template: ClassVar[str] = "tax_id_disputes/disputes.html"
    active: ClassVar[str] = "tax_id_disputes"

    rows: tuple[TaxIdDisputeRow, ...]
    next_address: str | None


@dataclass(frozen=True, slots=True)
class TaxIdDisputeView:
    """One, with everybody who claims it, their documents, and the decisions."""

    template: ClassVar[str] = "tax_id_disputes/dispute.html"
    active: ClassVar[str] = "tax_id_disputes"

    found: DisputeView
    country_name: str
    is_open: bool
    decision: str = ""
    org_id: str = ""
    reason: str = ""
    error: str | None = None
    error_field: str = ""
