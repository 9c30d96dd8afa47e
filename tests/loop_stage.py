"""A whole house for the loop's tests: composed as in production, a real seller process, and a hand on every callback."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from api.context import Services
from app.composition import compose
from app.embedded.engines import Addresses
from app.scheduler import run_sweep
from billing.documents.renderer_pool import RendererPool
from billing.documents.subprocess_renderer import SubprocessRenderer
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.models import Refund
from billing.shares.models import Share
from billing.shares.release import RELEASE
from billing.statements.models import Statement
from fulfillment.connectors.save_connector import SaveConnector, save_connector
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from fulfillment.runs.receive_callback import receive_callback
from fulfillment.runs.request_body import CALLBACK, CALLBACK_KEPT
from kernel import clock
from kernel.db.base import Base
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import EventRow
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM, Principal
from kernel.settings import Settings
from marketplace.access.permissions import permissions_of
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.parties.models import BillingProfile
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.models import Purchase
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.priced_line import Context
from orders.order.models import Order, OrderLine
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund
from orders.tracing.model import Trace
from orders.tracing.trace import trace
from tests.adapters.seller_process import OTHER_SECRET, SECRET, Seller
from tests.emptied import tell_when_emptied
from tests.factories_billing import close_due
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    one_off_plan,
    per_seat_plan,
    words,
)
from tests.witness import witness_all

BUYER = frozenset(permissions_of(["purchaser", "finance", "viewer"]))
SETTLED = timedelta(days=8)
"""Longer than the hold of a share: after it a statement may close."""
RENDERERS = RendererPool(make=partial(SubprocessRenderer, niceness=0))
"""One for every composition of a test process: a child takes a second to start. Tests wait for what it draws, so it hurries."""
M = TypeVar("M", bound=Base)


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
    video: UUID
    placement: UUID
    profile: UUID
    connector: UUID

    @cached_property
    def service_plan(self) -> UUID:
        """A one-off plan for a service of the seller. Made when it is asked for: few tests do, and it is a sixth of a stage."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            plan = one_off_plan(connector_id=self.connector)
            return make_plans(uow, self.seller, plan, kind="service")[0].id

    # ── offering ─────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(
        self, seller: Org | None = None, *, refund_window_days: int = 7, data_kept_days: int = 30, **changes: Any
    ) -> tuple[UUID, Context]:
        """Another per-seat plan of the seller, on a video of the promoter; returns it, and where its card is."""
        values = {"connector_id": self.connector} | changes
        text = replace(words(), refund_window_days=refund_window_days, data_kept_days=data_kept_days)
        with unit_of_work(self.services.db, SYSTEM) as uow:
            (plan,) = make_plans(uow, seller or self.seller, per_seat_plan(**values), text=text)
            video, card = make_published_video(uow, self.promoter, plan)
            return plan.id, Context(video_id=video.id, placement_id=card.id, second_ms=7_000)

    def second_seller(self) -> tuple[Org, UUID, Context]:
        """Another seller with a plan and a connector, to the same program's other vendor (`contoso`)."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            seller = make_seller(uow)
            connector = connect(uow, self.services, seller, self.seller_app, vendor="contoso", secret=OTHER_SECRET)
        return (seller, *self.offer(seller, connector_id=connector))

    # ── buying ───────────────────────────────────────────────────────────────────────────────────────────────────

    def touch(self, kind: str = "card_click", second_ms: int = 6_000) -> UUID:
        """The purchaser sees or clicks the card; returns the touchpoint's id."""
        touchpoint = TouchpointIn(uuid7(), kind, clock.now(), self.video, self.placement, second_ms)
        with unit_of_work(self.services.db, self.purchaser) as uow:
            assert record_touchpoints(uow, [touchpoint]).accepted == 1
        return touchpoint.id

    def quote(
        self,
        plan_id: UUID | None = None,
        quantity: int = 20,
        *,
        principal: Principal | None = None,
        lines: tuple[QuoteItem, ...] | None = None,
        context: Context | None = None,
        profile: UUID | None = None,
    ) -> UUID:
        """Ask for a price, by default from inside the video at second 7 and for the default invoice title."""
        where = context or Context(video_id=self.video, placement_id=self.placement, second_ms=7_000)
        asked = lines or (QuoteItem(plan_id or self.seat_plan, quantity),)
        with unit_of_work(self.services.db, principal or self.purchaser) as uow:
            return create_quote(uow, CreateQuote(asked, None, where, profile)).id

    def buy(
        self,
        plan_id: UUID | None = None,
        quantity: int = 20,
        *,
        method: str = "sbx_ok",
        principal: Principal | None = None,
        department_id: UUID | None = None,
    ) -> UUID:
        """Buy from the video; returns the order's id. Nothing runs yet."""
        quote_id = self.quote(plan_id, quantity, principal=principal)
        return self.place(quote_id, method=method, principal=principal, department_id=department_id)

    def place(self, quote_id: UUID, **how: Any) -> UUID:
        """Accept a quote of one seller, as `purchase`; returns the id of its only order."""
        (order,) = self.orders_of(self.purchase(quote_id, **how))
        return order.id

    def purchase(
        self,
        quote_id: UUID,
        *,
        method: str = "sbx_ok",
        principal: Principal | None = None,
        profile: UUID | None = None,
        department_id: UUID | None = None,
    ) -> UUID:
        """Accept a quote; returns the purchase's id."""
        command = PlacePurchase(quote_id, profile or self.profile, "sandbox", method, "PO-7", department_id)
        return transact(
            self.services.db, principal or self.purchaser, lambda uow: place_purchase(uow, command).purchase.id
        )

    def refund(self, order_id: UUID, amount_minor: int | None = None, *, reason: str = "not needed") -> UUID:
        """The buyer asks for money back; returns the refund's id."""
        command = RequestOrderRefund(order_id, amount_minor, reason)
        return transact(self.services.db, self.purchaser, lambda uow: request_order_refund(uow, command).id)

    # ── time and work ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, *, documents: bool = False) -> None:
        """Run whatever is due until nothing is; drawing documents only on demand, as it takes its seconds."""
        drain(self.services.db, queues=("default", "media", "documents") if documents else ("default", "media"))

    def tick(self, kind: str, *, documents: bool = False) -> None:
        """Do a sweep now, as the scheduler would, and whatever follows."""
        run_sweep(self.services.db, next(item for item in sweeps() if item.name == kind))
        self.run(documents=documents)

    def settle(self) -> None:
        """Let the hold of shares pass, and close the statements of this test's seller and promoter."""
        clock.advance(SETTLED)
        self.tick(RELEASE)
        for org in (self.seller, self.promoter):
            self.close(org)

    def close(self, org: Org) -> list[UUID]:
        """Close a party's statement as of now; returns the new ones."""
        closed = close_due(self.services.db, org.id)
        self.run()
        assert closed.refused == ()
        return list(closed.statement_ids)

    def pay_out(self, statement_id: UUID) -> Payout:
        """Pay a statement; returns the payout as it ended."""
        command = PayOut(statement_id, "sandbox", "sbx_acct_ok")
        payout_id = transact(self.services.db, OPERATOR_PRINCIPAL, lambda uow: pay_out(uow, command))
        self.run()
        return self.get(Payout, payout_id)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, model: type[M], row_id: UUID) -> M:
        """A row as it stands."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return uow.session.get_one(model, row_id)

    def rows(self, statement: Any) -> list[Any]:
        """The rows of a select, as the platform."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return list(uow.session.scalars(statement))

    def order(self, order_id: UUID) -> Order:
        """The order as it stands."""
        return self.get(Order, order_id)

    def orders_of(self, purchase_id: UUID) -> list[Order]:
        """The orders of a purchase, one per seller."""
        return self.rows(select(Order).where(Order.purchase_id == purchase_id).order_by(Order.id))

    def purchase_of(self, order_id: UUID) -> Purchase:
        """The purchase of an order as it stands."""
        return self.get(Purchase, self.order(order_id).purchase_id)

    def payments(self, purchase_id: UUID) -> list[Payment]:
        """The payments tried for a purchase, the first one first."""
        return self.rows(select(Payment).where(Payment.reference == purchase_id).order_by(Payment.id))

    def refunds(self, order_id: UUID) -> list[Refund]:
        """The refunds of an order, the first one first."""
        return self.rows(select(Refund).where(Refund.reference == order_id).order_by(Refund.id))

    def shares(self, order_id: UUID) -> dict[str, Share]:
        """The shares of an order's only line, by kind."""
        return {share.kind: share for share in self.rows(select(Share).where(Share.group_reference == order_id))}

    def papers(self, reference: UUID, kind: str = "invoice") -> list[Invoice]:
        """Documents of an order, or of a statement."""
        found = select(Invoice).where(Invoice.reference == reference, Invoice.kind == kind)
        return self.rows(found.order_by(Invoice.id))

    def statements(self, org: Org) -> list[Statement]:
        """A party's statements, the first one first."""
        return self.rows(select(Statement).where(Statement.org_id == org.id).order_by(Statement.ends_at))

    def entitlement(self, order_id: UUID) -> Entitlement:
        """The entitlement of the order's only line."""
        lines = select(OrderLine.id).where(OrderLine.order_id == order_id)
        (found,) = self.rows(select(Entitlement).where(Entitlement.reference.in_(lines)))
        assert isinstance(found, Entitlement)
        return found

    def delivery(self, order_id: UUID) -> Run:
        """The run that provisions the order's only line."""
        runs = select(Run).where(Run.entitlement_id == self.entitlement(order_id).id, Run.operation == "provision")
        (found,) = self.rows(runs)
        assert isinstance(found, Run)
        return found

    def trace(self, principal: Principal, any_id: UUID) -> Trace:
        """The chain around an id as the principal sees it."""
        with unit_of_work(self.services.db, principal) as uow:
            return trace(uow, any_id)

    def topics(self, org: Org | None = None) -> list[str]:
        """Topics of the trade an organization (the buyer) took part in, in the order they were recorded."""
        facts = select(EventRow).where(EventRow.org_ids.overlap([(org or self.buyer).id]))
        rows: list[EventRow] = self.rows(facts.order_by(EventRow.occurred_at, EventRow.id))
        return [row.topic.removesuffix(".v1") for row in rows if not row.topic.startswith("marketplace.")]

    # ── the seller's side ────────────────────────────────────────────────────────────────────────────────────────

    def seller_log(self, order_id: UUID) -> dict[str, Any]:
        """What the seller's own log says of the order's entitlement."""
        return self.seller_app.log(str(self.entitlement(order_id).id))

    def effects(self, order_id: UUID) -> list[str]:
        """What the seller did for the order, by its own log, in order."""
        return [effect["kind"] for effect in self.seller_log(order_id)["effects"]]

    def token(self, run: Run) -> str:
        """The token of the callback address that the seller was given for a run."""
        return self.services.signer.sign_token(CALLBACK, {"run": str(run.id)}, run.deadline_at + CALLBACK_KEPT)

    def call_back(self, token: str, body: dict[str, Any]) -> bool:
        """Deliver a seller's callback as the edge would; its job does not run yet."""
        raw = json.dumps(body).encode()
        return transact(
            self.services.db, SYSTEM, lambda uow: receive_callback(uow, token, raw, signer=self.services.signer)
        )

    def plain(self, found: Trace) -> str:
        """A trace as text, to look for what must not be in it."""
        return json.dumps(asdict(found), default=str, ensure_ascii=False)


