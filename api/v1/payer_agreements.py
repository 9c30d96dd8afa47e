"""Who pays for whom: agreements by which one organization pays for what another orders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page
from kernel.db.uow import UnitOfWork
from marketplace.payers.agree import (
    MOST_MINOR,
    PERMISSION,
    PayerLimits,
    ProposeAgreement,
    accept_agreement,
    change_limits,
    end_agreement,
    propose_agreement,
)
from marketplace.payers.queries import PayerAgreementRow, get_agreement, list_agreements

LimitMinor = Annotated[StrictInt, Field(ge=0, le=MOST_MINOR)]
_LIMITS: JsonDict = {"monthly_limit": 5_000_000, "order_limit": 1_000_000}


class PayerLimitsIn(Wire):
    """In minor units of the agreement's currency, with tax; null: no limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LIMITS]})

    monthly_limit: LimitMinor | None = Field(
        default=None, description="How much may be ordered in a month of the payer's calendar"
    )
    order_limit: LimitMinor | None = Field(
        default=None, description="What one purchase may cost before somebody of the payer approves it"
    )

    def limits(self) -> PayerLimits:
        """As the command takes them."""
        return PayerLimits(self.monthly_limit, self.order_limit)


class ProposePayerIn(PayerLimitsIn):
    """Which organization pays, or is paid for. The payer sets the limits: those of the other side are a wish."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_id": "019ad000-0000-7000-8000-000000000007",
                    "by_payer": True,
                    "currency": "CNY",
                    "invoice_to": "payer",
                    **_LIMITS,
                }
            ]
        }
    )

    organization_id: UUID
    by_payer: bool = Field(description="Whether your organization pays for that one; else that one is asked to pay")
    currency: Annotated[str, Field(min_length=3, max_length=3, examples=["CNY"])]
    invoice_to: Literal["payer", "orderer"] = Field(
        default="payer", description="Whose title the invoices bear: the payer's, or that of whoever ordered"
    )

    def command(self) -> ProposeAgreement:
        """As the command takes it."""
        return ProposeAgreement(self.organization_id, self.by_payer, self.currency, self.invoice_to, self.limits())


class AcceptPayerIn(Wire):
    """`limits`: the payer's alone; without them those hold that were proposed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limits": _LIMITS}]})

    limits: PayerLimitsIn | None = None


class PayerAgreementOut(Out):
    """An agreement by which `payer_org_id` pays for what `org_id` orders."""

    id: UUID
    org_id: UUID
    org_name: str
    payer_org_id: UUID
    payer_name: str
    state: Annotated[str, Meta(description="`proposed`, `active` or `ended`")]
    is_payer: Annotated[bool, Meta(description="Whether your organization pays")]
    by_payer: Annotated[bool, Meta(description="Whether the payer proposed it")]
    may_answer: Annotated[bool, Meta(description="Whether it waits for your organization")]
    by_right: Annotated[
        bool,
        Meta(description="Whether a headquarters pays by a right that its subsidiary gave it: nobody had to accept it"),
    ]
    invoice_to: Annotated[str, Meta(description="`payer` or `orderer`: whose title the invoices bear")]
    currency: str
    monthly_limit: MoneyOut | None
    order_limit: MoneyOut | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    ended_by_payer: bool | None

    @classmethod
    def of(cls, row: PayerAgreementRow) -> PayerAgreementOut:
        """From the query's row."""
        monthly, order = (
            None if minor is None else MoneyOut.of(minor, row.currency)
            for minor in (row.monthly_limit_minor, row.order_limit_minor)
        )
        return cls.of_row(row, monthly_limit=monthly, order_limit=order)


@get("/v1/payer-agreements", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_payer_agreements(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[PayerAgreementOut]]:
    """Who pays for your organization, and for whom it pays; the newest first, ended ones too."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_agreements(uow, **paged)

    return list_page(request, paging, rows, PayerAgreementOut.of)


@post("/v1/payer-agreements", permission=PERMISSION, refuses=[404, 409], sync_to_thread=True, tags=["buying"])
def post_payer_agreement(
    data: JSONBody[ProposePayerIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[PayerAgreementOut]:
    """Propose that one of the two pays for the other. Nobody is charged before the other side agrees.

    A subsidiary that gave its headquarters the right to pay has agreed: it is `active` at once.
    """
    command = data.command()

    def work(uow: UnitOfWork) -> PayerAgreementOut:
        return _shown(uow, propose_agreement(uow, command).id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/payer-agreements/{payer_agreement_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["buying"])
def get_payer_agreement(payer_agreement_id: FromPath[UUID], request: ApiRequest) -> PayerAgreementOut:
    """One agreement, for either side."""
    with request.transaction() as uow:
        return _shown(uow, payer_agreement_id)


@post(
    "/v1/payer-agreements/{payer_agreement_id:uuid}/acceptance",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_payer_acceptance(
    payer_agreement_id: FromPath[UUID], data: JSONBody[AcceptPayerIn], request: ApiRequest
) -> PayerAgreementOut:
    """Say yes to the side that proposed it. A payer may set its limits with it."""
    limits = data.limits.limits() if data.limits is not None else None
    return request.transact(lambda uow: _shown(uow, accept_agreement(uow, payer_agreement_id, limits).id))


@put(
    "/v1/payer-agreements/{payer_agreement_id:uuid}/limits",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_payer_limits(
    payer_agreement_id: FromPath[UUID], data: JSONBody[PayerLimitsIn], request: ApiRequest
) -> PayerAgreementOut:
    """Let other limits hold from now on. What was ordered under the old ones stays. The payer's alone."""
    return request.transact(lambda uow: _shown(uow, change_limits(uow, payer_agreement_id, data.limits()).id))


@post(
    "/v1/payer-agreements/{payer_agreement_id:uuid}/end",
    permission=PERMISSION,
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def post_payer_end(payer_agreement_id: FromPath[UUID], request: ApiRequest) -> PayerAgreementOut:
    """End it, say no to it, or take it back. Ended already, nothing changes."""
    return request.transact(lambda uow: _shown(uow, end_agreement(uow, payer_agreement_id).id))


def _shown(uow: UnitOfWork, agreement_id: UUID) -> PayerAgreementOut:
    return PayerAgreementOut.of(get_agreement(uow, agreement_id))


routes = [
    get_payer_agreements,
    post_payer_agreement,
    get_payer_agreement,
    post_payer_acceptance,
    put_payer_limits,
    post_payer_end,
]
