"""Reference rates as the operator sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from billing.reference_rates.import_rates import RateReport
from billing.reference_rates.queries import RateSource, ReferenceRateRow


@dataclass(frozen=True, slots=True)
class ReferenceRatesView:
    """What is known of each source, the last rates, and where a file is taken in."""

    template: ClassVar[str] = "reference_rates/rates.html"
    active: ClassVar[str] = "reference_rates"

    sources: tuple[RateSource, ...]
    rows: tuple[ReferenceRateRow, ...]
    next_address: str | None
    may_write: bool
    typed: str = ""
    """The source that was typed."""
    report: RateReport | None = None
    """What came of the file that was just sent."""
    hidden: int = 0
    """Faults beyond those that are shown."""
    error: str | None = None
