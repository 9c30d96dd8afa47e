"""Payouts by bank: batches, their files, their approval, and what banks report of them. The operators' desk."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import CurrencyIn, MoneyOut, Out, PageOut, Paging, Wire, list_page
from api.v1.onboarding import FORM_OVERHEAD, DocumentForm
from billing.payout_batches.debtor import SANDBOX_DEBTORS
from billing.payout_batches.decide_batch import approve_batch, discard_batch, send_batch
from billing.payout_batches.draft_batch import DraftBatch, draft_batch
from billing.payout_batches.import_report import ImportedReport, ImportPayoutReport, import_report
from billing.payout_batches.queries import (
    BatchedPayout,
    PayoutBatchRow,
    PayoutReportLineRow,
    PayoutReportRow,
    WaitingPayouts,
    batch_file,
    get_batch,
    get_report,
    list_batches,
    list_reports,
    list_waiting,
)
from billing.payout_batches.read_report import MAX_BYTES
from kernel.db.uow import UnitOfWork
from marketplace.onboarding.payable_account import confirm_holder

PAYS = "operator.payouts"
XML = "application/xml"


class WaitingPayoutsOut(Out):
    """What waits for a batch in one currency."""

    payouts: int
    amount: MoneyOut

    @classmethod
    def of(cls, row: WaitingPayouts) -> WaitingPayoutsOut:
        """From the query's row."""
        return cls.of_row(row, amount=MoneyOut.of(row.amount_minor, row.currency))


class DraftBatchIn(Wire):
    """Draft a batch of what waits in this currency."""

    currency: CurrencyIn


class PayoutBatchOut(Out):
    """Transfers that are given to a bank as one file."""

    id: UUID
    state: Annotated[
        str,
        Meta(description="drafted, approved, sent; then settled (all paid), partly or failed; or discarded"),
    ]
    payouts: int
    control_sum: MoneyOut
    needs_second_person: Annotated[
        bool, Meta(description="Approved by somebody who neither drafted it nor had a hand in its accounts")
    ]
    execution_on: date
    drafted_by: UUID | None
    approved_by: UUID | None
    approved_at: datetime | None
    sent_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: PayoutBatchRow) -> PayoutBatchOut:
        """From the query's row."""
        return PayoutBatchOut.of_row(row, control_sum=MoneyOut.of(row.control_sum_minor, row.currency))


class BatchedPayoutOut(Out):
    """A payout of a batch."""

    payout_id: UUID
    org_id: UUID
    statement_id: UUID
    statement_number: str
    amount: MoneyOut
    holder: str
    bank_name: str
    country: str
    account_last4: str
    state: str
    error_code: str | None
    stale: Annotated[bool, Meta(description="Its account was replaced since: the batch must not go out")]

    @classmethod
    def of(cls, row: BatchedPayout) -> BatchedPayoutOut:
        """From the query's row."""
        return cls.of_row(row, amount=MoneyOut.of(row.amount_minor, row.currency))


class PayoutBatchDetailOut(PayoutBatchOut):
    """A batch with its payouts, in the order of its file."""

    items: list[BatchedPayoutOut]

    @classmethod
    def of_detail(cls, row: PayoutBatchRow, payouts: list[BatchedPayout]) -> PayoutBatchDetailOut:
        """From the query's rows."""
        return cls.of_row(
            row,
            control_sum=MoneyOut.of(row.control_sum_minor, row.currency),
            items=[BatchedPayoutOut.of(one) for one in payouts],
        )


class DraftedOut(Out):
    """The batch; none when every payout that waited had to be given up (its statement is to be paid anew)."""

    batch: PayoutBatchDetailOut | None


