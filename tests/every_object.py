"""One object of every kind that a route can name, each belonging to the buyer, the seller or the promoter of a stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from billing.bank.models import BankTransfer
from billing.bank.remark_code import draw_code
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.credit_lines.decide import GrantCreditLine, grant_credit_line
from billing.credit_lines.models import CreditLine
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.models import Dispute
from billing.fapiao.models import Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.red_letters import use_fapiao
from billing.fapiao.request_fapiao import RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.gateways.ports import GatewayRecord, GatewayStatus, GatewayWebhook
from billing.gateways.webhooks import store_webhook
from billing.invoice_forwards.forward_documents import ForwardDocuments, forward_documents
from billing.invoice_forwards.models import InvoiceForward
from billing.invoices.models import Invoice
from billing.on_account.models import DunningNotice
from billing.payment_methods.models import PaymentMethod
from billing.payments.models import Payment
from billing.payout_batches.models import PayoutBatch, PayoutReport
from billing.payouts.models import Payout
from billing.promoter_plans.make_plan import MakePlan, make_plan
from billing.promoter_plans.memberships import invite_promoter
from billing.promoter_plans.models import PromoterMembership, PromoterPlan
from billing.refunds.models import Refund
from billing.shares.draft_policy import start_draft
from billing.shares.models import SharePolicyVersion
from billing.statements.models import Statement
from billing.store_credit.models import StoreCredit
from fulfillment.connectors.models import ConnectorRow
from fulfillment.customer_reviews.models import CustomerReview
from fulfillment.customer_reviews.write_review import WriteReview, withdraw_review, write_review
from fulfillment.entitlements.allocation_models import AllocatedSeat, SeatAllocation
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.seats import assign_seat
from fulfillment.runs.models import Run
from fulfillment.seat_allocations.allocate import AllocateSeats, allocate_seats
from fulfillment.seat_allocations.assign import assign_allocated_seat
from fulfillment.usage.challenges import challenge_line
from fulfillment.usage.close_period import close_period
from fulfillment.usage.models import UsageChallenge, UsageLine, UsagePeriod
from fulfillment.usage.record_usage import UsageIn, record_usage
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.base import Base
from kernel.db.uow import UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Inbox
from kernel.money import Money
from kernel.principal import SYSTEM
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.invitations import Invite, invite
from marketplace.access.models import ApiKey, Invitation, Member, OwnershipTransfer, SignInSession
from marketplace.access.ownership import OfferOwnership, offer_ownership
from marketplace.access.sessions import Browser, begin_session
from marketplace.catalog.models import Listing, Plan
from marketplace.channels.models import Channel
from marketplace.circles.models import Circle, CircleMember
from marketplace.circles.post_models import CirclePost
from marketplace.content_reports.models import ContentReport
from marketplace.content_reports.report_content import ReportContent, report_content
from marketplace.courses.models import CourseEpisode
from marketplace.demos.days import AddDemoDay, add_demo_day
from marketplace.demos.models import DemoDay
from marketplace.departments.models import Department
from marketplace.departments.save_department import SaveDepartment, save_department
from marketplace.end_customers.agree import AskEndCustomer, ask_end_customer
from marketplace.end_customers.models import EndCustomer
from marketplace.groups.memberships import AskGroup, accept_group, ask_group
from marketplace.groups.models import RIGHTS, GroupMembership
from marketplace.halls.models import Hall, HallBooth
from marketplace.halls.save_hall import archive_hall
from marketplace.halls.visitor_models import HallExchange
from marketplace.identity_providers.email_domains import claim_domain
from marketplace.identity_providers.models import EmailDomain
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.leads.models import Lead
from marketplace.live.models import LiveItem, LiveSession
from marketplace.live.question_models import LiveQuestion
from marketplace.live.questions import ask_in_room
from marketplace.notifications.models import Notification
from marketplace.onboarding.models import LegalProof, PayoutAccount
from marketplace.parties.models import BillingProfile, Organization, TaxIdDispute
from marketplace.parties.open_tax_id_dispute import compare_claims
from marketplace.payers.agree import ProposeAgreement, accept_agreement, end_agreement, propose_agreement
from marketplace.payers.models import PayerAgreement
from marketplace.placements.models import Claim, Placement
from marketplace.publishing.edit_placements import AddClaim, AddPlacement, add_claim, add_placement
from marketplace.questions.ask_question import ask_question, moderate_question
from marketplace.questions.models import ProductQuestion
from marketplace.reactions.comment_on_video import add_comment
from marketplace.reactions.models import Comment
from marketplace.relations.dealer_list_models import DealerList
from marketplace.relations.dealer_lists import MakeDealerList, make_dealer_list
from marketplace.relations.dealer_rows import DealerRow
from marketplace.relations.invitation_models import PartnerInvitation
from marketplace.relations.partner_invitations import InviteDealers, invite_dealers
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.partner_models import PartnerLink, PartnerTier, TierPrice
from marketplace.relations.save_tier import SaveTier, SetTierPrice, save_tier, set_tier_price
from marketplace.response_cards.models import CardResponse, ResponseCard
from marketplace.robots.models import GroupRobot
from marketplace.robots.save_robot import SaveRobot, save_robot, switch_robot
from marketplace.test_clocks.create_test_clock import create_test_clock
from marketplace.test_clocks.models import TestClock
from marketplace.training.assign_training import AssignTraining, assign_training
from marketplace.training.models import Training
from marketplace.videos.captions.check_captions import LANGUAGES
from marketplace.videos.captions.edit_captions import put_captions
from marketplace.videos.models import VIDEO, MediaUpload, Video
from marketplace.videos.uploads.begin_upload import BeginUpload, begin_upload
from marketplace.webhooks.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.replay import test_endpoint as send_test
from marketplace.webhooks.save_endpoint import SaveEndpoint, save_endpoint, switch_endpoint
from orders.announcements.models import Announcement
from orders.announcements.publish import PublishAnnouncement, publish_announcement
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy
from orders.approval_rules.models import ApprovalDeputy
from orders.buyer_statements.models import BuyerStatement
from orders.checkout.models import Purchase
from orders.checkout.payer_models import BY_PAYER, PayerCharge
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.quote_models import Quote
from orders.conversations.models import Conversation, ConversationMessage
from orders.conversations.write import WriteMessage, write_to_seller
from orders.coupons.circle_offers import OfferToCircle, offer_to_circle
from orders.coupons.make_coupon import MakeCoupon, make_coupon
from orders.coupons.models import Coupon
from orders.disputes.models import DisputeEvidence
from orders.disputes.say import AddDisputeEvidence, add_dispute_evidence, dispute_evidence_key
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.make_offer import MakeOffer, make_offer
from orders.offers.make_tier_offer import make_tier_offer
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.tier_offer_models import TierOffer
from orders.order.milestones import MilestoneFile, OrderMilestone
from orders.order.models import Order, OrderLine, Subscription
from orders.order_sheets.edit_sheet import MakeSheet, make_sheet
from orders.order_sheets.models import OrderSheet
from orders.order_sheets.sheet_rows import SheetRow
from orders.refunds.ask_refund import AskForRefund, ask_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund
from orders.refunds.evidence import AddRefundEvidence, add_refund_evidence, evidence_key
from orders.refunds.models import RefundCase, RefundEvidence
from orders.tickets.models import Ticket, TicketMessage
from orders.tickets.work_ticket import OpenTicket, open_ticket
from tests.bank_payouts import bank_account_of, confirm_account, pay_by_bank
from tests.card_stage import stage_card, stage_response
from tests.circle_stage import join, make_circle, post
from tests.factories_live import make_session
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    acting,
    make_member,
    make_org,
    make_plans,
    make_ready_video,
    per_seat_plan,
)
from tests.factories_methods import keep_methods
from tests.factories_usage import PRICE
from tests.fapiao_stage import first_document, letter_of, number_fapiaos
from tests.hall_stage import give, make_fair, register_at
from tests.loop_stage import Stage
from tests.milestone_stage import service_on, staged_price
from tests.paper_stage import closed_month

KINDS: dict[str, type[Base]] = {
    "account_id": PayoutAccount,
    "any_id": Order,
    "batch_id": PayoutBatch,
    "case_id": RefundCase,
    "credit_line_id": CreditLine,
    "dunning_notice_id": DunningNotice,
    "credit_id": StoreCredit,
    "card_response_id": CardResponse,
    "channel_id": Channel,
    "training_id": Training,
    "response_card_id": ResponseCard,
    "claim_id": Claim,
    "comment_id": Comment,
    "clock_id": TestClock,
    "connector_id": ConnectorRow,
    "delivery_id": WebhookDelivery,
    "demo_day_id": DemoDay,
    "department_id": Department,
    "deputy_id": ApprovalDeputy,
    "coupon_id": Coupon,
    "live_session_id": LiveSession,
    "live_item_id": LiveItem,
    "live_question_id": LiveQuestion,
    "circle_id": Circle,
    "circle_member_id": CircleMember,
    "circle_post_id": CirclePost,
    "circle_offer_id": Coupon,
    "hall_id": Hall,
    "booth_id": HallBooth,
    "badge_exchange_id": HallExchange,
    "partner_tier_id": PartnerTier,
    "tier_price_id": TierPrice,
    "partner_link_id": PartnerLink,
    "group_membership_id": GroupMembership,
    "seat_allocation_id": SeatAllocation,
    "allocated_seat_id": AllocatedSeat,
    "partner_invitation_id": PartnerInvitation,
    "dealer_list_id": DealerList,
    "end_customer_id": EndCustomer,
    "payer_agreement_id": PayerAgreement,
    "payer_charge_id": PayerCharge,
    "tier_offer_id": TierOffer,
    "order_sheet_id": OrderSheet,
    "customer_id": Organization,
    "dispute_id": Dispute,
    "document_id": DisputeEvidence,
    "domain_id": EmailDomain,
    "endpoint_id": WebhookEndpoint,
    "entitlement_id": Entitlement,
    "event_id": OutgoingEvent,
    "evidence_id": RefundEvidence,
    "invitation_id": Invitation,
    "fapiao_id": Fapiao,
    "forward_id": InvoiceForward,
    "conversation_id": Conversation,
    "message_id": ConversationMessage,
    "ticket_id": Ticket,
    "ticket_message_id": TicketMessage,
    "fapiao_request_id": FapiaoRequest,
    "invoice_id": Invoice,
    "key_id": ApiKey,
    "lead_id": Lead,
    "listing_id": Listing,
    "member_id": Member,
    "milestone_id": OrderMilestone,
    "milestone_file_id": MilestoneFile,
    "notification_id": Notification,
    "offer_id": Offer,
    "order_id": Order,
    "org_id": Organization,
    "method_id": PaymentMethod,
    "payment_id": Payment,
    "quote_id": Quote,
    "buyer_statement_id": BuyerStatement,
    "payout_id": Payout,
    "payout_report_id": PayoutReport,
    "placement_id": Placement,
    "plan_id": Plan,
    "profile_id": BillingProfile,
    "promoter_membership_id": PromoterMembership,
    "promoter_plan_id": PromoterPlan,
    "proof_id": LegalProof,
    "purchase_id": Purchase,
    "question_id": ProductQuestion,
    "red_letter_id": RedLetter,
    "refund_id": Refund,
    "report_id": ContentReport,
    "review_id": CustomerReview,
    "run_id": Run,
    "robot_id": GroupRobot,
    "announcement_id": Announcement,
    "seat_id": Seat,
    "session_id": SignInSession,
    "share_policy_version_id": SharePolicyVersion,
    "statement_id": Statement,
    "subscription_id": Subscription,
    "tax_id_dispute_id": TaxIdDispute,
    "transfer_id": OwnershipTransfer,
    "usage_challenge_id": UsageChallenge,
    "usage_line_id": UsageLine,
    "upload_id": MediaUpload,
    "video_id": Video,
    "webhook_id": Inbox,
}
"""What the parameters of the routes name."""


def make_objects(stage: Stage) -> dict[str, UUID]:
    """By the name of the parameter. The clock is frozen by the caller, and moved."""
    order_id = stage.buy()
    stage.run()
    db = stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        found: dict[str, UUID] = {
            "order_id": order_id,
            "purchase_id": stage.order(order_id).purchase_id,
            # Before its product is a course, of which no seats are allocated.
            **_group(stage, stage.entitlement(order_id).id),
        }
        entitlement = stage.entitlement(order_id)
        with acting(uow, stage.buyer.owner):
            found["seat_id"] = assign_seat(uow, entitlement.id, stage.purchaser.person())
            found["invitation_id"] = invite(uow, Invite("x@firm.example", ["viewer"])).id
            person_id = stage.buyer.owner.person()
            found["session_id"] = begin_session(uow, person_id, stage.buyer.id, Browser()).session_id
            member = select(Member.id).where(
                Member.org_id == stage.buyer.id, Member.person_id == stage.purchaser.person()
            )
            found["transfer_id"] = offer_ownership(uow, OfferOwnership(uow.session.scalars(member).one(), "admin"))
            today = clock.today("Asia/Shanghai")
            found["deputy_id"] = appoint_deputy(uow, AppointDeputy(stage.purchaser.person(), today, today)).id
            found["domain_id"] = claim_domain(uow, f"{uuid7().hex}.example").id
            found["key_id"] = mint_api_key(uow, MintApiKey("matrix", ("orders.read",))).id
        found |= _used(uow, stage, entitlement) | _talked(uow, stage, entitlement.reference)
        found |= _feedback(uow, stage, entitlement.listing_id) | _asked(uow, stage, entitlement.listing_id)
        draft = make_ready_video(uow, stage.promoter)
        with acting(uow, stage.promoter.owner):
            card = add_placement(uow, AddPlacement(draft.id, stage.seat_plan, 3_000, 14_000))
            found["upload_id"] = begin_upload(uow, stage.services.storage, BeginUpload(draft.id, 9, "x.mp4")).id
            said = stage.services.storage.put_bytes(f"media/{draft.id}/{'0' * 64}.vtt", b"WEBVTT\n")
            for language in LANGUAGES:
                put_captions(uow, draft.id, language, replace(said, sha256="0" * 64))
            found["comment_id"] = add_comment(uow, draft.id, "note to ourselves").id
            seats = uow.session.get_one(Plan, stage.seat_plan).included_seats
            claim = add_claim(uow, AddClaim(card.id, "included_seats", 4_000, "含席位", "Seats included", seats))
        scalars = uow.session.scalars
        proof = scalars(select(LegalProof).where(LegalProof.org_id == stage.seller.id)).one()
        stage.services.storage.put_bytes(proof.file_key, b"%PDF-1.7")
        found |= {
            "account_id": scalars(select(PayoutAccount.id).where(PayoutAccount.org_id == stage.seller.id)).one(),
            "proof_id": proof.id,
            "entitlement_id": entitlement.id,
            "subscription_id": scalars(
                select(Subscription.id).where(Subscription.order_line_id == entitlement.reference)
            ).one(),
            "run_id": scalars(
                select(Run.id).where(Run.entitlement_id == entitlement.id).order_by(Run.id).limit(1)
            ).one(),
            "payment_id": scalars(select(Payment.id).where(Payment.payer_org_id == stage.buyer.id)).one(),
            "invoice_id": scalars(select(Invoice.id).where(Invoice.reference == order_id)).one(),
            "profile_id": scalars(select(BillingProfile.id).where(BillingProfile.org_id == stage.buyer.id)).one(),
            "member_id": scalars(select(Member.id).where(Member.person_id == stage.purchaser.person())).one(),
            "connector_id": stage.connector,
            "placement_id": claim.placement_id,
            "org_id": stage.buyer.id,
            "customer_id": stage.buyer.id,
            "plan_id": stage.seat_plan,
            "listing_id": entitlement.listing_id,
            "video_id": draft.id,
            "any_id": order_id,
            "channel_id": draft.channel_id,
            "claim_id": claim.id,
        }
        contested = uow.session.get_one(Organization, stage.buyer.id).tax_id
        compare_claims(uow, {"org_id": str(make_org(uow, tax_id=contested).id)})
        found["tax_id_dispute_id"] = scalars(select(TaxIdDispute.id).where(TaxIdDispute.tax_id == contested)).one()
        webhook = GatewayWebhook(uuid7().hex, "dispute", uuid7().hex, {}, needs_person=True)
        store_webhook(uow, "sandbox", webhook)
        uow.flush()
        found["webhook_id"] = scalars(select(Inbox.id).where(Inbox.event_id == webhook.event_id)).one()
    found |= (
        _taxed(stage)
        | _partner(stage)
        | _payer(stage)
        | _end_customer(stage)
        | _live(stage)
        | _fair(stage)
        | _circle(stage)
        | _share_policy(stage)
        | _promoters(stage)
        | _endpoint(stage)
        | _coupon(stage)
        | _department(stage)
        | _test_clock(stage)
        | _milestone(stage)
        | _response_card(stage, found["video_id"])
    )
    stage.tick(NOTIFY)
    with unit_of_work(db, SYSTEM) as uow:
        purchaser = select(Notification.id).where(Notification.person_id == stage.purchaser.person()).limit(1)
        found["notification_id"] = uow.session.scalars(purchaser).one()
    stage.settle()
    found["statement_id"] = stage.statements(stage.seller)[0].id
    stage.pay_out(found["statement_id"])
    with unit_of_work(db, SYSTEM) as uow:
        found["payout_id"] = uow.session.scalars(select(Payout.id).where(Payout.org_id == stage.seller.id)).one()
    return (
        found | _by_bank(stage) | _credits(stage, order_id) | _asked_back(stage, order_id) | _disputed(stage, order_id)
    )


def _response_card(stage: Stage, video_id: UUID) -> dict[str, UUID]:
    """A card that sells nothing on the promoter's draft, and an answer to it."""
    with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
        asking = stage_card(uow, uow.session.get_one(Video, video_id))
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return {"response_card_id": asking, "card_response_id": stage_response(uow, asking)} | _training(uow, stage)


