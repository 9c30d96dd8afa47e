"""A party is paid to its own account at Stripe, by a transfer that names its order, and what a refund or a lost dispute takes of
its share is taken back there: once, whoever tells of it first, and only while the party has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.local_stripe.server import LocalStripe, signed_event
from billing.connected_accounts.ask_account import ask_gateway, conclude_question, question_about
from billing.connected_accounts.events import GatewayAccountEnabled
from billing.connected_accounts.models import ConnectedAccount
from billing.connected_accounts.open_account import begin_account
from billing.connected_accounts.pay_to_account import (
    PayToConnectedAccount,
    list_payable_accounts,
    pay_to_connected_account,
)
from billing.gateways.janitor import JANITOR
from billing.gateways.stripe import StripeGateway
from billing.gateways.webhooks import store_webhook
from billing.incidents.models import Incident
from billing.payments.start_payment import start_payment
from billing.payouts.models import Payout, TransferReversal
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.reverse_transfer import reverse_transfers
from billing.refunds.events import RefundSucceeded
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.shares.models import ShareReversal
from billing.statements.models import Statement, StatementAdjustment
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.jobs.kinds import Payload, follows
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from tests.factories_billing import OPERATOR, House, Sale, close_due, do_sweep, facts, make_house, read
from tests.factories_marketplace import BOX, make_seller

SECRET = "whsec_reversals"
HELD = timedelta(hours=48)


def take_back(uow: UnitOfWork, fact: Payload) -> None:
    """What the loop does after a refund."""
    reverse_transfers(uow, UUID(fact["refund_id"]))


class Paid:
    """A seller with an account at a local Stripe, and what it is paid there."""

    def __init__(self, house: House, server: LocalStripe, gateway: StripeGateway) -> None:
        self.house, self.server, self.gateway = house, server, gateway
        with unit_of_work(house.db, SYSTEM) as uow:
            self.org = make_seller(uow)
        may = frozenset({"billing.manage"})
        self.owner = Principal(PrincipalKind.PERSON, self.org.id, self.org.owner.person_id, may, "owner")

    def open_account(self, *, complete: bool = True) -> ConnectedAccount:
        with unit_of_work(self.house.db, self.owner) as uow:
            account_id = begin_account(uow, "stripe").id
        self.ask(account_id)
        if complete:
            self.server.complete_account(read(self.house.db, ConnectedAccount, account_id).reference or "")
            self.ask(account_id)
        return read(self.house.db, ConnectedAccount, account_id)

    def ask(self, account_id: UUID) -> None:
        question = question_about(read(self.house.db, ConnectedAccount, account_id))
        said = ask_gateway({"stripe": self.gateway}, question)
        with unit_of_work(self.house.db, SYSTEM) as uow:
            conclude_question(uow, account_id, said)

    def choose(self, currency: str = "CNY") -> PayoutAccount:
        with unit_of_work(self.house.db, self.owner) as uow:
            return pay_to_connected_account(uow, PayToConnectedAccount("stripe", currency), BOX)

    def choose_bank(self) -> PayoutAccount:
        bank = SavePayoutAccount("CNY", "CN", "Seller", "招商银行", "6214830211117781", "308100005027")
        with unit_of_work(self.house.db, self.owner) as uow:
            return save_payout_account(uow, bank, BOX)

    def sell(self, sales: int = 1) -> list[tuple[Sale, UUID]]:
        sold = []
        for _ in range(sales):
            sale = Sale(seller_org_id=self.org.id)
            command = replace(sale.start_command("pm_card_visa"), gateway="stripe")
            with unit_of_work(self.house.db, SYSTEM) as uow:
                payment_id = start_payment(uow, command).request.row_id
            self.house.run()
            sale.charge(self.house.db, payment_id)
            sale.deliver(self.house.db)
            sold.append((sale, payment_id))
        return sold

    def settle(self) -> Payout:
        clock.advance(timedelta(days=8))
        (statement_id,) = close_due(self.house.db, self.org.id).statement_ids
        with unit_of_work(self.house.db, OPERATOR) as uow:
            payout_id = pay_out(uow, PayOut(statement_id))
        self.house.run()
        return read(self.house.db, Payout, payout_id)

    def refund(self, sale: Sale, payment_id: UUID, minor: int | None = None) -> None:
        asked = RequestRefund(sale.order_id, payment_id, "test", automatic=True, amount_minor=minor)
        with unit_of_work(self.house.db, SYSTEM) as uow:
            refund_id = request_refund(uow, asked)
        self.house.run()
        assert read(self.house.db, Refund, refund_id).state == "succeeded"

    def tell_reversed(self, transfer: dict[str, Any]) -> None:
        body, headers = signed_event(
            SECRET, int(clock.wall_now().timestamp()), transfer, type="transfer.reversed", id=f"evt_{uuid7()}"
        )
        with unit_of_work(self.house.db, SYSTEM) as uow:
            store_webhook(uow, "stripe", self.gateway.read_notice(body, headers, clock.now()))
        self.house.run()

    @property
    def transfer(self) -> dict[str, Any]:
        (made,) = [one for one in self.server.objects.values() if one["object"] == "transfer"]
        return made

    def taken(self) -> int:
        with unit_of_work(self.house.db, SYSTEM) as uow:
            return int(
                uow.session.scalar(
                    select(ShareReversal.amount_minor).where(ShareReversal.org_id == self.org.id).limit(1)
                )
                or 0
            )

    def reversals(self) -> list[tuple[str, int, str | None]]:
        with unit_of_work(self.house.db, SYSTEM) as uow:
            rows = uow.session.scalars(
                select(TransferReversal).where(TransferReversal.org_id == self.org.id).order_by(TransferReversal.id)
            )
            return [(row.state, row.amount_minor, row.error_code) for row in rows]

    def returned(self) -> list[int]:
        with unit_of_work(self.house.db, SYSTEM) as uow:
            wanted = select(StatementAdjustment.amount_minor).where(StatementAdjustment.org_id == self.org.id)
            return list(uow.session.scalars(wanted.order_by(StatementAdjustment.created_at, StatementAdjustment.id)))

    def incidents(self, payout_id: UUID) -> list[str]:
        with unit_of_work(self.house.db, SYSTEM) as uow:
            return list(uow.session.scalars(select(Incident.kind).where(Incident.subject_id == payout_id)))

    def next_net(self) -> int:
        clock.advance(timedelta(days=31))
        ids = close_due(self.house.db, self.org.id).statement_ids
        return sum(read(self.house.db, Statement, one).net_minor for one in ids)


@pytest.fixture
def paid(db: Database, tmp_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paid]:
    monkeypatch.setattr(kinds, "_followers", {})
    follows(RefundSucceeded)(take_back)
    with LocalStripe() as server:
        gateway = StripeGateway("sk_test_reversals", SECRET, base_address=server.address)
        house = make_house(db, tmp_path, {"stripe": gateway})
        house.run()
        yield Paid(house, server, gateway)


class TestChoice:
    def test_it_is_offered_once_it_can_be_paid_and_then_chosen(self, paid: Paid) -> None:
        with pytest.raises(NotFound, match="account_not_found"):
            paid.choose()
        account = paid.open_account(complete=False)
        with pytest.raises(Conflict, match="gateway_account_held"):
            paid.choose()
        with unit_of_work(paid.house.db, paid.owner) as uow:
            assert list_payable_accounts(uow) == []
        paid.server.complete_account(account.reference or "")
        paid.ask(account.id)
        assert GatewayAccountEnabled.topic in facts(paid.house.db, account.id)
        chosen = paid.choose("EUR")
        assert (chosen.rail, chosen.gateway_account, chosen.held_until) == ("stripe", account.reference, None)
        assert paid.choose("EUR").id == chosen.id
        with unit_of_work(paid.house.db, paid.owner) as uow:
            assert [(one.gateway, one.currencies) for one in list_payable_accounts(uow)] == [("stripe", ("EUR",))]

    def test_it_takes_a_banks_place_and_gives_it_back_each_with_the_hold(self, paid: Paid) -> None:
        paid.open_account()
        assert paid.choose().held_until == clock.now() + HELD
        back = paid.choose_bank()
        assert (back.rail, back.held_until) == ("bank", clock.now() + HELD)

    def test_who_chose_it_is_not_told_again_that_it_can_be_paid(self, paid: Paid) -> None:
        account = paid.open_account()
        paid.choose()
        paid.server.restrict_account(account.reference or "", "external_account")
        paid.ask(account.id)
        paid.server.complete_account(account.reference or "")
        paid.ask(account.id)
        assert facts(paid.house.db, account.id).count(GatewayAccountEnabled.topic) == 1


class TestTransfer:
    def test_of_one_sale_it_names_order_and_charge(self, paid: Paid) -> None:
        account = paid.open_account()
        paid.choose()
        ((sale, payment_id),) = paid.sell()
        payout = paid.settle()
        assert (payout.state, payout.group_reference, payout.payment_id) == ("paid", sale.order_id, payment_id)
        (charge,) = [one["id"] for one in paid.server.objects.values() if one["object"] == "charge"]
        transfer = paid.transfer
        assert (transfer["transfer_group"], transfer["source_transaction"], transfer["destination"]) == (
            f"order {sale.order_id}",
            charge,
            account.reference,
        )

    def test_of_several_it_is_of_the_statement(self, paid: Paid) -> None:
        paid.open_account()
        paid.choose()
        paid.sell(2)
        payout = paid.settle()
        assert (payout.state, payout.group_reference, payout.payment_id) == ("paid", None, None)
        assert paid.transfer["transfer_group"] == f"statement {payout.statement_id}"
        assert paid.transfer["source_transaction"] is None

    def test_of_a_charge_in_another_currency_of_the_balance_no_charge_is_named(self, paid: Paid) -> None:
        paid.server.settles = {"cny": ("usd", 140_000)}
        paid.open_account()
        paid.choose()
        paid.sell()
        assert paid.settle().state == "paid"
        assert paid.transfer["source_transaction"] is None

    def test_one_whose_answer_was_lost_is_found_in_its_group(self, paid: Paid) -> None:
        paid.open_account()
        paid.choose()
        paid.sell()
        paid.server.chance = lambda method, path: "lost" if (method, path) == ("POST", "transfers") else None
        payout = paid.settle()
        assert payout.state == "unknown"
        paid.server.chance = lambda _method, _path: None
        clock.advance(timedelta(hours=1))
        do_sweep(paid.house.db, JANITOR)
        assert read(paid.house.db, Payout, payout.id).state == "paid"
        assert paid.transfer["id"] == read(paid.house.db, Payout, payout.id).gateway_reference


class TestReversal:
    def prepared(self, paid: Paid, sales: int = 1) -> tuple[Payout, list[tuple[Sale, UUID]]]:
        paid.open_account()
        paid.choose()
        sold = paid.sell(sales)
        return paid.settle(), sold

    def test_what_a_refund_takes_comes_back_and_the_next_statement_is_even(self, paid: Paid) -> None:
        payout, ((sale, payment_id), _) = self.prepared(paid, 2)
        paid.refund(sale, payment_id)
        taken = paid.taken()
        assert paid.reversals() == [("succeeded", taken, None)]
        assert (paid.transfer["amount_reversed"], paid.returned()) == (taken, [taken])
        paid.tell_reversed(paid.transfer)
        assert (read(paid.house.db, Payout, payout.id).state, paid.returned()) == ("paid", [taken])
        assert paid.incidents(payout.id) == []
        assert paid.next_net() == 0

    def test_all_of_it_leaves_the_statement_paid(self, paid: Paid) -> None:
        payout, ((sale, payment_id),) = self.prepared(paid)
        paid.refund(sale, payment_id)
        assert paid.transfer["reversed"]
        paid.tell_reversed(paid.transfer)
        assert read(paid.house.db, Payout, payout.id).state == "paid"
        assert read(paid.house.db, Statement, payout.statement_id).state == "paid"
        assert paid.returned() == [payout.amount_minor]
        assert (paid.incidents(payout.id), paid.next_net()) == ([], 0)

    def test_a_webhook_that_comes_before_the_answer_is_booked_once(self, paid: Paid) -> None:
        payout, ((sale, payment_id),) = self.prepared(paid)
        paid.server.chance = lambda method, path: "lost" if method == "POST" and "reversals" in path else None
        paid.refund(sale, payment_id)
        assert [state for state, *_ in paid.reversals()] == ["sending"]
        paid.server.chance = lambda _method, _path: None
        paid.tell_reversed(paid.transfer)
        assert paid.returned() == [payout.amount_minor]
        clock.advance(timedelta(hours=1))
        paid.house.run()
        assert [state for state, *_ in paid.reversals()] == ["succeeded"]
        assert (paid.returned(), paid.incidents(payout.id)) == ([payout.amount_minor], [])
        made = [one for one in paid.server.objects.values() if one["object"] == "transfer_reversal"]
        assert len(made) == 1

    def test_what_the_party_has_spent_is_set_off_by_its_next_statement(self, paid: Paid) -> None:
        payout, ((sale, payment_id),) = self.prepared(paid)
        paid.server.pay_account_out(payout.destination)
        paid.refund(sale, payment_id)
        assert paid.reversals() == [("failed", paid.taken(), "balance_insufficient")]
        assert (paid.returned(), paid.transfer["amount_reversed"]) == ([], 0)
        assert paid.next_net() == -paid.taken()

    def test_somebody_elses_reversal_beside_ours_is_an_operators(self, paid: Paid) -> None:
        payout, ((sale, payment_id), _) = self.prepared(paid, 2)
        paid.refund(sale, payment_id, 1_000)
        ours = paid.taken()
        paid.server.reverse(payout.gateway_reference or "", 700)
        paid.tell_reversed(paid.transfer)
        assert paid.returned() == [ours, 700]
        assert paid.incidents(payout.id) == ["payout_partly_returned"]

    def test_asked_twice_it_is_done_once(self, paid: Paid) -> None:
        _, ((sale, payment_id),) = self.prepared(paid)
        paid.refund(sale, payment_id)
        with unit_of_work(paid.house.db, SYSTEM) as uow:
            refund_id = uow.session.scalars(select(Refund.id).where(Refund.payment_id == payment_id)).one()
            reverse_transfers(uow, refund_id)
        paid.house.run()
        assert len(paid.reversals()) == 1