def services_for(addresses: Addresses, folder: Path, *, sample_seller_port: int) -> Services:
    """The composition of production over a test database; calls to loopback sellers are allowed."""
    settings = Settings(
        database_url=addresses.database_url,
        market_home=folder,
        base_url="https://market.example",
        sample_seller_port=sample_seller_port,
        payment_gateways=("sandbox",),
    )
    services = compose(settings, renderers=RENDERERS)
    tell_when_emptied(services.db)
    witness_all()
    return services


def set_stage(services: Services, seller_app: Seller) -> Stage:
    """A seller with a plan and a connector, a promoter whose video places them, a buyer with its people."""
    with unit_of_work(services.db, SYSTEM) as uow:
        seller, promoter, buyer = make_seller(uow), make_seller(uow), make_org(uow)
        connector = connect(uow, services, seller, seller_app)
        seat_plan = make_plans(uow, seller, per_seat_plan(connector_id=connector))[0]
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
            video.id,
            placement.id,
            profile,
            connector,
        )


def connect(
    uow: UnitOfWork,
    services: Services,
    seller: Org,
    seller_app: Seller,
    *,
    vendor: str = "northwind",
    secret: str = SECRET,
) -> UUID:
    """A connector of the seller to its running system; returns its id."""
    with acting(uow, seller.owner):
        saved = save_connector(
            uow,
            SaveConnector("test", "webhook", f"{seller_app.address}/webhooks/marketplace/{vendor}", secret),
            box=services.secrets,
            policy=services.outbound_policy,
        )
    return saved.id


def _profile(uow: UnitOfWork, buyer: Org) -> UUID:
    return uow.session.scalars(select(BillingProfile.id).where(BillingProfile.org_id == buyer.id)).one()
