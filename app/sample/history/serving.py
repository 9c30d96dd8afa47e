"""What people do for each other in a market's past: services milestone by milestone, and courses lesson by lesson."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from app.sample.history.acts import GiveSeats, Serve, Service, WatchLesson
from app.sample.history.world import World
from fulfillment.courses.report_progress import ReportProgress, report_progress
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.seats import assign_seat
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from marketplace.courses.queries import episodes_of
from orders.milestones.decide import accept_milestone, ask_rework
from orders.milestones.deliver import deliver
from orders.milestones.take_on import take_on
from orders.order.milestones import OrderMilestone
from orders.order.models import Order, OrderLine

Work = Callable[[UnitOfWork], object]


def served(world: World, act: Service) -> tuple[Principal, Work]:
    """Who does it, and its transaction."""
    match act:
        case Serve():
            return _serve(world, act)
        case GiveSeats():
            return world.chief(act.buyer), _give_seats(world, act)
        case WatchLesson():
            return world.somebody(act.buyer, act.role), _watch(world, act)
        case _:
            raise TypeError(type(act).__name__)


def _serve(world: World, act: Serve) -> tuple[Principal, Work]:
    buyer_id = world.org_id(act.buyer)

    def milestone(uow: UnitOfWork) -> OrderMilestone:
        found = (
            select(OrderMilestone)
            .join(Order, Order.id == OrderMilestone.order_id)
            .where(
                Order.buyer_org_id == buyer_id,
                Order.po_number == act.po_number,
                OrderMilestone.position == act.number,
            )
        )
        return uow.session.scalars(found).one()

    def deliver_next(uow: UnitOfWork) -> object:
        one = milestone(uow)
        return deliver(uow, one.id, version=one.version + 1, words=act.words)

    def accept(uow: UnitOfWork) -> object:
        one = milestone(uow)
        return accept_milestone(uow, one.id, version=one.version)

    def rework(uow: UnitOfWork) -> object:
        one = milestone(uow)
        return ask_rework(uow, one.id, version=one.version, words=act.words)

    match act.does:
        case "take_on":
            return world.seller(act.product), lambda uow: take_on(uow, milestone(uow).order_id)
        case "deliver":
            return world.seller(act.product), deliver_next
        case "accept":
            return world.purchaser(act.buyer), accept
        case "rework":
            return world.purchaser(act.buyer), rework


def _give_seats(world: World, act: GiveSeats) -> Work:
    people = [world.somebody(act.buyer, role).person() for role in act.roles]

    def work(uow: UnitOfWork) -> None:
        bought = (
            select(Entitlement.id)
            .join(OrderLine, OrderLine.id == Entitlement.reference)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.buyer_org_id == uow.principal.organization(), Order.po_number == act.po_number)
        )
        entitlement_id: UUID = uow.session.scalars(bought).one()
        for person_id in people:
            assign_seat(uow, entitlement_id, person_id)

    return work


def _watch(world: World, act: WatchLesson) -> Work:
    listing_id = world.listing_id(act.product)

    def work(uow: UnitOfWork) -> None:
        episode = episodes_of(uow, listing_id)[act.lesson - 1]
        position_ms = episode.duration_ms * act.percent // 100
        report_progress(uow, ReportProgress(listing_id, episode.video_id, position_ms))

    return work
