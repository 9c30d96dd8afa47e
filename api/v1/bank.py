"""Payment by bank transfer: what a payer is to send, and the operators' desk of statements and money that waits for a word."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, StrictInt, Wire, list_page
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from billing.bank.confirm_outgoing import ConfirmOutgoing, OutgoingOutcome, confirm_outgoing
from billing.bank.import_statement import ImportReport, ImportStatement, import_statement, try_import
from billing.bank.models import OUTGOING_TRANSFER
from billing.bank.queries import (
    AssignmentView,
    BankAccountView,
    BankLineView,
    OutgoingView,
    account_view,
    get_line,
    list_accounts,
    list_lines,
    list_outgoing,
    outgoing_by_code,
    shown_outgoing,
    to_send,
    transfer_by_code,
)
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.bank.settle_line import (
    AssignMoney,
    MatchOutgoing,
    ReturnMoney,
    WriteOffMoney,
    assign_money,
    match_outgoing,
    return_money,
    write_off_money,
)
from billing.bank.statements.read_file import MOST_BYTES
from billing.bank.worklist import worklist_csv
from kernel.db.uow import UnitOfWork
from kernel.errors import TooLarge
from kernel.money import Money

READ, WRITE = "operator.read", "operator.payouts"
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


@get("/v1/operator/bank/accounts", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_accounts(request: ApiRequest) -> BankAccountsOut:
    """The platform's accounts to which buyers pay by transfer."""
    with request.transaction() as uow:
        return BankAccountsOut(items=[BankAccountOut.of(row) for row in list_accounts(uow)])


@post("/v1/operator/bank/accounts", permission=WRITE, refuses=[409], sync_to_thread=True, tags=["operator"])
def create_bank_account(data: JSONBody[BankAccountIn], request: ApiRequest) -> BankAccountOut:
    """Add an account."""
    command = SaveBankAccount(**data.model_dump())
    return request.transact(lambda uow: BankAccountOut.of(account_view(save_bank_account(uow, command))))


@put("/v1/operator/bank/accounts/{account_id:uuid}", permission=WRITE, sync_to_thread=True, tags=["operator"])
def change_bank_account(
    account_id: FromPath[UUID], data: JSONBody[BankAccountIn], request: ApiRequest
) -> BankAccountOut:
    """Change what payers are told. Code and currency stay."""
    command = SaveBankAccount(**data.model_dump(), account_id=account_id)
    return request.transact(lambda uow: BankAccountOut.of(account_view(save_bank_account(uow, command))))


@post(
    "/v1/operator/bank/accounts/{account_id:uuid}/statements",
    permission=WRITE,
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=MOST_BYTES + FORM_OVERHEAD,
    tags=["operator"],
)
def import_bank_file(
    account_id: FromPath[UUID],
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
    *,
    dry_run: Annotated[
        bool, QueryParameter(name="dry_run", required=False, description="Say what would happen, and do nothing")
    ] = False,
) -> BankImportOut:
    """Import a statement file (CSV, MT940 or camt.053): all of it, or, where anything is wrong with it, nothing."""
    return BankImportOut.of(take_file(request, account_id, data.file, dry_run=dry_run))


@get("/v1/operator/bank/lines", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_lines(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(["open"])] = None
) -> Response[PageOut[BankLineOut]]:
    """Lines of statements, newest first; `open`: those that wait for a person."""
    return list_page(request, paging, list_lines, BankLineOut.of, state=only)


