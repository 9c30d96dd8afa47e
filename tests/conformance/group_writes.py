"""The writes of groups: both ways of asking, every answer, other rights, and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization

if TYPE_CHECKING:
    from tests.conformance.api_walk import Who
    from tests.conformance.test_writes import World

SEATS = "/v1/seat-allocations/{seat_allocation_id}"
ONE = "/v1/group-memberships/{group_membership_id}"


def groups(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for org_id in (stage.buyer.id, stage.seller.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
    _, hq, _ = world.member(stage.buyer, "admin")
    _, member, _ = world.member(stage.seller, "admin")
    asked = {"organization_id": str(stage.seller.id), "as_headquarters": True, "rights": ["see_orders", "pay"]}
    one = ask("POST /v1/group-memberships", hq, asked)["id"]
    ask(f"POST {ONE}/withdraw", hq, group_membership_id=one)
    offered = {"organization_id": str(stage.buyer.id), "as_headquarters": False, "rights": ["see_usage"]}
    one = ask("POST /v1/group-memberships", member, offered)["id"]
    ask(f"POST {ONE}/decline", hq, group_membership_id=one)
    one = ask("POST /v1/group-memberships", hq, asked)["id"]
    given = ask(f"POST {ONE}/acceptance", member, {"rights": ["see_usage"]}, group_membership_id=one)
    assert (given["state"], given["rights"]) == ("active", ["see_usage"])
    _allocated(world, one, hq, member)
    changed = ask(f"PUT {ONE}/rights", member, {"rights": ["see_orders"]}, group_membership_id=one)
    assert changed["rights"] == ["see_orders"]
    ask(f"POST {ONE}/end", member, group_membership_id=one)


def _allocated(world: World, membership_id: str, hq: Who, member: Who) -> None:
    """Seats are allocated, given, taken back, and taken away."""
    ask, stage = world.walk.ask, world.stage
    ask(f"PUT {ONE}/rights", member, {"rights": ["allocate_seats"]}, group_membership_id=membership_id)
    order_id = stage.buy()
    stage.run()
    names = {"entitlement_id": stage.entitlement(order_id).id, "group_membership_id": membership_id}
    put = "PUT /v1/entitlements/{entitlement_id}/allocations/{group_membership_id}"
    (row,) = ask(put, hq, {"seats": 2}, **names)
    person, _, _ = world.member(stage.seller, "viewer")
    seat = ask(f"POST {SEATS}/seats", member, {"person_id": str(person.person())}, seat_allocation_id=row["id"])
    assert ask(f"POST {SEATS}/launch", member, seat_allocation_id=row["id"])["url"]
    both = {"seat_allocation_id": row["id"], "allocated_seat_id": seat["id"]}
    ask(f"DELETE {SEATS}/seats/{{allocated_seat_id}}", member, **both)
    assert ask(put, hq, {"seats": 0}, **names) == []
