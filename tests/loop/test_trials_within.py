"""A trial beside what else is done with a subscription: changes within the term, its line of life, charges that are ahead."""

from __future__ import annotations

import pytest

from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from orders.subscriptions.schedule import CONVERTS_BEFORE
from orders.subscriptions.sold import get_sold_subscription
from orders.subscriptions.timeline import subscription_timeline
from orders.subscriptions.upcoming import upcoming_charges
from tests.loop.test_renewals import now, until
from tests.loop.test_trials import MONTH_MINOR, convert, trying
from tests.loop_stage import Stage


def test_nothing_of_it_is_changed_until_its_paid_term_has_begun(stage: Stage) -> None:
    _, subscription = trying(stage, trial_needs_method=True)
    more = QuoteAmendment(subscription.id, 25, None)
    fewer = ChangeNextTerm(subscription.id, 18)
    with pytest.raises(Conflict, match="subscription_in_trial"):
        transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, more))
    with pytest.raises(Conflict, match="subscription_in_trial"):
        transact(stage.services.db, stage.purchaser, lambda uow: change_next_term(uow, fewer))
    convert(stage, subscription)
    stage.run()
    with pytest.raises(Conflict, match="renewal_in_progress"):
        transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, more))
    until(stage, subscription.ends_at)
    transact(stage.services.db, stage.purchaser, lambda uow: quote_amendment(uow, more))
    transact(stage.services.db, stage.purchaser, lambda uow: change_next_term(uow, fewer))
    assert now(stage, subscription).next_quantity == 18


def test_what_is_ahead_of_it_is_charged_at_its_end(stage: Stage) -> None:
    _, subscription = trying(stage, trial_needs_method=True)
    converts_at = subscription.ends_at - CONVERTS_BEFORE
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        ahead = [one for one in subscription_timeline(uow, subscription.id, "buyer") if one.is_due]
        first = upcoming_charges(uow)[0]
    assert (ahead[-1].kind, ahead[-1].at) == ("renew", converts_at)
    assert (first.at, first.amount_minor, first.is_told) == (converts_at, MONTH_MINOR, True)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        assert get_sold_subscription(uow, subscription.id).state == "trial"


def test_bought_by_hand_and_not_paid_it_ends_and_nothing_is_tried_after(stage: Stage) -> None:
    _, subscription = trying(stage)
    convert(stage, subscription, "sbx_declined")
    stage.run()
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        ahead = [one.kind for one in subscription_timeline(uow, subscription.id, "buyer") if one.is_due]
    assert ahead[-1] == "end"
    assert not {"retry", "suspend", "terminate", "past_due"} & set(ahead)
