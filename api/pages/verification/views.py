"""An organization's own identity as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marketplace.onboarding.tax_id_queries import Verification


@dataclass(frozen=True, slots=True)
class VerificationView:
    """Name, tax identifier, how it stands, and the forms that are of use now."""

    template: ClassVar[str] = "verification/verification.html"
    active: ClassVar[str] = "verification"

    found: Verification
    country_name: str
    max_bytes: int
    #: Where a small transfer goes that proves it, too; empty where the platform takes none.
    transfer_account: str = ""
    tax_id: str = ""
    error: str | None = None
    error_field: str = ""
