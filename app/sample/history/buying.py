"""What buyers do in a market's past, each as one transaction that also counts its step."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from app.sample.history.acts import Accept, AskBack, AskRefund, Banking, Buy, Decide, PayAgain, Service, Use
from app.sample.history.asking_back import asked
from app.sample.history.banking import banked
from app.sample.history.serving import served
from app.sample.history.world import Film, World
from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.record_usage import UsageIn, record_usage
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.principal import Principal
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.priced_line import Context
from orders.checkout.request_payment import pay_again
from orders.order.accept_services import accept_order
from orders.order.models import Order, OrderLine
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund

VISITORS_A_DAY = 7
_VIEWS_OF_100, _CLICKS_OF_100 = 44, 11
Work = Callable[[UnitOfWork], object]


def bought(
    world: World, act: Buy | Decide | PayAgain | Accept | AskRefund | AskBack | Service | Banking
) -> tuple[Principal, Work]:
    """Who does it, and its transaction."""
    match act:
        case Buy():
            return world.purchaser(act.buyer), buy(world, act)
        case Decide():
            return world.approver(act.buyer), decide(act)
        case PayAgain():
            return world.purchaser(act.buyer), pay_with_another(act)
        case Accept():
            return world.purchaser(act.buyer), accept(act)
        case AskRefund():
            return world.purchaser(act.buyer), refund(act)
        case AskBack():
            return asked(world, act)
        case Service():
            return served(world, act)
        case Banking():
            return banked(world, act)


def buy(world: World, act: Buy) -> Work:
    """See a card, ask for a price, place the purchase."""
    film = world.film(act.clip) if act.clip else None
    plan_id, profile_id = world.plan_id(act.product), world.profile_id(act.buyer)

    def work(uow: UnitOfWork) -> None:
        context = Context()
        if film is not None:
            second_ms = (film.start_ms + film.end_ms) // 2
            record_touchpoints(uow, list(_led_there(act, film, second_ms)))
            if act.seen == "bought_inside":
                context = Context(video_id=film.video_id, placement_id=film.placement_id, second_ms=second_ms)
            uow.flush()
        quote = create_quote(uow, CreateQuote((QuoteItem(plan_id, act.quantity),), None, context, coupon=act.coupon))
        uow.flush()
        place_purchase(uow, PlacePurchase(quote.id, profile_id, act.gateway, act.method, act.po_number))

    return work


def decide(act: Decide) -> Work:
    """Approve or reject, where the purchase waits for it."""

    def work(uow: UnitOfWork) -> None:
        purchase = _purchase(uow, act.po_number)
        if purchase.state == "pending_approval":
            decision = DecidePurchase(purchase.id, "rejected" if act.reason else "approved", act.reason)
            decide_purchase(uow, decision)

    return work


def pay_with_another(act: PayAgain) -> Work:
    """Pay what was declined, where it still waits for its payment."""

    def work(uow: UnitOfWork) -> None:
        purchase = _purchase(uow, act.po_number)
        if purchase.state == "pending_payment":
            pay_again(uow, purchase.id, gateway="sandbox", method_token="sbx_ok")  # noqa: S106 - a documented test token

    return work


def accept(act: Accept) -> Work:
    """Accept what was delivered."""
    return lambda uow: _accept(uow, _order(uow, act.po_number))


def refund(act: AskRefund) -> Work:
    """Ask for part or all of the money back, where the order was delivered."""

    def work(uow: UnitOfWork) -> None:
        order = _order(uow, act.po_number)
        if order.state in ("active", "completed"):
            amount_minor = None if act.percent == 100 else order.gross_minor * act.percent // 100
            request_order_refund(uow, RequestOrderRefund(order.id, amount_minor, act.reason))

    return work


def browse(world: World, shown: list[str], seed: int) -> Work:
    """Let visitors scroll through the videos of their day: many are shown, some watched, few of their cards clicked."""
    films = [world.film(key) for key in shown]
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    now = clock.now()

    def work(uow: UnitOfWork) -> None:
        for _ in range(VISITORS_A_DAY if films else 0):
            visitor = f"v{chance.randrange(16**10):010x}"
            at = now - timedelta(minutes=chance.randrange(20, 780))
            some = chance.sample(films, min(len(films), chance.randint(3, 14)))
            record_touchpoints(uow, list(_visit(chance, some, at)), anonymous_id=visitor)

    return work


def _visit(chance: random.Random, films: list[Film], at: datetime) -> Iterator[TouchpointIn]:
    for film in films:
        at += timedelta(seconds=chance.randrange(3, 40))
        yield TouchpointIn(uuid7(), "impression", at, film.video_id)
        if chance.randrange(100) < _VIEWS_OF_100:
            watched_ms = chance.randrange(3_000, 26_000)
            yield TouchpointIn(
                uuid7(), "view", at + timedelta(milliseconds=watched_ms), film.video_id, None, 0, watched_ms
            )
            if chance.randrange(100) < _CLICKS_OF_100 * 100 // _VIEWS_OF_100:
                second_ms = chance.randrange(film.start_ms, film.end_ms)
                yield TouchpointIn(uuid7(), "card_click", at, film.video_id, film.placement_id, second_ms, watched_ms)


def _led_there(act: Buy, film: Film, second_ms: int) -> Iterator[TouchpointIn]:
    """What the purchaser saw before: in the player just now, else some time earlier."""
    now = clock.now()
    at = now - (timedelta(minutes=1) if act.seen == "bought_inside" else timedelta(hours=5, minutes=12))
    yield TouchpointIn(uuid7(), "impression", at, film.video_id)
    yield TouchpointIn(uuid7(), "view", at + timedelta(seconds=24), film.video_id, None, second_ms, 24_000)
    if act.seen in ("bought_inside", "clicked"):
        clicked_at = at + timedelta(seconds=31)
        yield TouchpointIn(uuid7(), "card_click", clicked_at, film.video_id, film.placement_id, second_ms, 31_000)


def _accept(uow: UnitOfWork, order: Order) -> None:
    if order.state == "active":
        accept_order(uow, order.id)


def use(act: Use) -> Work:
    """The acting seller's system reports that so much was used."""

    def work(uow: UnitOfWork) -> None:
        sold = (
            select(Entitlement.id)
            .join(OrderLine, OrderLine.id == Entitlement.reference)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.seller_org_id == uow.principal.organization(), Order.po_number == act.po_number)
        )
        event = UsageIn(
            str(uuid7()), clock.now(), uow.session.scalars(sold).one(), act.dimension, Decimal(act.quantity)
        )
        record_usage(uow, [event])

    return work


def _purchase(uow: UnitOfWork, po_number: str) -> Purchase:
    """The acting buyer's purchase of that number."""
    own = select(Purchase).where(Purchase.buyer_org_id == uow.principal.organization(), Purchase.po_number == po_number)
    return uow.session.scalars(own).one()


def _order(uow: UnitOfWork, po_number: str) -> Order:
    purchase_id: UUID = _purchase(uow, po_number).id
    return uow.session.scalars(select(Order).where(Order.purchase_id == purchase_id)).one()