def _training(uow: UnitOfWork, stage: Stage) -> dict[str, UUID]:
    """What the promoter's owner is to watch."""
    video = make_ready_video(uow, stage.promoter, visibility="internal")
    VIDEO.move(uow, video, "published", org_ids=[stage.promoter.id])
    uow.flush()
    today, owner = clock.today("Asia/Shanghai"), stage.promoter.owner
    with acting(uow, owner):
        return {"training_id": assign_training(uow, AssignTraining("x", today, (video.id,), (owner.person(),))).id}


def _by_bank(stage: Stage) -> dict[str, UUID]:
    """A batch that the promoter is paid in, and the bank's word about it."""
    db = stage.services.db
    confirm_account(db, bank_account_of(db, stage.promoter, stage.services.secrets))
    batch_id = pay_by_bank(db, OPERATOR_PRINCIPAL, [stage.statements(stage.promoter)[0].id])
    with unit_of_work(db, SYSTEM) as uow:
        newest = select(PayoutReport.id).order_by(PayoutReport.created_at.desc(), PayoutReport.id.desc()).limit(1)
        return {"batch_id": batch_id, "payout_report_id": uow.session.scalars(newest).one()}


def _credits(stage: Stage, order_id: UUID) -> dict[str, UUID]:
    """What the buyer may owe, and what it has with its seller."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        terms = GrantCreditLine(stage.buyer.id, "CNY", 1_000, 30, "long known")
        line_id = grant_credit_line(uow, terms).id
        notice_id = _noticed(uow, stage, order_id)
    return _credit(stage, order_id) | {"credit_line_id": line_id, "dunning_notice_id": notice_id}


def _noticed(uow: UnitOfWork, stage: Stage, order_id: UUID) -> UUID:
    """The letter about what the buyer owes."""
    account = SaveBankAccount(
        f"every-{uuid7().hex[-10:]}", "CNY", "平台", "银行", "6222020200001234567", is_offered=False
    )
    account_id, now = save_bank_account(uow, account).id, clock.now()
    payment_id = uow.session.get_one(Order, order_id).payment_id
    amounts = {"amount_minor": 100, "received_minor": 0, "written_off_minor": 0, "credited_minor": 0}
    transfer = BankTransfer(
        id=uuid7(),
        payer_org_id=stage.buyer.id,
        payment_id=payment_id,
        gateway="on_account",
        account_id=account_id,
        idempotency_key=uuid7().hex,
        remark_code=draw_code(),
        payer_name="-",
        payer_key="-",
        description="-",
        currency="CNY",
        state="withdrawn",
        deadline_at=now,
        files={},
        created_at=now,
        **amounts,
    )
    notice = DunningNotice(
        id=uuid7(),
        payer_org_id=stage.buyer.id,
        transfer_id=transfer.id,
        days=1,
        owed_minor=100,
        currency="CNY",
        due_at=now,
        files={},
        created_at=now,
    )
    uow.session.add(transfer)
    uow.session.flush()
    uow.session.add(notice)
    uow.session.flush()
    return notice.id


def _credit(stage: Stage, order_id: UUID) -> dict[str, UUID]:
    """A part of an order that came back as credit with its seller, and a card that is kept for the buyer."""
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        case_id = ask_refund(uow, AskForRefund(order_id, 1, "Credit will do.", as_credit=True)).id
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        answer_refund(uow, DecideRefund(case_id, "grant"))
    stage.run()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        mine = select(StoreCredit.id).where(StoreCredit.buyer_org_id == stage.buyer.id)
        (method_id,) = keep_methods(uow, stage.buyer.id, "4242")
        return {"credit_id": uow.session.scalars(mine).one(), "method_id": method_id}


def _asked_back(stage: Stage, order_id: UUID) -> dict[str, UUID]:
    """Money of an order whose window is over, and what its buyer shows for it."""
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        case_id = ask_refund(uow, AskForRefund(order_id, 1, "Not as shown.")).id
        stored = stage.services.storage.put_bytes(evidence_key(case_id), b"%PDF-1.7")
        shown = AddRefundEvidence(case_id, "buyer", stored, "application/pdf", "order.pdf")
        return {"case_id": case_id, "evidence_id": add_refund_evidence(uow, shown).id}


def _teach(uow: UnitOfWork, stage: Stage, listing_id: UUID) -> None:
    """The product is a course of one episode."""
    video_id = make_ready_video(uow, stage.seller, visibility="internal").id
    words = {"title": "第一课", "title_en": "Lesson 1", "is_preview": False}
    uow.session.add(
        CourseEpisode(org_id=stage.seller.id, listing_id=listing_id, video_id=video_id, position=1, **words)
    )
    uow.flush()


def _disputed(stage: Stage, order_id: UUID) -> dict[str, UUID]:
    """A dispute about an order, and what its buyer shows."""
    db = stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        payment = uow.session.get_one(Payment, stage.order(order_id).payment_id)
        money = Money(payment.amount_minor, payment.currency)
        record = GatewayRecord(GatewayStatus.PENDING, f"sbx_dis_{uuid7().hex}", payment.gateway_reference or "", money)
        apply_gateway_record(uow, "sandbox", record)
        uow.flush()
        dispute_id = uow.session.scalars(select(Dispute.id).where(Dispute.payment_id == payment.id)).one()
    stored = stage.services.storage.put_bytes(dispute_evidence_key(dispute_id), b"%PDF-1.7")
    shown = AddDisputeEvidence(dispute_id, "buyer", stored, "application/pdf", "order.pdf")
    with unit_of_work(db, stage.purchaser) as uow:
        return {"dispute_id": dispute_id, "document_id": add_dispute_evidence(uow, shown).id}


def _used(uow: UnitOfWork, stage: Stage, entitlement: Entitlement) -> dict[str, UUID]:
    """A rated period, and what the buyer questions of it; what was bought is a course, too."""
    _teach(uow, stage, entitlement.listing_id)
    set_usage_terms(uow, entitlement.id, PRICE)
    with acting(uow, stage.seller.owner):
        used = UsageIn(uuid7().hex, clock.now(), entitlement.id, "calls", Decimal(1_400))
        assert [one.outcome for one in record_usage(uow, [used])] == ["accepted"]
    period = uow.session.scalars(select(UsagePeriod).where(UsagePeriod.entitlement_id == entitlement.id)).one()
    now = clock.now()
    clock.advance(period.closes_at - now)
    close_period(uow, period.id)
    clock.advance(now - period.closes_at)
    uow.flush()
    calls = (UsageLine.period_id == period.id, UsageLine.dimension == "calls")
    line_id = uow.session.scalars(select(UsageLine.id).where(*calls)).one()
    with acting(uow, stage.buyer.owner):
        return {"usage_line_id": line_id, "usage_challenge_id": challenge_line(uow, line_id, "Not ours.")}


def _feedback(uow: UnitOfWork, stage: Stage, listing_id: UUID) -> dict[str, UUID]:
    """Of what customers write, what is shown to nobody else."""
    with acting(uow, stage.buyer.owner):
        review = write_review(uow, WriteReview(listing_id, 4, "Kept to ourselves."))
        withdraw_review(uow, listing_id)
        question = ask_question(uow, listing_id, "Hidden?")
        report = report_content(uow, ReportContent("listing", listing_id, "spam"))
    with acting(uow, stage.seller.owner):
        moderate_question(uow, question.id, show=False)
    return {"review_id": review.id, "question_id": question.id, "report_id": report.id}


def _talked(uow: UnitOfWork, stage: Stage, order_line_id: UUID) -> dict[str, UUID]:
    """A conversation, and a ticket on an order."""
    with acting(uow, stage.buyer.owner):
        said = write_to_seller(uow, stage.seller.id, WriteMessage("How long does it take?"))
        order_id = uow.session.get_one(OrderLine, order_line_id).order_id
        ticket_id = open_ticket(uow, OpenTicket(order_id, "A seat", "It does not open.")).id
        written = uow.session.scalars(select(TicketMessage.id).where(TicketMessage.ticket_id == ticket_id)).one()
        found = {"conversation_id": said.conversation_id, "message_id": said.id}
        return found | {"ticket_id": ticket_id, "ticket_message_id": written}


def _asked(uow: UnitOfWork, stage: Stage, listing_id: UUID) -> dict[str, UUID]:
    """A request, the offer that answers it, and a day without demos."""
    with acting(uow, stage.buyer.owner):
        lead_id = create_lead(uow, CreateLead("quote", listing_id)).id
    with acting(uow, stage.seller.owner):
        day_id = add_demo_day(uow, AddDemoDay(clock.today("UTC") + timedelta(days=300))).id
        offer = MakeOffer(
            lead_id, (OfferedPlan(stage.seat_plan, 20, 15_000),), clock.today("UTC") + timedelta(days=300)
        )
        return {"lead_id": lead_id, "offer_id": make_offer(uow, offer).id, "demo_day_id": day_id}


def _share_policy(stage: Stage) -> dict[str, UUID]:
    with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
        return {"share_policy_version_id": start_draft(uow).id}


def _coupon(stage: Stage) -> dict[str, UUID]:
    today = clock.today("UTC")
    command = MakeCoupon("Launch", today, today + timedelta(days=300), code="LAUNCH-20", percent_ppm=200_000)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        made = {"coupon_id": make_coupon(uow, command).id}
    return made | _share_policy(stage)


def _live(stage: Stage) -> dict[str, UUID]:
    """A session for the seller's own people, with something on its shelf."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        plan = uow.session.get_one(Plan, stage.seat_plan)
        session, (item,) = make_session(uow, stage.seller, plan, visibility="internal")
        with acting(uow, stage.seller.owner):
            asked = ask_in_room(uow, session.id, "x")
        return {"live_session_id": session.id, "live_item_id": item.id, "live_question_id": asked.id}


