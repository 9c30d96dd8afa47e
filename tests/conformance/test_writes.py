"""Every write of the contract is carried out once, by whom it is for, and answers as the document says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.context import Services
from app.embedded.engines import Addresses
from billing.gateways.ports import GatewayWebhook
from billing.gateways.webhooks import PROCESS, store_webhook
from billing.incidents.models import Incident
from billing.statements.models import Statement
from fulfillment.runs.models import Run
from fulfillment.usage.close_period import close_period
from fulfillment.usage.models import UsageLine, UsagePeriod
from fulfillment.usage.terms import set_usage_terms
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Inbox, Job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM, Principal
from marketplace.access.members import list_members
from marketplace.catalog.review_desk import CHECKLIST
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.models import Mail
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification, notify
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.parties.models import Organization, TaxIdDispute
from orders.approval_rules.set_rule import SetRule, set_rule
from tests.adapters.oidc_provider import Provider
from tests.adapters.seller_process import Seller
from tests.api_server import application
from tests.conformance.api_walk import NOBODY, Walk, Who, key_of, operator_of, session_of
from tests.conformance.bank_writes import bank_transfers
from tests.conformance.books_writes import books
from tests.conformance.card_writes import response_cards
from tests.conformance.circle_writes import circles
from tests.conformance.clock_writes import move_clocks
from tests.conformance.coupon_writes import coupons
from tests.conformance.credit_line_writes import credit_lines
from tests.conformance.dispute_writes import disputes
from tests.conformance.end_customer_writes import end_customers
from tests.conformance.fapiao_writes import fapiaos, invoice_forwards
from tests.conformance.group_writes import groups
from tests.conformance.hall_writes import halls
from tests.conformance.live_writes import live_sessions
from tests.conformance.milestone_writes import milestones
from tests.conformance.paper_writes import papers
from tests.conformance.partner_writes import partners
from tests.conformance.payer_writes import payers
from tests.conformance.payout_writes import payouts_by_bank
from tests.conformance.people_writes import (
    approval_app,
    leads,
    members,
    notifications,
    own_sign_in,
    ownership,
    second_factor,
    sign_in,
    sign_up,
)
from tests.conformance.policy_writes import promoter_plans, share_policies
from tests.conformance.refund_writes import refund_cases
from tests.conformance.reliability_writes import mended
from tests.conformance.service_writes import customer_service
from tests.conformance.trial_writes import trials
from tests.conformance.video_writes import courses, videos
from tests.conformance.webhook_writes import announcements, group_robots, webhooks
from tests.factories_marketplace import Org, make_member, make_org
from tests.factories_methods import keep_methods
from tests.factories_usage import PRICE
from tests.loop.test_end_of_term import subscriptions
from tests.loop_stage import Stage, services_for, set_stage
from tests.pictures import picture

BEYOND = {
    "POST /hooks/stripe": "no Stripe beside the sandbox: tests/api/test_gateway_webhooks.py asks it",
    "POST /hooks/approvals/{app_id}": "signed by a provider outside: tests/loop/test_outside_approvals.py lets one send it",
    "POST /v1/approval-app/test": "the same",
    "POST /v1/group-robots/{robot_id}/test": "it calls a provider: tests/loop/test_group_robots.py asks it",
    "POST /v1/gateway-accounts": "the sandbox opens no accounts: tests/adapters/test_connected_accounts.py opens one",
    "POST /v1/gateway-accounts/ask": "the same",
    "POST /v1/payment-methods": "the sandbox keeps none: tests/api/pages/dashboards/test_stripe_pages.py asks it",
}
"""Writes that this world cannot honour, and why."""
TEXTS = {"title": "招聘专业版", "title_en": "Recruiting", "summary": "一屏管完", "summary_en": "One screen"}
TEXTS |= {"description": "说明", "description_en": "Description"}


@dataclass
class World:
    """A stage, the people on it, and what is asked of it."""

    stage: Stage
    walk: Walk
    buyer: Who
    seller: Who
    promoter: Who
    operator: Who
    purchaser: Who
    approver: Who
    issuer: str
    """Of an identity provider that this world may call."""

    @property
    def services(self) -> Services:
        return self.stage.services

    def member(self, org: Org, *roles: str) -> tuple[Principal, Who, UUID]:
        """Somebody new in an organization, their browser, and their membership."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            person = make_member(uow, org, *roles)
            who = session_of(uow, person)
        with unit_of_work(self.services.db, org.owner) as uow:
            members = {row.person_id: row.id for row in list_members(uow)}
        return person, who, members[person.person()]

    def notification(self, org: Org) -> tuple[UUID, Who]:
        """Something that a new member was told, and their browser."""
        person, who, _ = self.member(org, "finance")
        event_id = uuid7()
        params: dict[str, str | int] = {"number": "1", "seller": "某公司", "amount_minor": 1, "currency": "CNY"}
        wanted = NewNotification(
            event_id, clock.now(), "invoice_issued", "/invoices", params, org_id=org.id, person_id=person.person()
        )
        with unit_of_work(self.services.db, SYSTEM) as uow:
            notify(uow, [wanted])
            own = select(Notification.id).where(Notification.event_id == event_id)
            return uow.session.scalars(own).one(), who

    def proof(self, to: str) -> str:
        """The token in the newest mail to an address."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            (row, *_) = uow.session.scalars(
                select(Mail).where(Mail.to_address == to).order_by(Mail.created_at.desc(), Mail.id.desc())
            ).all()
            content = MailContent(row.id, row.to_address, row.kind, row.locale, row.created_at, row.params)
        composer = Composer(self.services.signer, public_url="https://market.example", sender="a@market.example")
        body = composer.compose(content).get_body(("plain",))
        assert body is not None
        found = re.search(r"token=(\S+)", body.get_content())
        assert found is not None
        return found.group(1)


@pytest.fixture(scope="module")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.stop()


class NoRecords:
    """Knows of no text record; a domain that is approved needs none."""

    def find_txt(self, name: str) -> frozenset[str]:
        """Nothing."""
        del name
        return frozenset()


@pytest.fixture(scope="module")
def world(
    addresses: Addresses, seller_app: Seller, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    services = services_for(addresses, tmp_path_factory.mktemp("house"), sample_seller_port=seller_app.port)
    permitted = services.outbound_policy.permitted | {f"127.0.0.1:{provider.port}"}
    policy = replace(services.outbound_policy, permitted=permitted)
    services = replace(services, outbound_policy=policy, txt_resolver=NoRecords())
    stage, walk = set_stage(services, seller_app), Walk(application(services))
    with unit_of_work(services.db, SYSTEM) as uow:
        buyer, seller, promoter = (key_of(uow, org.owner) for org in (stage.buyer, stage.seller, stage.promoter))
        purchaser, approver = (session_of(uow, person) for person in (stage.purchaser, stage.approver))
        world = World(stage, walk, buyer, seller, promoter, operator_of(uow), purchaser, approver, provider.issuer)
    yield world
    services.db.dispose()


def catalogue(world: World) -> None:
    ask, seller, operator = world.walk.ask, world.seller, world.operator
    address = f"{world.stage.seller_app.address}/webhooks/marketplace/northwind"
    connector = ask("POST /v1/connectors", seller, {"kind": "webhook", "name": "crm", "url": address})
    named = {"connector_id": connector["id"]}
    ask("PATCH /v1/connectors/{connector_id}", seller, {"name": "hr"}, **named)
    ask("POST /v1/connectors/{connector_id}/test", seller, **named)
    world.stage.run()
    ask("POST /v1/connectors/{connector_id}/secret", seller, **named)
    plan = {
        "code": "pro",
        "connector_id": connector["id"],
        "currency": "CNY",
        "interval": "year",
        "name": "专业版",
        "name_en": "Pro",
        "pricing": "per_seat",
        "unit_price_minor": 19_900,
    }
    draft = TEXTS | {"category": "hr", "kind": "saas", "slug": f"s-{uuid7().hex[-10:]}", "plans": [plan]}
    listing_id = ask("POST /v1/listings", seller, draft)["id"]
    listing = {"listing_id": listing_id}
    picture = {"file": PICTURE}
    shown = ask("POST /v1/listings/{listing_id}/images/upload", seller, picture, "multipart/form-data", **listing)
    ask("PUT /v1/listings/{listing_id}/image", seller, {"alt": "看板"}, v=shown["id"], **listing)
    ask("DELETE /v1/listings/{listing_id}/image", seller, v=shown["id"], **listing)
    ask("PUT /v1/listings/{listing_id}/terms", seller, {"version": "2026-11", "text": "按年付费。"}, **listing)
    ask("POST /v1/listings/{listing_id}/terms/upload", seller, {"file": DOCUMENT}, "multipart/form-data", **listing)
    ask("DELETE /v1/listings/{listing_id}/terms", seller, **listing)
    draft_terms = {"version": "2026-12", "text_en": "Paid a year ahead."}
    ask("PUT /v1/listings/{listing_id}/terms", seller, draft_terms, **listing)
    ask("PUT /v1/listings/{listing_id}/visibility", seller, {"visibility": "public"}, **listing)
    ask("POST /v1/listings/{listing_id}/submit", seller, **listing)
    ask("POST /v1/operator/reviews/{listing_id}", operator, {"approve": True, "checklist": list(CHECKLIST)}, **listing)
    ask("POST /v1/operator/listings/{listing_id}/suspend", operator, {"reason": "looked into"}, **listing)
    ask("POST /v1/operator/listings/{listing_id}/resume", operator, **listing)
    ask("POST /v1/listings/{listing_id}/share", world.purchaser, **listing)
    ask("POST /v1/listings/{listing_id}/versions", seller, TEXTS | {"plans": [plan]}, **listing)
    sold = {"plan_id": world.stage.seat_plan}
    ask("PUT /v1/plans/{plan_id}/connector", seller, {"connector_id": str(world.stage.connector)}, **sold)
    plan_id, _ = world.stage.offer()
    ask("POST /v1/plans/{plan_id}/withdraw", seller, plan_id=plan_id)
    ask("POST /v1/listings/{listing_id}/retire", seller, **listing)


def onboarding(world: World) -> None:
    ask, operator = world.walk.ask, world.operator
    with unit_of_work(world.services.db, SYSTEM) as uow:
        owner = make_org(uow).owner
        who, person = key_of(uow, owner), session_of(uow, owner)
    ask("POST /v1/onboarding", who)
    ask("POST /v1/onboarding/{step}", person, {"agreement_version": AGREEMENT_VERSION}, step="agreement")
    own = {"org_id": owner.org_id}
    ask("POST /v1/organizations/{org_id}/verification-transfer", who, **own)
    proof = ask("POST /v1/onboarding/legal-proof", who, {"file": SCAN}, "multipart/form-data")
    ask("POST /v1/operator/legal-proofs/{proof_id}", operator, {"approve": True}, proof_id=proof["id"])
    ask("POST /v1/organizations/{org_id}/verification", who, {"file": SCAN}, "multipart/form-data", **own)
    with unit_of_work(world.services.db, SYSTEM) as uow:
        rival = make_org(uow)
        rival_key, tax_id = key_of(uow, rival.owner), uow.session.get_one(Organization, owner.org_id).tax_id
    ask("PUT /v1/organizations/{org_id}/tax-id", rival_key, {"tax_id": tax_id}, org_id=rival.id)
    world.stage.run()
    with unit_of_work(world.services.db, SYSTEM) as uow:
        disputed = uow.session.scalars(select(TaxIdDispute.id).where(TaxIdDispute.tax_id == tax_id)).one()
    decided = {"decision": "settle", "org_id": str(owner.org_id), "reason": "文件已核对。"}
    ask("POST /v1/operator/tax-id-disputes/{tax_id_dispute_id}", operator, decided, tax_id_dispute_id=disputed)
    account = {"currency": "CNY", "country": "CN", "holder": "测试有限公司", "bank_name": "测试银行"}
    account |= {"account": "6222020200112233445", "bank_code": "102100099996"}
    saved = ask("POST /v1/payout-accounts", who, account)
    ask("POST /v1/operator/payout-accounts/{account_id}/reveal", operator, account_id=saved["id"])


def feedback(world: World, listing_id: UUID) -> None:
    ask, listing, operator = world.walk.ask, {"listing_id": listing_id}, world.operator
    _, seller, _ = world.member(world.stage.seller, "catalog")
    written = {"stars": 5, "text": "一块屏就够了。"}
    review = ask("PUT /v1/listings/{listing_id}/customer-review", world.purchaser, written, **listing)
    said = {"review_id": review["id"]}
    ask("PUT /v1/seller/customer-reviews/{review_id}/answer", seller, {"text": "谢谢。"}, **said)
    ask("DELETE /v1/listings/{listing_id}/customer-review", world.purchaser, **listing)
    for text, who, address in (
        ("多少钱？", world.purchaser, "/v1/questions/{question_id}"),
        ("能导出吗？", operator, "/v1/operator/questions/{question_id}"),
    ):
        made = ask("POST /v1/listings/{listing_id}/questions", world.purchaser, {"text": text}, **listing)
        asked = {"question_id": made["id"]}
        ask("PUT /v1/seller/questions/{question_id}/answer", seller, {"text": "见价格表。"}, **asked)
        for verb in ("hide", "show"):
            ask(f"POST /v1/seller/questions/{{question_id}}/{verb}", seller, **asked)
        ask(f"DELETE {address}", who, **asked)


def buying(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    quote = ask("POST /v1/quotes", world.purchaser, {"plan_id": str(stage.seat_plan), "quantity": 20})
    purchase = {"billing_profile_id": str(stage.profile), "payment_method": "sbx_ok"}
    ask("POST /v1/purchases", world.purchaser, purchase | {"quote_id": quote["id"]})
    stage.run()
    declined = stage.purchase(stage.quote(), method="sbx_declined")
    asked = stage.purchase(stage.quote(), method="sbx_requires_action")
    stage.run()
    ask("PUT /v1/purchases/{purchase_id}/department", world.buyer, {"department_id": None}, purchase_id=declined)
    ask("POST /v1/purchases/{purchase_id}/pay", world.purchaser, {"payment_method": "sbx_ok"}, purchase_id=declined)
    (payment,) = stage.payments(asked)
    ask(
        "POST /v1/sandbox/payments/{payment_id}/authentication",
        world.purchaser,
        {"approve": True},
        payment_id=payment.id,
    )
    left = stage.purchase(stage.quote(), method="sbx_requires_action")
    stage.run()
    ask("POST /v1/payments/{payment_id}/withdraw", world.purchaser, payment_id=stage.payments(left)[0].id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        first, second = keep_methods(uow, stage.buyer.id, "4242", "1881")
    ask("POST /v1/payment-methods/{method_id}/default", world.purchaser, method_id=second)
    ask("POST /v1/payment-methods/{method_id}/remove", world.purchaser, {"replace_by": str(second)}, method_id=first)
    dropped = stage.purchase(stage.quote(), method="sbx_declined")
    stage.run()
    ask("POST /v1/purchases/{purchase_id}/cancel", world.purchaser, None, purchase_id=dropped)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 0))
    pending = [stage.purchase(stage.quote()) for _ in range(2)]
    for purchase_id, verb in zip(pending, ("approve", "reject"), strict=True):
        ask(
            f"POST /v1/purchases/{{purchase_id}}/{verb}",
            world.approver,
            {"reason": "because"},
            purchase_id=purchase_id,
        )
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 10_000_000))


def using(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    order_id = stage.buy()
    stage.run()
    entitlement = stage.entitlement(order_id)
    feedback(world, entitlement.listing_id)
    person, who, _ = world.member(stage.buyer, "viewer")
    (subscription,) = subscriptions(stage, order_id)
    ask(
        "PUT /v1/subscriptions/{subscription_id}/auto-renew",
        world.buyer,
        {"auto_renew": True},
        subscription_id=subscription.id,
    )
    one = {"subscription_id": subscription.id}
    ask("PUT /v1/subscriptions/{subscription_id}/department", world.buyer, {"department_id": None}, **one)
    ask("PUT /v1/subscriptions/{subscription_id}/payment-method", world.buyer, {"payment_method": "sbx_ok"}, **one)
    ask("PUT /v1/subscriptions/{subscription_id}/next-term", world.buyer, {"quantity": 18}, **one)
    ask("POST /v1/subscriptions/{subscription_id}/amendment-quotes", world.buyer, {"quantity": 22}, **one)
    trials(world)
    coupons(world)
    partners(world)
    payers(world)
    end_customers(world)
    groups(world)
    live_sessions(world)
    share_policies(world)
    promoter_plans(world)
    milestones(world)
    named = {"entitlement_id": entitlement.id}
    body = {"person_id": str(person.person())}
    seat = ask("POST /v1/entitlements/{entitlement_id}/seats", world.buyer, body, **named)
    ask("POST /v1/entitlements/{entitlement_id}/launch", who, **named)
    ask("DELETE /v1/entitlements/{entitlement_id}/seats/{seat_id}", world.buyer, seat_id=seat["id"], **named)
    ask("POST /v1/orders/{order_id}/refunds", world.buyer, {"reason": "not needed"}, order_id=order_id)
    service = stage.buy(stage.service_plan, 1)
    stage.run()
    ask("POST /v1/orders/{order_id}/acceptance", world.buyer, order_id=service)


def metering(world: World) -> None:
    """What is sold by usage is reported, capped, rated, questioned and answered."""
    ask, stage = world.walk.ask, world.stage
    order_id = stage.buy()
    stage.run()
    entitlement = stage.entitlement(order_id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        set_usage_terms(uow, entitlement.id, PRICE)
    event = {"id": uuid7().hex, "time": clock.now().isoformat(), "entitlement": str(entitlement.id)}
    event |= {"dimension": "calls", "quantity": "1400"}
    ask("POST /v1/usage", world.seller, {"events": [event]})
    named = {"entitlement_id": entitlement.id, "dimension": "calls"}
    cap = {"kind": "hard", "quantity": "2000"}
    ask("PUT /v1/entitlements/{entitlement_id}/usage/caps/{dimension}", world.buyer, cap, **named)
    ask("DELETE /v1/entitlements/{entitlement_id}/usage/caps/{dimension}", world.buyer, **named)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        period = uow.session.scalars(select(UsagePeriod).where(UsagePeriod.entitlement_id == entitlement.id)).one()
        clock.advance(period.closes_at - clock.now())
        close_period(uow, period.id)
    (line, *_) = stage.rows(select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.dimension == "calls"))
    asked = ask("POST /v1/usage/lines/{usage_line_id}/challenge", world.buyer, {"question": "?"}, usage_line_id=line.id)
    ask(
        "POST /v1/seller/usage/challenges/{usage_challenge_id}/answer",
        world.seller,
        {"credit": 40, "answer": "Taken back."},
        usage_challenge_id=asked["id"],
    )


def delivering(world: World) -> None:
    """The seller has not answered in time, and takes the order up again; then it calls back."""
    ask, stage = world.walk.ask, world.stage
    stage.seller_app.behave(mode="async")
    order_id = stage.buy()
    stage.run()
    run = stage.delivery(order_id)
    done = {"status": "succeeded", "external_id": "t-1", "launch_url": "https://app.example/t/1"}
    ask("POST /hooks/runs/{token}", NOBODY, done, token=stage.token(run))
    stage.run()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Run).where(Run.id == run.id).values(state="dead"))
    ask("POST /v1/seller/runs/{run_id}/replay", world.seller, run_id=run.id)
    stage.seller_app.behave()


def operating(world: World) -> None:
    ask, stage, operator = world.walk.ask, world.stage, world.operator
    orders = [stage.buy(method="sbx_refund_returned") for _ in range(2)]
    stage.buy()
    stage.run()
    refunds = [stage.refund(order_id) for order_id in orders]
    stage.run()
    clock.advance(timedelta(days=1))
    stage.run()
    incidents = [stage.rows(select(Incident).where(Incident.subject_id == refund_id))[0] for refund_id in refunds]
    ask("POST /v1/operator/incidents/{incident_id}/resend", operator, incident_id=incidents[0].id)
    settled = {"resolution": "paid by hand", "evidence": "bank slip 7"}
    ask("POST /v1/operator/incidents/{incident_id}/close", operator, settled, incident_id=incidents[1].id)
    put_aside = [uuid7().hex for _ in range(2)]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for event in put_aside:
            store_webhook(uow, "sandbox", GatewayWebhook(event, "payment.succeeded", event, {}))
            uow.session.execute(update(Inbox).where(Inbox.event_id == event).values(state="quarantined"))
    webhooks = [stage.rows(select(Inbox).where(Inbox.event_id == event))[0] for event in put_aside]
    ask("POST /v1/operator/webhooks/{webhook_id}/look-again", operator, webhook_id=webhooks[0].id)
    answered = {"resolution": "answered at the gateway"}
    ask("POST /v1/operator/webhooks/{webhook_id}/settle", operator, answered, webhook_id=webhooks[1].id)
    ask("POST /v1/operator/gateway-balances/read", operator, {"gateway": "sandbox"})
    clock.advance(timedelta(days=8))
    ask("POST /v1/operator/statements", operator, {"org_id": str(stage.seller.id)})
    statement = stage.rows(select(Statement).where(Statement.org_id == stage.seller.id))[0]
    payout = {"statement_id": str(statement.id), "gateway": "sandbox", "destination": "sbx_acct_ok"}
    ask("POST /v1/operator/payouts", operator, payout)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        job_id = enqueue(uow, PROCESS, {}, dedupe_key=uuid7().hex)
        uow.flush_outbox()
        uow.session.execute(update(Job).where(Job.id == job_id).values(state="dead"))
    ask("POST /v1/operator/jobs/{job_id}/replay", operator, job_id=job_id)
    ask("POST /v1/operator/clock", operator, {"advance_s": 1})


CLIP = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(64)
"""What begins as a video does; what it holds is examined later."""
DOCUMENT = b"%PDF-1.7\n" + bytes(40) + b"\n%%EOF"
"""What begins and ends as a PDF does."""
PICTURE = picture()
"""A product, seen from in front."""
SCAN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40) + b"\0\0\0\0IEND\xae\x42\x60\x82"
"""What begins and ends as a picture does."""
STEPS = (
    bank_transfers,
    credit_lines,
    sign_in,
    sign_up,
    members,
    second_factor,
    ownership,
    own_sign_in,
    approval_app,
    notifications,
    leads,
    customer_service,
    halls,
    circles,
    catalogue,
    onboarding,
    videos,
    response_cards,
    courses,
    webhooks,
    group_robots,
    announcements,
    move_clocks,
    buying,
    using,
    metering,
    fapiaos,
    invoice_forwards,
    papers,
    refund_cases,
    mended,
    disputes,
    delivering,
    operating,
    payouts_by_bank,
    books,
)


@pytest.mark.timeout(600)
def test_every_write_is_carried_out_as_the_contract_says(world: World) -> None:
    labels = {found.ok().label for found in world.walk.schema.get_all_operations()}
    writes = {label for label in labels if not label.startswith("GET ")}
    assert set(BEYOND) < writes
    with clock.frozen(clock.now()):
        for step in STEPS:
            with world.walk.going_on(step.__name__):
                step(world)
    assert world.walk.broken == [], "\n".join(world.walk.broken)
    missed = writes - world.walk.answered - set(BEYOND)
    assert missed == set(), sorted(missed)
    assert len(writes & world.walk.answered) > 70
