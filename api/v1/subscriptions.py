"""What recurs: the organization's subscriptions, and whether each goes on after its paid term."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.language import language_of
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page, unchanged
from api.v1.purchases import chosen_gateway
from api.v1.quotes import QuoteOut
from api.v1.subscription_out import TimelineEntryOut
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from orders.checkout.quote_alignment import QuoteAlignment, quote_alignment
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from orders.subscriptions.queries import SubscriptionView, get_subscription, list_subscriptions
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.trial_conversion import ConvertTrial, convert_trial
from orders.subscriptions.trial_extension import EXTEND, ExtendTrial, extend_trial


class AmendmentIn(Wire):
    """Another quantity, another plan of the same listing, or both, from now on; or another end. What is left out stays."""

    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    plan_id: UUID | None = None
    align_with: UUID | None = Field(
        default=None,
        description="Another subscription of the organization: the running term is made longer, to end with a term of that one. "
        "Alone; 422 `alignment_alone` beside a quantity or plan",
    )
    billing_profile_id: UUID | None = Field(
        default=None, description="Whom the invoice will name, which decides the tax. Default: the default profile"
    )


class NextTermIn(Wire):
    """What the next term is to be. What is left out is as it is now: an empty body undoes what was to change."""

    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    plan_id: UUID | None = None


class ConvertTrialIn(Wire):
    """How what follows the trial is paid. Left out: by the method that it began with."""

    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here"
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class PaymentMethodIn(Wire):
    """By what a subscription is paid from now on."""

    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here"
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)]


class ExtendTrialIn(Wire):
    """By how many days: as many as the trial was to have, at most."""

    days: Annotated[StrictInt, Field(json_schema_extra={"minimum": 1, "maximum": 90})]


class ExtendedOut(Out):
    """A trial that goes on."""

    id: UUID
    ends_at: datetime
    auto_renew: Annotated[bool, Meta(description="Whether it converts by itself then")]


class AutoRenewIn(Wire):
    """Whether the next terms are paid for without asking again."""

    auto_renew: bool = Field(
        description="True: the day before a term ends the next one is paid the way the first was, at the price that was told"
    )


@get("/v1/subscriptions", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_subscriptions(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[SubscriptionView]]:
    """Everything the organization has subscribed to, newest first."""
    return list_page(request, paging, list_subscriptions, unchanged)


@get("/v1/subscriptions/{subscription_id:uuid}", permission="orders.read", sync_to_thread=True, tags=["buying"])
def get_one_subscription(subscription_id: FromPath[UUID], request: ApiRequest) -> SubscriptionView:
    """One subscription: until when it is paid for, and what its next term costs once that was told."""
    with request.transaction() as uow:
        return get_subscription(uow, subscription_id)


@get(
    "/v1/subscriptions/{subscription_id:uuid}/timeline",
    permission="orders.read",
    refuses=[404],
    sync_to_thread=True,
    tags=["buying"],
)
def get_timeline(subscription_id: FromPath[UUID], request: ApiRequest) -> list[TimelineEntryOut]:
    """What was paid, told, tried and changed, and what is due next, unless something else comes before: in its order."""
    with request.transaction() as uow:
        return [TimelineEntryOut.of(one) for one in subscription_timeline(uow, subscription_id, "buyer")]


@put(
    "/v1/subscriptions/{subscription_id:uuid}/auto-renew",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_auto_renew(
    subscription_id: FromPath[UUID], data: JSONBody[AutoRenewIn], request: ApiRequest
) -> SubscriptionView:
    """Let a subscription go on after its paid term, or end with it. A renewal that waits for its money already goes on; once its
    term has begun unpaid, `false` ends the subscription at once.
    """

    def work(uow: UnitOfWork) -> SubscriptionView:
        set_auto_renew(uow, subscription_id, wanted=data.auto_renew)
        uow.flush()
        return get_subscription(uow, subscription_id)

    return request.transact(work)


@put(
    "/v1/subscriptions/{subscription_id:uuid}/payment-method",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def put_payment_method(subscription_id: FromPath[UUID], data: JSONBody[PaymentMethodIn], request: ApiRequest) -> None:
    """Pay its next terms and its usage by another method, as all that was bought with it. Nothing is charged now; a renewal
    that waits for its money is asked by it at the next try.
    """
    command = ChangePaymentMethod(subscription_id, chosen_gateway(request.services, data.gateway), data.payment_method)
    request.transact(lambda uow: change_payment_method(uow, command))


@post(
    "/v1/subscriptions/{subscription_id:uuid}/amendment-quotes",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def post_amendment_quote(subscription_id: FromPath[UUID], data: JSONBody[AmendmentIn], request: ApiRequest) -> QuoteOut:
    """What more seats or a larger plan cost for the rest of the term, or a term that ends with another subscription's for the
    time that is added, at the price that was frozen. A purchase placed from the quote costs exactly that, and changes the
    subscription as soon as it is paid. Less is for the next term.
    """
    if data.align_with is None:
        command = QuoteAmendment(subscription_id, data.quantity, data.plan_id, data.billing_profile_id)
        return request.transact(lambda uow: QuoteOut.of(quote_amendment(uow, command), language_of(request)))
    if data.quantity is not None or data.plan_id is not None:
        raise Invalid("alignment_alone", field="align_with")
    aligned = QuoteAlignment(subscription_id, data.align_with, data.billing_profile_id)
    return request.transact(lambda uow: QuoteOut.of(quote_alignment(uow, aligned), language_of(request)))


@put(
    "/v1/subscriptions/{subscription_id:uuid}/next-term",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["buying"],
)
def put_next_term(subscription_id: FromPath[UUID], data: JSONBody[NextTermIn], request: ApiRequest) -> SubscriptionView:
    """Let the next term be of another quantity or plan, or as it is now. Nothing is paid, and nothing changes before it."""

    def work(uow: UnitOfWork) -> SubscriptionView:
        change_next_term(uow, ChangeNextTerm(subscription_id, data.quantity, data.plan_id))
        uow.flush()
        return get_subscription(uow, subscription_id)

    return request.transact(work)


@post(
    "/v1/subscriptions/{subscription_id:uuid}/conversion",
    permission="orders.buy",
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def post_conversion(
    subscription_id: FromPath[UUID], data: JSONBody[ConvertTrialIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[SubscriptionView]:
    """Buy what follows a trial, now, at the price it began with. The paid term begins when the trial ends; the purchase rules
    hold. `renewal_order_id` is its order, until that is paid.
    """
    gateway = chosen_gateway(request.services, data.gateway)

    def work(uow: UnitOfWork) -> SubscriptionView:
        convert_trial(uow, ConvertTrial(subscription_id, gateway, data.payment_method or ""))
        uow.flush()
        return get_subscription(uow, subscription_id)

    return idempotent_command(request, idempotency_key, data, work, status=200)


@post(
    "/v1/seller/subscriptions/{subscription_id:uuid}/trial-extension",
    permission=EXTEND,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def post_trial_extension(
    subscription_id: FromPath[UUID], data: JSONBody[ExtendTrialIn], request: ApiRequest
) -> ExtendedOut:
    """Let a trial of the seller's go on, once. Its buyer is told; price and what follows stay as they were."""
    return request.transact(lambda uow: ExtendedOut.of_row(extend_trial(uow, ExtendTrial(subscription_id, data.days))))


routes = [
    get_subscriptions,
    get_one_subscription,
    get_timeline,
    put_auto_renew,
    put_payment_method,
    post_amendment_quote,
    put_next_term,
    post_conversion,
    post_trial_extension,
]
