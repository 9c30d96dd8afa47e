"""What is sold changes: usage is counted at another price, from a term or from the next period on, and no more for nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, update

from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.models import MeteredTerms, UsagePeriod
from fulfillment.usage.terms import UsageTerms, set_usage_terms, usage_terms
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.pricing.components import PlanPrice


def end_trial(uow: UnitOfWork, entitlement: Entitlement, at: datetime) -> None:
    """What a locked entitlement in a trial is used for from `at` on is to be paid."""
    if entitlement.trial_days:
        uow.session.execute(
            update(MeteredTerms)
            .where(MeteredTerms.entitlement_id == entitlement.id, MeteredTerms.starts_at.is_(None))
            .values(tried_until=at)
        )


def price_term_usage(uow: UnitOfWork, entitlement: Entitlement, price: PlanPrice, starts_at: datetime) -> None:
    """A term of a locked entitlement was bought: from its start on usage is counted at its price, and a trial before it is over.

    Idempotent by the content.
    """
    end_trial(uow, entitlement, starts_at)
    _put(uow, entitlement.id, _terms(uow, entitlement), price, starts_at)


def price_changed_usage(uow: UnitOfWork, entitlement: Entitlement, price: PlanPrice) -> None:
    """The plan of a locked entitlement was changed within its term: its usage is counted at that price from the next period on.

    What was not metered before is from now on.
    """
    terms = _terms(uow, entitlement)
    _put(uow, entitlement.id, terms, price, terms.period_at(clock.now()).ends_at if terms else clock.now())


def take_back_usage_price(uow: UnitOfWork, entitlement: Entitlement) -> None:
    """What a locked entitlement was changed to last went back: the price before counts again, from the next period on."""
    terms = _terms(uow, entitlement)
    if terms is not None and len(terms.prices) > 1:
        _put(uow, entitlement.id, terms, terms.prices[-2].price, terms.period_at(clock.now()).ends_at)


def _put(
    uow: UnitOfWork, entitlement_id: UUID, terms: UsageTerms | None, price: PlanPrice, starts_at: datetime
) -> None:
    """Let periods that begin at an instant or later be of this price. Those that were opened keep theirs."""
    if terms is None:
        if price.metered:
            set_usage_terms(uow, entitlement_id, price, starts_at=starts_at)
        return
    latest = terms.prices[-1]
    if latest.starts_at == starts_at:
        unused = ~exists().where(UsagePeriod.terms_id == latest.id)
        changed = {"price": price.model_dump(mode="json")}
        uow.session.execute(update(MeteredTerms).where(MeteredTerms.id == latest.id, unused).values(changed))
    elif latest.price != price:
        set_usage_terms(uow, entitlement_id, price, latest.units, starts_at=starts_at)


def _terms(uow: UnitOfWork, entitlement: Entitlement) -> UsageTerms | None:
    uow.flush()
    return usage_terms(uow, [entitlement.id]).get(entitlement.id)
