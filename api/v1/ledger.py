"""The books for operators: accounts, postings, transactions, the trial balance, and the journal as a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Literal, get_args
from uuid import UUID

from litestar import Response, get, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.journal_export.account_codes import AccountCodeRow, SetAccountCode, list_account_codes, set_account_code
from billing.journal_export.export_journal import ExportJournal, export_journal
from billing.journal_export.formats import Format, encoding_of
from billing.ledger.browse import (
    AccountRow,
    PostingRow,
    TransactionView,
    TrialBalanceRow,
    get_account,
    get_ledger_transaction,
    list_accounts,
    list_postings,
    trial_balance,
)
from billing.ledger.post import AccountKind
from kernel import clock
from kernel.db.uow import UnitOfWork, transact
from kernel.errors import Invalid

CURRENCY = r"[A-Z]{3}"
AtParameter = Annotated[
    datetime | None, QueryParameter(name="at", required=False, description="As it stood before this instant")
]
KindParameter = Annotated[
    str | None,
    QueryParameter(
        name="kind", required=False, max_length=40, enum=list(get_args(AccountKind)), description="Only this kind"
    ),
]
CurrencyParameter = Annotated[
    str | None,
    QueryParameter(name="currency", required=False, max_length=3, pattern=f"^{CURRENCY}$", description="Only this one"),
]
OwnerParameter = Annotated[UUID | None, QueryParameter(name="org_id", required=False, description="Only this party's")]


class LedgerAccountOut(Out):
    """An account and what stands on it. Debit is positive: what the platform owes is negative."""

    id: UUID
    org_id: UUID
    owner: str
    kind: str
    gateway: str
    balance: MoneyOut
    created_at: datetime

    @classmethod
    def of(cls, row: AccountRow) -> LedgerAccountOut:
        """From the query's row."""
        return cls.of_row(row)


class PostingOut(Out):
    """One side of a transaction on an account; debit positive."""

    id: UUID
    transaction_id: UUID
    kind: str
    business_key: str
    reference: Annotated[UUID, Meta(description="What the fact is about; good for /v1/trace")]
    amount: MoneyOut
    effective_at: datetime
    occurred_at: Annotated[
        datetime | None, Meta(description="When it happened, of a fact that came after its month was closed")
    ]
    recorded_at: datetime

    @classmethod
    def of(cls, row: PostingRow) -> PostingOut:
        """From the query's row."""
        return cls.of_row(row)


class LedgerLegOut(Out):
    """One side of a transaction, with its account."""

    account_id: UUID
    org_id: UUID
    owner: str
    account_kind: str
    gateway: str
    amount: MoneyOut


class LedgerTransactionOut(Out):
    """A fact in the books; its legs add up to zero in each currency."""

    id: UUID
    kind: str
    business_key: str
    reference: Annotated[UUID, Meta(description="What the fact is about; good for /v1/trace")]
    effective_at: datetime
    occurred_at: datetime | None
    recorded_at: datetime
    legs: list[LedgerLegOut]

    @classmethod
    def of(cls, row: TransactionView) -> LedgerTransactionOut:
        """From the query's row."""
        return cls.of_row(row, legs=[LedgerLegOut.of_row(leg) for leg in row.legs])


class TrialBalanceOut(Out):
    """All accounts of a kind in a currency. `closing` adds up to zero in each currency."""

    kind: str
    gateway: str
    opening: MoneyOut
    debit: MoneyOut
    credit: MoneyOut
    closing: MoneyOut

    @classmethod
    def of(cls, row: TrialBalanceRow) -> TrialBalanceOut:
        """From the query's row."""
        return cls.of_row(row)


class AccountCodeOut(Out):
    """Number and name of a kind of account in an accounting program; "" where none is set."""

    format: str
    kind: str
    code: str
    name: str

    @classmethod
    def of(cls, row: AccountCodeRow) -> AccountCodeOut:
        """From the query's row."""
        return cls.of_row(row)


class AccountCodeIn(Wire):
    """The program's account number, or in QuickBooks the account's name, and what it is called."""

    code: Annotated[str, Field(min_length=1, max_length=20)]
    name: Annotated[str, Field(min_length=1, max_length=60)]