def _partner(stage: Stage) -> dict[str, UUID]:
    """A partner of the seller that has agreed, and what it pays for the plan."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = uow.session.get_one(Plan, stage.seat_plan).listing_id
        uow.session.get_one(Organization, stage.buyer.id).tax_id_verified_at = clock.now()
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        tier_id = save_tier(uow, SaveTier("GOLD", "金牌", "Gold")).id
        price_id = set_tier_price(uow, SetTierPrice(tier_id, listing_id, discount_ppm=100_000)).id
        link_id = ask_partner(uow, AskPartner(stage.buyer.id, tier_id)).id
        invitation_id = invite_dealers(uow, InviteDealers(tier_id, "dealers")).id
        dealers = MakeDealerList("dealers", (DealerRow(1, "North", email="north@dealer.example", tier="GOLD"),))
        list_id = make_dealer_list(uow, dealers).id
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        accept_partner(uow, link_id)
    plans = (OfferedPlan(stage.seat_plan, 20, 15_000),)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        command = MakeOffer(None, plans, clock.today("UTC") + timedelta(days=300))
        tier_offer_id = make_tier_offer(uow, tier_id, command).id
    made = {
        "partner_tier_id": tier_id,
        "tier_price_id": price_id,
        "partner_link_id": link_id,
        "dealer_list_id": list_id,
    }
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        sheet_id = make_sheet(uow, MakeSheet("sheet", (SheetRow(1, str(stage.seat_plan), "20"),))).id
    return made | {"tier_offer_id": tier_offer_id, "order_sheet_id": sheet_id, "partner_invitation_id": invitation_id}


def _circle(stage: Stage) -> dict[str, UUID]:
    """An internal circle of the buyer's: its owner, a colleague who is in it, and what the colleague wrote."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        circle = make_circle(uow, stage.buyer.owner, "internal")
        colleague = make_member(uow, stage.buyer, "viewer")
        (member_id,) = join(uow, circle, colleague)
        post_id = post(uow, circle, colleague)
        community = make_circle(uow, stage.seller.owner, visibility="closed")
        plan, today = uow.session.get_one(Plan, stage.seat_plan), clock.today("Asia/Shanghai")
        with acting(uow, stage.seller.owner):
            offer = OfferToCircle(community.org_id, plan.listing_id, "圈内优惠", today, today, percent_ppm=100_000)
            offer_id = offer_to_circle(uow, offer).id
    made = {"circle_id": circle.org_id, "circle_member_id": member_id, "circle_post_id": post_id}
    return made | {"circle_offer_id": offer_id}


