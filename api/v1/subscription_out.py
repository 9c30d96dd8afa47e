"""What recurs, as JSON, for each of its sides."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.schema import MoneyOut, Out
from orders.subscriptions.sold import SoldSubscription
from orders.subscriptions.timeline import TimelineEntry


class TimelineEntryOut(Out):
    """One thing that happened to a subscription, or (`is_due`) that will, unless something else comes before."""

    at: datetime
    kind: Annotated[
        str,
        Meta(
            description="term, term_revoked, notice, renew, renewal_refused, amendment, amendment_revoked, try, retry, past_due, "
            "recovered, suspend, resumed, terminate, end, usage, instalment, refund_case; of a course seat_given, seat_revoked, "
            "episode_completed, which its seller is not told"
        ),
    ]
    is_due: bool
    days: Annotated[int | None, Meta(description="Before the end, of a notice; after the first try, of a retry")]
    number: Annotated[int | None, Meta(description="Of the term, or of the instalment")]
    state: Annotated[
        str | None,
        Meta(
            description="Of a change that was bought, a payment that was tried, an order for usage or an instalment, a request "
            "for a refund"
        ),
    ]
    reason: Annotated[str | None, Meta(description="A code; whoever does not pay is not told why a payment failed")]
    quantity: int | None
    quantity_before: int | None
    plan_name: str | None
    plan_name_en: str | None
    ends_at: Annotated[datetime | None, Meta(description="Of a change of the term's end, the new one")]
    ends_at_before: datetime | None
    amount: MoneyOut | None
    order_id: UUID | None
    title: Annotated[str | None, Meta(description="Of an episode")]
    title_en: str | None

    @classmethod
    def of(cls, row: TimelineEntry) -> TimelineEntryOut:
        """From the query's row."""
        has_amount = row.amount_minor is not None and row.currency is not None
        amount = MoneyOut.of(row.amount_minor, row.currency) if has_amount else None  # type: ignore[arg-type]  # both are there
        return cls.of_row(row, amount=amount)


class SoldSubscriptionOut(Out):
    """A recurring agreement with a customer. `net`: what its latest term was sold for, before tax."""

    id: UUID
    order_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    state: str
    quantity: int
    next_quantity: int | None
    auto_renew: bool
    ends_at: datetime
    entitlement_state: str
    seats: int
    seats_used: int
    net: MoneyOut
    created_at: datetime
    contract_ends_at: Annotated[
        datetime | None, Meta(description="When it ends for good; null where its contract has no end of its own")
    ]

    @classmethod
    def of(cls, row: SoldSubscription) -> SoldSubscriptionOut:
        """From the query's row."""
        return cls.of_row(row)


class MovementOut(Out):
    """What one kind of movement came to in a month of the seller's calendar, before tax."""

    month: Annotated[date, Meta(description="Its first day")]
    movement: Annotated[str, Meta(description="started, renewed, grown, shrunk, ended")]
    count: int
    net: Annotated[
        MoneyOut,
        Meta(
            description="What terms were sold for (started, renewed, ended), what was bought within terms (grown), or by how "
            "much renewed terms cost less than those before (shrunk)"
        ),
    ]
