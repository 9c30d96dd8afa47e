"""What payers pay of other organizations' purchases: asked, approved, declined, and month by month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.context import Services
from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from api.v1.analytics import FormatParameter
from api.v1.analytics_file import CSV, XLSX
from api.v1.payer_months_file import months_csv, months_xlsx
from api.v1.purchases import chosen_gateway
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.payment_methods.keep import keeper_of
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.payers.agree import PERMISSION
from orders.checkout.payer_models import PAYER_CHARGE
from orders.payers.decide_charge import PayerWay, approve_charge, decline_charge, set_standing_method
from orders.payers.documents import find_payer_file
from orders.payers.queries import (
    OwnPayer,
    PayerChargeRow,
    PayerMonthRow,
    find_own_payer,
    get_charge,
    list_charges,
    list_months,
    standing_methods,
)


class PayerWayIn(Wire):
    """A payment method of the payer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"payment_method": "sbx_ok"}]})

    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here; neither a transfer nor on account"
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="What the gateway knows the method by"
    )


class StandingMethodIn(Wire):
    """By what purchases within the limit of a purchase are paid without anybody being asked; null: somebody is asked for each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"method": {"payment_method": "sbx_ok"}}]})

    method: PayerWayIn | None = None


class DeclineChargeIn(Wire):
    """Why it is not paid; whoever ordered it reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Not in this year's budget."])]


class StandingMethodOut(Out):
    """The standing method of an agreement."""

    payer_agreement_id: UUID
    gateway: str | None
    payment_method: str | None


class PayerOrderOut(Out):
    """An order that the payer pays."""

    order_id: UUID
    number: str
    seller_name: str
    state: str
    gross: MoneyOut
    titles: Annotated[list[list[str]], Meta(description="Of its lines, in Chinese and in English")]


class PayerDocumentOut(Out):
    """An invoice or credit note of an order that the payer pays."""

    id: UUID
    kind: str
    number: str
    issued_on: date
    gross: MoneyOut
    is_drawn: Annotated[bool, Meta(description="Whether its files can be downloaded")]


class PayerChargeOut(Out):
    """A purchase of another organization that yours pays, or is asked to."""

    id: UUID
    agreement_id: UUID
    org_id: UUID
    org_name: str
    purchase_id: UUID
    state: Annotated[str, Meta(description="`asked`, `approved`, `declined` or `released` (it came to nothing)")]
    purchase_state: str
    payment_state: Annotated[str | None, Meta(description="Of the newest payment, if there is one")]
    amount: MoneyOut
    refunded: MoneyOut
    month: Annotated[date, Meta(description="The first of the month whose limit it uses")]
    decline_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    orders: list[PayerOrderOut]
    documents: list[PayerDocumentOut]

    @classmethod
    def of(cls, row: PayerChargeRow) -> PayerChargeOut:
        """From the query's row."""
        orders = [
            PayerOrderOut(
                order_id=one.order_id,
                number=one.number,
                seller_name=one.seller_name,
                state=one.state,
                gross=MoneyOut.of(one.gross_minor, row.currency),
                titles=[list(title) for title in one.titles],
            )
            for one in row.orders
        ]
        documents = [PayerDocumentOut.of_row(one) for one in row.documents]
        return cls.of_row(row, orders=orders, documents=documents)


class PayerMonthOut(Out):
    """A month of an organization that yours pays for, with tax."""

    month: Annotated[date, Meta(description="Its first day, in your calendar")]
    org_id: UUID
    org_name: str
    agreement_id: UUID
    purchases: int
    ordered: MoneyOut
    refunded: MoneyOut
    limit: Annotated[MoneyOut | None, Meta(description="Of the month that runs; null: none")]
    left: MoneyOut | None

    @classmethod
    def of(cls, row: PayerMonthRow) -> PayerMonthOut:
        """From the query's row."""
        limit, left = (
            None if minor is None else MoneyOut.of(minor, row.currency) for minor in (row.limit_minor, row.left_minor)
        )
        return cls.of_row(row, limit=limit, left=left)


class OwnPayerOut(Out):
    """Who would pay a purchase of yours: `gateway` `payer` with `payment_method` this agreement's id."""

    payer_agreement_id: UUID
    payer_name: str
    invoice_to: str
    currency: str
    order_limit: Annotated[MoneyOut | None, Meta(description="Above it the payer's people approve first; null: none")]
    used: MoneyOut
    left: Annotated[MoneyOut | None, Meta(description="What is left of the month; null: there is no limit")]

    @classmethod
    def of(cls, row: OwnPayer) -> OwnPayerOut:
        """From the query's row."""
        order, left = (
            None if minor is None else MoneyOut.of(minor, row.currency)
            for minor in (row.order_limit_minor, row.month.left_minor)
        )
        return cls(
            payer_agreement_id=row.agreement_id,
            payer_name=row.payer_name,
            invoice_to=row.invoice_to,
            currency=row.currency,
            order_limit=order,
            used=MoneyOut.of(row.month.used_minor, row.currency),
            left=left,
        )


class OwnPayersOut(Out):
    """One at most."""

    items: list[OwnPayerOut]