def _end_customer(stage: Stage) -> dict[str, UUID]:
    """The buyer invites an organization by a link, to order for it."""
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return {"end_customer_id": ask_end_customer(uow, AskEndCustomer(name="Blue Ocean")).id}


def _payer(stage: Stage) -> dict[str, UUID]:
    """Another organization pays for the buyer, and is asked to pay a purchase; the agreement ends, and with it the purchase."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        payer = make_org(uow)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        agreement_id = propose_agreement(uow, ProposeAgreement(payer.id, by_payer=False, currency="CNY"), known=True).id
    with unit_of_work(stage.services.db, payer.owner) as uow:
        accept_agreement(uow, agreement_id)
    command = PlacePurchase(stage.quote(), None, BY_PAYER, str(agreement_id))
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        purchase_id = place_purchase(uow, command).purchase.id
        charge_id = uow.session.scalars(select(PayerCharge.id).where(PayerCharge.purchase_id == purchase_id)).one()
    with unit_of_work(stage.services.db, payer.owner) as uow:
        end_agreement(uow, agreement_id)
    return {"payer_agreement_id": agreement_id, "payer_charge_id": charge_id}


def _fair(stage: Stage) -> dict[str, UUID]:
    """An exhibition that is over: the seller organized it, and the buyer gave its badge there."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        fair = make_fair(uow, stage.seller, stage.seller, uow.session.get_one(Plan, stage.seat_plan))
        register_at(uow, fair, stage.buyer)
        exchange_id = give(uow, fair, stage.buyer).id
        with acting(uow, stage.seller.owner):
            archive_hall(uow, fair.hall_id)
    return {"hall_id": fair.hall_id, "booth_id": fair.booth_id, "badge_exchange_id": exchange_id}


