"""The wire forms of bank transfers on the operators' desk."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from pydantic import Field

from api.schema import MoneyOut, Out, StrictInt, Wire
from billing.bank.confirm_outgoing import OutgoingOutcome
from billing.bank.import_statement import ImportReport
from billing.bank.queries import AssignmentView, BankAccountView, BankLineView, OutgoingView
from kernel.money import Money

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Amount = Annotated[StrictInt, Field(ge=1, le=10**15, description="Minor units of the line's currency")]


class BankAccountIn(Wire):
    """An account of the platform. Of a currency one at most is offered to buyers."""

    code: Annotated[str, Field(min_length=2, max_length=31, description="A short name of one's own; never changed")]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    holder: Annotated[str, Field(min_length=1, max_length=200)]
    bank_name: Annotated[str, Field(min_length=1, max_length=200)]
    account_number: Annotated[str, Field(min_length=5, max_length=60)]
    bank_code: Annotated[str, Field(max_length=40, description="A BIC, or the twelve digits of CNAPS")] = ""
    virtual_prefix: Annotated[
        str, Field(max_length=20, description="What numbers of virtual accounts begin with; empty: there are none")
    ] = ""
    term_days: Annotated[StrictInt, Field(ge=1, le=90, description="How long a purchase waits for its transfer")] = 30
    is_offered: Annotated[bool, Field(strict=True)] = True


class BankAccountOut(Out):
    """An account of the platform, with what its statements say stands on it."""

    id: UUID
    code: str
    holder: str
    bank_name: str
    account_number: str
    bank_code: str
    virtual_prefix: str
    term_days: int
    is_offered: bool
    balance: MoneyOut
    open_lines: Annotated[int, Meta(description="Lines of which something waits for a person")]
    last_import_at: datetime | None

    @classmethod
    def of(cls, row: BankAccountView) -> BankAccountOut:
        """From the query's row."""
        return cls.of_row(row)


class BankAccountsOut(Out):
    """All of them: they are few."""

    items: list[BankAccountOut]


class BankAssignmentOut(Out):
    """What a part of a line was for."""

    kind: Annotated[str, Meta(description="payment, outgoing, return, write_off, shortfall (borne by the platform)")]
    amount: MoneyOut
    remark_code: str | None
    reason: Annotated[str | None, Meta(description="None: it matched by itself")]
    created_at: datetime

    @classmethod
    def of(cls, row: AssignmentView, currency: str) -> BankAssignmentOut:
        """From the query's row."""
        return cls.of_row(row, amount=MoneyOut.of(row.amount_minor, currency))


class BankLineOut(Out):
    """A line of a statement. Positive came in, negative went out."""

    id: UUID
    account_id: UUID
    account_code: str
    booked_on: date
    amount: MoneyOut
    open: Annotated[MoneyOut, Meta(description="What of it nobody has assigned yet")]
    counterparty_name: str
    counterparty_account: str
    remark: str
    bank_reference: str
    reason: Annotated[
        str | None, Meta(description="Why a person has to look, such as short, over, late, unknown_payer")
    ]
    seems_for: Annotated[str | None, Meta(description="The code of the transfer that it seems to be for")]
    assignments: list[BankAssignmentOut]
    created_at: datetime

    @classmethod
    def of(cls, row: BankLineView) -> BankLineOut:
        """From the query's row."""
        return cls.of_row(
            row,
            open=MoneyOut.of(row.open_minor, row.currency),
            assignments=[BankAssignmentOut.of(one, row.currency) for one in row.assignments],
        )


class BankOutgoingOut(Out):
    """Money that is to be sent, or was: a refund, or a return of what was for nothing here."""

    id: UUID
    account_code: str
    kind: str
    remark_code: Annotated[str, Meta(description="To be named in the transfer's remark")]
    amount: MoneyOut
    payee_name: str
    payee_account: str
    state: str
    bank_reference: str
    sent_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: OutgoingView) -> BankOutgoingOut:
        """From the query's row."""
        return cls.of_row(row)


class BankFileLineOut(Out):
    """What became of a line of a file, or what is wrong with it."""

    line: Annotated[int, Meta(description="As the file counts, from 1; 0: the file as a whole")]
    outcome: Annotated[
        str, Meta(description="matched, outgoing, known, or why a person has to look; of a fault its code")
    ]
    amount: MoneyOut | None
    counterparty_name: str
    remark: Annotated[str, Meta(description="Of a fault: what was read there")]


class BankImportOut(Out):
    """What a file says, line by line. With `faults` nothing of it was imported."""

    format: str
    is_imported: bool
    is_known: Annotated[bool, Meta(description="The very same file was imported before; nothing was done")]
    is_dry_run: bool
    opening: MoneyOut | None
    closing: MoneyOut | None
    new_lines: int
    faults: list[BankFileLineOut]
    lines: list[BankFileLineOut]

    @classmethod
    def of(cls, report: ImportReport) -> BankImportOut:
        """From the report."""
        currency = report.currency

        def money(minor: int | None) -> MoneyOut | None:
            return None if minor is None else MoneyOut.of_money(Money(minor, currency))

        return cls(
            format=report.format,
            is_imported=not (report.faults or report.is_known or report.is_dry_run),
            is_known=report.is_known,
            is_dry_run=report.is_dry_run,
            opening=money(report.opening_minor),
            closing=money(report.closing_minor),
            new_lines=report.new_lines,
            faults=[
                BankFileLineOut(line=one.line, outcome=one.code, amount=None, counterparty_name="", remark=one.shown)
                for one in report.faults
            ],
            lines=[
                BankFileLineOut(
                    line=one.line,
                    outcome=one.outcome,
                    amount=money(one.amount_minor),
                    counterparty_name=one.counterparty_name,
                    remark=one.remark,
                )
                for one in report.lines
            ],
        )


class AssignMoneyIn(Wire):
    """For which transfer money came, by the code that its payer was told."""

    remark_code: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Amount
    reason: Reason
    bear_shortfall: Annotated[
        bool, Field(strict=True, description="What is then missing (2 % at most), the platform bears")
    ] = False


class ReturnMoneyIn(Wire):
    """Money that goes back; by default to where it came from."""

    amount: Amount
    reason: Reason
    payee_name: Annotated[str, Field(max_length=200)] = ""
    payee_account: Annotated[str, Field(max_length=64)] = ""


class WriteOffMoneyIn(Wire):
    """Money that is the platform's own cost or gain."""

    amount: Amount
    reason: Reason


class MatchOutgoingIn(Wire):
    """Which item of ours a line is, by the item's code."""

    remark_code: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Reason


class ConfirmOutgoingIn(Wire):
    """What became of an item; the bank's reference, or why it failed or came back."""

    outcome: OutgoingOutcome
    bank_reference: Annotated[str, Field(min_length=1, max_length=200)]
