"""A whole house for the loop's tests: composed as in production, a real seller process, and a hand on every callback."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.context import Services
from app.composition import compose
from app.engines.embedded import Addresses
from fulfillment.connectors.save_connector import SaveConnector, save_connector
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.receive_callback import receive_callback
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.jobs.models import EventRow
from kernel.jobs.run import drain
from kernel.principal import SYSTEM, Principal
from kernel.settings import Settings
from marketplace.people.permissions import permissions_of
from orders.agreements.models import Order, OrderLine
from orders.purchases.place_purchase import PlacePurchase, place_purchase
from orders.quotes.give_quote import Asked, GiveQuote, give_quote
from orders.quotes.lines import Context
from tests.adapters.seller_process import SECRET, Seller
from tests.factories_marketplace import (
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    one_off_plan,
    per_seat_plan,
)

BUYER = frozenset(permissions_of(["purchaser", "finance", "viewer"]))


@dataclass
class Stage:
    """Organizations of one test, and what they do."""

    services: Services
    seller_app: Seller
    seller: Org
    promoter: Org
    buyer: Org
    purchaser: Principal
    approver: Principal
    seat_plan: UUID
    service_plan: UUID
    video: UUID
    placement: UUID
    profile: UUID
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    def quote(self, plan_id: UUID | None = None, quantity: int = 20, *, principal: Principal | None = None) -> UUID:
        """Ask for a price from inside the video, at second 7."""
        context = Context(video_id=self.video, placement_id=self.placement, second_ms=7_000)
        with unit_of_work(self.services.db, principal or self.purchaser) as uow:
            return give_quote(uow, GiveQuote((Asked(plan_id or self.seat_plan, quantity),), None, context)).id

    def buy(
        self,
        plan_id: UUID | None = None,
        quantity: int = 20,
        *,
        method: str = "sbx_ok",
        principal: Principal | None = None,
    ) -> UUID:
        """Buy from the video; returns the order's id. Nothing runs yet."""
        quote_id = self.quote(plan_id, quantity, principal=principal)
        return self.place(quote_id, method=method, principal=principal)

    def place(self, quote_id: UUID, *, method: str = "sbx_ok", principal: Principal | None = None) -> UUID:
        """Accept a quote; returns the id of its first order."""
        command = PlacePurchase(quote_id, self.profile, "sandbox", method, "PO-7")
        purchase = transact(self.services.db, principal or self.purchaser, lambda uow: place_purchase(uow, command))
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return uow.session.scalars(select(Order.id).where(Order.purchase_id == purchase.id)).one()

    def run(self) -> None:
        """Run whatever is due until nothing is."""
        drain(self.services.db)

    def order(self, order_id: UUID) -> Order:
        """The order as it stands."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return uow.session.get_one(Order, order_id)

    def entitlement(self, order_id: UUID) -> Entitlement:
        """The entitlement of the order's only line."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return uow.session.scalars(
                select(Entitlement)
                .join(OrderLine, OrderLine.id == Entitlement.reference)
                .where(OrderLine.order_id == order_id)
            ).one()

    def seller_log(self, order_id: UUID) -> dict[str, Any]:
        """What the seller's own log says of the order's entitlement."""
        return self.seller_app.log(str(self.entitlement(order_id).id))

    def call_back(self, token: str, body: bytes) -> bool:
        """Deliver a seller's callback as the edge would."""
        return transact(
            self.services.db, SYSTEM, lambda uow: receive_callback(uow, token, body, signer=self.services.signer)
        )

    def topics(self, *, since: int = 0) -> list[str]:
        """Topics of the facts this test's organizations took part in, in the order they were recorded."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            rows = uow.session.scalars(
                select(EventRow)
                .where(EventRow.org_ids.overlap([self.buyer.id]))
                .order_by(EventRow.occurred_at, EventRow.id)
            ).all()
        return [row.topic.removesuffix(".v1") for row in rows][since:]


def services_for(addresses: Addresses, folder: Path, *, sample_seller_port: int) -> Services:
    """The composition of production over a test database; calls to loopback sellers are allowed."""
    settings = Settings(
        database_url=addresses.database_url,
        market_home=folder,
        base_url="https://market.example",
        sample_seller_port=sample_seller_port,
        payment_gateways=("sandbox",),
    )
    return compose(settings)


def set_stage(services: Services, seller_app: Seller) -> Stage:
    """A seller with two plans and a connector, a promoter whose video places them, a buyer with its people."""
    with unit_of_work(services.db, SYSTEM) as uow:
        seller, promoter, buyer = make_seller(uow), make_seller(uow), make_org(uow)
        connector = _connect(uow, services, seller, seller_app)
        seat_plan = make_plans(uow, seller, per_seat_plan(connector_id=connector))[0]
        service_plan = make_plans(uow, seller, one_off_plan(connector_id=connector), kind="service")[0]
        video, placement = make_published_video(uow, promoter, seat_plan)
        purchaser = make_member(uow, buyer, "purchaser", "finance")
        approver = make_member(uow, buyer, "approver")
        profile = _profile(uow, buyer)
        return Stage(
            services,
            seller_app,
            seller,
            promoter,
            buyer,
            purchaser,
            approver,
            seat_plan.id,
            service_plan.id,
            video.id,
            placement.id,
            profile,
        )


def _connect(uow: UnitOfWork, services: Services, seller: Org, seller_app: Seller) -> UUID:
    with acting(uow, seller.owner):
        saved = save_connector(
            uow,
            SaveConnector("test", "webhook", f"{seller_app.address}/webhooks/marketplace/northwind", SECRET),
            box=services.secrets,
            policy=services.outbound_policy,
        )
    return saved.id


def _profile(uow: UnitOfWork, buyer: Org) -> UUID:
    from marketplace.organizations.models import BillingProfile

    return uow.session.scalars(select(BillingProfile.id).where(BillingProfile.org_id == buyer.id)).one()
