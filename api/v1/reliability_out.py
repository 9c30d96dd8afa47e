"""How reliably a listing is delivered, and how soon its seller answers, as answers have it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from api.schema import Out
from marketplace.catalog.show_reliability import Reliability
from marketplace.service_windows.response_time import ResponseTime


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


class ResponseTimeOut(Out):
    """Questions that buyers asked in the last 30 days: of `counted` so many were answered `in_time`, and how long answers took.

    A ticket, or a message after which nothing of the buyer was open; answered by the first thing that one of the seller's
    people writes. In time is within a day. Null of fewer than 5; counted anew every ten minutes.
    """

    counted: Annotated[int, Meta(examples=[24])]
    in_time: Annotated[int, Meta(examples=[23])]
    in_time_ppm: Annotated[int, Meta(description="Parts per million, rounded down", examples=[958_333])]
    median_s: Annotated[
        int | None, Meta(description="Whole seconds, begun ones included; nights count", examples=[1_860])
    ]

    @classmethod
    def of(cls, row: ResponseTime | None) -> ResponseTimeOut | None:
        """From the query's row."""
        return cls.of_row(row) if row is not None else None


class ShownResponseTimeOut(Out):
    """What is shown of a seller. Null of few questions."""

    response_time: ResponseTimeOut | None
