"""The writes of dealers and their end customers: a link is confirmed and ended, one that is known confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

ONE = "/v1/end-customers/{end_customer_id}"


def end_customers(world: World) -> None:
    """The buyer orders for the promoter's organization; the seller can be found by then."""
    ask, stage = world.walk.ask, world.stage
    _, customer, _ = world.member(stage.promoter, "purchaser")
    linked = ask("POST /v1/end-customers", world.purchaser, {"name": "Blue Ocean"})
    assert (linked["org_id"], linked["state"]) == (None, "asked")
    opened = ask("POST /v1/end-customer-links/{code}/confirmation", customer, code=linked["code"])
    assert (opened["state"], opened["is_dealer"], opened["code"]) == ("active", False, None)
    assert ask(f"POST {ONE}/end", world.purchaser, end_customer_id=linked["id"])["ended_by_dealer"]
    asked = ask("POST /v1/end-customers", world.purchaser, {"organization_id": str(stage.seller.id)})
    _, seller, _ = world.member(stage.seller, "purchaser")
    confirmed = ask(f"POST {ONE}/confirmation", seller, end_customer_id=asked["id"])
    assert (confirmed["state"], confirmed["may_confirm"]) == ("active", False)
    assert not ask(f"POST {ONE}/end", seller, end_customer_id=asked["id"])["ended_by_dealer"]
