"""Cases of money that is asked back, as they are read and written."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta
from pydantic import Field

from api.schema import MoneyOut, Out, Wire
from orders.refunds.queries import RefundCaseView, RefundEvidenceView

Minor = Annotated[int, Field(strict=True, gt=0, le=10**15)]


class RefundEvidenceOut(Out):
    """A document that a side shows; both sides and the operator see it."""

    id: UUID
    side: str
    file_name: str
    media_type: str
    size_bytes: int
    created_at: datetime

    @classmethod
    def of(cls, row: RefundEvidenceView) -> RefundEvidenceOut:
        """From the query's row."""
        return cls.of_row(row)


class RefundCaseOut(Out):
    """What a buyer asks back, and where that stands."""

    id: UUID
    order_id: UUID
    order_number: str
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    state: Annotated[
        str,
        Meta(
            description="`asked` waits for the seller, `credit_offered` and `refused` for the buyer, `escalated` for the operator"
        ),
    ]
    asked: MoneyOut
    left: Annotated[MoneyOut, Meta(description="What of the order has not gone back and is not on its way")]
    as_credit: Annotated[bool, Meta(description="Whether the buyer is content with credit instead of money")]
    offered: Annotated[MoneyOut | None, Meta(description="Credit that the seller offered instead of money")]
    granted: MoneyOut | None
    reason: Annotated[str, Meta(description="The buyer's words")]
    deadline_at: Annotated[datetime | None, Meta(description="Until when whoever it waits for may decide")]
    answer: Annotated[str, Meta(description="The seller's words")]
    answered_at: datetime | None
    appeal: Annotated[str, Meta(description="The buyer's words to the operator")]
    escalated_at: datetime | None
    decision: Annotated[str, Meta(description="The operator's words")]
    decided_at: datetime | None
    refund_id: UUID | None
    is_disputed: Annotated[bool, Meta(description="A bank decides about the payment: nothing is granted, no time runs")]
    is_owed: Annotated[
        bool, Meta(description="The gateway refused to send what was granted, and is asked again every day")
    ]
    created_at: datetime
    ended_at: datetime | None
    evidence: list[RefundEvidenceOut]

    @classmethod
    def of(cls, row: RefundCaseView) -> RefundCaseOut:
        """From the query's row."""
        granted = None if row.granted_minor is None else MoneyOut.of(row.granted_minor, row.currency)
        offered = None if row.offered_minor is None else MoneyOut.of(row.offered_minor, row.currency)
        return cls.of_row(
            row, offered=offered, granted=granted, evidence=[RefundEvidenceOut.of(one) for one in row.evidence]
        )


class RefundCaseIn(Wire):
    """What is asked back of an order. Without an amount: all that is left. `as_credit`: credit with the seller will do."""

    amount_minor: Minor | None = None
    as_credit: Annotated[bool, Field(strict=True)] = False
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class RefundAppealIn(Wire):
    """Why the refusal is not agreed to; the operator reads it."""

    appeal: Annotated[str, Field(min_length=1, max_length=2_000)]


class CreditAnswerIn(Wire):
    """Whether the credit that is offered is taken; otherwise it is to be money."""

    accept: Annotated[bool, Field(strict=True)]


class RefundDecisionIn(Wire):
    """`grant`: all that was asked for, or `amount_minor` of it. `refuse`: with words, which the buyer reads. `credit`: a seller
    offers so much as credit instead of money, and the buyer has the word.
    """

    decision: Literal["grant", "refuse", "credit"]
    amount_minor: Minor | None = None
    words: Annotated[str, Field(max_length=2_000)] = ""
