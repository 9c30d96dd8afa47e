"""A party's account at Stripe: opened once, completed there, followed as Stripe tells, and paid only while Stripe allows it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from api.pages.seller_start.gateway_account import group_of
from app.local_stripe.server import LocalStripe, signed_event
from billing.connected_accounts.ask_account import SWEEP, ask_gateway, conclude_question, question_about
from billing.connected_accounts.held import refuse_held
from billing.connected_accounts.models import ConnectedAccount
from billing.connected_accounts.open_account import begin_account
from billing.gateways.stripe import StripeGateway
from billing.gateways.webhooks import store_webhook
from billing.payments.start_payment import start_payment
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.onboarding.models import SellerOnboarding
from marketplace.onboarding.save_payout_account import UseGatewayAccount, use_gateway_account
from tests.factories_billing import OPERATOR, House, Sale, close_due, do_sweep, make_house, read
from tests.factories_marketplace import BOX, Org, make_seller

SECRET = "whsec_connect"


class Connect:
    """A seller, and a local Stripe that opens accounts."""

    def __init__(self, house: House, server: LocalStripe, gateway: StripeGateway, org: Org) -> None:
        self.house, self.server, self.gateway, self.org = house, server, gateway, org
        self.owner = Principal(
            PrincipalKind.PERSON, org.id, org.owner.person_id, frozenset({"billing.manage"}), "owner"
        )

    def open(self) -> ConnectedAccount:
        with unit_of_work(self.house.db, self.owner) as uow:
            question = question_about(begin_account(uow, "stripe"))
        said = ask_gateway({"stripe": self.gateway}, question)
        with unit_of_work(self.house.db, self.owner) as uow:
            conclude_question(uow, question.account_id, said)
        return read(self.house.db, ConnectedAccount, question.account_id)

    def tell(self, account: ConnectedAccount) -> None:
        """Stripe posts `account.updated`."""
        at = int(clock.wall_now().timestamp())
        subject = {"id": account.reference, "object": "account"}
        body, headers = signed_event(SECRET, at, subject, type="account.updated", id=f"evt_{uuid7()}")
        with unit_of_work(self.house.db, SYSTEM) as uow:
            store_webhook(uow, "stripe", self.gateway.read_notice(body, headers, clock.now()))
        self.house.run()

    def again(self, account: ConnectedAccount) -> ConnectedAccount:
        return read(self.house.db, ConnectedAccount, account.id)


@pytest.fixture
def connect(db: Database, tmp_path: Path, noon: datetime) -> Iterator[Connect]:
    with LocalStripe() as server:
        gateway = StripeGateway("sk_test_connect", SECRET, base_address=server.address)
        house = make_house(db, tmp_path, {"stripe": gateway})
        house.run()
        with unit_of_work(db, SYSTEM) as uow:
            org = make_seller(uow)
        yield Connect(house, server, gateway, org)


def test_an_account_is_opened_once_whoever_asks_at_the_same_moment(connect: Connect) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: connect.open(), range(4)))
    assert len({row.reference for row in opened}) == 1
    assert [one["object"] for one in connect.server.objects.values()] == ["account"]
    assert {row.state for row in opened} == {"onboarding"}


def test_a_lost_answer_opens_no_second_account(connect: Connect) -> None:
    connect.server.chance = lambda method, _path: "lost" if method == "POST" else None
    assert (connect.open().reference, connect.open().trouble) == (None, "unknown")
    connect.server.chance = lambda _method, _path: None
    assert connect.open().state == "onboarding"
    assert len(connect.server.objects) == 1


def test_the_link_leads_to_stripe_and_back(connect: Connect) -> None:
    account = connect.open()
    address = connect.gateway.accounts.link(
        account.reference or "", back_to="https://m/return", again_at="https://m/again"
    )
    (link,) = connect.server.links
    assert address == link["url"]
    assert (link["account"], link["return_url"], link["refresh_url"], link["type"]) == (
        account.reference,
        "https://m/return",
        "https://m/again",
        "account_onboarding",
    )


def test_what_stripe_allows_and_wants_is_followed_and_the_step_is_done(connect: Connect) -> None:
    account = connect.open()
    assert account.requirements == ["business_profile.url", "external_account", "tos_acceptance.date"]
    with unit_of_work(connect.house.db, SYSTEM) as uow:
        checklist = uow.session.get_one(SellerOnboarding, connect.org.id)
        checklist.bank_done_at = None
    connect.server.complete_account(account.reference or "")
    connect.server.objects[account.reference or ""]["_held"] = {"eur": 1_250, "cny": -300}
    connect.tell(account)
    now = connect.again(account)
    assert (now.state, now.payouts_enabled, now.capabilities, now.requirements) == (
        "enabled",
        True,
        {"transfers": "active"},
        [],
    )
    assert now.balance == {"EUR": 1_250, "CNY": -300}
    done = read(connect.house.db, SellerOnboarding, connect.org.id).bank_done_at
    assert done is not None
    connect.server.restrict_account(account.reference or "", "individual.verification.document")
    connect.tell(account)
    now = connect.again(account)
    assert (now.state, now.disabled_reason) == ("restricted", "requirements.past_due")
    assert read(connect.house.db, SellerOnboarding, connect.org.id).bank_done_at == done


def test_one_that_is_gone_is_closed_and_another_may_be_opened(connect: Connect) -> None:
    account = connect.open()
    del connect.server.objects[account.reference or ""]
    clock.advance(timedelta(hours=2))
    do_sweep(connect.house.db, SWEEP)
    assert connect.again(account).state == "closed"
    assert connect.open().id != account.id


def test_a_webhook_about_nobodys_account_changes_nothing(connect: Connect) -> None:
    connect.tell(ConnectedAccount(id=uuid7(), reference="acct_of_nobody"))
    with unit_of_work(connect.house.db, SYSTEM) as uow:
        known = select(ConnectedAccount.id).where(ConnectedAccount.reference == "acct_of_nobody")
        assert uow.session.scalar(known) is None


def _statement(connect: Connect) -> Statement:
    """Something that the seller is owed."""
    sale = Sale(seller_org_id=connect.org.id)
    command = replace(sale.start_command("pm_card_visa"), gateway="stripe")
    with unit_of_work(connect.house.db, SYSTEM) as uow:
        payment_id = start_payment(uow, command).request.row_id
    connect.house.run()
    sale.charge(connect.house.db, payment_id)
    sale.deliver(connect.house.db)
    clock.advance(timedelta(days=8))
    (statement_id,) = close_due(connect.house.db, connect.org.id).statement_ids
    return read(connect.house.db, Statement, statement_id)


def test_a_restricted_account_holds_the_money_with_the_reason(connect: Connect) -> None:
    account = connect.open()
    with unit_of_work(connect.house.db, connect.owner) as uow:
        use_gateway_account(uow, UseGatewayAccount("CNY", "stripe", account.reference or ""), BOX)
    statement = _statement(connect)
    to = PayOut(statement.id, "stripe", account.reference or "")
    with pytest.raises(Conflict, match="gateway_account_held"), unit_of_work(connect.house.db, OPERATOR) as uow:
        pay_out(uow, to)
    connect.server.complete_account(account.reference or "")
    connect.tell(account)
    with unit_of_work(connect.house.db, OPERATOR) as uow:
        payout_id = pay_out(uow, to)
    connect.server.restrict_account(account.reference or "", "external_account")
    with unit_of_work(connect.house.db, SYSTEM) as uow:
        conclude_question(
            uow, account.id, ask_gateway({"stripe": connect.gateway}, question_about(connect.again(account)))
        )
    connect.house.run()
    payout = read(connect.house.db, Payout, payout_id)
    assert (payout.state, payout.error_code) == ("failed", "gateway_account_held")
    assert read(connect.house.db, Statement, statement.id).state == "closed"
    assert not [one for one in connect.server.objects.values() if one["object"] == "transfer"]


def test_another_partys_account_is_refused(connect: Connect) -> None:
    account = connect.open()
    with pytest.raises(Invalid, match="payout_account_foreign"), unit_of_work(connect.house.db, SYSTEM) as uow:
        refuse_held(uow, uuid7(), "stripe", account.reference or "")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("external_account", "external_account"),
        ("individual.verification.document", "documents"),
        ("person_1Nv0.dob.day", "person"),
        ("company.tax_id", "company"),
        ("directors.first_name", "owners"),
        ("interv_abc.request", "other"),
    ],
)
def test_what_is_wanted_has_a_word(name: str, group: str) -> None:
    assert group_of(name) == group
