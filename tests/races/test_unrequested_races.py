"""Races between what a gateway does by itself and what we do: booked once, nothing sent twice, nothing released in dispute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from billing.disputes.apply_gateway_record import apply_gateway_record as apply_dispute
from billing.disputes.models import Dispute
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import GatewayAnswer, GatewayRecord, GatewayStatus, GatewayWebhook
from billing.gateways.quarantine import look_again, settle_webhook
from billing.gateways.result import GatewayResult
from billing.gateways.webhooks import store_webhook
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.models import Incident
from billing.ledger.models import LedgerTransaction
from billing.payments.models import Payment, PaymentAllocation
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.apply_external import apply_external
from billing.refunds.apply_gateway_result import apply_gateway_result
from billing.refunds.bear_dispute import bear_loss, bear_lost_dispute
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.refunds.resend_refund import resend_refund
from billing.shares.models import Share
from billing.shares.release import release_due
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Inbox
from kernel.money import Money
from kernel.principal import SYSTEM, Principal
from kernel.states import StateHistory
from orders import loop
from tests.factories_billing import OPERATOR, House, Sale, close_due, make_house, read
from tests.races.crowd import at_once, in_rounds

pytestmark = pytest.mark.races
FOLLOWERS = loop
"""Imported so that what follows a dispute is composed."""


@pytest.fixture
def house(db: Database, tmp_path: Path, noon: datetime) -> House:
    return make_house(db, tmp_path)


def doing(
    house: House, verb: Callable[..., object], *arguments: object, by: Principal = SYSTEM
) -> Callable[[], object]:
    """The verb with these arguments, in a transaction of its own."""
    return lambda: transact(house.db, by, lambda uow: verb(uow, *arguments))


def postings_of(house: House, subject_id: UUID, kind: str) -> int:
    with unit_of_work(house.db, SYSTEM) as uow:
        facts = select(func.count()).where(LedgerTransaction.reference == subject_id, LedgerTransaction.kind == kind)
        return uow.session.scalar(facts) or 0


def incidents(house: House, subject_id: UUID) -> list[Incident]:
    with unit_of_work(house.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(Incident).where(Incident.subject_id == subject_id)))


@in_rounds
def test_a_refund_that_comes_back_beside_a_second_one_comes_back_once(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house)
    asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
    refund_id = transact(house.db, SYSTEM, lambda uow: request_refund(uow, asked))
    house.run()
    refund = read(house.db, Refund, refund_id)
    back = GatewayResult(
        answer=GatewayAnswer(
            GatewayStatus.FAILED, refund.gateway_reference or "", Money(60_000, "CNY"), "account_closed"
        )
    )
    rest = RequestRefund(sale.order_id, payment_id, "rest", automatic=False, amount_minor=46_000)
    more = RequestRefund(sale.order_id, payment_id, "more", automatic=False, amount_minor=46_001)
    outcomes = at_once(
        [
            *[doing(house, apply_gateway_result, refund_id, back)] * 3,
            doing(house, request_refund, rest),
            doing(house, request_refund, more),
        ],
    )
    assert sorted(map(str, outcomes[:3])) == ["changed", "nothing_new", "nothing_new"]
    # What came back is not left of the payment: it is the buyer's already.
    assert outcomes[4] == "refund_exceeds_charge"
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        allocation = uow.session.scalars(
            select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)
        ).one()
    assert (allocation.reserved_minor, allocation.refunded_minor) == (106_000, 106_000)
    assert read(house.db, Refund, refund_id).state == "returned"
    assert postings_of(house, refund_id, "refund_returned") == 1
    assert [one.kind for one in incidents(house, refund_id)] == ["refund_returned"]


@in_rounds
def test_a_refund_made_by_hand_beside_one_of_ours_is_never_more_than_was_paid(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house)
    reference = read(house.db, Payment, payment_id).gateway_reference or ""
    by_hand = GatewayRecord(GatewayStatus.SUCCEEDED, f"hand_{payment_id.hex}", reference, Money(60_000, "CNY"))
    asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
    at_once(
        [
            *[doing(house, apply_external, "sandbox", by_hand)] * 3,
            doing(house, request_refund, asked),
        ],
    )
    (incident,) = incidents(house, payment_id)
    with unit_of_work(house.db, SYSTEM) as uow:
        allocation = uow.session.scalars(
            select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)
        ).one()
        refunds = uow.session.scalars(select(Refund).where(Refund.payment_id == payment_id)).all()
    assert sum(one.amount_minor for one in refunds) == allocation.reserved_minor <= 106_000
    # Whoever came second found less left: by hand, the rest of it waits in suspense.
    by_itself = sum(one.amount_minor for one in refunds if one.origin == "gateway")
    assert by_itself + incident.suspense_minor == 60_000
    assert postings_of(house, incident.id, "incident") == (1 if incident.suspense_minor else 0)


@in_rounds
def test_a_dispute_is_opened_once_and_nothing_is_released_after_it(house: House) -> None:
    # What the sales of other rounds left is out of the way.
    clock.advance(timedelta(days=8))
    while transact(house.db, SYSTEM, lambda uow: release_due(uow, clock.now())):
        continue
    sale = Sale()
    payment_id = sale.paid(house)
    sale.deliver(house.db)
    clock.advance(timedelta(days=8))
    reference = read(house.db, Payment, payment_id).gateway_reference or ""
    record = GatewayRecord(GatewayStatus.PENDING, f"dis_{payment_id.hex}", reference, Money(106_000, "CNY"))
    at_once(
        [
            *[doing(house, apply_dispute, "sandbox", record)] * 3,
            *[doing(house, release_due, clock.now())] * 2,
        ],
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        (dispute,) = uow.session.scalars(select(Dispute).where(Dispute.payment_id == payment_id)).all()
    assert postings_of(house, dispute.id, "dispute_opened") == 1
    before = states(house, sale)
    clock.advance(timedelta(seconds=1))
    assert transact(house.db, SYSTEM, lambda uow: release_due(uow, clock.now())) == 0
    assert states(house, sale) == before


@in_rounds
def test_an_incident_is_closed_by_one_operator(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house)
    reference = read(house.db, Payment, payment_id).gateway_reference or ""
    record = GatewayRecord(GatewayStatus.SUCCEEDED, f"hand_{payment_id.hex}", reference, Money(106_000, "CNY"))
    transact(house.db, SYSTEM, lambda uow: apply_external(uow, "sandbox", record))
    (incident,) = incidents(house, payment_id)
    close = doing(house, close_incident, CloseIncident(incident.id, "agreed", "BANK-1"), by=OPERATOR)
    outcomes = at_once([close] * 4)
    assert outcomes.count("incident_closed") == 3
    with unit_of_work(house.db, SYSTEM) as uow:
        closed = select(func.count()).where(StateHistory.subject_id == incident.id, StateHistory.to_state == "closed")
        assert uow.session.scalar(closed) == 1


def states(house: House, sale: Sale) -> dict[str, str]:
    with unit_of_work(house.db, SYSTEM) as uow:
        rows = uow.session.scalars(select(Share).where(Share.reference == sale.line_id))
        return {share.kind: share.state for share in rows}


@in_rounds
def test_a_refund_is_sent_again_once_however_many_ask_while_another_settles_it_by_hand(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house)
    asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False, amount_minor=60_000)
    refund_id = transact(house.db, SYSTEM, lambda uow: request_refund(uow, asked))
    house.run()
    reference = read(house.db, Refund, refund_id).gateway_reference or ""
    back = GatewayResult(answer=GatewayAnswer(GatewayStatus.FAILED, reference, Money(60_000, "CNY"), "account_closed"))
    doing(house, apply_gateway_result, refund_id, back)()
    (incident,) = incidents(house, refund_id)
    by_hand = CloseIncident(incident.id, "paid by bank transfer", "BANK-1")
    outcomes = at_once(
        [
            *[doing(house, resend_refund, incident.id, by=OPERATOR)] * 3,
            doing(house, close_incident, by_hand, by=OPERATOR),
        ]
    )
    assert len([outcome for outcome in outcomes if not isinstance(outcome, str)]) == 1
    house.run()
    refund = read(house.db, Refund, refund_id)
    # Settling by hand is followed by `orders`, where that is composed too.
    assert refund.state in {"succeeded", "returned", "settled"}
    assert postings_of(house, refund_id, "refund_resent") == (refund.state == "succeeded")
    with unit_of_work(house.db, SYSTEM) as uow:
        sent = select(func.count()).where(
            SandboxOperation.kind == "refund",
            SandboxOperation.parent_reference == read(house.db, Payment, payment_id).gateway_reference,
        )
        assert uow.session.scalar(sent) == 1 + (refund.state == "succeeded")


@in_rounds
def test_a_dispute_beside_a_payout_of_its_share_stops_it_or_is_an_incident(house: House) -> None:
    sale = Sale()
    sale.organizations(house.db)
    payment_id = sale.paid(house)
    sale.deliver(house.db)
    clock.advance(timedelta(days=8))
    (statement_id,) = close_due(house.db, sale.seller_org_id).statement_ids
    reference = read(house.db, Payment, payment_id).gateway_reference or ""
    opened = GatewayRecord(GatewayStatus.PENDING, f"dp_{payment_id.hex}", reference, Money(106_000, "CNY"), "fraud")
    command = PayOut(statement_id, "sandbox", "sbx_acct_ok")
    at_once(
        [
            doing(house, pay_out, command, by=OPERATOR),
            doing(house, apply_dispute, "sandbox", opened, by=OPERATOR),
        ]
    )
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        payouts = list(uow.session.scalars(select(Payout).where(Payout.statement_id == statement_id)))
    for payout in payouts:
        assert payout.state in {"failed", "paid"}
        assert [one.kind for one in incidents(house, payout.id)] == ["payout_disputed"]


@in_rounds
def test_a_webhook_is_closed_or_looked_at_again_never_both(house: House) -> None:
    notice = GatewayWebhook(uuid7().hex, "payment.succeeded", uuid7().hex, {}, needs_person=True)
    with unit_of_work(house.db, SYSTEM) as uow:
        store_webhook(uow, "sandbox", notice)
    house.run()
    with unit_of_work(house.db, SYSTEM) as uow:
        row = uow.session.scalars(select(Inbox).where(Inbox.event_id == notice.event_id)).one()
        row.body = {**row.body, "needs_person": False}
        inbox_id = row.id
    again = doing(house, look_again, inbox_id, by=OPERATOR)
    close = doing(house, settle_webhook, inbox_id, "done", by=OPERATOR)
    outcomes = at_once([again, close, again, close])
    assert sum(outcome == "webhook_settled" for outcome in outcomes) == 3, outcomes
    house.run()
    row = read(house.db, Inbox, inbox_id)
    assert (row.state == "settled") == (row.resolution is not None) == (row.settled_by is not None)
    assert row.state in {"settled", "ignored"}


@in_rounds
def test_a_lost_dispute_beside_a_refund_that_fails_is_borne_once(house: House) -> None:
    sale = Sale()
    payment_id = sale.paid(house, "sbx_refund_delayed")
    asked = RequestRefund(sale.order_id, payment_id, "race", automatic=False)
    refund_id = transact(house.db, SYSTEM, lambda uow: request_refund(uow, asked))
    house.run()
    reference = read(house.db, Payment, payment_id).gateway_reference or ""
    lost = GatewayRecord(GatewayStatus.FAILED, f"dp_{payment_id.hex}", reference, Money(106_000, "CNY"), "fraud")
    answer = GatewayAnswer(
        GatewayStatus.FAILED, read(house.db, Refund, refund_id).gateway_reference or "", Money(106_000, "CNY"), "closed"
    )
    at_once(
        [
            *[doing(house, apply_dispute, "sandbox", lost)] * 2,
            *[doing(house, apply_gateway_result, refund_id, GatewayResult(answer=answer))] * 2,
        ],
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        dispute = uow.session.scalars(select(Dispute).where(Dispute.payment_id == payment_id)).one()
        bear_lost_dispute(uow, dispute.id)
        bear_loss(uow, payment_id, sale.order_id)
    with unit_of_work(house.db, SYSTEM) as uow:
        (paid,) = uow.session.scalars(select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)).all()
        assert (paid.reserved_minor, paid.refunded_minor) == (106_000, 106_000)
        dispute = uow.session.scalars(select(Dispute).where(Dispute.payment_id == payment_id)).one()
        assert (dispute.state, dispute.loss_left_minor) == ("lost", 0)
        borne = select(func.count()).where(Refund.payment_id == payment_id, Refund.origin == "dispute")
        assert uow.session.scalar(borne) == 1
