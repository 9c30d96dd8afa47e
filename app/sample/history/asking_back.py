"""Money that is asked back after the window in a market's past, step by step, by each of the three sides."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from app.sample.history.acts import AskBack
from app.sample.history.world import World
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from orders.order.models import Order
from orders.refunds.ask_refund import AskForRefund, ask_refund, escalate_refund, withdraw_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund, decide_refund
from orders.refunds.models import RefundCase

Work = Callable[[UnitOfWork], object]


def asked(world: World, act: AskBack) -> tuple[Principal, Work]:
    """Who does it, and its transaction."""
    buyer_id = world.org_id(act.buyer)

    def order(uow: UnitOfWork) -> Order:
        own = select(Order).where(Order.buyer_org_id == buyer_id, Order.po_number == act.po_number)
        return uow.session.scalars(own).one()

    def case(uow: UnitOfWork) -> RefundCase:
        return uow.session.scalars(select(RefundCase).where(RefundCase.order_id == order(uow).id)).one()

    def ask(uow: UnitOfWork) -> object:
        return ask_refund(uow, AskForRefund(order(uow).id, _part(order(uow), act), act.words))

    def grant(uow: UnitOfWork) -> object:
        return answer_refund(uow, DecideRefund(case(uow).id, "grant", _part(order(uow), act), act.words))

    def refusal(uow: UnitOfWork) -> DecideRefund:
        return DecideRefund(case(uow).id, "refuse", None, act.words)

    match act.does:
        case "ask":
            return world.purchaser(act.buyer), ask
        case "withdraw":
            return world.purchaser(act.buyer), lambda uow: withdraw_refund(uow, case(uow).id)
        case "escalate":
            return world.purchaser(act.buyer), lambda uow: escalate_refund(uow, case(uow).id, act.words)
        case "grant":
            return world.seller(act.product), grant
        case "refuse":
            return world.seller(act.product), lambda uow: answer_refund(uow, refusal(uow))
        case "reject":
            return world.operator, lambda uow: decide_refund(uow, refusal(uow))


def _part(order: Order, act: AskBack) -> int:
    return order.gross_minor * act.percent // 100
