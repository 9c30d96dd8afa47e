"""Payment by bank transfer: what a payer is to send, and the operators' desk of statements and money that waits for a word."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import PageOut, Paging, list_page
from api.v1.bank_out import (
    AssignMoneyIn,
    BankAccountIn,
    BankAccountOut,
    BankAccountsOut,
    BankImportOut,
    BankLineOut,
    BankOutgoingOut,
    ConfirmOutgoingIn,
    MatchOutgoingIn,
    ReturnMoneyIn,
    WriteOffMoneyIn,
)
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from billing.bank.ask_return import ask_return
from billing.bank.confirm_outgoing import ConfirmOutgoing, confirm_outgoing
from billing.bank.gateway import takes_play_money
from billing.bank.import_statement import ImportReport, ImportStatement, import_statement, try_import
from billing.bank.models import OUTGOING_TRANSFER
from billing.bank.queries import (
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
    write_off_money,
)
from billing.bank.statements.read_file import MOST_BYTES
from billing.bank.worklist import worklist_csv
from kernel.db.uow import UnitOfWork
from kernel.errors import TooLarge

READ, WRITE = "operator.read", "operator.payouts"


@get("/v1/operator/bank/accounts", permission=READ, sync_to_thread=True, tags=["operator"])
def get_bank_accounts(request: ApiRequest) -> BankAccountsOut:
    """The platform's accounts to which buyers pay by transfer."""
    with request.transaction() as uow:
        return BankAccountsOut(items=[BankAccountOut.of(row) for row in list_accounts(uow)])


@post("/v1/operator/bank/accounts", permission=WRITE, refuses=[409], sync_to_thread=True, tags=["operator"])
def create_bank_account(data: JSONBody[BankAccountIn], request: ApiRequest) -> BankAccountOut:
    """Add an account."""
    command = SaveBankAccount(**data.model_dump())
    plays = takes_play_money(request.services.gateways)
    return request.transact(lambda uow: BankAccountOut.of(account_view(save_bank_account(uow, command, plays=plays))))


@put("/v1/operator/bank/accounts/{account_id:uuid}", permission=WRITE, sync_to_thread=True, tags=["operator"])
def change_bank_account(
    account_id: FromPath[UUID], data: JSONBody[BankAccountIn], request: ApiRequest
) -> BankAccountOut:
    """Change what payers are told. Code and currency stay."""
    command = SaveBankAccount(**data.model_dump(), account_id=account_id)
    plays = takes_play_money(request.services.gateways)
    return request.transact(lambda uow: BankAccountOut.of(account_view(save_bank_account(uow, command, plays=plays))))


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
    """Put money that is for nothing here on the list of what is to be sent. Above the limit of payouts by bank, with what of the
    line went back before, it waits for a second person (`GET /v1/operator/bank/returns`): the line stays as open as it is.
    """
    command = ReturnMoney(line_id, data.amount, data.reason, data.payee_name, data.payee_account)
    above = request.services.settings.payout_second_person_above
    return _line_after(request, line_id, partial(ask_return, command=command, second_person_above=above))


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
