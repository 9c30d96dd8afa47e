"""Payouts by bank: the rail of the party's account, its hold, batches, their file, two people, and what the bank says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import select

from billing.incidents.models import Incident
from billing.payout_batches.decide_batch import approve_batch, discard_batch, send_batch
from billing.payout_batches.draft_batch import DraftBatch, draft_batch
from billing.payout_batches.import_report import ImportedReport, ImportPayoutReport, import_report
from billing.payout_batches.models import PayoutBatch, PayoutReport
from billing.payout_batches.queries import batch_file, get_batch, list_waiting
from billing.payout_batches.transfer_file import NAMESPACE
from billing.payouts.models import Payout
from billing.payouts.outlook import outlooks
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.schedule import PAY_DUE, SetPayoutSchedule, set_payout_schedule
from billing.payouts.submit_payout import PayoutOperation
from billing.statements.models import Statement
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.payable_account import confirm_holder
from marketplace.onboarding.save_payout_account import (
    SavePayoutAccount,
    UseGatewayAccount,
    save_payout_account,
    use_gateway_account,
)
from tests.bank_reports import Told, camt, pain_002
from tests.factories_billing import OPERATOR, House, Sale, close_due, do_sweep, facts, owed, read

SECOND = Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.payouts"}))
BOX = SecretBox({"k1": b"a sealing key of thirty-two bytes"[:32]})
DEBTORS = "EUR DE DE89370400440532013000; * CN 6222000000000210 102100099996"


@dataclass
class Desk:
    """A house whose one seller has a closed statement of 860.00 and an account at a bank."""

    house: House
    sale: Sale
    statement_id: UUID

    @property
    def org_id(self) -> UUID:
        return self.sale.seller_org_id

    def act(self, work: Callable[[UnitOfWork], object], by: Principal = OPERATOR) -> None:
        with unit_of_work(self.house.db, by) as uow:
            work(uow)

    def owner(self) -> Principal:
        permissions = frozenset({"billing.manage", "money.read"})
        return Principal(PrincipalKind.PERSON, self.org_id, uuid7(), permissions, "owner")

    def give(self, account: str = "6222020200112233445", holder: str = "测试有限公司 1") -> UUID:
        command = SavePayoutAccount("CNY", "CN", holder, "测试银行", account, "102100099996")
        return transact(self.house.db, self.owner(), lambda uow: save_payout_account(uow, command, BOX).id)

    def pay(self) -> UUID:
        return transact(self.house.db, OPERATOR, lambda uow: pay_out(uow, PayOut(self.statement_id)))

    def draft(self, above: int = 10_000) -> UUID | None:
        return transact(self.house.db, OPERATOR, lambda uow: draft_batch(uow, DraftBatch("CNY", DEBTORS, above)))

    def sent(self) -> tuple[UUID, UUID]:
        """A batch that went out, with the payout in it."""
        payout_id, batch_id = self.pay(), self.draft()
        assert batch_id is not None
        self.act(lambda uow: approve_batch(uow, batch_id), SECOND)
        self.act(lambda uow: send_batch(uow, batch_id))
        return payout_id, batch_id

    def told(self, content: bytes, *, dry_run: bool = False) -> ImportedReport:
        command = ImportPayoutReport("report.xml", content, dry_run)
        return transact(self.house.db, OPERATOR, lambda uow: import_report(uow, command))

    def payout(self, payout_id: UUID) -> Payout:
        return read(self.house.db, Payout, payout_id)

    def batch(self, batch_id: UUID) -> PayoutBatch:
        return read(self.house.db, PayoutBatch, batch_id)

    def statement(self) -> Statement:
        return read(self.house.db, Statement, self.statement_id)

    def waits_for(self) -> str:
        with unit_of_work(self.house.db, self.owner()) as uow:
            return outlooks(uow, [self.statement_id])[self.statement_id].waits_for


@pytest.fixture
def desk(house: House) -> Desk:
    _empty_the_desk(house)
    sale = Sale()
    sale.organizations(house.db)
    sale.paid(house)
    sale.deliver(house.db)
    clock.advance(timedelta(days=8))
    (statement_id,) = close_due(house.db, sale.seller_org_id).statement_ids
    house.run()
    return Desk(house, sale, statement_id)


def _empty_the_desk(house: House) -> None:
    """What other tests left waiting is in a batch of its own."""
    with unit_of_work(house.db, OPERATOR) as uow:
        if any(one.currency == "CNY" for one in list_waiting(uow)):
            draft_batch(uow, DraftBatch("CNY", DEBTORS, 0))


class TestAccount:
    def test_without_an_account_nothing_is_paid_and_both_read_why(self, desk: Desk) -> None:
        with pytest.raises(Invalid, match="payout_account_missing"):
            desk.pay()
        assert (desk.statement().state, desk.waits_for()) == ("closed", "missing")

    def test_an_account_that_replaced_another_is_held_for_two_days(self, desk: Desk) -> None:
        desk.give()
        assert desk.waits_for() == "by_hand"
        account_id = desk.give("6222020200998877665")
        assert facts(desk.house.db, account_id) == ["marketplace.payout_account_replaced.v1"]
        with pytest.raises(Conflict, match="payout_account_held"):
            desk.pay()
        assert desk.waits_for() == "held"
        clock.advance(timedelta(hours=48))
        assert desk.payout(desk.pay()).account_id == account_id

    def test_a_holder_of_another_name_waits_for_the_platform(self, desk: Desk) -> None:
        account_id = desk.give(holder="别的公司")
        with pytest.raises(Conflict, match="payout_holder_differs"):
            desk.pay()
        assert desk.waits_for() == "holder_differs"
        with pytest.raises(Forbidden):
            desk.act(lambda uow: confirm_holder(uow, account_id), desk.owner())
        desk.act(lambda uow: confirm_holder(uow, account_id))
        assert desk.payout(desk.pay()).gateway == "bank"

    def test_the_account_chooses_the_rail(self, desk: Desk) -> None:
        command = UseGatewayAccount("CNY", "sandbox", "sbx_acct_ok")
        transact(desk.house.db, desk.owner(), lambda uow: use_gateway_account(uow, command, BOX))
        payout_id = desk.pay()
        desk.house.run()
        paid = desk.payout(payout_id)
        assert (paid.gateway, paid.destination, paid.state) == ("sandbox", "sbx_acct_ok", "paid")

    def test_no_other_gateway_is_named_past_the_partys_own_account(self, desk: Desk) -> None:
        desk.give()
        with pytest.raises(Conflict, match="payout_account_differs"):
            desk.act(lambda uow: pay_out(uow, PayOut(desk.statement_id, "stripe", "acct_other")))


class TestBatch:
    def test_from_a_statement_to_the_banks_word(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        assert desk.payout(payout_id).state == "sent"
        desk.house.run()
        told = desk.told(pain_002(batch_id, Told(payout_id, "ACSC", 86_000)))
        assert [line.outcome for line in told.lines] == ["applied"]
        assert (desk.payout(payout_id).state, desk.batch(batch_id).state) == ("paid", "settled")
        assert (desk.statement().state, owed(desk.house.db, desk.org_id)) == ("paid", (0, 0))
        assert facts(desk.house.db, payout_id) == ["billing.payout_paid.v1"]

    def test_no_gateway_and_no_janitor_touches_it(self, desk: Desk) -> None:
        desk.give()
        payout_id = desk.pay()
        clock.advance(timedelta(days=3))
        with unit_of_work(desk.house.db, SYSTEM) as uow:
            assert PayoutOperation().open(uow, payout_id, first=True) is None
            assert payout_id not in [one.row_id for one in PayoutOperation().unresolved(uow, 1_000)]

    def test_a_large_batch_needs_a_person_who_is_not_involved(self, desk: Desk) -> None:
        account_id = desk.give(holder="别的公司")
        desk.act(lambda uow: confirm_holder(uow, account_id), SECOND)
        desk.pay()
        batch_id = desk.draft(above=0)
        assert batch_id is not None
        for person in (OPERATOR, SECOND):
            with pytest.raises(Conflict, match="payout_batch_second_person"):
                desk.act(lambda uow: approve_batch(uow, batch_id), person)
        with pytest.raises(Forbidden, match="person_required"):
            desk.act(lambda uow: approve_batch(uow, batch_id), SYSTEM)
        third = Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.payouts"}))
        desk.act(lambda uow: approve_batch(uow, batch_id), third)
        assert desk.batch(batch_id).state == "approved"

    def test_nothing_goes_out_unapproved_and_no_file_before(self, desk: Desk) -> None:
        desk.give()
        desk.pay()
        batch_id = desk.draft()
        assert batch_id is not None
        with pytest.raises(Conflict, match="invalid_transition"):
            desk.act(lambda uow: send_batch(uow, batch_id))
        with pytest.raises(Conflict, match="payout_batch_not_sent"):
            desk.act(lambda uow: batch_file(uow, batch_id, BOX))

    @pytest.mark.parametrize("approved", [False, True])
    def test_an_account_that_changes_meanwhile_stops_the_batch(self, desk: Desk, *, approved: bool) -> None:
        desk.give()
        payout_id = desk.pay()
        batch_id = desk.draft()
        assert batch_id is not None
        if approved:
            desk.act(lambda uow: approve_batch(uow, batch_id), SECOND)
        desk.give("6222020200998877665")
        act = send_batch if approved else approve_batch
        with pytest.raises(Conflict, match="payout_batch_stale"):
            desk.act(lambda uow: act(uow, batch_id))
        with unit_of_work(desk.house.db, OPERATOR) as uow:
            assert [one.stale for one in get_batch(uow, batch_id)[1]] == [True]
        desk.act(lambda uow: discard_batch(uow, batch_id))
        assert desk.draft() is None
        failed = desk.payout(payout_id)
        assert (failed.state, failed.error_code) == ("failed", "payout_account_changed")
        assert (desk.statement().state, owed(desk.house.db, desk.org_id)) == ("closed", (0, 86_000))

    def test_the_file_says_what_was_approved(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        with unit_of_work(desk.house.db, OPERATOR) as uow:
            content, again = batch_file(uow, batch_id, BOX), batch_file(uow, batch_id, BOX)
        assert content == again
        root = etree.fromstring(content)

        def find(path: str) -> str:
            return root.findtext("/".join([".", "", *(f"{{{NAMESPACE}}}{one}" for one in path.split("/"))])) or ""

        assert Decimal(find("GrpHdr/CtrlSum")) == Decimal("860.00")
        assert find("CdtTrfTxInf/PmtId/EndToEndId") == payout_id.hex
        assert find("CdtTrfTxInf/CdtrAcct/Id/Othr/Id") == "6222020200112233445"
        assert find("CdtTrfTxInf/RmtInf/Ustrd") == desk.statement().number


class TestReport:
    def test_a_refusal_opens_the_statement_again_and_it_is_paid_anew(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        desk.told(pain_002(batch_id, Told(payout_id, "RJCT", 86_000, "AC04")))
        failed = desk.payout(payout_id)
        assert (failed.state, failed.error_code, desk.batch(batch_id).state) == ("failed", "bank_ac04", "failed")
        again, _ = desk.sent()
        assert desk.payout(again).state == "sent"

    def test_a_return_after_it_was_paid(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        desk.told(camt("camt.054", Told(payout_id, "DBIT", 86_000)))
        assert desk.batch(batch_id).state == "settled"
        desk.told(camt("camt.053", Told(payout_id, "CRDT", 86_000, "AC01")))
        assert (desk.payout(payout_id).state, desk.batch(batch_id).state) == ("returned", "failed")
        assert (desk.statement().state, owed(desk.house.db, desk.org_id)) == ("closed", (0, 86_000))
        with unit_of_work(desk.house.db, SYSTEM) as uow:
            incident = uow.session.scalars(select(Incident).where(Incident.subject_id == payout_id)).one()
        assert (incident.kind, incident.code) == ("payout_returned", "bank_ac01")

    def test_charges_the_bank_keeps_of_a_return_stay_out(self, desk: Desk) -> None:
        desk.give()
        payout_id, _ = desk.sent()
        desk.told(camt("camt.054", Told(payout_id, "DBIT", 86_000)))
        back = Told(payout_id, "CRDT", 85_000, "AC04")
        assert [line.outcome for line in desk.told(camt("camt.054", back)).lines] == ["applied"]
        assert [line.outcome for line in desk.told(camt("camt.053", back)).lines] == ["known"]
        assert (desk.payout(payout_id).state, owed(desk.house.db, desk.org_id)) == ("paid", (0, 85_000))

    def test_a_file_is_imported_once_and_a_dry_run_changes_nothing(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        content = pain_002(batch_id, Told(payout_id, "ACCC", 86_000))
        dry = desk.told(content, dry_run=True)
        assert (dry.report_id, dry.is_new, desk.payout(payout_id).state) == (None, True, "sent")
        first, second = desk.told(content), desk.told(content)
        assert (second.report_id, second.is_new) == (first.report_id, False)
        with unit_of_work(desk.house.db, OPERATOR) as uow:
            assert len(uow.session.scalars(select(PayoutReport).where(PayoutReport.id == first.report_id)).all()) == 1

    def test_each_line_says_what_followed(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        stranger = uuid7()
        lines = (
            Told(stranger, "ACSC", 1),
            Told(payout_id, "PDNG", 86_000),
            Told(payout_id, "ACSC", 85_999),
            Told(payout_id, "ACSC", 86_000),
            Told(payout_id, "ACSC", 86_000),
        )
        told = desk.told(pain_002(batch_id, *lines))
        assert [line.outcome for line in told.lines] == ["not_ours", "pending", "amount_differs", "applied", "known"]

    def test_money_that_left_after_a_refusal_is_an_incident(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        desk.told(pain_002(batch_id, Told(payout_id, "RJCT", 86_000, "AM04")))
        told = desk.told(camt("camt.053", Told(payout_id, "DBIT", 86_000)))
        assert ([line.outcome for line in told.lines], desk.payout(payout_id).state) == (["contradicts"], "failed")
        with unit_of_work(desk.house.db, SYSTEM) as uow:
            incident = uow.session.scalars(select(Incident).where(Incident.subject_id == payout_id)).one()
        assert (incident.kind, incident.suspense_minor) == ("late_success", 86_000)

    def test_a_whole_file_that_is_refused_fails_every_payout_of_it(self, desk: Desk) -> None:
        desk.give()
        payout_id, batch_id = desk.sent()
        desk.told(pain_002(batch_id, group="RJCT", reason="FF01"))
        assert (desk.payout(payout_id).error_code, desk.batch(batch_id).state) == ("bank_ff01", "failed")

    def test_a_batch_that_did_not_go_out_is_not_paid_by_a_report(self, desk: Desk) -> None:
        desk.give()
        payout_id = desk.pay()
        batch_id = desk.draft()
        assert batch_id is not None
        told = desk.told(pain_002(batch_id, Told(payout_id, "ACSC", 86_000)))
        assert ([line.outcome for line in told.lines], desk.payout(payout_id).state) == (["not_sent"], "scheduled")


class TestSchedule:
    def choose(self, desk: Desk, every: str, minimum_minor: int = 0) -> None:
        command = SetPayoutSchedule("CNY", every, 1, minimum_minor)
        transact(desk.house.db, desk.owner(), lambda uow: set_payout_schedule(uow, command))

    def payouts(self, desk: Desk) -> int:
        with unit_of_work(desk.house.db, SYSTEM) as uow:
            return len(uow.session.scalars(select(Payout).where(Payout.org_id == desk.org_id)).all())

    def test_a_daily_schedule_pays_what_is_closed_once(self, desk: Desk) -> None:
        desk.give()
        self.choose(desk, "daily")
        assert desk.waits_for() == "scheduled"
        for _ in range(2):
            do_sweep(desk.house.db, PAY_DUE)
        assert (self.payouts(desk), desk.statement().state) == (1, "paying")

    def test_less_than_the_minimum_waits(self, desk: Desk) -> None:
        desk.give()
        self.choose(desk, "daily", 86_001)
        assert desk.waits_for() == "minimum"
        do_sweep(desk.house.db, PAY_DUE)
        assert self.payouts(desk) == 0

    def test_by_hand_and_without_an_account_the_sweep_pays_nothing(self, desk: Desk) -> None:
        self.choose(desk, "daily")
        do_sweep(desk.house.db, PAY_DUE)
        desk.give()
        self.choose(desk, "manual")
        do_sweep(desk.house.db, PAY_DUE)
        assert self.payouts(desk) == 0
        with unit_of_work(desk.house.db, SYSTEM) as uow:
            assert (
                uow.session.scalar(select(PayoutAccount.replaced_at).where(PayoutAccount.org_id == desk.org_id)) is None
            )

    @pytest.mark.parametrize(
        ("every", "day", "minimum"), [("hourly", 1, 0), ("weekly", 8, 0), ("monthly", 29, 0), ("daily", 1, -1)]
    )
    def test_what_is_no_schedule_is_refused(self, desk: Desk, every: str, day: int, minimum: int) -> None:
        with pytest.raises(Invalid, match="payout_schedule_invalid"):
            desk.act(lambda uow: set_payout_schedule(uow, SetPayoutSchedule("CNY", every, day, minimum)), desk.owner())
