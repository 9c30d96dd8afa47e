"""A small market with something of everything in it, made through the product's own verbs and jobs, for `market verify`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast
from uuid import UUID

from sqlalchemy import select

import billing.jobs
import marketplace.catalog.jobs
import marketplace.relations.jobs
import marketplace.videos.jobs
import marketplace.webhooks.jobs
import orders.loop
from app.scheduler import tick
from billing.bank import draw_transfer
from billing.bank.gateway import BankTransferGateway
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.documents.model import Language
from billing.documents.offer import OfferDocument
from billing.fapiao.models import Fapiao
from billing.fapiao.red_letters import use_fapiao
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.gateway_balances.read_balance import SWEEP as READ_BALANCES
from billing.gateways.sandbox import SandboxGateway
from billing.invoices.models import FapiaoSource, Invoice
from billing.on_account import draw_letter
from billing.on_account.gateway import OnAccountGateway
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.statements.models import Statement
from fulfillment.connectors.save_connector import SaveConnector, save_connector
from fulfillment.courses.report_progress import ReportProgress, report_progress
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.seats import assign_seat
from fulfillment.seat_allocations.allocate import AllocateSeats, allocate_seats, leave_group
from fulfillment.seat_allocations.assign import assign_allocated_seat
from fulfillment.seat_allocations.queries import list_own_allocations
from fulfillment.usage.record_usage import UsageIn, record_usage
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.idempotency import Answer, with_idempotency_key
from kernel.ids import uuid7
from kernel.jobs.runner import drain
from kernel.outbound import OutboundClient, OutboundPolicy, OutboundResponse
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from kernel.storage import Storage, open_storage
from marketplace.attribution.count_touchpoints import count_until
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.catalog.models import Plan
from marketplace.channels.models import Channel
from marketplace.circles.posts import mark_post
from marketplace.courses.save_course import EpisodeDraft, SaveCourse, save_course
from marketplace.end_customers.agree import AskEndCustomer, ask_end_customer, confirm_by_link
from marketplace.groups.memberships import AskGroup, accept_group, ask_group
from marketplace.groups.models import RIGHTS
from marketplace.halls.exchange_badge import revoke_badge
from marketplace.halls.save_agenda import AgendaDraft, save_agenda
from marketplace.live.explain import explain_item
from marketplace.live.questions import answer_in_room, ask_in_room
from marketplace.live.run_session import end_session
from marketplace.live.streams import name_recording
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.parties.lookups import find_default_billing_profile
from marketplace.parties.models import Organization
from marketplace.payers.agree import (
    PayerLimits,
    ProposeAgreement,
    accept_agreement,
    end_agreement,
    propose_agreement,
)
from marketplace.pricing.components import Flat, PlanPrice
from marketplace.publishing.edit_placements import AddClaim, add_claim
from marketplace.referrals.refer import attribute_referral, own_referral_link
from marketplace.relations.dealer_lists import MakeDealerList, make_dealer_list, send_dealer_list
from marketplace.relations.dealer_rows import DealerRow
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.save_tier import SaveTier, SetTierPrice, save_tier, set_tier_price
from marketplace.relations.territories import SetTerritory, set_territory
from marketplace.response_cards.answer_card import answer_card
from marketplace.response_cards.save_card import add_card
from marketplace.videos.models import Video
from marketplace.webhooks.save_endpoint import SaveEndpoint, save_endpoint
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.buyer_statements.close_month import close_buyer_month
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.priced_line import Context
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.conversations.write import (
    SentFile,
    WriteMessage,
    conversation_file_key,
    write_to_customer,
    write_to_seller,
)
from orders.coupons.circle_offers import OfferToCircle, offer_to_circle
from orders.coupons.live_price import SetLivePrice, set_live_price
from orders.coupons.make_coupon import MakeCoupon, make_coupon
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.milestones.decide import accept_milestone
from orders.milestones.deliver import AddFile, add_file, deliver, file_key
from orders.milestones.take_on import take_on
from orders.offers import draw_offer
from orders.offers.decide_offer import DecideOffer, decide_offer
from orders.offers.floors import SetFloor, set_floor
from orders.offers.make_offer import MakeOffer, make_offer
from orders.offers.make_tier_offer import make_tier_offer
from orders.offers.offered_price import OfferedPlan
from orders.order.milestones import milestones_of
from orders.order.models import Order, OrderLine, Subscription
from orders.order_sheets.edit_sheet import MakeSheet, make_sheet
from orders.order_sheets.place_sheet import PlaceSheet, place_sheet, quote_sheet
from orders.order_sheets.sheet_rows import SheetRow
from orders.outgoing_events.publish_events import publish_new
from orders.papers import draw_paper
from orders.papers.draw_paper import AskPaper, find_or_draw
from orders.partners.end_partner import end_partner
from orders.payers.decide_charge import PayerWay, set_standing_method
from orders.refunds.ask_refund import AskForRefund, ask_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund
from orders.refunds.held import pay_before_red
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund
from orders.subscriptions.auto_renew import set_auto_renew
from orders.tickets.work_ticket import OpenTicket, close_ticket, open_ticket, write_on_ticket
from tests import factories_fulfillment
from tests.bank_payouts import give_bank_account, pay_by_bank
from tests.card_stage import card, guest
from tests.circle_stage import join, make_circle, post
from tests.factories_billing import OPERATOR, PlainRenderer, close_due, do_sweep
from tests.factories_live import make_live, make_streamed
from tests.factories_marketplace import (
    Org,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_ready_video,
    make_seller,
    make_staged,
    one_off_plan,
    per_seat_plan,
)
from tests.factories_usage import PRICE
from tests.hall_stage import give, make_fair, register_at
from tests.training_stage import train
from tests.verify_bank import NoPaper, owe_on_account, pay_by_transfer
from tests.verify_months import invoice_months
from tests.verify_outside import agree
from tests.verify_outside import connect as connect_outside
from tests.verify_outside import register as register_outside
from tests.verify_resold import sell_abroad, sell_resold
from tests.verify_robots import announce, tell_group
from tests.verify_robots import register as register_robots

APPROVAL_ABOVE_MINOR = 10_000_000
COUPON = "SPRING-15"
BOX = SecretBox({"k1": bytes(32)})
IN_PARTS = PlanPrice(
    currency="CNY",
    interval="year",
    term_months=12,
    instalments=12,
    components=(Flat(kind="flat", amount_minor=1_000_001),),
)
"""Paid every month."""
LOOP = orders.loop
"""Imported for what it registers."""


@dataclass(frozen=True)
class World:
    """The market's parties and where its files are."""

    storage: Storage
    folder: Path
    buyer: Org
    seller: Org
    promoter: Org
    order_id: UUID
    """A settled order with two lines, a promoter and an invoice."""