def _group(stage: Stage, entitlement_id: UUID) -> dict[str, UUID]:
    """The seller is a subsidiary of the buyer, lets it do everything, and gave a member one of two allocated seats."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for org_id in (stage.seller.id, stage.buyer.id):
            uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        membership_id = ask_group(uow, AskGroup(stage.seller.id, as_hq=True, rights=RIGHTS)).id
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        accept_group(uow, membership_id)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        row = allocate_seats(uow, AllocateSeats(entitlement_id, membership_id, 2))
        assert row is not None
        allocation_id = row.id
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        seat_id = assign_allocated_seat(uow, allocation_id, stage.seller.owner.person())
    stage.run()
    return {
        "group_membership_id": membership_id,
        "seat_allocation_id": allocation_id,
        "allocated_seat_id": seat_id,
    }


def _taxed(stage: Stage) -> dict[str, UUID]:
    """A sale on a tax invoice (数电票) that was booked and is taken back in part."""
    order_id = stage.buy()
    stage.run()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        bills = [one.id for one in stage.papers(order_id)]
        request_id = request_fapiao(uow, RequestFapiao(bills), SandboxFapiaoIssuer()).id
    number_fapiaos(stage, request_id)
    fapiao_id = first_document(stage, request_id)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        use_fapiao(uow, fapiao_id)
        forward_id = forward_documents(uow, ForwardDocuments(bills, "books@accountants.example")).id
    made = {"refund_id": stage.refund(order_id, 1)}
    stage.run()
    letter_id = letter_of(stage, fapiao_id)
    made |= {"fapiao_request_id": request_id, "fapiao_id": fapiao_id, "red_letter_id": letter_id}
    return made | {"forward_id": forward_id, "quote_id": stage.quote(), "buyer_statement_id": closed_month(stage)}


def _promoters(stage: Stage) -> dict[str, UUID]:
    """A plan of the seller beside a general one, and somebody who was invited to it."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = make_plans(uow, stage.seller, per_seat_plan())[0].listing_id
        invited = make_org(uow)
        uow.session.get_one(Organization, invited.id).tax_id_verified_at = clock.now()
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        make_plan(uow, MakePlan(listing_id, "general", 100_000))
        plan_id = make_plan(uow, MakePlan(listing_id, "targeted", 200_000)).id
        membership_id = invite_promoter(uow, plan_id, invited.id).id
    return {"promoter_plan_id": plan_id, "promoter_membership_id": membership_id}


