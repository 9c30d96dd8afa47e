"""The writes of who pays for whom: one is declined, one is accepted with limits, changed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def payers(world: World) -> None:
    """The seller pays for the buyer; both can be found by then."""
    ask, stage = world.walk.ask, world.stage
    _, orderer, _ = world.member(stage.buyer, "finance")
    _, payer, _ = world.member(stage.seller, "finance")
    asked = {"organization_id": str(stage.seller.id), "by_payer": False, "currency": "CNY"}
    proposed = ask("POST /v1/payer-agreements", orderer, asked)
    one = {"payer_agreement_id": proposed["id"]}
    assert ask("POST /v1/payer-agreements/{payer_agreement_id}/end", payer, **one)["ended_by_payer"]
    offered = {"organization_id": str(stage.buyer.id), "by_payer": True, "currency": "CNY", "invoice_to": "orderer"}
    one = {"payer_agreement_id": ask("POST /v1/payer-agreements", payer, offered)["id"]}
    accepted = ask("POST /v1/payer-agreements/{payer_agreement_id}/acceptance", orderer, {}, **one)
    assert (accepted["state"], accepted["monthly_limit"]) == ("active", None)
    limits = {"monthly_limit": 5_000_000, "order_limit": 1_000_000}
    changed = ask("PUT /v1/payer-agreements/{payer_agreement_id}/limits", payer, limits, **one)
    assert changed["monthly_limit"]["amount"] == 5_000_000
    ask("POST /v1/payer-agreements/{payer_agreement_id}/end", orderer, **one)
