"""What buyers and operators write about purchases on account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

LINE = "/v1/operator/credit-lines/{credit_line_id}"


def credit_lines(world: World) -> None:
    """A line is asked for, declined, granted and closed. The clock is frozen by the caller."""
    ask, operator = world.walk.ask, world.operator
    wish = {"currency": "CNY", "limit": 500_000, "reason": "regular orders"}
    line = ask("POST /v1/credit-lines", world.purchaser, wish)
    ask(f"POST {LINE}/decline", operator, {"reason": "too new"}, credit_line_id=line["id"])
    terms = {"org_id": line["org_id"], "currency": "CNY", "limit": 400_000, "reason": "known by now"}
    ask("POST /v1/operator/credit-lines", operator, terms)
    ask(f"POST {LINE}/close", operator, {"reason": "as agreed"}, credit_line_id=line["id"])
