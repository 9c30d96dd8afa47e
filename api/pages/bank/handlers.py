"""The operators' desk of bank transfers: accounts, statement files, money that waits for a word, and money to be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.bank.views import (
    ACCOUNT_FIELDS,
    BankAccountItem,
    BankLineItem,
    BankLinePage,
    BankOutgoingItem,
    BankPart,
    BankReportLine,
    BankReportView,
    BankReturnItem,
    BankView,
)
from api.pages.frame import addresses, bank_addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.phrases import failure, money, seconds_since
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.v1.bank import READ, WRITE, take_file
from billing.bank.ask_return import approve_return, ask_return, list_returns, withdraw_return
from billing.bank.confirm_outgoing import ConfirmOutgoing, OutgoingOutcome, confirm_outgoing
from billing.bank.gateway import takes_play_money
from billing.bank.import_statement import ImportReport
from billing.bank.models import BANK_TRANSFER, OUTGOING_TRANSFER, BankReturn
from billing.bank.queries import (
    OutgoingView,
    get_line,
    list_accounts,
    list_lines,
    list_outgoing,
    outgoing_by_code,
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
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.money import CURRENCIES

_PAGE = 20
_SHOWN = 500
"""Most lines of a file that its report shows; the file's own order."""
_OUTCOMES: dict[str, OutgoingOutcome] = {"sent": "sent", "returned": "returned", "failed": "failed"}
_DECISIONS: dict[str, tuple[Callable[[UnitOfWork, UUID], BankReturn], str]] = {
    "approve": (approve_return, "bank_return_approved"),
    "withdraw": (withdraw_return, "bank_return_withdrawn"),
}
"""What the buttons of a return do, and the notice after it."""
_ACTS = {"assign", "return", "write-off", "match"}


@page(bank_addresses.BANK, READ)
def show_bank(page_request: Given[PageRequest]) -> Response[str]:
    """Everything on one page; lines that wait for a person unless all are asked for."""
    return page_request.render(_view(page_request))


