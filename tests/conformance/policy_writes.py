"""The writes of share policies: one is drafted, changed and published, another is discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

FAR = "2190-01-01T00:00:00Z"
"""No sale of a test is made then."""


def share_policies(world: World) -> None:
    ask, operator = world.walk.ask, world.operator
    path = "/v1/operator/share-policies"
    draft = ask(f"POST {path}", operator, {})
    rules = [*draft["rules"], {**draft["rules"][0], "seller_id": str(world.stage.seller.id), "commission_ppm": 90_000}]
    said = {"rules": rules, "reason": "试行", "reason_en": "A trial"}
    put = ask(f"PUT {path}/{{share_policy_version_id}}", operator, said, share_policy_version_id=draft["id"])
    assert len(put["rules"]) == len(draft["rules"]) + 1
    published = ask(
        f"POST {path}/{{share_policy_version_id}}/publish",
        operator,
        {"effective_at": FAR},
        share_policy_version_id=draft["id"],
    )
    assert (published["state"], published["effective_at"]) == ("published", FAR)
    other = ask(f"POST {path}", operator, {})
    ask(f"POST {path}/{{share_policy_version_id}}/discard", operator, share_policy_version_id=other["id"])