class PayoutReportLineOut(Out):
    """What a bank said of one transfer, and what followed."""

    position: int
    payout_id: UUID | None
    org_id: UUID | None
    end_to_end_id: str
    says: Annotated[str, Meta(description="paid, failed, returned or pending")]
    reason: Annotated[str, Meta(description="The bank's code for why, of ISO 20022's external code sets")]
    reference: str
    amount: MoneyOut | None
    outcome: Annotated[
        str,
        Meta(
            description="applied, known (it changes nothing), pending, not_ours, not_sent, amount_differs, "
            "contradicts (paid after it had failed: see incidents)"
        ),
    ]

    @classmethod
    def of(cls, row: PayoutReportLineRow) -> PayoutReportLineOut:
        """From the query's row."""
        has_amount = row.amount_minor is not None and row.currency is not None
        amount = MoneyOut.of(row.amount_minor or 0, row.currency or "") if has_amount else None
        return cls.of_row(row, amount=amount)


class PayoutReportOut(Out):
    """A file that a bank gave."""

    id: UUID
    kind: str
    message_id: str
    file_name: str
    lines: int
    created_at: datetime

    @classmethod
    def of(cls, row: PayoutReportRow) -> PayoutReportOut:
        """From the query's row."""
        return cls.of_row(row)


class PayoutReportDetailOut(Out):
    """A file with its lines. Without an id it was a dry run; `is_new` is false when the same file was imported before."""

    id: UUID | None
    kind: str
    message_id: str
    is_new: bool
    items: list[PayoutReportLineOut]

    @classmethod
    def of(cls, found: ImportedReport) -> PayoutReportDetailOut:
        """From what was imported."""
        items = [
            PayoutReportLineOut.of_row(one, amount=MoneyOut.of_money(one.amount) if one.amount else None)
            for one in found.lines
        ]
        return cls(id=found.report_id, kind=found.kind, message_id=found.message_id, is_new=found.is_new, items=items)


@get("/v1/operator/waiting-payouts", permission=PAYS, sync_to_thread=True, tags=["operator"])
def get_waiting_payouts(request: ApiRequest) -> list[WaitingPayoutsOut]:
    """What is to be paid by bank and waits for a batch, by currency."""
    with request.transaction() as uow:
        return [WaitingPayoutsOut.of(row) for row in list_waiting(uow)]


@get("/v1/operator/payout-batches", permission=PAYS, sync_to_thread=True, tags=["operator"])
def get_payout_batches(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PayoutBatchOut]]:
    """Batches, newest first."""
    return list_page(request, paging, list_batches, PayoutBatchOut.of)


@post("/v1/operator/payout-batches", permission=PAYS, refuses=[409], sync_to_thread=True, tags=["operator"])
def create_payout_batch(data: JSONBody[DraftBatchIn], request: ApiRequest) -> DraftedOut:
    """Put what waits in a currency into a new batch. Repeated, nothing waits any more."""

    def work(uow: UnitOfWork) -> DraftedOut:
        batch_id = draft_batch(uow, drafting(request, data.currency))
        return DraftedOut(batch=_detail(uow, batch_id) if batch_id is not None else None)

    return request.transact(work)


@get("/v1/operator/payout-batches/{batch_id:uuid}", permission=PAYS, sync_to_thread=True, tags=["operator"])
def get_payout_batch(batch_id: FromPath[UUID], request: ApiRequest) -> PayoutBatchDetailOut:
    """A batch with its payouts."""
    with request.transaction() as uow:
        return _detail(uow, batch_id)