@get("/v1/payer-charges", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_payer_charges(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(PAYER_CHARGE.states)] = None,
) -> Response[PageOut[PayerChargeOut]]:
    """What your organization pays for others, the newest first. `state=asked` is what waits for its answer."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_charges(uow, **paged)

    return list_page(request, paging, rows, PayerChargeOut.of, state=only)


@get("/v1/payer-charges/{payer_charge_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_payer_charge(payer_charge_id: FromPath[UUID], request: ApiRequest) -> PayerChargeOut:
    """One of them, with its orders."""
    with request.transaction() as uow:
        return PayerChargeOut.of(get_charge(uow, payer_charge_id))


@post(
    "/v1/payer-charges/{payer_charge_id:uuid}/approval",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_payer_approval(
    payer_charge_id: FromPath[UUID], data: JSONBody[PayerWayIn], request: ApiRequest
) -> PayerChargeOut:
    """Pay it by a method of your organization. Charged once this is answered; `payment_state` says what came of it."""
    way = payer_way(request.services, data.gateway, data.payment_method)
    return request.transact(lambda uow: _charge(uow, approve_charge(uow, payer_charge_id, way).id))


@post(
    "/v1/payer-charges/{payer_charge_id:uuid}/decline",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_payer_decline(
    payer_charge_id: FromPath[UUID], data: JSONBody[DeclineChargeIn], request: ApiRequest
) -> PayerChargeOut:
    """Do not pay it. Whoever ordered may pay it or call it off; the month is free of it."""
    return request.transact(lambda uow: _charge(uow, decline_charge(uow, payer_charge_id, data.reason).id))


@put(
    "/v1/payer-agreements/{payer_agreement_id:uuid}/method",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_standing_method(
    payer_agreement_id: FromPath[UUID], data: JSONBody[StandingMethodIn], request: ApiRequest
) -> StandingMethodOut:
    """By what your organization pays, without being asked, purchases within the limit of a purchase."""
    given = data.method
    way = payer_way(request.services, given.gateway, given.payment_method) if given is not None else None

    def work(uow: UnitOfWork) -> StandingMethodOut:
        set_standing_method(uow, payer_agreement_id, way)
        gateway, token = standing_methods(uow).get(payer_agreement_id, (None, None))
        return StandingMethodOut(payer_agreement_id=payer_agreement_id, gateway=gateway, payment_method=token)

    return request.transact(work)


@get(
    "/v1/payer-charges/{payer_charge_id:uuid}/documents/{invoice_id:uuid}/pdf",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["buying"],
)
def download_payer_pdf(payer_charge_id: FromPath[UUID], invoice_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """The document as PDF/A-3 with its XML embedded, as its buyer has it."""
    return _download(request, payer_charge_id, invoice_id, "pdf")


@get(
    "/v1/payer-charges/{payer_charge_id:uuid}/documents/{invoice_id:uuid}/xml",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    media_type="application/xml",
    tags=["buying"],
)
def download_payer_xml(payer_charge_id: FromPath[UUID], invoice_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """The document's EN 16931 XML, as its buyer has it."""
    return _download(request, payer_charge_id, invoice_id, "xml")


@get("/v1/payer-months", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_payer_months(request: ApiRequest) -> list[PayerMonthOut]:
    """By month and organization that yours pays for: ordered, given back, limit and what is left; the newest first."""
    with request.transaction() as uow:
        return [PayerMonthOut.of(one) for one in list_months(uow)]


@get("/v1/payer-months/export", permission=PERMISSION, sync_to_thread=True, media_type=CSV, tags=["buying"])
def export_payer_months(request: ApiRequest, file_format: FormatParameter = "csv") -> Response[bytes]:
    """The same as a table for a spreadsheet: CSV in UTF-8 or XLSX, amounts in whole units of their currency."""
    with request.transaction() as uow:
        months = list_months(uow)
    media_type, body = (CSV, months_csv(months)) if file_format == "csv" else (XLSX, months_xlsx(months))
    headers = {
        "Content-Disposition": f'attachment; filename="payer-months.{file_format}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type=media_type, headers=headers)


@get("/v1/own-payer", permission="orders.buy", sync_to_thread=True, tags=["buying"])
def get_own_payer(request: ApiRequest) -> OwnPayersOut:
    """Who would pay what you buy, and what is left of the month; none where you pay by yourselves."""
    with request.transaction() as uow:
        found = find_own_payer(uow)
    return OwnPayersOut(items=[OwnPayerOut.of(found)] if found is not None else [])


def payer_way(services: Services, gateway: str | None, token: str) -> PayerWay:
    """A method by which nobody has to be there who pays.

    Raises: Invalid `payer_method_unfit`: by transfer, on account, or on the gateway's own page; as `chosen_gateway`.
    """
    chosen = chosen_gateway(services, gateway)
    keeper = keeper_of(services.gateways, chosen)
    led = keeper is not None and token in (keeper.hosted, keeper.hosted_kept)
    if chosen in (BANK_TRANSFER, ON_ACCOUNT) or led:
        raise Invalid("payer_method_unfit", field="payment_method")
    return PayerWay(chosen, token)


def _download(request: ApiRequest, charge_id: UUID, invoice_id: UUID, form: Literal["pdf", "xml"]) -> Stream:
    with request.transaction() as uow:
        found = find_payer_file(uow, charge_id, invoice_id, form)
    # Read after the transaction: nothing outside is asked while it is open.
    return Stream(
        request.services.storage.stream(found.key),
        media_type=f"application/{form}",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _charge(uow: UnitOfWork, charge_id: UUID) -> PayerChargeOut:
    return PayerChargeOut.of(get_charge(uow, charge_id))


routes = [
    get_payer_charges,
    get_payer_charge,
    post_payer_approval,
    post_payer_decline,
    put_standing_method,
    download_payer_pdf,
    download_payer_xml,
    get_payer_months,
    export_payer_months,
    get_own_payer,
]
