"""What is written about money that is asked back after the window, by all three sides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from billing.store_credit.models import StoreCredit
from billing.store_credit.move_credit import CreditPart, give_credit
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.factories_marketplace import make_seller
from tests.pictures import picture

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

CASE, SOLD, OURS = (
    "/v1/refund-cases/{case_id}",
    "/v1/seller/refund-cases/{case_id}",
    "/v1/operator/refund-cases/{case_id}",
)


def refund_cases(world: World) -> None:
    """One is refused, taken further and decided; one is withdrawn. The clock is frozen by the caller, and moved."""
    ask, stage = world.walk.ask, world.stage
    plan_id, card = stage.offer(refund_window_days=0)
    orders = [stage.place(stage.quote(plan_id, context=card)) for _ in range(4)]
    stage.run()
    clock.advance(timedelta(seconds=1))
    wanted = {"amount_minor": 5_000, "reason": "not as shown"}
    first, second, third, fourth = (
        ask("POST /v1/orders/{order_id}/refund-cases", world.buyer, wanted, order_id=order_id)["id"]
        for order_id in orders
    )
    shot, form = {"file": picture()}, "multipart/form-data"
    ask(f"POST {CASE}/evidence", world.buyer, shot, form, case_id=first)
    ask(f"POST {SOLD}/evidence", world.seller, shot, form, case_id=first)
    ask(f"POST {SOLD}/decide", world.seller, {"decision": "refuse", "words": "as agreed"}, case_id=first)
    ask(f"POST {CASE}/escalate", world.buyer, {"appeal": "the video says otherwise"}, case_id=first)
    granted = {"decision": "grant", "amount_minor": 2_500, "words": "both were heard"}
    ask(f"POST {OURS}/decide", world.operator, granted, case_id=first)
    ask(f"POST {CASE}/withdraw", world.buyer, case_id=second)
    for case_id, accept in ((third, True), (fourth, False)):
        ask(f"POST {SOLD}/decide", world.seller, {"decision": "credit", "words": "credit instead?"}, case_id=case_id)
        ask(f"POST {CASE}/credit", world.buyer, {"accept": accept}, case_id=case_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        # With a seller of whom nothing goes on.
        other = make_seller(uow)
        give_credit(uow, stage.buyer.id, "CNY", CreditPart(uuid7(), orders[0], other.id, 5_000))
        credit_id = uow.session.scalars(select(StoreCredit.id).where(StoreCredit.seller_org_id == other.id)).one()
    ask("POST /v1/store-credits/{credit_id}/payback", world.buyer, credit_id=credit_id)
