"""How shares, statements and payouts look on the wire; the same for sellers, promoters and operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.schema import MoneyOut, Out
from billing.payouts.balances import Balance
from billing.payouts.queries import PayoutRow
from billing.shares.queries import ShareRow, VideoEarning
from billing.statements.queries import StatementLineRow, StatementRow
from billing.statements.supplies import SupplyToInvoice


class ForecastOut(Out):
    """What comes free on a day."""

    on: date
    amount: MoneyOut


class BalanceOut(Out):
    """A party's money in one currency."""

    pending: MoneyOut
    available: Annotated[MoneyOut, Meta(description="Negative when refunds exceed what was earned")]
    paid: MoneyOut
    forecast: list[ForecastOut]

    @classmethod
    def of(cls, balance: Balance) -> BalanceOut:
        """From the query's row."""
        currency = balance.currency
        return cls(
            pending=MoneyOut.of(balance.pending_minor, currency),
            available=MoneyOut.of(balance.available_minor, currency),
            paid=MoneyOut.of(balance.paid_minor, currency),
            forecast=[ForecastOut(on=on, amount=MoneyOut.of(minor, currency)) for on, minor in balance.forecast],
        )


class ShareOut(Out):
    """One's part of one line."""

    id: UUID
    state: str
    order_line_id: UUID
    video_id: UUID | None
    rate_ppm: int
    conflict: Annotated[
        str | None,
        Meta(
            description="Why the promoter earns nothing. `same_tax_id`: it has the buyer's or the seller's tax identifier; "
            "`not_chosen`: the listing is bound to others by an exclusive plan"
        ),
    ]
    policy_version: int
    base: MoneyOut
    amount: MoneyOut
    left: Annotated[MoneyOut, Meta(description="After refunds")]
    captured_at: datetime
    delivered_at: datetime | None
    releasable_at: datetime | None
    statement_id: UUID | None
    disputed: Annotated[
        bool, Meta(description="The payer's bank is deciding; nothing is released or settled meanwhile")
    ]

    @classmethod
    def of(cls, row: ShareRow) -> ShareOut:
        """From the query's row."""
        return ShareOut.of_row(row, order_line_id=row.reference)


class SellerShareOut(ShareOut):
    """A seller's part, with the order it comes from and what others get of it. A promoter is never shown the order."""

    order_id: UUID
    gross: MoneyOut
    commission: MoneyOut
    promoter: MoneyOut

    @classmethod
    def of(cls, row: ShareRow) -> SellerShareOut:
        """From the query's row."""
        return cls.of_row(row, order_line_id=row.reference, order_id=row.group_reference)


class StatementOut(Out):
    """A closed period. Signed from the party's side: what lowers its net is negative; everything adds up to `net`."""

    id: UUID
    org_id: UUID
    number: str
    starts_at: datetime
    ends_at: datetime
    carried: MoneyOut
    gross: MoneyOut
    refunds: MoneyOut
    commission: MoneyOut
    promoter: MoneyOut
    adjustments: MoneyOut
    net: MoneyOut
    held: Annotated[
        MoneyOut,
        Meta(
            description="What of the net is not paid because it is in dispute; the next statement takes it up as adjustments"
        ),
    ]
    state: str
    commission_invoice_id: UUID | None
    closed_at: datetime

    @classmethod
    def of(cls, row: StatementRow) -> StatementOut:
        """From the query's row."""
        return StatementOut.of_row(row)


class StatementLineOut(Out):
    """One share, or what a refund took back of one."""

    kind: str
    share_id: UUID
    order_line_id: UUID
    occurred_at: datetime
    gross: MoneyOut
    refunds: MoneyOut
    commission: MoneyOut
    promoter: MoneyOut
    net: MoneyOut

    @classmethod
    def of(cls, row: StatementLineRow, currency: str) -> StatementLineOut:
        """From the query's row."""
        return cls.of_row(row, currency=currency, order_line_id=row.reference)


class SupplyOut(Out):
    """What the seller has to invoice the platform for at one rate of tax; negative: to credit."""

    tax_category: Annotated[str, Meta(description="UNCL 5305 code")]
    tax_rate_ppm: int
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut


class StatementDetailOut(StatementOut):
    """A statement with its lines."""

    lines: list[StatementLineOut]
    supplies: Annotated[
        list[SupplyOut],
        Meta(
            description="Of what the platform sold itself: what the seller has to invoice the platform for, naming the "
            "statement's number. Empty where there is none"
        ),
    ]

    @classmethod
    def of_detail(
        cls, row: StatementRow, lines: list[StatementLineRow], supplies: Sequence[SupplyToInvoice]
    ) -> StatementDetailOut:
        """From the query's rows."""
        return cls.of_row(
            row,
            lines=[StatementLineOut.of(line, row.currency) for line in lines],
            supplies=[SupplyOut.of_row(one, currency=row.currency) for one in supplies],
        )


class PayoutOut(Out):
    """Money that went out, or is about to."""

    id: UUID
    org_id: UUID
    statement_id: UUID
    statement_number: str
    amount: MoneyOut
    gateway: str
    destination: str
    state: str
    error_code: str | None
    gateway_reference: str | None
    created_at: datetime
    paid_at: datetime | None

    @classmethod
    def of(cls, row: PayoutRow) -> PayoutOut:
        """From the query's row."""
        return cls.of_row(row)


class VideoEarningOut(Out):
    """What one video earned for its promoter."""

    video_id: UUID
    lines: int
    sold: MoneyOut
    earned: MoneyOut
    reversed: MoneyOut

    @classmethod
    def of(cls, row: VideoEarning) -> VideoEarningOut:
        """From the query's row."""
        return cls.of_row(row)
