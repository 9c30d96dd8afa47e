"""A subscription's steps by the clock: notices, the order for its next term, what follows when nobody pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, inspect, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.parties.lookups import ask_billing_profile, find_default_billing_profile, get_billing_profile
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.approval_reasons import Needed
from orders.checkout.models import PURCHASE, Purchase
from orders.checkout.order_rows import line_row, order_row, profile_as_kept
from orders.checkout.payer_charges import is_invoiced
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import request_payment
from orders.order.locking import lines_of, lock_began
from orders.order.models import ENDED_UNPAID, ORDER, Attribution, Order, OrderLine, SaleTerms, Subscription
from orders.subscriptions.calendar import next_step_of, steps_ahead
from orders.subscriptions.events import RenewalRefused, SubscriptionNoticed, TrialEndsSoon
from orders.subscriptions.past_due import ask_again, lock_renewal, take_past_due_step
from orders.subscriptions.quote_renewal import quote_renewal
from orders.subscriptions.schedule import TERMINATED_AFTER, SubscriptionStep
from orders.subscriptions.trial_quote import price_again

AT_ONCE = 500
TOGETHER = 16
"""Steps that one transaction takes."""
_PURCHASE = Read(select(Purchase).where(Purchase.id == bindparam("purchase_id")))
_QUOTE = Read(select(Quote).where(Quote.id == bindparam("quote_id")))
_ATTRIBUTION = Read(select(Attribution).where(Attribution.order_line_id == bindparam("line_id")))
_SALE_TERMS = Read(select(SaleTerms).where(SaleTerms.order_line_id == bindparam("line_id")))


def due_subscriptions(uow: UnitOfWork) -> Sequence[UUID]:
    """Subscriptions with a step that is due, the longest due first."""
    return uow.session.scalars(
        select(Subscription.id)
        .where(
            state_in(Subscription.state, "active", "past_due"),
            Subscription.next_step_at.is_not(None),
            Subscription.next_step_at <= clock.now(),
            lives_now(Subscription.buyer_org_id),
        )
        .order_by(Subscription.next_step_at, Subscription.id)
        .limit(AT_ONCE)
    ).all()


def take_step(uow: UnitOfWork, subscription_id: UUID) -> bool:
    """Take the step of a subscription that is due; of several that were missed the last one. Returns False when none is.

    Locks: an open purchase of its next term, the order that began it, the subscription. Emits: SubscriptionNoticed,
    RenewalRefused; what ends a subscription. Idempotent by: `next_step_at`, which moves on with the step.
    """
    renewal = lock_renewal(uow, subscription_id)
    found = lock_subscription(uow, subscription_id)
    if found is None:
        return False
    subscription, _, order = found
    now = clock.now()
    if subscription.state == "ended" or subscription.next_step_at is None or subscription.next_step_at > now:
        return False
    if subscription.state == "past_due":
        take_past_due_step(uow, subscription, order, renewal)
        return True
    due = [step for step in steps_ahead(subscription) if step.at <= now]
    subscription.next_step_at = next_step_of(subscription)
    if due and (due[-1].kind != "notice" or subscription.ends_at > now):
        _take(uow, subscription, order, renewal, due[-1])
    return True


def _take(
    uow: UnitOfWork, subscription: Subscription, order: Order, renewal: Purchase | None, step: SubscriptionStep
) -> None:
    """A notice, or the order for the next term, or its money asked for again; each needs to know what the term costs."""
    if not subscription.goes_on:
        _notice(uow, subscription, step.days, None)
        return
    first = uow.find(_PURCHASE, purchase_id=order.purchase_id)
    ask_billing_profile(uow, UUID(first.billing_profile["id"]))
    quote = _known_quote(uow, subscription)
    if quote is None:
        try:
            quote = quote_renewal(uow, subscription, invoiced_to(uow, first))
        except DomainError as error:
            subscription.auto_renew, subscription.next_step_at = False, None
            emit(uow, RenewalRefused(subscription_id=subscription.id, **_sides(subscription), reason=error.code))
            return
        subscription.renewal_quote_id = quote.id
    if step.kind == "notice":
        _notice(uow, subscription, step.days, quote.id)
    elif quote.used_at is None:
        place_renewal(uow, subscription, order, first, quote)
    elif step.kind == "retry" and renewal is not None:
        ask_again(uow, renewal)


@dataclass(frozen=True, slots=True)
class BoughtByHand:
    """How somebody who may buy pays for a next term now, and why that waits for an approver, where it does."""

    gateway: str
    method_token: str
    requested_by: UUID | None
    deadline_at: datetime
    needed: Needed
    usage_period_id: UUID | None = None
    """Where it is no term that is paid for, but what was used."""
    instalment_id: UUID | None = None
    """Where it is a further instalment of a term."""
    next_try_at: datetime | None = None
    """Then, when it is asked for again."""
    billing_profile: dict[str, Any] | None = None
    """Then, whom it is invoiced to, as a purchase keeps it: also where that title is not in use any more."""


def place_renewal(uow: UnitOfWork, subscription: Subscription, began: Order, first: Purchase, quote: Quote) -> Order:
    """The purchase and order of the next term, for whom and by what the first one was paid; its payment is asked for.

    Who gets what of it, and to which video it is owed, is as in the first sale. It asks no approver again: whoever may buy
    has agreed beforehand, and can undo that until now.
    """
    how = BoughtByHand(
        first.gateway, first.method_token, first.requested_by, subscription.ends_at + TERMINATED_AFTER, Needed()
    )
    purchase, order = place_next_term(uow, subscription, began, first, quote, how)
    copy_sale_terms(uow, order, subscription.order_line_id)
    request_payment(uow, purchase, [order])
    return order


def place_next_term(
    uow: UnitOfWork, subscription: Subscription, began: Order, first: Purchase, quote: Quote, how: BoughtByHand
) -> tuple[Purchase, Order]:
    """The purchase and order of the next term. Its payment is not asked for, and its sale terms, which are not the buyer's to
    see, are not copied yet.
    """
    now = clock.now()
    quote.used_at = now
    lines = [PricedLine.model_validate(one) for one in quote.lines]
    profile_id = InvoiceParty.model_validate(quote.invoice_party).billing_profile_id
    assert profile_id is not None  # noqa: S101 - a renewal is priced for a title
    purchase = Purchase(
        id=uuid7(),
        buyer_org_id=quote.buyer_org_id,
        quote_id=quote.id,
        currency=quote.currency,
        net_minor=quote.net_minor,
        tax_minor=quote.tax_minor,
        gross_minor=quote.gross_minor,
        billing_profile=how.billing_profile or profile_as_kept(get_billing_profile(uow, profile_id)),
        po_number=first.po_number,
        department_id=subscription.department_id,
        requested_by=how.requested_by,
        gateway=how.gateway,
        method_token=how.method_token,
        approval_reasons=[reason.stored() for reason in how.needed.reasons],
        approval_steps=[step.stored() for step in how.needed.steps],
        deadline_at=how.deadline_at,
        next_try_at=how.next_try_at,
        created_at=now,
    )
    state = "pending_approval" if how.needed.reasons else "pending_payment"
    PURCHASE.begin(uow, purchase, state, org_ids=[purchase.buyer_org_id])
    uow.add(purchase)
    order = order_row(purchase, lines, began.buyer_name)
    order.subscription_id = subscription.id
    order.usage_period_id, order.instalment_id = how.usage_period_id, how.instalment_id
    ORDER.begin(uow, order, purchase.state, org_ids=order.parties)
    uow.add(order)
    for priced in lines:
        line = line_row(uuid7(), order, priced)
        uow.add(line)
        _copy(uow, _ATTRIBUTION, subscription.order_line_id, line.id)
    return purchase, order


def copy_sale_terms(uow: UnitOfWork, order: Order, first_line_id: UUID) -> None:
    """Who gets what of a next term is as in the line that began the subscription."""
    uow.flush()
    for line in lines_of(uow, order.id):
        _copy(uow, _SALE_TERMS, first_line_id, line.id)


def _copy(uow: UnitOfWork, read: Read, first_line_id: UUID, line_id: UUID) -> None:
    (row,) = uow.fetch(read, line_id=first_line_id)
    copied = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    uow.add(type(row)(**copied | {"id": uuid7(), "order_line_id": line_id}))


def _known_quote(uow: UnitOfWork, subscription: Subscription) -> Quote | None:
    """What the next term costs, where that was told. Of a trial whose purchase came to nothing it is told again: it stays."""
    if subscription.renewal_quote_id is None:
        return None
    if subscription.is_trial and _came_to_nothing(uow, subscription.renewal_quote_id):
        subscription.renewal_quote_id = price_again(uow, subscription)
    quote = uow.held(Quote, subscription.renewal_quote_id)
    return quote if quote is not None else _read_quote(uow, subscription.renewal_quote_id)


def _read_quote(uow: UnitOfWork, quote_id: UUID) -> Quote | None:
    found: Quote | None = uow.find(_QUOTE, quote_id=quote_id)
    return found


def _came_to_nothing(uow: UnitOfWork, quote_id: UUID) -> bool:
    ended = select(Purchase.id).where(Purchase.quote_id == quote_id, Purchase.state.in_(ENDED_UNPAID))
    return uow.session.scalar(ended) is not None


def invoiced_to(uow: UnitOfWork, first: Purchase) -> UUID:
    """Whom the first purchase was invoiced to; the organization's default title once that is not in use any more, or is that of
    a payer that does not pay any more.
    """
    named = UUID(first.billing_profile["id"])
    try:
        title = get_billing_profile(uow, named)
        if title.org_id != first.buyer_org_id and not is_invoiced(uow, first, title.org_id):
            raise NotFound("billing_profile_not_found")
        return title.id
    except DomainError:
        default = find_default_billing_profile(uow, first.buyer_org_id)
        return named if default is None else default.id


def _notice(uow: UnitOfWork, subscription: Subscription, days: int, quote_id: UUID | None) -> None:
    noticed = SubscriptionNoticed(
        subscription_id=subscription.id,
        **_sides(subscription),
        days=days,
        quote_id=quote_id,
        trial=subscription.is_trial,
        contract=subscription.contract_terms_left == 0,
    )
    emit(uow, noticed)
    if subscription.is_trial:
        soon = TrialEndsSoon(subscription_id=subscription.id, **_sides(subscription), days=days, quote_id=quote_id)
        emit(uow, soon)


def _sides(subscription: Subscription) -> dict[str, UUID]:
    return {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}


_WITH_LINE = Read(
    select(Subscription, OrderLine)
    .join(OrderLine, OrderLine.id == Subscription.order_line_id)
    .where(Subscription.id == bindparam("subscription_id"))
    .with_for_update(of=Subscription)
)


def lock_subscription(uow: UnitOfWork, subscription_id: UUID) -> tuple[Subscription, OrderLine, Order] | None:
    """A subscription with the line and the order that began it. Locks: the order, the subscription."""
    order = lock_began(uow, subscription_id)
    if order is None:
        return None
    found = uow.find(_WITH_LINE, subscription_id=subscription_id)
    return found.Subscription, found.OrderLine, order
