"""The writes of partners: tiers and a price, both ways of asking, every answer, a move and an end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def partners(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for org_id in (stage.buyer.id, stage.seller.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
        listing_id = str(uow.session.get_one(Plan, stage.seat_plan).listing_id)
    tiers = [
        ask("POST /v1/seller/partner-tiers", world.seller, {"code": code, "name": code, "rank": rank})["id"]
        for rank, code in enumerate(("GOLD", "SILVER"), 1)
    ]
    ask("PUT /v1/seller/partner-tiers/{partner_tier_id}", world.seller, {"name": "金牌"}, partner_tier_id=tiers[0])
    price = ask(
        "POST /v1/seller/partner-tiers/{partner_tier_id}/prices",
        world.seller,
        {"listing_id": listing_id, "discount_ppm": 100_000, "min_quantity": 20, "quantity_step": 5},
        partner_tier_id=tiers[0],
    )
    to_buyer = {"organization_id": str(stage.buyer.id), "tier_id": tiers[0]}
    link = ask("POST /v1/seller/partners", world.seller, to_buyer)["id"]
    ask("POST /v1/partners/{partner_link_id}/withdraw", world.seller, partner_link_id=link)
    link = ask("POST /v1/partners", world.purchaser, {"organization_id": str(stage.seller.id)})["id"]
    ask("POST /v1/partners/{partner_link_id}/decline", world.seller, partner_link_id=link)
    link = ask("POST /v1/seller/partners", world.seller, to_buyer)["id"]
    assert ask("POST /v1/partners/{partner_link_id}/acceptance", world.purchaser, {}, partner_link_id=link)["tier"]
    quote = ask("POST /v1/quotes", world.purchaser, {"plan_id": str(stage.seat_plan), "quantity": 20})
    assert quote["lines"][0]["tier"]["code"] == "GOLD"
    path, body = "{method} /v1/seller/partners/{{partner_link_id}}/territory", {"regions": ["CN-GD", "SG"]}
    set_so = ask(path.format(method="PUT"), world.seller, body, partner_link_id=link)
    assert set_so["territory"]["regions"] == ["CN-GD", "SG"]
    ask(path.format(method="DELETE"), world.seller, partner_link_id=link)
    _order_sheets(world)
    _tier_offers(world, tiers[0])
    moved = {"tier_id": tiers[1]}
    link = ask("PUT /v1/seller/partners/{partner_link_id}/tier", world.seller, moved, partner_link_id=link)["id"]
    ask("POST /v1/partners/{partner_link_id}/end", world.purchaser, partner_link_id=link)
    made = ask("POST /v1/seller/partner-invitations", world.seller, {"tier_id": tiers[0], "name": "dealers"})
    assert (
        ask("POST /v1/partner-invitations/{code}/acceptance", world.purchaser, code=made["code"])["state"] == "accepted"
    )
    revoked = {"partner_invitation_id": made["id"]}
    ask("POST /v1/seller/partner-invitations/{partner_invitation_id}/revocation", world.seller, **revoked)
    _dealer_lists(world)
    ask("POST /v1/referrals/link", world.purchaser)
    ask("POST /v1/seller/tier-prices/{tier_price_id}/end", world.seller, tier_price_id=price["id"])


def _dealer_lists(world: World) -> None:
    """Of pasted lines one is corrected, one left out; sent, mailed again; another is uploaded twice and discarded."""
    ask, seller = world.walk.ask, world.seller
    pasted = {"name": "North", "text": "North,north@dealer.example,gold\nSouth,,silver\n"}
    made = ask("POST /v1/seller/dealer-lists", seller, pasted)
    assert [one["code"] for line in made["lines"] for one in line["faults"]] == ["dealer_line_contact"]
    one = {"dealer_list_id": made["id"]}
    ask("PUT /v1/seller/dealer-lists/{dealer_list_id}/lines", seller, {"lines": [{"number": 1, "name": "N"}]}, **one)
    assert ask("POST /v1/seller/dealer-lists/{dealer_list_id}/leave-out", seller, **one)["left_out"] == 1
    (invited,) = ask("POST /v1/seller/dealer-lists/{dealer_list_id}/send", seller, **one)["invited"]
    path = "POST /v1/seller/partner-invitations/{partner_invitation_id}/mail"
    ask(path, seller, partner_invitation_id=invited["id"])
    with clock.frozen(clock.now() + timedelta(days=4)):
        ask("POST /v1/seller/dealer-lists/{dealer_list_id}/mail", seller, **one)
    form = "multipart/form-data"
    file = {"file": b"name,email,tier\nx,x,x\n"}
    one = {"dealer_list_id": ask("POST /v1/seller/dealer-lists/files", seller, file, form)["id"]}
    ask("POST /v1/seller/dealer-lists/{dealer_list_id}/files", seller, file, form, **one)
    ask("POST /v1/seller/dealer-lists/{dealer_list_id}/discard", seller, **one)


def _order_sheets(world: World) -> None:
    """Of pasted lines one is corrected, one left out; priced, ordered; another is uploaded twice and discarded."""
    ask, buyer, plan = world.walk.ask, world.purchaser, world.stage.seat_plan
    sheet = ask("POST /v1/order-sheets", buyer, {"name": "Q4", "text": f"{plan} 21 Wuhan\nno/such 1\n"})
    assert (sheet["wrong"], sheet["lines"][0]["faults"][0]["code"]) == (2, "partner_step")
    one = {"order_sheet_id": sheet["id"]}
    ask("PUT /v1/order-sheets/{order_sheet_id}/lines", buyer, {"lines": [{"number": 1, "quantity": "20"}]}, **one)
    assert ask("POST /v1/order-sheets/{order_sheet_id}/leave-out", buyer, **one)["left_out"] == 1
    (quote,) = ask("POST /v1/order-sheets/{order_sheet_id}/quotes", buyer, {}, **one)["quotes"]
    paid = {"billing_profile_id": str(world.stage.profile), "payment_method": "sbx_ok"}
    done = ask("POST /v1/order-sheets/{order_sheet_id}/order", buyer, paid, **one)
    assert [order["gross"] for order in done["orders"]] == [quote["gross"]]
    form = "multipart/form-data"
    one = {"order_sheet_id": ask("POST /v1/order-sheets/files", buyer, {"file": b"code,quantity\nx,1\n"}, form)["id"]}
    ask("POST /v1/order-sheets/{order_sheet_id}/files", buyer, {"file": b"code;quantity\nx;2\n"}, form, **one)
    ask("POST /v1/order-sheets/{order_sheet_id}/discard", buyer, **one)


def _tier_offers(world: World, tier_id: str) -> None:
    """One is sent and taken back; one below the floor is approved."""
    ask = world.walk.ask
    _, seller, _ = world.member(world.stage.seller, "admin")
    offered = {
        "tier_id": tier_id,
        "plan_id": str(world.stage.seat_plan),
        "quantity": 20,
        "discount_ppm": 100_000,
        "valid_on": (clock.today("UTC") + timedelta(days=30)).isoformat(),
    }
    sent = ask("POST /v1/seller/tier-offers", seller, offered)
    assert sent["sent"] == 1
    ask("POST /v1/seller/tier-offers/{tier_offer_id}/withdrawal", seller, tier_offer_id=sent["id"])
    ask("PUT /v1/seller/offer-floors", world.seller, {"listing_id": None, "floor_ppm": 850_000})
    waits = ask("POST /v1/seller/tier-offers", seller, offered | {"discount_ppm": 200_000})
    decided = {"decision": "approved"}
    _, approver, _ = world.member(world.stage.seller, "admin")
    ask("POST /v1/seller/tier-offers/{tier_offer_id}/decision", approver, decided, tier_offer_id=waits["id"])
    ask("PUT /v1/seller/offer-floors", world.seller, {"listing_id": None, "floor_ppm": None})
