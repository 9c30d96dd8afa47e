"""How reliably a listing is delivered, as answers have it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.schema import Out
from marketplace.catalog.show_reliability import Reliability


class ReliabilityOut(Out):
    """Deliveries that ended in the last 30 days: of `counted` so many `succeeded`, and how long those took.

    From the payment, or the order of what is paid later or tried, until it could be used. What its buyer no longer wanted is
    not counted. Null in a listing where fewer than 5 ended; counted anew every ten minutes.
    """

    counted: Annotated[int, Meta(examples=[64])]
    succeeded: Annotated[int, Meta(examples=[63])]
    success_ppm: Annotated[int, Meta(description="Parts per million, rounded down", examples=[984_375])]
    median_s: Annotated[int | None, Meta(description="Whole seconds, begun ones included", examples=[4])]
    p95_s: Annotated[int | None, Meta(description="Of twenty, nineteen took no longer", examples=[95])]

    @classmethod
    def of(cls, row: Reliability | None) -> ReliabilityOut | None:
        """From the query's row."""
        return cls.of_row(row) if row is not None else None
