"""An invoice title that is retired: what was bought keeps it, nothing more is bought with it."""

from __future__ import annotations

from uuid import UUID

import pytest

from kernel.db.uow import unit_of_work
from kernel.errors import Conflict
from marketplace.parties.save_billing_profile import (
    SaveBillingProfile,
    retire_billing_profile,
    save_billing_profile,
)
from tests.loop_stage import Stage


@pytest.fixture
def title(stage: Stage) -> UUID:
    """Another title of the buyer than the default one."""
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        command = SaveBillingProfile(
            "分公司", "91310115MA1K4A2X1N", "CN", "上海", "f@example.test", phone="021-5555666"
        )
        return save_billing_profile(uow, command).id


def retire(stage: Stage, title: UUID) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        retire_billing_profile(uow, title)


def test_what_was_bought_is_invoiced_to_it_all_the_same(stage: Stage, title: UUID) -> None:
    order_id = stage.place(stage.quote(profile=title), profile=title)
    retire(stage, title)
    stage.run()
    (invoice,) = stage.papers(order_id)
    assert (invoice.buyer["legal_name"], invoice.buyer["phone"]) == ("分公司", "021-5555666")


def test_nothing_is_quoted_or_bought_with_it(stage: Stage, title: UUID) -> None:
    quote_id = stage.quote(profile=title)
    retire(stage, title)
    with pytest.raises(Conflict, match="billing_profile_retired"):
        stage.quote(profile=title)
    with pytest.raises(Conflict, match="billing_profile_retired"):
        stage.purchase(quote_id, profile=title)
    # The same price for the default title is still good: nothing was used up.
    (order,) = stage.orders_of(stage.purchase(quote_id))
    assert order.state == "pending_payment"
