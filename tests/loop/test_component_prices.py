"""A price of several parts, from the plan to the invoice: every amount is the engine's, and explained part by part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing.invoices.models import InvoiceLine
from fulfillment.usage.terms import get_usage_terms
from kernel.db.uow import unit_of_work
from kernel.errors import Invalid
from kernel.principal import SYSTEM
from marketplace.pricing.components import MICRO, PlanPrice
from marketplace.pricing.engine import PriceLine, price_term
from orders.order.models import OrderLine
from tests.loop.test_end_of_term import subscriptions
from tests.loop.test_renewals import now, renewals, switch, until
from tests.loop_stage import Stage

PRICE: dict[str, Any] = {
    "currency": "CNY",
    "interval": "month",
    "term_months": 1,
    "components": [
        {"kind": "flat", "amount_minor": 398_000},
        {"kind": "setup", "amount_minor": 50_000},
        {
            "kind": "per_seat",
            "minimum": 20,
            "included": 20,
            "maximum": 500,
            "tiers": [{"up_to": 50, "unit_micro": 19_900 * MICRO}, {"up_to": None, "unit_micro": 15_900 * MICRO}],
        },
    ],
}
FIRST = 398_000 + 50_000 + 50 * 19_900 + 20 * 15_900


def line_of(stage: Stage, order_id: Any) -> OrderLine:
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    return line  # type: ignore[no-any-return]  # the one line there is


class TestComponents:
    def test_the_order_is_priced_by_the_engine_and_keeps_how(self, stage: Stage) -> None:
        plan_id, context = stage.offer(price=PlanPrice.model_validate(PRICE))
        order_id = stage.place(stage.quote(plan_id, 90, context=context))
        stage.run()
        order, line = stage.order(order_id), line_of(stage, order_id)
        assert (order.state, line.list_minor, order.gross_minor) == ("active", FIRST, FIRST)
        assert line.pricing == "mixed"
        assert line.unit_price_minor == 398_000
        parts = [PriceLine.model_validate(part) for part in line.price_lines]
        assert sum(part.amount_minor for part in parts) == line.list_minor
        assert parts == list(price_term(PlanPrice.model_validate(line.price), line.quantity).lines)
        assert stage.entitlement(order_id).seats == 90
        (invoice,) = stage.papers(order_id)
        (printed,) = stage.rows(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        assert (printed.quantity, printed.gross_minor) == (1, FIRST)
        assert "席位 90：50 × ¥199.00 + 20 × ¥159.00 = ¥13,130.00" in printed.description
        assert "Setup: ¥500.00" in printed.description

    def test_a_renewal_does_not_ask_for_the_setup_again(self, stage: Stage) -> None:
        plan_id, context = stage.offer(price=PlanPrice.model_validate(PRICE))
        order_id = stage.place(stage.quote(plan_id, 90, context=context))
        stage.run()
        (subscription,) = subscriptions(stage, order_id)
        switch(stage, subscription, wanted=True)
        until(stage, subscription.ends_at - timedelta(hours=1))
        (renewal,) = renewals(stage, subscription)
        assert (renewal.state, renewal.gross_minor) == ("active", FIRST - 50_000)
        assert now(stage, subscription).quantity == 90

    @pytest.mark.parametrize(
        ("quantity", "code"), [(19, "quantity_out_of_range"), (501, "quantity_out_of_range"), (21, "quantity_step")]
    )
    def test_only_what_is_sold_is_quoted(self, stage: Stage, quantity: int, code: str) -> None:
        price = PlanPrice.model_validate(
            PRICE | {"components": [*PRICE["components"][:2], PRICE["components"][2] | {"step": 5}]}
        )
        plan_id, context = stage.offer(price=price)
        with pytest.raises(Invalid) as refused:
            stage.quote(plan_id, quantity, context=context)
        assert refused.value.code == code

    def test_what_is_metered_is_counted_at_the_price_that_was_bought(self, stage: Stage) -> None:
        calls = {
            "kind": "metered",
            "dimension": "calls",
            "included": 100,
            "tiers": [{"up_to": None, "unit_micro": 5_000}],
        }
        price = PlanPrice.model_validate(PRICE | {"components": [*PRICE["components"], calls]})
        plan_id, context = stage.offer(price=price)
        order_id = stage.place(stage.quote(plan_id, 20, context=context))
        stage.run()
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            terms = get_usage_terms(uow, stage.entitlement(order_id).id)
        assert terms.now.price == price