def _department(stage: Stage) -> dict[str, UUID]:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        return {"department_id": save_department(uow, SaveDepartment("MKT", "市场部")).id}


def _test_clock(stage: Stage) -> dict[str, UUID]:
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        return {"clock_id": create_test_clock(uow, "Renewals").row.id}


def _milestone(stage: Stage) -> dict[str, UUID]:
    """Of a service in three, with a file that its seller keeps to itself."""
    service = service_on(stage, staged_price())
    one = service.milestones(service.begun())[0]
    file = service.add(one)
    stage.services.storage.put_bytes(file.file_key, b"%PDF-1.7")
    return {"milestone_id": one.id, "milestone_file_id": file.id}


def _endpoint(stage: Stage) -> dict[str, UUID]:
    """An endpoint of the seller's that is switched off, so that nothing is called, and a test that was not sent any more."""
    command = SaveEndpoint("our system", "https://erp.example/events", ["order.paid"])
    box, policy = stage.services.secrets, stage.services.outbound_policy
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        endpoint_id = save_endpoint(uow, command, box=box, policy=policy).id
        delivery_id = send_test(uow, endpoint_id)
        switch_endpoint(uow, endpoint_id, on=False)
        event_id = uow.session.get_one(WebhookDelivery, delivery_id).event_id
        address = f"{stage.services.robots.bases['wecom']}/cgi-bin/webhook/send?key={uuid7().hex}"
        posts = SaveRobot("our group", "wecom", address, ["sales"])
        robot_id = save_robot(uow, posts, box=box, bases=stage.services.robots.bases).id
        switch_robot(uow, robot_id, on=False)
        announcement_id = publish_announcement(uow, PublishAnnouncement("Upgrade", "On Saturday.")).id
    return {"endpoint_id": endpoint_id, "delivery_id": delivery_id, "event_id": event_id} | {
        "robot_id": robot_id,
        "announcement_id": announcement_id,
    }
