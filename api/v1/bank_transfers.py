"""What a payer who pays by bank transfer is to send: for the JSON routes and the pages alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta

from api.request import ApiRequest
from api.schema import MoneyOut, Out
from api.v1.offers import LocaleParameter
from billing.bank.draw_transfer import draw_transfer
from billing.bank.gateway import BankTransferGateway, reference_of
from billing.bank.models import BANK_TRANSFER
from billing.bank.queries import TransferView, find_transfer, find_transfer_file
from kernel.errors import Conflict


class BankTransferOut(Out):
    """A transfer that was asked for: what to send, where to, and by which code it is recognised."""

    id: UUID
    payment_id: UUID
    state: Annotated[
        str, Meta(description="awaited, received in full, withdrawn, or credited: refunded before it was paid")
    ]
    is_owed: Annotated[bool, Meta(description="For what was bought on account and is delivered already")]
    remark_code: Annotated[str, Meta(description="To be written into the transfer's remark")]
    amount: MoneyOut
    missing: Annotated[MoneyOut, Meta(description="What has not come yet")]
    description: str
    payer_name: str
    holder: str
    bank_name: str
    account_number: str
    bank_code: str
    is_virtual: Annotated[bool, Meta(description="The account number is this payment's own")]
    deadline_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, row: TransferView) -> BankTransferOut:
        """From the query's row."""
        return cls.of_row(row, missing=MoneyOut.of(row.missing_minor, row.currency))


@get("/v1/payments/{payment_id:uuid}/transfer", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_transfer(payment_id: FromPath[UUID], request: ApiRequest) -> BankTransferOut:
    """What is to be sent for a payment by bank transfer."""
    with request.transaction() as uow:
        return BankTransferOut.of(find_transfer(uow, payment_id))


@post(
    "/v1/payments/{payment_id:uuid}/transfer/withdraw",
    permission="orders.buy",
    refuses=[409],
    sync_to_thread=True,
    status_code=202,
    tags=["buying"],
)
def withdraw_one(payment_id: FromPath[UUID], request: ApiRequest) -> BankTransferOut:
    """Say that the transfer will not be made, so that the purchase can be paid in another way. The payment fails by a notice."""
    withdraw_transfer(request, payment_id)
    with request.transaction() as uow:
        return BankTransferOut.of(find_transfer(uow, payment_id))


@get(
    "/v1/payments/{payment_id:uuid}/transfer/pdf",
    permission="orders.read",
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["buying"],
)
def download_transfer(payment_id: FromPath[UUID], request: ApiRequest, locale: LocaleParameter = "zh-CN") -> Stream:
    """The request for payment as PDF. It is drawn within seconds of being made."""
    try:
        with request.transaction() as uow:
            found = find_transfer_file(uow, payment_id, locale)
    except Conflict:
        # Its job may have been given up: there is one again.
        request.transact(lambda uow: draw_transfer(uow, find_transfer(uow, payment_id).id))
        raise
    return Stream(
        request.services.storage.stream(found.key),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def withdraw_transfer(request: ApiRequest, payment_id: UUID) -> None:
    """Withdraw what a payer will not send. Done twice, the second changes nothing.

    Raises: NotFound; Conflict `bank_transfer_not_awaited`, the money is here; `owed_not_withdrawn`, of a purchase on account.
    """
    with request.transaction() as uow:
        found = find_transfer(uow, payment_id)
    if found.is_owed:
        raise Conflict("owed_not_withdrawn")
    gateway = request.services.gateways.get(BANK_TRANSFER)
    if found.state == "received" or not isinstance(gateway, BankTransferGateway):
        raise Conflict("bank_transfer_not_awaited", state=found.state)
    gateway.withdraw(reference_of(found.id))


routes = [get_transfer, withdraw_one, download_transfer]