@get("/v1/operator/ledger/accounts", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_ledger_accounts(
    request: ApiRequest,
    paging: Given[Paging],
    kind: KindParameter = None,
    org_id: OwnerParameter = None,
    currency: CurrencyParameter = None,
    at: AtParameter = None,
) -> Response[PageOut[LedgerAccountOut]]:
    """Accounts, the newest first, with what stood on each `at` that moment (default: now)."""
    return list_page(
        request, paging, list_accounts, LedgerAccountOut.of, kind=kind, org_id=org_id, currency=currency, at=utc(at)
    )


@get(
    "/v1/operator/ledger/accounts/{ledger_account_id:uuid}",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def get_ledger_account(
    ledger_account_id: FromPath[UUID], request: ApiRequest, at: AtParameter = None
) -> LedgerAccountOut:
    """One account."""
    with request.transaction() as uow:
        return LedgerAccountOut.of(get_account(uow, ledger_account_id, at=utc(at)))


@get(
    "/v1/operator/ledger/accounts/{ledger_account_id:uuid}/postings",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def list_account_postings(
    ledger_account_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[PostingOut]]:
    """What was posted to it, the latest recorded first."""
    return list_page(request, paging, partial(list_postings, account_id=ledger_account_id), PostingOut.of)


@get(
    "/v1/operator/ledger/transactions/{ledger_transaction_id:uuid}",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def get_one_transaction(ledger_transaction_id: FromPath[UUID], request: ApiRequest) -> LedgerTransactionOut:
    """A fact with all its sides."""
    with request.transaction() as uow:
        return LedgerTransactionOut.of(get_ledger_transaction(uow, ledger_transaction_id))


@get("/v1/operator/ledger/trial-balance", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_trial_balance(
    request: ApiRequest,
    since: Annotated[
        datetime | None, QueryParameter(name="since", required=False, description="Default: from the beginning")
    ] = None,
    until: Annotated[
        datetime | None, QueryParameter(name="until", required=False, description="Excluded; default: now")
    ] = None,
) -> list[TrialBalanceOut]:
    """Per kind of account and currency: what stood there at `since`, was posted until `until`, and stands there then."""
    with request.transaction() as uow:
        found = trial_balance(uow, since=utc(since), until=utc(until) or clock.now())
        return [TrialBalanceOut.of(row) for row in found]


@get(
    "/v1/operator/ledger/export",
    permission="operator.read",
    sync_to_thread=True,
    media_type="text/csv",
    tags=["operator"],
)
def export(
    request: ApiRequest,
    first_on: Annotated[date, QueryParameter(name="first_on", description="First day, by the platform's calendar")],
    last_on: Annotated[date, QueryParameter(name="last_on", description="Last day, included")],
    file_format: Annotated[
        Literal["csv", "voucher", "datev", "iif", "xero"],
        QueryParameter(
            name="format",
            required=False,
            description="voucher: 用友/金蝶; datev: EXTF Buchungsstapel; iif: QuickBooks; xero: manual journals",
        ),
    ] = "csv",
    currency: CurrencyParameter = None,
) -> Stream:
    """The journal of at most 366 days as a file. `datev`, `iif` and `xero` need a `currency`: their files are of one."""
    return journal_file(request, ExportJournal(file_format, first_on, last_on, currency or ""))


def journal_file(request: ApiRequest, command: ExportJournal) -> Stream:
    """The file as it is sent: each batch of it is read in a transaction of its own while it is. Raises as `export_journal`."""
    services, principal = request.services, request.principal
    parts = export_journal(partial(transact, services.db, principal), command)
    ending = "iif" if command.format == "iif" else "csv"
    name = f"journal-{command.format}-{command.first_on:%Y%m%d}-{command.last_on:%Y%m%d}.{ending}"
    return Stream(
        parts,
        media_type=f"{media_type(command.format)}; charset={encoding_of(command.format)}",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )


def media_type(name: Format) -> str:
    """Of a file of this format."""
    return "text/tab-separated-values" if name == "iif" else "text/csv"


@get("/v1/operator/ledger/account-codes", permission="operator.read", sync_to_thread=True, tags=["operator"])
def get_account_codes(request: ApiRequest) -> list[AccountCodeOut]:
    """Which number each kind of account has in each format."""
    with request.transaction() as uow:
        return [AccountCodeOut.of(row) for row in list_account_codes(uow)]


@put(
    "/v1/operator/ledger/account-codes/{format_name:str}/{account_kind:str}",
    permission="operator.payouts",
    sync_to_thread=True,
    tags=["operator"],
)
def put_account_code(
    format_name: FromPath[str], account_kind: FromPath[str], data: JSONBody[AccountCodeIn], request: ApiRequest
) -> AccountCodeOut:
    """Say which number and name a kind of account has. Exports made from then on have it."""

    def work(uow: UnitOfWork) -> AccountCodeOut:
        return AccountCodeOut.of(set_account_code(uow, SetAccountCode(format_name, account_kind, data.code, data.name)))

    return request.transact(work)


def utc(at: datetime | None) -> datetime | None:
    """An instant of the address. Raises Invalid(`validation_failed`) without a time zone, or for one that UTC cannot write."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise Invalid("validation_failed", field="at")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise Invalid("validation_failed", field="at") from error


routes = [
    list_ledger_accounts,
    get_ledger_account,
    list_account_postings,
    get_one_transaction,
    get_trial_balance,
    export,
    get_account_codes,
    put_account_code,
]