@post(
    "/v1/operator/payout-batches/{batch_id:uuid}/approve",
    permission=PAYS,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def approve(batch_id: FromPath[UUID], request: ApiRequest) -> PayoutBatchDetailOut:
    """Say that a batch may go out; above the limit that is for a person who is not involved."""

    def work(uow: UnitOfWork) -> PayoutBatchDetailOut:
        approve_batch(uow, batch_id)
        return _detail(uow, batch_id)

    return request.transact(work)


@post(
    "/v1/operator/payout-batches/{batch_id:uuid}/send",
    permission=PAYS,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def send(batch_id: FromPath[UUID], request: ApiRequest) -> PayoutBatchDetailOut:
    """Hand an approved batch over: from now on its file can be had, and its payouts are under way."""

    def work(uow: UnitOfWork) -> PayoutBatchDetailOut:
        send_batch(uow, batch_id)
        return _detail(uow, batch_id)

    return request.transact(work)


@post(
    "/v1/operator/payout-batches/{batch_id:uuid}/discard",
    permission=PAYS,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def discard(batch_id: FromPath[UUID], request: ApiRequest) -> PayoutBatchDetailOut:
    """Give up a batch that has not gone out: its payouts wait for another."""

    def work(uow: UnitOfWork) -> PayoutBatchDetailOut:
        discard_batch(uow, batch_id)
        return _detail(uow, batch_id)

    return request.transact(work)


@get(
    "/v1/operator/payout-batches/{batch_id:uuid}/file",
    media_type=XML,
    permission=PAYS,
    refuses=[409],
    sync_to_thread=True,
    tags=["operator"],
)
def get_batch_file(batch_id: FromPath[UUID], request: ApiRequest) -> Response[bytes]:
    """The file for the bank (ISO 20022 pain.001.001.09) of a batch that was handed over; the same bytes every time."""
    with request.transaction() as uow:
        content = batch_file(uow, batch_id, request.services.secrets)
    prefix = "SANDBOX-" if request.services.sandbox else ""
    headers = {
        "Content-Disposition": f'attachment; filename="{prefix}payouts-{batch_id.hex}.xml"',
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=XML, headers=headers)


@get("/v1/operator/payout-reports", permission=PAYS, sync_to_thread=True, tags=["operator"])
def get_payout_reports(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PayoutReportOut]]:
    """Files that banks gave, newest first."""
    return list_page(request, paging, list_reports, PayoutReportOut.of)


@post(
    "/v1/operator/payout-reports",
    permission=PAYS,
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[409, 413],
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def create_payout_report(
    data: Annotated[DocumentForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
    *,
    dry_run: Annotated[
        bool, QueryParameter(name="dry_run", required=False, description="Say what would follow, and change nothing")
    ] = False,
) -> PayoutReportDetailOut:
    """Take a bank's file (pain.002, camt.053 or camt.054) as the part `file` of a form: all of it, or nothing."""
    return PayoutReportDetailOut.of(take_report(request, data.file, dry_run=dry_run))


@get("/v1/operator/payout-reports/{payout_report_id:uuid}", permission=PAYS, sync_to_thread=True, tags=["operator"])
def get_payout_report(payout_report_id: FromPath[UUID], request: ApiRequest) -> PayoutReportDetailOut:
    """A file with its lines."""
    with request.transaction() as uow:
        row, lines = get_report(uow, payout_report_id)
    items = [PayoutReportLineOut.of(line) for line in lines]
    return PayoutReportDetailOut(id=row.id, kind=row.kind, message_id=row.message_id, is_new=False, items=items)


@post(
    "/v1/operator/payout-accounts/{account_id:uuid}/confirm-holder",
    permission=PAYS,
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def confirm_account_holder(account_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take an account whose holder is called otherwise than its organization for its own."""
    request.transact(lambda uow: confirm_holder(uow, account_id))


def drafting(request: ApiRequest, currency: str) -> DraftBatch:
    """The command, with this installation's accounts and limit; pages use it too."""
    settings = request.services.settings
    debtors = settings.payout_bank_accounts or (SANDBOX_DEBTORS if request.services.sandbox else "")
    return DraftBatch(currency, debtors, settings.payout_second_person_above)


def take_report(request: ApiRequest, upload: UploadFile, *, dry_run: bool) -> ImportedReport:
    """Import an uploaded file; pages use it too."""
    content = upload.file.read(MAX_BYTES + 1)
    command = ImportPayoutReport(upload.filename, content, dry_run)
    return request.transact(lambda uow: import_report(uow, command))


def _detail(uow: UnitOfWork, batch_id: UUID) -> PayoutBatchDetailOut:
    return PayoutBatchDetailOut.of_detail(*get_batch(uow, batch_id))


routes = [
    get_waiting_payouts,
    get_payout_batches,
    create_payout_batch,
    get_payout_batch,
    approve,
    send,
    discard,
    get_batch_file,
    get_payout_reports,
    create_payout_report,
    get_payout_report,
    confirm_account_holder,
]