@form_post("/operator/bank/accounts", WRITE)
def add_account(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Add an account. Sent twice, the second finds its code taken."""
    return _save(page_request, form, None)


@form_post("/operator/bank/accounts/{account_id:uuid}", WRITE)
def change_account(account_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Change what payers are told of an account."""
    return _save(page_request, form, account_id)


@form_post("/operator/bank/accounts/{account_id:uuid}/import", WRITE, request_max_body_size=MOST_BYTES + 100_000)
def import_file(account_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Import a file, or say what would happen. Sent twice, the second is told that the file is known."""
    try:
        dry_run = form.text("act", most=10) != "import"
        report = take_file(page_request.request, account_id, form.file("file"), dry_run=dry_run)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.render(_report_view(report), status=422 if report.faults else 200)


@page("/operator/bank/lines/{line_id:uuid}", READ)
def show_line(line_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One line, and what can be said of what is open."""
    return page_request.render(_line_view(page_request, line_id))


@form_post("/operator/bank/lines/{line_id:uuid}/{act:str}", WRITE)
def say(
    line_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Say what a part of a line was for. Sent twice, the second finds less open and is refused, or takes the rest as it says."""
    if act not in _ACTS:
        raise NotFound("not_found")
    try:
        with page_request.work() as uow:
            currency = get_line(uow, line_id).currency
        above = page_request.services.settings.payout_second_person_above
        waits = page_request.transact(lambda uow: _waits(_work(uow, line_id, act, form, currency, above)))
    except DomainError as refused:
        typed = {name: form.values.get(name, "")[:200] for name in ("code", "amount", "reason", "name", "account")}
        view = _line_view(page_request, line_id, act, typed, failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    notice = "bank_return_asked" if waits else "bank_line_settled"
    return page_request.redirect(bank_addresses.line(line_id), notice=notice)


@form_post("/operator/bank/returns/{return_id:uuid}", WRITE)
def decide_return(return_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Approve a return above the limit, or withdraw it. Pressed twice, the second finds it done."""
    try:
        act = form.text("act", most=20)
        if act not in _DECISIONS:
            raise Invalid("validation_failed", field="act")
        page_request.transact(lambda uow: _DECISIONS[act][0](uow, return_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(f"{bank_addresses.BANK}#returns", notice=_DECISIONS[act][1])


@form_post("/operator/bank/outgoing/{outgoing_id:uuid}", WRITE)
def confirm(outgoing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Say what became of money to be sent. Sent twice, the second changes nothing."""
    try:
        outcome = form.text("outcome", most=10)
        if outcome not in _OUTCOMES:
            raise Invalid("validation_failed", field="outcome")
        command = ConfirmOutgoing(outgoing_id, _OUTCOMES[outcome], form.text("reference", most=200))
        page_request.transact(lambda uow: confirm_outgoing(uow, command))
    except DomainError as refused:
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(f"{bank_addresses.BANK}#outgoing", notice="bank_outgoing_confirmed")


def _waits(said: object) -> bool:
    """Whether what was said is a return that waits for a second person."""
    return isinstance(said, BankReturn)


def _work(uow: UnitOfWork, line_id: UUID, act: str, form: Form, currency: str, second_person_above: int) -> object:
    """What the form says, as a command. Raises as the verbs, and Invalid of fields."""
    reason, code = form.text("reason", most=500), form.text("code", most=40)
    if act == "match":
        return match_outgoing(uow, MatchOutgoing(line_id, outgoing_by_code(uow, code), reason))
    minor = typed_amount(form.text("amount", most=40), currency, field="amount", code="amount_unreadable") or 0
    if act == "assign":
        bears = form.text("bear", most=3) == "yes"
        return assign_money(uow, AssignMoney(line_id, transfer_by_code(uow, code), minor, reason, bears))
    if act == "return":
        name, number = form.text("name", most=200), form.text("account", most=64)
        return ask_return(uow, ReturnMoney(line_id, minor, reason, name, number), second_person_above)
    return write_off_money(uow, WriteOffMoney(line_id, minor, reason))


def _save(page_request: PageRequest, form: Form, account_id: UUID | None) -> Response[Any]:
    try:
        command = SaveBankAccount(
            **{name: form.text(name, most=200) for name in ACCOUNT_FIELDS if name != "term_days"},
            term_days=form.number("term_days", least=1, most=90),
            is_offered=form.text("is_offered", most=3) == "yes",
            account_id=account_id,
        )
        plays = takes_play_money(page_request.services.gateways)
        page_request.transact(lambda uow: save_bank_account(uow, command, plays=plays))
    except DomainError as refused:
        typed = {name: form.values.get(name, "")[:200] for name in ACCOUNT_FIELDS} if account_id is None else {}
        view = _view(page_request, failure(page_request, refused), typed)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(bank_addresses.BANK, notice="bank_account_saved")


def _view(page_request: PageRequest, error: str | None = None, typed: dict[str, str] | None = None) -> BankView:
    shown = "" if page_request.query("state", most=10) == "all" else "open"
    with page_request.work() as uow:
        accounts = list_accounts(uow)
        cursor = page_request.query("cursor", most=200) or None
        lines = list_lines(uow, state=shown or None, cursor=cursor, limit=_PAGE)
        outgoing = [one for state in ("to_send", "sent") for one in list_outgoing(uow, state=state).items]
        returns = list_returns(uow, state="asked", limit=_PAGE).items
    path = bank_addresses.BANK if shown else f"{bank_addresses.BANK}?state=all"
    return BankView(
        accounts=tuple(BankAccountItem(row, money(row.balance_minor, row.currency)) for row in accounts),
        lines=tuple(
            BankLineItem(
                row,
                money(row.amount_minor, row.currency),
                money(row.open_minor, row.currency),
                seconds_since(row.created_at),
            )
            for row in lines.items
        ),
        shown=shown,
        next_address=addresses.next_page(path, lines.next_cursor),
        outgoing=tuple(_outgoing_item(row) for row in outgoing),
        returns=tuple(
            BankReturnItem(row, money(row.amount_minor, row.currency), row.asked_by == page_request.principal.person_id)
            for row in returns
        ),
        offered_here=BANK_TRANSFER in page_request.services.gateways,
        may_write=page_request.principal.may(WRITE),
        currencies=CURRENCIES,
        typed=dict.fromkeys(ACCOUNT_FIELDS, "") | (typed or {}),
        error=error,
    )


def _outgoing_item(row: OutgoingView) -> BankOutgoingItem:
    outcomes = [one for one in _OUTCOMES if OUTGOING_TRANSFER.allows(row.state, one)]
    if row.kind == "return":
        outcomes = [one for one in outcomes if one != "failed"]
    return BankOutgoingItem(row, money(row.amount_minor, row.currency), tuple(outcomes))


def _report_view(report: ImportReport) -> BankReportView:
    def in_money(minor: int | None) -> Any:
        return None if minor is None else money(minor, report.currency)

    lines = tuple(
        BankReportLine(one.line, one.outcome, in_money(one.amount_minor), one.counterparty_name, one.remark)
        for one in report.lines[:_SHOWN]
    )
    return BankReportView(
        report=report,
        opening=in_money(report.opening_minor),
        closing=in_money(report.closing_minor),
        faults=tuple(BankReportLine(one.line, one.code, None, "", one.shown) for one in report.faults[:_SHOWN]),
        lines=lines,
        hidden=max(len(report.lines) - _SHOWN, 0),
    )


def _line_view(
    page_request: PageRequest,
    line_id: UUID,
    act: str = "",
    typed: dict[str, str] | None = None,
    error: str | None = None,
) -> BankLinePage:
    with page_request.work() as uow:
        found = get_line(uow, line_id)
    missing = found.seems_missing_minor
    return BankLinePage(
        found=found,
        amount=money(found.amount_minor, found.currency),
        open=money(found.open_minor, found.currency),
        seems_missing=None if missing is None else money(missing, found.currency),
        open_typed=amount_as_typed(found.open_minor, found.currency),
        parts=tuple(BankPart(one, money(one.amount_minor, found.currency)) for one in found.assignments),
        may_write=page_request.principal.may(WRITE),
        act=act,
        typed=typed or {},
        error=error,
    )


routes = [
    show_bank,
    add_account,
    change_account,
    import_file,
    show_line,
    say,
    decide_return,
    confirm,
]
