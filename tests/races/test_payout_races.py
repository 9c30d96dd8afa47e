"""Payouts by bank when two act at once: a payout is in one batch, and none goes to an account that was just replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.payout_batches.decide_batch import approve_batch, send_batch
from billing.payout_batches.draft_batch import DraftBatch, draft_batch
from billing.payout_batches.import_report import ImportPayoutReport, import_report
from billing.payout_batches.models import PayoutBatchEntry, PayoutReport
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.principal import Principal, PrincipalKind
from kernel.secrets import SecretBox
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from tests.bank_payouts import DEBTORS, SECOND_OPERATOR, give_bank_account
from tests.bank_reports import Told, pain_002
from tests.factories_billing import OPERATOR, House, Sale, close_due, facts, make_house, read
from tests.races.forced import every_order, every_order_of_twins, interleaved

BOX = SecretBox({"k1": bytes(32)})
DRAFT = DraftBatch("CNY", DEBTORS, 1_000_000)
REPLACED = SavePayoutAccount("CNY", "CN", "测试有限公司 1", "另一银行", "6222020200998877665", "102100099996")


pytestmark = pytest.mark.races


@pytest.fixture
def house(db: Database, tmp_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> House:
    """Billing by itself: with followers that fail for want of an order, every transaction would be tried twice."""
    monkeypatch.setattr(kinds, "_followers", {})
    return make_house(db, tmp_path)


def acting(house: House, work: Callable[[UnitOfWork], object], by: Principal = OPERATOR) -> Callable[[], object]:
    return lambda: transact(house.db, by, work)


def owner_of(sale: Sale) -> Principal:
    return Principal(PrincipalKind.PERSON, sale.seller_org_id, uuid7(), frozenset({"billing.manage"}), "owner")


def closed(house: House) -> tuple[Sale, UUID]:
    """A closed statement of a seller with an account at a bank; nothing of others waits for a batch."""
    sale = Sale()
    sale.organizations(house.db)
    sale.paid(house)
    sale.deliver(house.db)
    clock.advance(timedelta(days=8))
    (statement_id,) = close_due(house.db, sale.seller_org_id).statement_ids
    give_bank_account(house.db, owner_of(sale), "测试有限公司 1", BOX)
    return sale, statement_id


def replace(house: House, sale: Sale) -> Callable[[], object]:
    return acting(house, lambda uow: save_payout_account(uow, REPLACED, BOX).id, owner_of(sale))


@every_order_of_twins
def test_two_operators_batch_a_payout_once(house: House, order: str) -> None:
    _, statement_id = closed(house)
    payout_id = transact(house.db, OPERATOR, lambda uow: pay_out(uow, PayOut(statement_id)))
    draft = acting(house, lambda uow: draft_batch(uow, DRAFT))
    outcomes = interleaved(house.db, order, draft, draft, table="billing.payout_batch_entry")
    assert list(outcomes).count("payout_batch_empty") == 1
    with unit_of_work(house.db, OPERATOR) as uow:
        entries = uow.session.scalars(select(PayoutBatchEntry).where(PayoutBatchEntry.payout_id == payout_id)).all()
    assert len(entries) == 1


@every_order
def test_a_payout_never_goes_to_an_account_on_hold(house: House, order: str) -> None:
    sale, statement_id = closed(house)
    pay = acting(house, lambda uow: pay_out(uow, PayOut(statement_id)))
    _, paid = interleaved(house.db, order, replace(house, sale), pay)
    if paid == "payout_account_held":
        return
    assert isinstance(paid, UUID)
    # It was ordered before the change, so it is for the account of then: drafting finds that and gives it up.
    with unit_of_work(house.db, OPERATOR) as uow:
        account = uow.session.get_one(PayoutAccount, read(house.db, Payout, paid).account_id)
        assert account.held_until is None
    transact(house.db, OPERATOR, lambda uow: draft_batch(uow, DRAFT))
    assert read(house.db, Payout, paid).error_code == "payout_account_changed"


@every_order
def test_a_batch_goes_out_before_its_account_changes_or_not_at_all(house: House, order: str) -> None:
    sale, statement_id = closed(house)
    payout_id = transact(house.db, OPERATOR, lambda uow: pay_out(uow, PayOut(statement_id)))
    batch_id = transact(house.db, OPERATOR, lambda uow: draft_batch(uow, DRAFT))
    assert batch_id is not None
    transact(house.db, SECOND_OPERATOR, lambda uow: approve_batch(uow, batch_id))
    send = acting(house, lambda uow: send_batch(uow, batch_id))
    sent, _ = interleaved(house.db, order, send, replace(house, sale))
    state = read(house.db, Payout, payout_id).state
    assert (sent, state) in [(None, "sent"), ("payout_batch_stale", "scheduled")]


@every_order_of_twins
def test_a_report_is_imported_once(house: House, order: str) -> None:
    _, statement_id = closed(house)
    payout_id = transact(house.db, OPERATOR, lambda uow: pay_out(uow, PayOut(statement_id)))
    batch_id = transact(house.db, OPERATOR, lambda uow: draft_batch(uow, DRAFT))
    assert batch_id is not None
    transact(house.db, SECOND_OPERATOR, lambda uow: approve_batch(uow, batch_id))
    transact(house.db, OPERATOR, lambda uow: send_batch(uow, batch_id))
    told = pain_002(batch_id, Told(payout_id, "ACSC", 86_000))
    take = acting(house, lambda uow: import_report(uow, ImportPayoutReport("bank.xml", told)).report_id)
    interleaved(house.db, order, take, take, table="billing.payout_report")
    assert facts(house.db, payout_id) == ["billing.payout_paid.v1"]
    with unit_of_work(house.db, OPERATOR) as uow:
        found = uow.session.scalars(select(PayoutReport.id).where(PayoutReport.file_name == "bank.xml")).all()
        assert len(found) == len(set(found)) >= 1