def build(db: Database, folder: Path) -> World:
    """Sell, deliver, fail to deliver, refund, settle and pay out. The clock must be frozen; it is moved on."""
    storage = open_storage(str(folder))
    register(db, storage)
    composer = Composer(TokenSigner([bytes(32)]), public_url="https://market.example", sender="m@market.example")
    mail_jobs.register(FolderTransport(folder / "mails"), composer)
    stage = MarketStage(db, storage)
    stage.publish()
    order_id = stage.sell_much()
    resold = sell_resold(stage)
    clock.advance(timedelta(days=9))
    stage.settle()
    stage.refund_after_settlement()
    stage.ask_back(resold, 10_000)
    stage.ask_back(stage.asked_back[0], 20_000, as_credit=True)
    stage.settle()
    stage.renew()
    stage.tax_invoices()
    invoice_months(stage)
    pay_by_transfer(stage)
    owe_on_account(stage)
    sell_abroad(stage)
    stage.ask_back(stage.asked_back[0], 5_000, as_credit=True)
    stage.ask_back(stage.asked_back[1])
    # Waits for its approver, here and outside: nothing moves the clock any more.
    stage.buy((stage.seats.id, 600))
    tell_group(db, BOX, stage.seller.owner)
    announce(db, stage.seller.owner, stage.buyer.id)
    stage.publish()
    do_sweep(db, READ_BALANCES)
    count_until(partial(transact, db, SYSTEM), clock.now())
    return World(storage, folder, stage.buyer, stage.seller, stage.promoter, order_id)


def register(db: Database, storage: Storage) -> None:
    """What the composition registers, with doubles for what is outside."""
    billing.jobs.register(
        {
            "sandbox": SandboxGateway(db, fee_ppm=29_000),
            BANK_TRANSFER: BankTransferGateway(db),
            ON_ACCOUNT: OnAccountGateway(db),
        },
        storage,
        PlainRenderer(),
        public_url="https://market.example",
        fapiao_issuer=SandboxFapiaoIssuer(),
    )
    register_outside(BOX)
    register_robots(BOX)
    draw_transfer.register(storage, NoPaper())
    draw_paper.register(storage, NoPaper())
    draw_letter.register(storage, NoPaper())
    factories_fulfillment.register()
    marketplace.catalog.jobs.register(review_by_rule=True)
    marketplace.relations.jobs.register()
    marketplace.videos.jobs.register(storage)
    draw_offer.register(storage, PlainOffers())
    marketplace.webhooks.jobs.register(cast("OutboundClient", Taking()), BOX, public_url="https://market.example")


class PlainOffers:
    """Stands where offers are drawn."""

    def render(self, document: OfferDocument, timeout_s: float) -> bytes:
        """Whom it is to."""
        del timeout_s
        return f"%PDF {document.issued_on}".encode()


class Taking:
    """In place of a client: every endpoint takes whatever is sent."""

    def post(self, *_: object, **__: object) -> OutboundResponse:
        """As `OutboundClient.post`."""
        return OutboundResponse(204, {}, b"", 1)


