"""The writes of a trial: priced, begun, extended, bought."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.loop.test_trials import of_order, trial_plan

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def trials(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    quote = ask("POST /v1/quotes", world.buyer, {"plan_id": str(trial_plan(stage)), "quantity": 2, "trial": True})
    begun = {"quote_id": quote["id"], "billing_profile_id": str(stage.profile)}
    purchase = ask("POST /v1/purchases", world.buyer, begun)
    stage.run()
    subscription = of_order(stage, UUID(purchase["orders"][0]["id"]))
    named = {"subscription_id": subscription.id}
    ask("POST /v1/seller/subscriptions/{subscription_id}/trial-extension", world.seller, {"days": 7}, **named)
    ask("POST /v1/subscriptions/{subscription_id}/conversion", world.buyer, {"payment_method": "sbx_ok"}, **named)
    stage.run()
