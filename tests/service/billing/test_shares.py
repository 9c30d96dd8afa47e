"""Shares on their way to what can be paid out, and back: what is released when, and what a refund takes of whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing.disputes.models import Dispute, DisputePart
from billing.ledger.models import LedgerTransaction
from billing.ledger.queries import balance_minor
from billing.payments.models import Payment, PaymentAllocation
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.shares import release
from billing.shares.models import Share, ShareReversal
from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.states import StateHistory
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.conftest import NOON
from tests.factories_billing import TERMS, House, Sale, owed, read

MOMENT = timedelta(microseconds=1)
DUE = NOON + timedelta(days=7)
"""When the hold of what was delivered at noon ends."""


@pytest.fixture
def settled(house: House) -> House:
    """Nothing else is due at the times of these tests."""
    release_all(house, DUE + timedelta(days=1))
    return house


def release_due(house: House, until: datetime = DUE) -> int:
    with unit_of_work(house.db, SYSTEM) as uow:
        return release.release_due(uow, until)


def release_all(house: House, until: datetime = DUE) -> None:
    release.release_all(lambda work: transact(house.db, SYSTEM, work), until)


def sold(house: House, delivered_at: datetime = NOON) -> tuple[Sale, UUID]:
    """A sale that is delivered at that time, and its payment."""
    sale = Sale()
    payment_id = sale.paid(house)
    with clock.frozen(delivered_at):
        sale.deliver(house.db)
    return sale, payment_id


def give_back(house: House, sale: Sale, payment_id: UUID, amount_minor: int | None = None) -> UUID:
    asked = RequestRefund(sale.order_id, payment_id, "test", automatic=False, amount_minor=amount_minor)
    with unit_of_work(house.db, SYSTEM) as uow:
        refund_id = request_refund(uow, asked)
    house.run()
    return refund_id


def dispute(house: House, payment_id: UUID) -> None:
    """The payer's bank begins to decide about a payment."""
    payment = read(house.db, Payment, payment_id)
    dispute_id, now = uuid7(), clock.now()
    opened = Dispute(
        id=dispute_id,
        payer_org_id=payment.payer_org_id,
        seller_org_ids=[],
        payment_id=payment_id,
        gateway="sandbox",
        gateway_reference=f"dispute_{payment_id}",
        amount_minor=payment.amount_minor,
        currency="CNY",
        reason="fraudulent",
        state="open",
        created_at=now,
        basis="whole",
        due_by=now,
        answer_by=now,
        submit_at=now,
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        uow.session.add(opened)
        uow.flush()
        for paid in uow.session.scalars(select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)):
            part = DisputePart(
                payer_org_id=paid.payer_org_id,
                seller_org_id=paid.seller_org_id,
                dispute_id=dispute_id,
                reference=paid.reference,
                amount_minor=paid.amount_minor,
                currency=paid.currency,
                created_at=now,
            )
            uow.session.add(part)


def shares_of(house: House, sale: Sale) -> dict[str, Share]:
    with unit_of_work(house.db, SYSTEM) as uow:
        shares = uow.session.scalars(select(Share).where(Share.reference == sale.line_id).order_by(Share.id))
        return {share.kind: share for share in shares}


def states_of(house: House, sale: Sale) -> set[str]:
    return {share.state for share in shares_of(house, sale).values()}


def last_step(house: House, share: Share) -> tuple[str | None, str, str | None]:
    """From where to where a share moved last, and why."""
    with unit_of_work(house.db, SYSTEM) as uow:
        rows = uow.session.scalars(select(StateHistory).where(StateHistory.subject_id == share.id))
        last = max(rows, key=lambda row: row.id)
    return last.from_state, last.to_state, last.reason


def booked(house: House, share: Share) -> list[str]:
    """The kinds of the facts in the books about a share."""
    with unit_of_work(house.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(LedgerTransaction.kind).where(LedgerTransaction.reference == share.id)))