class MarketStage:
    """What happens, in order."""

    def publish(self) -> None:
        """Tell the seller's system, which there is from the first time on, what happened since the last time."""
        publish_new(partial(transact, self.db, SYSTEM))
        drain(self.db)

    def __init__(self, db: Database, storage: Storage) -> None:
        self.db, self.storage = db, storage
        with unit_of_work(db, SYSTEM) as uow:
            self.seller, self.promoter, self.buyer = make_seller(uow), make_org(uow), make_org(uow)
            self.colleague = make_member(uow, self.buyer, "approver", "purchaser")
            connector = self._connector(uow)
            self.seats, self.service = (
                make_plans(uow, self.seller, per_seat_plan(connector_id=connector), kind="service")[0],
                make_plans(uow, self.seller, one_off_plan(connector_id=connector), kind="service")[0],
            )
            self.staged = make_staged(uow, self.seller, connector)
            # A connector that is nobody's: its delivery fails for good.
            self.undeliverable = make_plans(uow, self.seller, per_seat_plan(connector_id=uuid7()))[0]
            (self.months,) = make_plans(uow, self.seller, per_seat_plan(connector_id=connector, interval="month"))
            (self.parts,) = make_plans(uow, self.seller, per_seat_plan(connector_id=connector, price=IN_PARTS))
            self.tried = [
                make_plans(
                    uow,
                    self.seller,
                    per_seat_plan(connector_id=connector, interval="month", trial_days=14, trial_needs_method=converts),
                )[0]
                for converts in (True, False)
            ]
            video, self.placement = make_published_video(uow, self.promoter, self.seats)
            self.video_id = video.id
            for key in (video.media_key, video.cover_key):
                storage.put_bytes(str(key), b"x")
        with unit_of_work(db, self.promoter.owner) as uow:
            asking = add_card(uow, self.video_id, card()).id
        with unit_of_work(db, ANONYMOUS) as uow:
            answer_card(uow, guest(asking))
        train(db, self.promoter, self.video_id)
        endpoint = SaveEndpoint("erp", "https://erp.example/events", ["order.paid", "order.active"])
        with unit_of_work(db, self.seller.owner) as uow:
            save_endpoint(uow, endpoint, box=BOX, policy=OutboundPolicy())
        with unit_of_work(db, self.promoter.owner) as uow:
            add_claim(uow, AddClaim(self.placement.id, "included_seats", 4_000, "含 20 席", "20 seats", value_int=20))
        self.keep_running()

    def sell_much(self) -> UUID:
        """Every kind of ending before anything is settled. Returns the order that ended best."""
        self._watch()
        best = self.buy((self.seats.id, 3), (self.service.id, 1))
        self.serve(best, accepted=1)
        self._seats(best)
        self._group()
        self._learn()
        self._go_live()
        self.partly_refunded = self.buy((self.seats.id, 10))
        self.refund(self.partly_refunded, 12_345)
        self.refund(self.buy((self.seats.id, 2)), None)
        self.asked_back = [self.buy((self.seats.id, 5)) for _ in range(2)]
        self._services()
        self._after_the_end()
        self.buy((self.undeliverable.id, 1))
        self._make_coupon()
        self.buy((self.seats.id, 1), token="sbx_declined", coupon=COUPON)
        self._offer_too_low()
        self._talk(best)
        self._partner()
        self._payers()
        self._fair()
        self._circles()
        self._with_approval()
        return best

    def serve(self, order_id: UUID, *, accepted: int) -> None:
        """The seller takes an order of services on and delivers as many of its milestones as are accepted."""
        with unit_of_work(self.db, self.seller.owner) as uow:
            take_on(uow, order_id)
        self.keep_running()
        with unit_of_work(self.db, SYSTEM) as uow:
            wanted = [one.id for one in milestones_of(uow, order_id)[:accepted]]
        for milestone_id in wanted:
            with unit_of_work(self.db, self.seller.owner) as uow:
                stored = self.storage.put_bytes(file_key(self.seller.id), b"done")
                add_file(uow, AddFile(milestone_id, stored, "text/plain", "done.txt"))
                deliver(uow, milestone_id, version=1, words="done")
            with unit_of_work(self.db, self.buyer.owner) as uow:
                accept_milestone(uow, milestone_id, version=1)
            self.keep_running()

    def _services(self) -> None:
        """One in three milestones goes on, of another what was not accepted goes back, a third nobody takes on."""
        going_on, ended, _ = (self.buy((self.staged.id, 1)) for _ in range(3))
        self.serve(going_on, accepted=1)
        self.serve(ended, accepted=2)
        self.refund(ended, None)

    def _after_the_end(self) -> None:
        """What the gateway does by itself: refunds that come back, a reversal, one by hand, disputes in every state."""
        self.refund(self.buy((self.seats.id, 4), token="sbx_refund_returned"), None)
        for token in ("sbx_reversed", "sbx_refunded_by_hand", "sbx_disputed", "sbx_disputed_won", "sbx_disputed_lost"):
            self.buy((self.seats.id, 4), token=token)
        for _ in range(2):
            clock.advance(timedelta(seconds=3))
            self.keep_running()

    def settle(self) -> None:
        """What the clock starts (late purchases expire, the books are sealed), then statements and their payouts."""
        tick(self.db, {})
        self.keep_running()
        assert close_due(self.db).refused == ()
        with unit_of_work(self.db, OPERATOR) as uow:
            closed = uow.session.scalars(
                select(Statement).where(Statement.state == "closed", Statement.net_minor > 0)
            ).all()
            by_bank = [one.id for one in closed if one.org_id == self.promoter.id]
            for statement in closed:
                if statement.id not in by_bank:
                    pay_out(uow, PayOut(statement.id, "sandbox", "sbx_acct_ok"))
            holder = uow.session.get_one(Organization, self.promoter.id).legal_name
        if by_bank:
            give_bank_account(self.db, self.promoter.owner, holder, BOX)
            pay_by_bank(self.db, OPERATOR, by_bank)
        self.keep_running()

    def refund_after_settlement(self) -> None:
        """Money goes back that was paid out already: the next statements are negative and carried."""
        with unit_of_work(self.db, OPERATOR) as uow:
            payment_id = uow.session.get_one(Order, self.partly_refunded).payment_id
            assert payment_id is not None
            request_refund(
                uow, RequestRefund(self.partly_refunded, payment_id, "goodwill", automatic=False, amount_minor=20_000)
            )
        self.keep_running()
        clock.advance(timedelta(days=1))

    def ask_back(self, order_id: UUID, granted_minor: int | None = None, *, as_credit: bool = False) -> None:
        """After the window the buyer asks for a part; the seller grants less, or has not answered. Credit pays what follows."""
        with unit_of_work(self.db, self.buyer.owner) as uow:
            case_id = ask_refund(uow, AskForRefund(order_id, 30_000, "not as shown", as_credit)).id
        if granted_minor is not None:
            with unit_of_work(self.db, self.seller.owner) as uow:
                answer_refund(uow, DecideRefund(case_id, "grant", granted_minor))
            self.keep_running()

    def tax_invoices(self) -> None:
        """A sale stands on a tax invoice (数电票); a part is refunded after its red one, another at an operator's word."""
        order_id = self.buy((self.seats.id, 1))
        with unit_of_work(self.db, self.buyer.owner) as uow:
            bill = uow.session.scalars(select(Invoice.id).where(Invoice.reference == order_id)).one()
            request_fapiao(uow, RequestFapiao([bill]), SandboxFapiaoIssuer())
        self.keep_running()
        self.refund(order_id, 5_000)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            document = select(Fapiao.id).join(FapiaoSource, FapiaoSource.request_id == Fapiao.request_id)
            blue = document.where(FapiaoSource.invoice_id == bill, Fapiao.direction == "blue")
            use_fapiao(uow, uow.session.scalars(blue).one())
        self.refund(order_id, 3_000)
        with unit_of_work(self.db, OPERATOR) as uow:
            held = select(Refund.id).where(Refund.reference == order_id, Refund.state == "held")
            pay_before_red(uow, uow.session.scalars(held).one(), "the sides do not answer")
        self.keep_running()
        self._correct_title()

    def _correct_title(self) -> None:
        """A sale is invoiced once more to another title, and refunded in part afterwards."""
        order_id = self.buy((self.seats.id, 1))
        with unit_of_work(self.db, self.buyer.owner) as uow:
            bill = uow.session.scalars(select(Invoice.id).where(Invoice.reference == order_id)).one()
            correct_invoice_title(uow, CorrectTitle(bill, "typo", legal_name="云帆公司"))
            paid = uow.session.get_one(Order, order_id).payment_id
            assert paid is not None
            find_or_draw(uow, AskPaper("receipt", paid, Language.BILINGUAL))
        self.keep_running()
        self.refund(order_id, 4_000)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            month = clock.now().date().replace(day=1) - timedelta(days=1)
            close_buyer_month(uow, month, TokenSigner([bytes(32)]))

    def renew(self) -> None:
        """A month later terms are renewed, fall past due, go back and end; instalments are paid, unpaid and cancelled."""
        bought = [self.buy((self.months.id, 2), coupon=coupon) for coupon in (COUPON, COUPON, "")]
        for plan in self.tried:
            self.buy((plan.id, 2), trial=True)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            for subscription_id in uow.session.scalars(
                select(Subscription.id)
                .join(OrderLine, OrderLine.id == Subscription.order_line_id)
                .where(OrderLine.order_id.in_(bought))
            ).all():
                set_auto_renew(uow, subscription_id, wanted=True)
        in_parts = [self.buy((self.parts.id, 1)) for _ in range(3)]
        with unit_of_work(self.db, SYSTEM) as uow:
            for order_id in (bought[1], in_parts[1]):
                purchase_id = uow.session.get_one(Order, order_id).purchase_id
                uow.session.get_one(Purchase, purchase_id).method_token = "sbx_declined"
        self.refund(in_parts[2], None)
        self._use(bought[2])
        for _ in range(5):
            self._use(bought[0])
            clock.advance(timedelta(days=8))
            tick(self.db, {})
            self.keep_running()
            self._take_back(bought[2])
        tick(self.db, {})

    def _use(self, order_id: UUID) -> None:
        """What was bought is used, and some of it was counted by mistake: a period of it is rated meanwhile."""
        of_order = select(Entitlement).join(OrderLine, OrderLine.id == Entitlement.reference)
        with unit_of_work(self.db, SYSTEM) as uow:
            entitlement = uow.session.scalars(of_order.where(OrderLine.order_id == order_id)).one()
            set_usage_terms(uow, entitlement.id, PRICE)
        used = UsageIn(str(uuid7()), clock.now(), entitlement.id, "calls", Decimal(1_500))
        mistaken = replace(used, id=str(uuid7()), quantity=Decimal(-200), corrects=used.id)
        with unit_of_work(self.db, self.seller.owner) as uow:
            assert {one.outcome for one in record_usage(uow, [used, mistaken])} == {"accepted"}

    def _take_back(self, order_id: UUID) -> None:
        renewal = (
            select(Order.id)
            .join(Subscription, Subscription.id == Order.subscription_id)
            .join(OrderLine, OrderLine.id == Subscription.order_line_id)
            .where(OrderLine.order_id == order_id, Order.state == "active", Order.usage_period_id.is_(None))
        )
        with unit_of_work(self.db, SYSTEM) as uow:
            found = uow.session.scalar(renewal)
        if found is not None:
            self.refund(found, None)

    def keep_running(self) -> None:
        """Run every job that is due."""
        drain(self.db)

    def _connector(self, uow: UnitOfWork) -> UUID:
        before = uow.principal
        uow.principal = replace(SYSTEM, org_id=self.seller.id)
        saved = save_connector(
            uow, SaveConnector("none", "none"), box=factories_fulfillment.BOX, policy=factories_fulfillment.LOOPBACK
        )
        uow.principal = before
        return saved.id

    def _watch(self) -> None:
        with unit_of_work(self.db, self.buyer.owner) as uow:
            record_touchpoints(
                uow,
                [
                    TouchpointIn(uuid7(), "view", clock.now(), self.video_id, None, 9_000, 9_000),
                    TouchpointIn(uuid7(), "card_click", clock.now(), self.video_id, self.placement.id, 5_000, 5_000),
                ],
            )

    def _make_coupon(self) -> None:
        today = clock.today("UTC")
        with unit_of_work(self.db, self.seller.owner) as uow:
            lasting = MakeCoupon("Spring", today, today + timedelta(days=90), code=COUPON, percent_ppm=150_001)
            make_coupon(uow, replace(lasting, every_term=True, most_uses=3, most_per_org=3))

    def _offer_too_low(self) -> None:
        """One is below the floor and rejected."""
        with unit_of_work(self.db, SYSTEM) as uow:
            uow.session.get_one(Organization, self.buyer.id).tax_id_verified_at = clock.now()
        free = (OfferedPlan(self.seats.id, 1, discount_ppm=1_000_000),)
        with unit_of_work(self.db, self.seller.owner) as uow:
            set_floor(uow, SetFloor(None, 500_000))
            made = make_offer(uow, MakeOffer(None, free, clock.today("Asia/Shanghai"), buyer_org_id=self.buyer.id))
            decide_offer(uow, DecideOffer(made.id, "rejected", "Too low."))

    def _talk(self, order_id: UUID) -> None:
        """Both sides write, each sends a file, and one of the seller's is responsible."""
        for writer in (self.buyer, self.seller):
            stored = self.storage.put_bytes(conversation_file_key(writer.id), b"said")
            said = WriteMessage("See this.", order_id, SentFile(stored, "text/plain", "said.txt"))
            with unit_of_work(self.db, writer.owner) as uow:
                if writer is self.buyer:
                    write_to_seller(uow, self.seller.id, said)
                    tickets = [
                        open_ticket(uow, OpenTicket(order_id, "A seat", "It does not open.")).id for _ in range(3)
                    ]
                else:
                    write_to_customer(uow, self.buyer.id, said)
                    write_on_ticket(uow, tickets[0], "Try again.", said.file)
                    write_on_ticket(uow, tickets[1], "Done.", resolves=True)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            close_ticket(uow, tickets[0], rating=5, text="Fast.")

    def _partner(self) -> None:
        """Something is bought at the price of a tier, and the link ends."""
        with unit_of_work(self.db, self.seller.owner) as uow:
            tier_id = save_tier(uow, SaveTier("GOLD", "金牌", "Gold")).id
            of_seats = SetTierPrice(
                tier_id, self.seats.listing_id, discount_ppm=100_000, min_quantity=2, quantity_step=2
            )
            set_tier_price(uow, of_seats)
            link_id = ask_partner(uow, AskPartner(self.buyer.id, tier_id)).id
        with unit_of_work(self.db, self.buyer.owner) as uow:
            accept_partner(uow, link_id)
        self.buy((self.seats.id, 2))
        self._order_sheet()
        with unit_of_work(self.db, self.buyer.owner) as uow:
            code = own_referral_link(uow)
        with unit_of_work(self.db, SYSTEM) as uow:
            attribute_referral(uow, make_org(uow).id, uuid7(), code)
        dealers = (DealerRow(1, "North", email="n@dealer.example", tier="GOLD"), DealerRow(2, "South", left_out=True))
        with unit_of_work(self.db, self.seller.owner) as uow:
            send_dealer_list(uow, make_dealer_list(uow, MakeDealerList("dealers", dealers)).id)
        self._change_at_tier(tier_id)
        today = clock.today("Asia/Shanghai")
        with unit_of_work(self.db, self.seller.owner) as uow:
            make_tier_offer(
                uow, tier_id, MakeOffer(None, (OfferedPlan(self.seats.id, 1, discount_ppm=200_000),), today)
            )
        with unit_of_work(self.db, self.seller.owner) as uow:
            set_territory(uow, SetTerritory(link_id, ("CN",), is_exclusive=True))
        self._end_customer()
        with unit_of_work(self.db, self.buyer.owner) as uow:
            end_partner(uow, link_id)

    def _end_customer(self) -> None:
        """The buyer orders for an organization that agreed to it, and gives one of its seats to a member."""
        with unit_of_work(self.db, SYSTEM) as uow:
            customer = make_org(uow)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            code = ask_end_customer(uow, AskEndCustomer(name="Blue Ocean")).code
        with unit_of_work(self.db, customer.owner) as uow:
            end_customer_id = confirm_by_link(uow, code or "").id
        with unit_of_work(self.db, self.buyer.owner) as uow:
            quote_id = create_quote(uow, CreateQuote((QuoteItem(self.months.id, 2, end_customer_id),))).id
            profile = find_default_billing_profile(uow, self.buyer.id)
            assert profile is not None
        with unit_of_work(self.db, self.buyer.owner) as uow:
            place_purchase(uow, PlacePurchase(quote_id, profile.id, "sandbox", "sbx_ok"))
        self.keep_running()
        with unit_of_work(self.db, customer.owner) as uow:
            (mine,) = list_own_allocations(uow).items
            assign_allocated_seat(uow, mine.id, customer.owner.person())

    def _group(self) -> None:
        """An organization leaves its headquarters, and allocates seats to a subsidiary of its own."""
        order_id = self.buy((self.seats.id, 2))
        with unit_of_work(self.db, SYSTEM) as uow:
            member = make_org(uow)
            for org_id in (member.id, self.buyer.id, self.promoter.id):
                uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
            of_order = select(OrderLine.id).where(OrderLine.order_id == order_id)
            entitlement_id = uow.session.scalars(
                select(Entitlement.id).where(Entitlement.reference.in_(of_order))
            ).one()
        for hq, below in ((self.promoter, self.buyer), (self.buyer, member)):
            with unit_of_work(self.db, hq.owner) as uow:
                membership_id = ask_group(uow, AskGroup(below.id, as_hq=True, rights=RIGHTS)).id
            with unit_of_work(self.db, below.owner) as uow:
                accept_group(uow, membership_id)
                if below is self.buyer:
                    leave_group(uow, membership_id)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            allocate_seats(uow, AllocateSeats(entitlement_id, membership_id, 1))
        self.keep_running()

    def _payers(self) -> None:
        """One organization pays for the buyer after another did."""
        with unit_of_work(self.db, SYSTEM) as uow:
            payers = [make_org(uow) for _ in range(2)]
        for payer in payers:
            with unit_of_work(self.db, self.buyer.owner) as uow:
                asked = ProposeAgreement(payer.id, by_payer=False, currency="CNY")
                agreement_id = propose_agreement(uow, asked, known=True).id
            with unit_of_work(self.db, payer.owner) as uow:
                accept_agreement(uow, agreement_id, PayerLimits(monthly_limit_minor=100_000_000))
                set_standing_method(uow, agreement_id, PayerWay("sandbox", "sbx_ok"))
            self._buy_by_payer(agreement_id)
            with unit_of_work(self.db, self.buyer.owner) as uow:
                end_agreement(uow, agreement_id)

    def _buy_by_payer(self, agreement_id: UUID) -> None:
        with unit_of_work(self.db, self.buyer.owner) as uow:
            quote_id = create_quote(uow, CreateQuote((QuoteItem(self.seats.id, 1),))).id
        with unit_of_work(self.db, self.buyer.owner) as uow:
            place_purchase(uow, PlacePurchase(quote_id, None, BY_PAYER, str(agreement_id)))
        self.keep_running()

    def _fair(self) -> None:
        """One visitor of an exhibition gives its badge, another takes it back."""
        with unit_of_work(self.db, SYSTEM) as uow:
            fair = make_fair(uow, self.seller, self.seller, uow.session.get_one(Plan, self.seats.id))
            for visitor in (self.buyer, self.promoter):
                register_at(uow, fair, visitor)
                given = give(uow, fair, visitor)
            with acting(uow, self.promoter.owner):
                revoke_badge(uow, given.id)
            with acting(uow, self.seller.owner):
                save_agenda(uow, fair.hall_id, [AgendaDraft(clock.now(), clock.now() + timedelta(hours=1), "开幕")])

    def _order_sheet(self) -> None:
        """A partner orders by a sheet, of which a line is left out."""
        rows = (SheetRow(1, str(self.seats.id), "2"), SheetRow(2, "nothing", "9", left_out=True))
        with unit_of_work(self.db, self.buyer.owner) as uow:
            sheet = make_sheet(uow, MakeSheet("sheet", rows))
            quote_sheet(uow, sheet.id)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            profile = find_default_billing_profile(uow, self.buyer.id)
            assert profile is not None
            place_sheet(uow, PlaceSheet(sheet.id, profile.id, "sandbox", "sbx_ok"))
        self.keep_running()

    def _circles(self) -> None:
        """A community with a post above the others and an offer that a member takes, and an internal circle."""
        with unit_of_work(self.db, SYSTEM) as uow:
            community = make_circle(uow, self.seller.owner)
            join(uow, community, self.buyer.owner)
            post_id = post(uow, community, self.buyer.owner)
            with acting(uow, self.seller.owner):
                mark_post(uow, post_id, marked=True)
            internal = make_circle(uow, self.buyer.owner, "internal")
            post(uow, internal, self.buyer.owner)
        with unit_of_work(self.db, self.seller.owner) as uow:
            today = clock.today("Asia/Shanghai")
            listing_id, until = self.seats.listing_id, today + timedelta(days=30)
            offer_to_circle(
                uow, OfferToCircle(community.org_id, listing_id, "圈内九折", today, until, 100_000, places=3)
            )
        with unit_of_work(self.db, self.buyer.owner) as uow:
            context = Context(circle_id=community.org_id)
            quote_id = create_quote(uow, CreateQuote((QuoteItem(self.seats.id, 3),), context=context)).id
        self.take(quote_id)
        self.keep_running()

    def _change_at_tier(self, tier_id: UUID) -> None:
        """What was bought at the price of a tier is changed to a larger plan at it."""
        with unit_of_work(self.db, SYSTEM) as uow:
            of = {"connector_id": self.seats.connector_id}
            small, large = make_plans(
                uow,
                self.seller,
                per_seat_plan(code="small", **of),
                per_seat_plan(code="large", unit_price_minor=39_900, **of),
            )
            listing_id, small_id, large_id = small.listing_id, small.id, large.id
        with unit_of_work(self.db, self.seller.owner) as uow:
            set_tier_price(uow, SetTierPrice(tier_id, listing_id, discount_ppm=100_000))
        order_id = self.buy((small_id, 2))
        clock.advance(timedelta(hours=1))
        with unit_of_work(self.db, self.buyer.owner) as uow:
            began = select(Subscription.id).join(OrderLine, OrderLine.id == Subscription.order_line_id)
            subscription_id = uow.session.scalars(began.where(OrderLine.order_id == order_id)).one()
            quote_id = quote_amendment(uow, QuoteAmendment(subscription_id, plan_id=large_id)).id
        self.take(quote_id)
        self.keep_running()

    def buy(
        self,
        *lines: tuple[UUID, int],
        token: str = "sbx_ok",
        by: Principal | None = None,
        trial: bool = False,
        coupon: str = "",
    ) -> UUID:
        """Buy as the buyer, and run whatever follows."""
        order_id = self.place(*lines, token=token, by=by, trial=trial, coupon=coupon)
        self.keep_running()
        return order_id

    def place(
        self,
        *lines: tuple[UUID, int],
        token: str = "sbx_ok",
        by: Principal | None = None,
        trial: bool = False,
        coupon: str = "",
    ) -> UUID:
        """Buy as the buyer; nothing runs yet."""
        with unit_of_work(self.db, by or self.buyer.owner) as uow:
            quote = create_quote(
                uow,
                CreateQuote(
                    tuple(QuoteItem(plan_id, quantity) for plan_id, quantity in lines),
                    context=Context(video_id=self.video_id, placement_id=self.placement.id, second_ms=5_000),
                    trial=trial,
                    coupon=coupon,
                ),
            )
            quote_id = quote.id
        return self.take(quote_id, token=token, by=by)

    def take(self, quote_id: UUID, *, token: str = "sbx_ok", by: Principal | None = None) -> UUID:
        """Accept a quote of the buyer; nothing runs yet."""
        with unit_of_work(self.db, by or self.buyer.owner) as uow:
            profile = find_default_billing_profile(uow, self.buyer.id)
            assert profile is not None

            def placed() -> Answer:
                command = PlacePurchase(quote_id, profile.id, "sandbox", token, "PO-1")
                purchase = place_purchase(uow, command).purchase
                return Answer(201, json.dumps({"id": str(purchase.id)}).encode())

            answer = with_idempotency_key(
                uow, route="POST /v1/purchases", key=str(quote_id), request=str(quote_id), work=placed
            )
            uow.flush()
            statement = select(Order.id).where(Order.purchase_id == UUID(json.loads(answer.body)["id"]))
            return uow.session.scalars(statement).one()

    def refund(self, order_id: UUID, amount_minor: int | None) -> None:
        with unit_of_work(self.db, self.buyer.owner) as uow:
            request_order_refund(uow, RequestOrderRefund(order_id, amount_minor, "not needed"))
        self.keep_running()

    def _seats(self, order_id: UUID) -> None:
        with unit_of_work(self.db, self.buyer.owner) as uow:
            entitlement_id = uow.session.scalars(
                select(Entitlement.id)
                .join(OrderLine, OrderLine.id == Entitlement.reference)
                .where(OrderLine.order_id == order_id, Entitlement.seats > 0)
            ).one()
            for person in (self.buyer.owner, self.colleague):
                assign_seat(uow, entitlement_id, person.person())

    def _learn(self) -> None:
        """What has seats becomes a course, and a member who holds one watches it."""
        with unit_of_work(self.db, SYSTEM) as uow:
            videos = [make_ready_video(uow, self.seller, visibility="internal") for _ in range(2)]
            for video in videos:
                for key in (video.media_key, video.cover_key):
                    self.storage.put_bytes(str(key), b"x")
            episodes = [EpisodeDraft(video.id, is_preview=video is videos[0]) for video in videos]
        with unit_of_work(self.db, self.seller.owner) as uow:
            save_course(uow, SaveCourse(self.seats.listing_id, episodes))
        with unit_of_work(self.db, self.colleague) as uow:
            report_progress(uow, ReportProgress(self.seats.listing_id, episodes[1].video_id, 14_000))

    def _go_live(self) -> None:
        """Two products are explained one after the other, one is bought at its live price; then the session ends."""
        with unit_of_work(self.db, SYSTEM) as uow:
            session, items = make_live(uow, self.seller, self.seats, self.service)
            film = uow.session.get_one(Video, session.video_id)
            for key in (film.media_key, film.cover_key):
                self.storage.put_bytes(str(key), b"x")
        for item in items:
            with unit_of_work(self.db, self.seller.owner) as uow:
                explain_item(uow, session.id, item.id)
        with unit_of_work(self.db, self.seller.owner) as uow:
            set_live_price(uow, SetLivePrice(session.id, items[0].id, percent_ppm=100_000, places=3))
        with unit_of_work(self.db, self.buyer.owner) as uow:
            context = Context(live_session_id=session.id, second_ms=0)
            quote_id = create_quote(uow, CreateQuote((QuoteItem(self.seats.id, 3),), context=context)).id
        self.take(quote_id)
        self.keep_running()
        with unit_of_work(self.db, self.buyer.owner) as uow:
            asked = ask_in_room(uow, session.id, "能试用吗？")
        with unit_of_work(self.db, self.seller.owner) as uow:
            answer_in_room(uow, asked.id, spoken=True)
        with unit_of_work(self.db, self.seller.owner) as uow:
            end_session(uow, session.id)
        self._stream()

    def _stream(self) -> None:
        """The same without a film, on a promoter's channel; its recording is named after something was sold."""
        with unit_of_work(self.db, SYSTEM) as uow:
            session, (item,) = make_streamed(uow, self.promoter, self.seats)
            channel = uow.session.get_one(Channel, session.channel_id)
            recording = make_ready_video(uow, self.promoter, channel=channel)
            for key in (recording.media_key, recording.cover_key):
                self.storage.put_bytes(str(key), b"x")
        with unit_of_work(self.db, self.buyer.owner) as uow:
            context = Context(live_session_id=session.id, second_ms=0)
            quote_id = create_quote(uow, CreateQuote((QuoteItem(self.seats.id, 3),), context=context)).id
        self.take(quote_id)
        with unit_of_work(self.db, self.buyer.owner) as uow:
            clicked = TouchpointIn(uuid7(), "card_click", clock.now(), None, live_item_id=item.id)
            record_touchpoints(uow, [clicked])
        # Bought outside the room, by what was clicked in it.
        self.buy((self.seats.id, 3))
        self.keep_running()
        with unit_of_work(self.db, self.promoter.owner) as uow:
            end_session(uow, session.id)
            name_recording(uow, session.id, recording.id)

    def _with_approval(self) -> None:
        with unit_of_work(self.db, self.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", APPROVAL_ABOVE_MINOR))
        connect_outside(self.db, BOX, self.buyer.owner, self.colleague)
        approved, rejected, agreed, _waiting = (self.buy((self.seats.id, 600)) for _ in range(4))
        self.keep_running()
        for order_id, decision in ((approved, "approved"), (rejected, "rejected")):
            with unit_of_work(self.db, self.colleague) as uow:
                purchase_id = uow.session.get_one(Order, order_id).purchase_id
                decide_purchase(uow, DecidePurchase(purchase_id, decision, "reasons"))  # type: ignore[arg-type]
        with unit_of_work(self.db, SYSTEM) as uow:
            purchase_id = uow.session.get_one(Order, agreed).purchase_id
        agree(self.db, BOX, purchase_id)
        self.keep_running()
