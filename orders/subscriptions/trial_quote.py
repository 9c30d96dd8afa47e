"""What a trial costs afterwards: the price that was told when it began, as the quote of the term that follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from kernel.db.uow import UnitOfWork
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.quote_row import quote_row
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.schedule import TERMINATED_AFTER
from orders.trials.models import Trial
from orders.trials.take_trial import trial_of_line


def begun_trial(uow: UnitOfWork, line: OrderLine) -> Trial | None:
    """The trial that a line begins. Most begin none, and are not asked for one."""
    return trial_of_line(uow, line.id) if line.plan.get("trial_days") else None


def price_again(uow: UnitOfWork, subscription: Subscription) -> UUID:
    """The quote of what follows a locked subscription's trial, where the one before was used in vain."""
    trial = trial_of_line(uow, subscription.order_line_id)
    assert trial is not None  # noqa: S101 - a subscription in a trial has begun with one
    quote = frozen_quote(uow, trial, subscription.ends_at)
    uow.flush()
    return quote.id


def frozen_quote(uow: UnitOfWork, trial: Trial, ends_at: datetime) -> Quote:
    """The price of the term after a trial. It holds for as long as that term could be paid for, an extension included."""
    line = PricedLine.model_validate(trial.full_line)
    buyer, until = (
        InvoiceParty.model_validate(trial.invoice_party),
        ends_at + TERMINATED_AFTER + timedelta(days=trial.days),
    )
    return uow.add(quote_row([line], buyer, buyer_org_id=trial.buyer_org_id, expires_at=until))