@get("/v1/operator/bank/lines/{line_id:uuid}", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_line(line_id: FromPath[UUID], request: ApiRequest) -> BankLineOut:
    """One line with all that it was assigned to."""
    with request.transaction() as uow:
        return BankLineOut.of(get_line(uow, line_id))


def _on_line(verb: str) -> dict[str, Any]:
    return {
        "path": f"/v1/operator/bank/lines/{{line_id:uuid}}/{verb}",
        "permission": WRITE,
        "refuses": [409],
        "sync_to_thread": True,
        "status_code": 200,
        "tags": ["operator"],
    }


@post(**_on_line("assign"))
def assign_bank_line(line_id: FromPath[UUID], data: JSONBody[AssignMoneyIn], request: ApiRequest) -> BankLineOut:
    """Say for which transfer money came: one that has all its money is paid by that. Parts may go to several."""

    def work(uow: UnitOfWork) -> None:
        transfer_id = transfer_by_code(uow, data.remark_code)
        assign_money(uow, AssignMoney(line_id, transfer_id, data.amount, data.reason, data.bear_shortfall))

    return _line_after(request, line_id, work)


@post(**_on_line("return"))
def return_bank_line(line_id: FromPath[UUID], data: JSONBody[ReturnMoneyIn], request: ApiRequest) -> BankLineOut:
    """Put money that is for nothing here on the list of what is to be sent."""
    command = ReturnMoney(line_id, data.amount, data.reason, data.payee_name, data.payee_account)
    return _line_after(request, line_id, partial(return_money, command=command))


@post(**_on_line("write-off"))
def write_off_bank_line(line_id: FromPath[UUID], data: JSONBody[WriteOffMoneyIn], request: ApiRequest) -> BankLineOut:
    """Take money into the platform's own costs or gains, such as a fee of the bank."""
    command = WriteOffMoney(line_id, data.amount, data.reason)
    return _line_after(request, line_id, partial(write_off_money, command=command))


@post(**_on_line("match"))
def match_bank_line(line_id: FromPath[UUID], data: JSONBody[MatchOutgoingIn], request: ApiRequest) -> BankLineOut:
    """Say which item of ours a line is: one that left, or one that came back."""

    def work(uow: UnitOfWork) -> None:
        match_outgoing(uow, MatchOutgoing(line_id, outgoing_by_code(uow, data.remark_code), data.reason))

    return _line_after(request, line_id, work)


@get("/v1/operator/bank/outgoing", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_outgoing(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(OUTGOING_TRANSFER.states)] = None
) -> Response[PageOut[BankOutgoingOut]]:
    """Refunds and returns to be sent by bank, newest first."""
    return list_page(request, paging, list_outgoing, BankOutgoingOut.of, state=only)


@get(
    "/v1/operator/bank/worklist",
    media_type="text/csv; charset=utf-8",
    permission=READ,
    sync_to_thread=True,
    tags=["operator"],
)
def get_bank_worklist(request: ApiRequest) -> Response[bytes]:
    """Everything that is to be sent, as CSV with a row each."""
    with request.transaction() as uow:
        content = worklist_csv(to_send(uow))
    headers = {"Content-Disposition": 'attachment; filename="bank-worklist.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@post(
    "/v1/operator/bank/outgoing/{outgoing_id:uuid}/confirm",
    permission=WRITE,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def confirm_bank_outgoing(
    outgoing_id: FromPath[UUID], data: JSONBody[ConfirmOutgoingIn], request: ApiRequest
) -> BankOutgoingOut:
    """Say that an item was sent, came back, or cannot be sent. A refund follows."""
    command = ConfirmOutgoing(outgoing_id, data.outcome, data.bank_reference)
    return request.transact(lambda uow: BankOutgoingOut.of(shown_outgoing(uow, confirm_outgoing(uow, command))))


def take_file(request: ApiRequest, account_id: UUID, upload: UploadFile, *, dry_run: bool) -> ImportReport:
    """Read a form's file and import it, or try to; for the JSON route and the page alike.

    Raises: as `import_statement`; TooLarge `bank_file_too_large`.
    """
    upload.file.seek(0)
    content = upload.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge("bank_file_too_large", most_mb=MOST_BYTES // 1_000_000)
    command = ImportStatement(account_id, upload.filename, content)
    if dry_run:
        return try_import(request.transact, command)
    return request.transact(lambda uow: import_statement(uow, command))


def _line_after(request: ApiRequest, line_id: UUID, work: Any) -> BankLineOut:
    def changed(uow: UnitOfWork) -> BankLineOut:
        work(uow)
        uow.flush()
        return BankLineOut.of(get_line(uow, line_id))

    return request.transact(changed)


routes = [
    get_bank_accounts,
    create_bank_account,
    change_bank_account,
    import_bank_file,
    get_bank_lines,
    get_bank_line,
    assign_bank_line,
    return_bank_line,
    write_off_bank_line,
    match_bank_line,
    get_bank_outgoing,
    get_bank_worklist,
    confirm_bank_outgoing,
]