def before_the_locks(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen after the due shares were found and before they are locked."""

    def lock(session: Session, model: type[Share], ids: Iterable[UUID]) -> list[Share]:
        happens()
        return lock_rows(session, model, ids)

    monkeypatch.setattr(release, "lock_rows", lock)


class TestReleaseDue:
    def test_shares_are_released_when_their_hold_ends_and_are_counted(self, settled: House) -> None:
        first, _ = sold(settled)
        second, _ = sold(settled)
        assert release_due(settled, DUE - MOMENT) == 0
        assert states_of(settled, first) == {"pending"}
        assert release_due(settled, DUE) == 6
        assert states_of(settled, first) == states_of(settled, second) == {"releasable"}
        assert release_due(settled, DUE) == 0

    def test_history_and_books_say_that_the_hold_is_over(self, settled: House) -> None:
        sale, _ = sold(settled)
        release_all(settled)
        shares = shares_of(settled, sale)
        assert {last_step(settled, share) for share in shares.values()} == {("pending", "releasable", "hold_over")}
        # The platform owes its own commission to nobody.
        assert {kind: booked(settled, share) for kind, share in shares.items()} == {
            "seller": ["release"],
            "promoter": ["release"],
            "commission": [],
        }

    def test_what_was_refunded_before_is_not_released(self, settled: House) -> None:
        sale, payment_id = sold(settled)
        give_back(settled, sale, payment_id, 10_600)
        release_all(settled)
        assert owed(settled.db, sale.seller_org_id) == (0, 77_400)
        assert sale.promoter_org_id is not None
        assert owed(settled.db, sale.promoter_org_id) == (0, 4_500)

    def test_what_is_due_longest_is_released_first(self, settled: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(release, "_BATCH", 3)
        later, _ = sold(settled)
        sooner, _ = sold(settled, delivered_at=NOON - timedelta(hours=1))
        assert release_due(settled) == 3
        assert (states_of(settled, sooner), states_of(settled, later)) == ({"releasable"}, {"pending"})
        assert release_due(settled) == 3
        assert states_of(settled, later) == {"releasable"}

    def test_what_is_in_dispute_stays_and_keeps_nobody_waiting(
        self, settled: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(release, "_BATCH", 3)
        disputed, payment_id = sold(settled, delivered_at=NOON - timedelta(hours=1))
        dispute(settled, payment_id)
        sale, _ = sold(settled)
        release_all(settled)
        assert (states_of(settled, disputed), states_of(settled, sale)) == ({"pending"}, {"releasable"})

    def test_a_dispute_opened_meanwhile_is_seen(self, settled: House, monkeypatch: pytest.MonkeyPatch) -> None:
        disputed, payment_id = sold(settled)
        sale, _ = sold(settled)
        before_the_locks(monkeypatch, lambda: dispute(settled, payment_id))
        assert release_due(settled) == 3
        assert (states_of(settled, disputed), states_of(settled, sale)) == ({"pending"}, {"releasable"})

    def test_a_refund_made_meanwhile_is_seen(self, settled: House, monkeypatch: pytest.MonkeyPatch) -> None:
        refunded, payment_id = sold(settled)
        sale, _ = sold(settled)
        before_the_locks(monkeypatch, lambda: give_back(settled, refunded, payment_id))
        assert release_due(settled) == 3
        assert (states_of(settled, refunded), states_of(settled, sale)) == ({"reversed"}, {"releasable"})

    @pytest.mark.parametrize("releasable_at", [None, DUE + MOMENT])
    def test_a_hold_prolonged_meanwhile_is_kept(
        self, settled: House, monkeypatch: pytest.MonkeyPatch, releasable_at: datetime | None
    ) -> None:
        held, _ = sold(settled)
        sale, _ = sold(settled)

        def prolong() -> None:
            change: dict[str, Any] = {"releasable_at": releasable_at}
            with unit_of_work(settled.db, SYSTEM) as uow:
                uow.session.execute(update(Share).where(Share.reference == held.line_id).values(**change))

        before_the_locks(monkeypatch, prolong)
        assert release_due(settled) == 3
        assert (states_of(settled, held), states_of(settled, sale)) == ({"pending"}, {"releasable"})


class TestReverseShares:
    @pytest.mark.parametrize("hold_is_over", [False, True])
    def test_shares_wholly_taken_back_end_as_reversed(self, settled: House, *, hold_is_over: bool) -> None:
        sale, payment_id = sold(settled)
        if hold_is_over:
            release_all(settled)
        before = "releasable" if hold_is_over else "pending"
        assert states_of(settled, sale) == {before}
        give_back(settled, sale, payment_id)
        steps = {last_step(settled, share) for share in shares_of(settled, sale).values()}
        assert steps == {(before, "reversed", "refunded")}

    def test_a_sale_without_a_promoter_is_taken_back_from_the_other_two(self, house: House) -> None:
        sale = Sale(promoter_org_id=None)
        payment_id = sale.start(house.db)
        house.run()
        sale.charge(house.db, payment_id, replace(TERMS, promoter_ppm=0))
        give_back(house, sale, payment_id, 10_600)
        left = {kind: share.amount_minor - share.reversed_minor for kind, share in shares_of(house, sale).items()}
        assert left == {"seller": 81_900, "commission": 13_500}
        give_back(house, sale, payment_id)
        assert states_of(house, sale) == {"reversed"}

    def test_commission_is_given_back_out_of_the_platforms_commission(self, house: House) -> None:
        def commission() -> int:
            with unit_of_work(house.db, SYSTEM) as uow:
                return balance_minor(uow, PLATFORM_ORG_ID, "commission", "CNY")

        before = commission()
        sale, payment_id = sold(house)
        assert abs(commission() - before) == 15_000
        give_back(house, sale, payment_id, 10_600)
        assert abs(commission() - before) == 13_500
        assert owed(house.db, PLATFORM_ORG_ID) == (0, 0)

    def test_every_party_can_see_what_a_refund_took_of_its_share(self, house: House) -> None:
        sale, payment_id = sold(house)
        refund_id = give_back(house, sale, payment_id, 10_600)
        with unit_of_work(house.db, SYSTEM) as uow:
            rows = uow.session.scalars(select(ShareReversal).where(ShareReversal.refund_id == refund_id)).all()
        seen = {(row.org_id, row.seller_org_id, row.amount_minor, row.gross_minor, row.created_at) for row in rows}
        assert seen == {
            (org_id, sale.seller_org_id, part_minor, 10_600, NOON)
            for org_id, part_minor in (
                (sale.seller_org_id, 8_600),
                (PLATFORM_ORG_ID, 1_500),
                (sale.promoter_org_id, 500),
            )
        }
