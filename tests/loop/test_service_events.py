"""Both sides' systems are told of tickets and conversations, and each of nothing that is the other's."""

from __future__ import annotations

from typing import Any

from kernel.db.uow import transact, unit_of_work
from kernel.principal import Principal
from marketplace.webhooks.queries import list_events
from orders.conversations.work import hand_over
from orders.conversations.write import WriteMessage, write_to_customer, write_to_seller
from orders.outgoing_events.publish_events import PUBLISH
from orders.tickets.work_ticket import OpenTicket, close_ticket, open_ticket, write_on_ticket
from tests.loop_stage import Stage


def _events(stage: Stage, who: Principal) -> list[dict[str, Any]]:
    with unit_of_work(stage.services.db, who) as uow:
        found = [dict(one) for one in list_events(uow, "https://market.example", limit=100).items]
    return [one for one in found if str(one["type"]).partition(".")[0] in ("ticket", "conversation")]


def test_systems_are_told_of_tickets_and_conversations(stage: Stage) -> None:
    order_id, db = stage.buy(), stage.services.db
    stage.run()
    buyer, seller = stage.buyer.owner, stage.seller.owner
    asked = OpenTicket(order_id, "A seat", "It does not open.", "high")
    ticket_id = transact(db, buyer, lambda uow: open_ticket(uow, asked).id)
    transact(db, seller, lambda uow: write_on_ticket(uow, ticket_id, "Try again.").id)
    transact(db, buyer, lambda uow: write_on_ticket(uow, ticket_id, "Still not.").id)
    transact(db, seller, lambda uow: write_on_ticket(uow, ticket_id, "Now it does.", resolves=True).id)
    transact(db, buyer, lambda uow: close_ticket(uow, ticket_id, rating=4).id)
    said = transact(db, buyer, lambda uow: write_to_seller(uow, stage.seller.id, WriteMessage("Do you train?")))
    thread_id = said.conversation_id
    transact(db, seller, lambda uow: hand_over(uow, thread_id, seller.person()).id)
    transact(db, seller, lambda uow: write_to_customer(uow, stage.buyer.id, WriteMessage("We do.")).id)
    for _ in range(2):
        stage.tick(PUBLISH)

    bought, sold = _events(stage, buyer), _events(stage, seller)
    tickets = ["opened", "written", "written", "resolved", "closed"]
    both = [f"ticket.{one}" for one in tickets] + ["conversation.message_sent", "conversation.message_sent"]
    assert [one["type"] for one in bought] == both
    assert [one["type"] for one in sold] == [*both[:6], "conversation.handed_over", both[6]]
    assert [one["data"].get("side") for one in bought] == [None, "seller", "buyer", "seller", None, "buyer", "seller"]
    assert bought[4]["data"]["rating"] == 4
    assert {one["data"]["ticket_id"] for one in bought[:5]} == {str(ticket_id)}
    assert (bought[0]["data"]["severity"], bought[0]["data"]["order_id"]) == ("high", str(order_id))
    assert sold[6]["data"]["person_id"] == str(seller.person())
    # What was written, and by which person, is in neither log.
    assert "does" not in str(bought) + str(sold)
    assert str(buyer.person()) not in str(sold)
    assert _events(stage, stage.promoter.owner) == []
