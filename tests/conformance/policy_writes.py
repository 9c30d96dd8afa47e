"""The writes of share policies: one is drafted, changed and published, another is discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from tests.factories_marketplace import make_plans, per_seat_plan

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


def promoter_plans(world: World) -> None:
    """Plans beside each other; one promoter is invited and says no, one asks and is let in; all ends. The clock is frozen."""
    ask, stage = world.walk.ask, world.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = make_plans(uow, stage.seller, per_seat_plan())[0].listing_id
        for org_id in (stage.promoter.id, stage.buyer.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
    made = "POST /v1/seller/promoter-plans"
    wanted = {"listing_id": str(listing_id), "kind": "general", "rate_ppm": 100_000}
    general = ask(made, world.seller, wanted)["id"]
    caps = {"order_cap_minor": 100_000, "month_cap_minor": 900_000, "currency": "CNY"}
    chain = {"distributor_org_id": str(stage.buyer.id), "distributor_ppm": 20_000}
    plan_id = ask(made, world.seller, wanted | {"kind": "targeted", "rate_ppm": 200_000} | caps | chain)["id"]
    answered, ended = (f"POST /v1/promoter-memberships/{{promoter_membership_id}}/{act}" for act in ("answer", "end"))
    invited = ask(
        f"{made}/{{promoter_plan_id}}/promoters",
        world.seller,
        {"organization_id": str(stage.promoter.id)},
        promoter_plan_id=plan_id,
    )["id"]
    ask(answered, world.promoter, {"accept": False}, promoter_membership_id=invited)
    asked = ask("POST /v1/promoter/plans/{promoter_plan_id}/application", world.promoter, promoter_plan_id=plan_id)[
        "id"
    ]
    ask(answered, world.seller, {"accept": True}, promoter_membership_id=asked)
    ask(ended, world.promoter, promoter_membership_id=asked)
    for one in (plan_id, general):
        ask(f"{made}/{{promoter_plan_id}}/end", world.seller, promoter_plan_id=one)
