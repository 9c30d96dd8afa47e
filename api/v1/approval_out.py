"""Why a purchase waits for a decision, and who decides, as quotes and purchases say it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from api.schema import MoneyOut, Out
from orders.checkout.approval_reasons import ApprovalReason
from orders.checkout.views import ApprovalStepView


class ApprovalReasonOut(Out):
    """Why a purchase needs a decision: its purchaser `may_not_buy`; it is above the `order_limit` or `month_limit`, or one of
    a seller (`seller_…`) or category (`category_…`); or a listing of it is `not_on_allow_list`.
    """

    code: str
    limit: MoneyOut | None
    spent: Annotated[MoneyOut | None, Meta(description="What the month had used before this purchase")]
    subject: Annotated[str | None, Meta(description="The seller, category or listing that it is about")]
    subject_en: str | None


class ApprovalStepOut(Out):
    """A step in which a purchase is decided: by any `approver`, by `finance`, or by one of the named `persons`."""

    number: int
    who: str
    persons: Annotated[list[str], Meta(description="Their names, where they are named")]
    decision: str | None
    decided_by_name: str | None
    decided_for_name: Annotated[str | None, Meta(description="In whose place, where a deputy decided")]
    reason: str | None
    decided_at: datetime | None


def reasons_out(reasons: Iterable[ApprovalReason], currency: str) -> list[ApprovalReasonOut]:
    """With amounts in the purchase's currency."""

    def amount(minor: int | None) -> MoneyOut | None:
        return None if minor is None else MoneyOut.of(minor, currency)

    return [
        ApprovalReasonOut(
            code=one.code,
            limit=amount(one.limit_minor),
            spent=amount(one.spent_minor),
            subject=one.subject,
            subject_en=one.subject_en,
        )
        for one in reasons
    ]


def steps_out(steps: Iterable[ApprovalStepView]) -> list[ApprovalStepOut]:
    """In order."""
    return [
        ApprovalStepOut(
            number=one.number,
            who=one.step.who,
            persons=[person.name for person in one.step.persons],
            decision=one.decision,
            decided_by_name=one.decided_by_name,
            decided_for_name=one.decided_for_name,
            reason=one.reason,
            decided_at=one.decided_at,
        )
        for one in steps
    ]
