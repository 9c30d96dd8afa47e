"""The writes of who pays for whom: one is declined, one is accepted with limits, changed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    _charges(world, orderer, payer, one)
    ask("POST /v1/payer-agreements/{payer_agreement_id}/end", orderer, **one)


def _charges(world: World, orderer: Any, payer: Any, one: dict[str, str]) -> None:
    """One purchase is declined, one is approved; then a standing method is set."""
    ask, stage = world.walk.ask, world.stage
    del orderer
    for decision in ("decline", "approval"):
        quote = ask("POST /v1/quotes", world.purchaser, {"plan_id": str(stage.seat_plan), "quantity": 20})
        bought = {
            "quote_id": quote["id"],
            "billing_profile_id": str(stage.profile),
            "gateway": "payer",
            "payment_method": one["payer_agreement_id"],
        }
        ask("PUT /v1/payer-agreements/{payer_agreement_id}/limits", payer, {"order_limit": 1}, **one)
        purchase = ask("POST /v1/purchases", world.purchaser, bought)
        assert purchase["by_payer"]
        (charge,) = ask("GET /v1/payer-charges", payer, state="asked")["items"]
        said = {"reason": "Not now."} if decision == "decline" else {"payment_method": "sbx_ok"}
        done = ask(f"POST /v1/payer-charges/{{payer_charge_id}}/{decision}", payer, said, payer_charge_id=charge["id"])
        assert done["state"] == ("declined" if decision == "decline" else "approved")
    stage.run()
    method = {"method": {"payment_method": "sbx_ok"}}
    assert ask("PUT /v1/payer-agreements/{payer_agreement_id}/method", payer, method, **one)["gateway"] == "sandbox"
