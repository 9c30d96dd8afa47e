"""What is written about a disputed payment by all three sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.models import Dispute
from billing.gateways.ports import GatewayRecord, GatewayStatus
from billing.payments.models import Payment
from kernel.db.uow import transact
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from orders.checkout.create_quote import QuoteItem
from orders.order.models import OrderLine
from tests.pictures import picture

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

BOUGHT, SOLD, OURS = (
    "/v1/disputes/{dispute_id}",
    "/v1/seller/disputes/{dispute_id}",
    "/v1/operator/disputes/{dispute_id}",
)


def disputes(world: World) -> None:
    """Half of a payment is disputed: a line is named, both sides say their part, the bank is told."""
    ask, stage = world.walk.ask, world.stage
    _, other, _ = stage.second_seller()
    both = stage.purchase(stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(other, 3))))
    stage.run()
    first = stage.orders_of(both)[0]
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == first.id))
    payment = stage.get(Payment, first.payment_id or both)
    money = Money(1_000, payment.currency)
    record = GatewayRecord(
        GatewayStatus.PENDING, f"sbx_dis_{uuid7().hex}", payment.gateway_reference or "", money, "fraud"
    )
    transact(stage.services.db, SYSTEM, lambda uow: apply_gateway_record(uow, "sandbox", record))
    stage.run()
    (dispute,) = stage.rows(select(Dispute).where(Dispute.payment_id == payment.id))
    named = {"dispute_id": dispute.id}
    shot, form = {"file": picture()}, "multipart/form-data"
    ask(f"PUT {BOUGHT}/words", world.buyer, {"words": "we found the invoice", "withdraws": True}, **named)
    ask(f"PUT {SOLD}/words", world.seller, {"words": "it was opened on the day"}, **named)
    ask(f"POST {BOUGHT}/documents", world.buyer, shot, form, **named)
    ask(f"POST {SOLD}/documents", world.seller, shot, form, **named)
    lines = {"lines": [{"line_id": str(line.id), "amount_minor": 1_000}]}
    ask(f"POST {OURS}/lines", world.operator, lines, **named)
    ask(f"POST {OURS}/evidence", world.operator, {"text": "It was delivered."}, **named)
    stage.run()
