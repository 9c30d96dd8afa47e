"""From a delivered line to money on an account, and back: release, statement, payout, commission invoice, carry-over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, update

from billing.gateways.janitor import JANITOR
from billing.gateways.sandbox import SandboxGateway
from billing.invoices.models import Invoice
from billing.ledger.queries import balance_minor
from billing.operator_queues import list_operator_queues
from billing.payments.start_payment import start_payment
from billing.payouts.balances import balances
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.queries import Account, last_accounts
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.settlement.close_statements import (
    Closed,
    CloseStatement,
    CloseStatements,
    close_statement,
    close_statements,
)
from billing.settlement.jobs import CLOSE, CLOSE_MONTH
from billing.settlement.reconcile import difference_minor
from billing.shares.models import Share
from billing.shares.release import RELEASE
from billing.statements.models import Statement, StatementLine
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.factories_billing import (
    OPERATOR,
    House,
    Sale,
    as_operator,
    close_due,
    do_sweep,
    facts,
    make_house,
    owed,
    read,
)


def sold(house: House) -> tuple[Sale, UUID]:
    sale = Sale()
    sale.organizations(house.db)
    payment_id = sale.paid(house)
    sale.deliver(house.db)
    return sale, payment_id


def close(house: House, org_id: UUID) -> Statement | None:
    closed = close_due(house.db, org_id)
    house.run()
    assert closed.refused == ()
    return read(house.db, Statement, closed.statement_ids[0]) if closed.statement_ids else None


def pay(house: House, statement: Statement, destination: str = "sbx_acct_ok") -> UUID:
    with unit_of_work(house.db, OPERATOR) as uow:
        payout_id = pay_out(uow, PayOut(statement.id, "sandbox", destination))
    house.run()
    return payout_id


def give_back(house: House, sale: Sale, payment_id: UUID, amount_minor: int | None = None) -> None:
    with unit_of_work(house.db, SYSTEM) as uow:
        request_refund(
            uow, RequestRefund(sale.order_id, payment_id, "test", automatic=False, amount_minor=amount_minor)
        )
    house.run()


@contextmanager
def off_by_one(house: House, sale: Sale) -> Iterator[None]:
    """The seller's share is a fen more than the books say, for a while."""

    def add(minor: int) -> None:
        with unit_of_work(house.db, SYSTEM) as uow:
            mine = (Share.reference == sale.line_id, Share.kind == "seller")
            uow.session.execute(update(Share).where(*mine).values(amount_minor=Share.amount_minor + minor))

    do_sweep(house.db, RELEASE)
    add(1)
    yield
    add(-1)


def parties(house: House, closed: Closed) -> set[UUID | None]:
    return {read(house.db, Statement, statement_id).org_id for statement_id in closed.statement_ids}


class TestCloseStatements:
    def test_nothing_is_settled_before_the_hold_is_over(self, house: House) -> None:
        sale, _ = sold(house)
        clock.advance(timedelta(days=6, hours=23))
        assert close(house, sale.seller_org_id) is None
        assert owed(house.db, sale.seller_org_id) == (86_000, 0)

    def test_what_was_never_delivered_is_never_settled(self, house: House) -> None:
        sale = Sale()
        sale.paid(house)
        clock.advance(timedelta(days=400))
        assert close(house, sale.seller_org_id) is None

    def test_a_sellers_statement_shows_the_sale_and_who_got_what(self, house: House) -> None:
        sale, _ = sold(house)
        clock.advance(timedelta(days=8))
        statement = close(house, sale.seller_org_id)
        assert statement is not None
        columns = ("gross_minor", "refunds_minor", "commission_minor", "promoter_minor", "net_minor", "state")
        assert [getattr(statement, name) for name in columns] == [106_000, 0, -15_000, -5_000, 86_000, "closed"]
        assert facts(house.db, statement.id) == ["billing.statement_closed.v1"]
        with unit_of_work(house.db, SYSTEM) as uow:
            lines = uow.session.scalars(select(StatementLine).where(StatementLine.statement_id == statement.id)).all()
            states = uow.session.scalars(select(Share.state).where(Share.statement_id == statement.id)).all()
        assert [(line.kind, line.net_minor) for line in lines] == [("sale", 86_000)]
        assert states == ["in_statement", "in_statement"]

    def test_a_promoters_statement_shows_what_it_earned(self, house: House) -> None:
        sale, _ = sold(house)
        clock.advance(timedelta(days=8))
        assert sale.promoter_org_id is not None
        statement = close(house, sale.promoter_org_id)
        assert statement is not None
        assert (statement.gross_minor, statement.promoter_minor, statement.net_minor) == (0, 5_000, 5_000)
        assert statement.commission_invoice_id is None

    def test_the_platform_invoices_its_commission(self, house: House) -> None:
        sale, _ = sold(house)
        clock.advance(timedelta(days=8))
        statement = close(house, sale.seller_org_id)
        assert statement is not None
        assert statement.commission_invoice_id is not None
        invoice = read(house.db, Invoice, statement.commission_invoice_id)
        assert (invoice.kind, invoice.gross_minor, invoice.state) == ("commission_invoice", 15_000, "issued")
        assert (invoice.seller_org_id, invoice.buyer_org_id) == (PLATFORM_ORG_ID, sale.seller_org_id)

    @pytest.mark.usefixtures("house")
    def test_only_what_the_sandbox_paid_is_invoiced_as_a_game(self, db: Database, tmp_path: Path) -> None:
        gateway = SandboxGateway(db)
        house = make_house(db, tmp_path, {"sandbox": gateway, "bank": gateway})
        said = {}
        for name in ("sandbox", "bank"):
            sale = Sale()
            sale.organizations(db)
            with unit_of_work(db, SYSTEM) as uow:
                payment_id = start_payment(uow, replace(sale.start_command(), gateway=name)).request.row_id
            house.run()
            sale.charge(db, payment_id)
            sale.deliver(db)
            clock.advance(timedelta(days=8))
            statement = close(house, sale.seller_org_id)
            assert statement is not None
            assert statement.commission_invoice_id is not None
            said[name] = read(db, Invoice, statement.commission_invoice_id).sandbox
        assert said == {"sandbox": True, "bank": False}

    def test_the_forecast_counts_the_days_of_its_reader(self, house: House) -> None:
        sale, _ = sold(house)
        seller = Principal(PrincipalKind.PERSON, org_id=sale.seller_org_id)
        free_at = clock.now() + timedelta(days=7)
        for zone in ("UTC", "Asia/Shanghai", "Pacific/Kiritimati"):
            with unit_of_work(house.db, seller) as uow:
                (balance,) = balances(uow, "seller", time_zone=zone)
            assert balance.forecast == ((free_at.astimezone(ZoneInfo(zone)).date(), 86_000),)

    def test_closing_again_closes_nothing_twice(self, house: House) -> None:
        sale, _ = sold(house)
        clock.advance(timedelta(days=8))
        assert close(house, sale.seller_org_id) is not None
        clock.advance(timedelta(days=8))
        assert close(house, sale.seller_org_id) is None

    def test_a_line_with_a_refund_under_way_waits_for_its_outcome(self, house: House) -> None:
        sale, payment_id = sold(house)
        clock.advance(timedelta(days=8))
        with unit_of_work(house.db, SYSTEM) as uow:
            request_refund(uow, RequestRefund(sale.order_id, payment_id, "test", automatic=False, amount_minor=10_600))
        assert close_due(house.db, sale.seller_org_id) == Closed((), ())
        house.run()
        clock.advance(timedelta(days=1))
        statement = close(house, sale.seller_org_id)
        assert statement is not None
        assert (statement.gross_minor, statement.refunds_minor, statement.net_minor) == (106_000, -10_600, 77_400)
        assert statement.commission_minor == -13_500

    def test_whoever_does_not_reconcile_holds_up_nobody_else(self, house: House) -> None:
        sale, _ = sold(house)
        well, _ = sold(house)
        clock.advance(timedelta(days=8))
        with off_by_one(house, sale):
            closed = close_due(house.db)
        # Other tests leave parties behind that are nowhere registered.
        (refused,) = (one for one in closed.refused if one.error.code != "organization_not_found")
        assert (refused.org_id, refused.error.code) == (sale.seller_org_id, "statement_does_not_reconcile")
        assert refused.error.params["difference_minor"] == -1
        assert parties(house, closed) >= {well.seller_org_id, well.promoter_org_id, sale.promoter_org_id}
        assert sale.seller_org_id not in parties(house, closed)
        mended = close_due(house.db, sale.seller_org_id)
        assert parties(house, mended) == {sale.seller_org_id}

    def test_a_refund_that_ends_meanwhile_is_counted_on_both_sides_or_on_none(self, house: House) -> None:
        sale, payment_id = sold(house)
        clock.advance(timedelta(days=8))
        assert close(house, sale.seller_org_id) is not None
        with unit_of_work(house.db, SYSTEM) as uow:
            request_refund(uow, RequestRefund(sale.order_id, payment_id, "test", automatic=False, amount_minor=10_600))
        with unit_of_work(house.db, OPERATOR) as uow:
            # The refund ends right after the first question of the comparison.
            event.listen(uow.session.connection(), "after_cursor_execute", lambda *_: house.run(), once=True)
            assert difference_minor(uow, sale.seller_org_id, "CNY") == 0
        assert owed(house.db, sale.seller_org_id) == (0, 77_400)

    def test_the_month_closes_by_itself_a_job_a_party(self, house: House) -> None:
        sale, _ = sold(house)
        well, _ = sold(house)
        clock.advance(timedelta(days=40))
        with off_by_one(house, sale):
            do_sweep(house.db, CLOSE_MONTH)
            for _ in range(11):
                clock.advance(timedelta(minutes=10))
                house.run()
        with unit_of_work(house.db, SYSTEM) as uow:
            statements = {
                org_id: ends_at
                for org_id, ends_at in uow.session.execute(select(Statement.org_id, Statement.ends_at))
                if org_id in {sale.seller_org_id, well.seller_org_id, well.promoter_org_id}
            }
            dead = (Job.kind == CLOSE, Job.state == "dead", Job.last_error.contains("does_not_reconcile"))
            given_up = uow.session.scalars(select(Job).where(*dead)).all()
        first = datetime(2026, 12, 31, 16, tzinfo=UTC)
        # The platform's month, in Shanghai.
        assert statements == {well.seller_org_id: first, well.promoter_org_id: first}
        with unit_of_work(house.db, SYSTEM) as uow:
            mine = (Invoice.buyer_org_id == well.seller_org_id, Invoice.kind == "commission_invoice")
            assert (uow.session.scalar(select(Invoice.remarks).where(*mine)) or "").endswith("– 2026-12-31")
        assert [job.payload["org_id"] for job in given_up] == [str(sale.seller_org_id)]
        clock.advance(timedelta(days=1))
        do_sweep(house.db, CLOSE_MONTH)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert uow.session.scalars(
                select(Statement.ends_at).where(Statement.org_id == sale.seller_org_id)
            ).all() == [first]

    def test_what_is_taken_back_after_the_period_is_a_line_of_the_next(self, house: House) -> None:
        sale, payment_id = sold(house)
        clock.advance(timedelta(days=8))
        assert close(house, sale.seller_org_id) is not None
        clock.advance(timedelta(days=1))
        until = clock.now()
        clock.advance(timedelta(hours=1))
        give_back(house, sale, payment_id, 10_600)
        operator = as_operator(house.db)
        assert close_statements(operator, CloseStatements(until, sale.seller_org_id)) == Closed((), ())
        with unit_of_work(house.db, OPERATOR) as uow:
            assert close_statement(uow, CloseStatement(sale.seller_org_id, "CNY", until)) is None
        clock.advance(timedelta(hours=1))
        after = close(house, sale.seller_org_id)
        assert after is not None
        assert (after.refunds_minor, after.net_minor) == (-10_600, -8_600)

    def test_only_an_operator_closes_and_only_the_past(self, house: House) -> None:
        seller = Principal(PrincipalKind.PERSON, org_id=Sale().seller_org_id, permissions=frozenset({"money.read"}))
        one = CloseStatement(uuid7(), "CNY", clock.now())
        with pytest.raises(Forbidden), unit_of_work(house.db, seller) as uow:
            close_statement(uow, one)
        late = clock.now() + timedelta(seconds=1)
        with pytest.raises(Invalid, match="statement_in_future"), unit_of_work(house.db, OPERATOR) as uow:
            close_statement(uow, replace(one, until=late))
        with pytest.raises(Invalid, match="statement_in_future"):
            close_statements(as_operator(house.db), CloseStatements(late))


class TestPayOut:
    def settled(self, house: House) -> tuple[Sale, UUID, Statement]:
        sale, payment_id = sold(house)
        clock.advance(timedelta(days=8))
        statement = close(house, sale.seller_org_id)
        assert statement is not None
        return sale, payment_id, statement

    def test_a_statement_is_paid_once(self, house: House) -> None:
        sale, _, statement = self.settled(house)
        payout_id = pay(house, statement)
        assert read(house.db, Payout, payout_id).state == "paid"
        assert read(house.db, Statement, statement.id).state == "paid"
        assert owed(house.db, sale.seller_org_id) == (0, 0)
        assert facts(house.db, payout_id) == ["billing.payout_paid.v1"]
        with unit_of_work(house.db, SYSTEM) as uow:
            assert last_accounts(uow, [sale.seller_org_id]) == {sale.seller_org_id: Account("sandbox", "sbx_acct_ok")}
        with pytest.raises(Conflict, match="statement_not_payable"):
            pay(house, statement)

    @pytest.mark.parametrize(("gateway", "destination"), [("", ""), ("sandbox", " "), (" ", "sbx_acct_ok")])
    def test_without_an_account_nothing_is_reserved(self, house: House, gateway: str, destination: str) -> None:
        sale, _, statement = self.settled(house)
        with pytest.raises(Invalid, match="payout_account_missing"), unit_of_work(house.db, OPERATOR) as uow:
            pay_out(uow, PayOut(statement.id, gateway, destination))
        assert read(house.db, Statement, statement.id).state == "closed"
        assert owed(house.db, sale.seller_org_id) == (0, 86_000)

    def test_a_payout_the_bank_refuses_gives_the_money_back_to_its_party(self, house: House) -> None:
        sale, _, statement = self.settled(house)
        payout_id = pay(house, statement, "sbx_acct_closed")
        assert read(house.db, Payout, payout_id).error_code == "account_closed"
        assert owed(house.db, sale.seller_org_id) == (0, 86_000)
        with unit_of_work(house.db, SYSTEM) as uow:
            # Where no money arrived is nobody's account to suggest.
            assert last_accounts(uow, [sale.seller_org_id]) == {}
            failed = next(row.count for row in list_operator_queues(uow) if row.key == "payouts_failed")
        assert read(house.db, Payout, pay(house, statement)).state == "paid"
        with unit_of_work(house.db, SYSTEM) as uow:
            left = next(row.count for row in list_operator_queues(uow) if row.key == "payouts_failed")
        # What was paid in the end waits for nobody any more.
        assert left == failed - 1

    @pytest.mark.parametrize("destination", ["sbx_acct_delayed", "sbx_acct_timeout"])
    def test_a_payout_whose_answer_is_late_or_lost_is_found(self, house: House, destination: str) -> None:
        _, _, statement = self.settled(house)
        with unit_of_work(house.db, SYSTEM) as uow:
            of_others = balance_minor(uow, PLATFORM_ORG_ID, "payout_clearing", "CNY")
        payout_id = pay(house, statement, destination)
        clock.advance(timedelta(seconds=15))
        do_sweep(house.db, JANITOR)
        assert read(house.db, Payout, payout_id).state == "paid"
        with unit_of_work(house.db, SYSTEM) as uow:
            of_this = balance_minor(uow, PLATFORM_ORG_ID, "payout_clearing", "CNY")
        assert of_this == of_others

    def test_a_refund_after_the_payout_is_carried_until_it_is_earned_back(self, house: House) -> None:
        sale, payment_id, statement = self.settled(house)
        pay(house, statement)
        give_back(house, sale, payment_id)
        assert owed(house.db, sale.seller_org_id) == (0, -86_000)
        clock.advance(timedelta(days=1))
        negative = close(house, sale.seller_org_id)
        assert negative is not None
        assert (negative.refunds_minor, negative.net_minor, negative.state) == (-106_000, -86_000, "carried")
        assert negative.commission_invoice_id is None
        again = Sale(seller_org_id=sale.seller_org_id, net_minor=200_000, tax_minor=12_000)
        again.paid(house)
        again.deliver(house.db)
        clock.advance(timedelta(days=8))
        positive = close(house, sale.seller_org_id)
        assert positive is not None
        assert (positive.carried_minor, positive.net_minor) == (-86_000, 86_000)
        # The commission of the refunded sale is netted: 300.00 earned, 150.00 given back.
        assert positive.commission_invoice_id is not None
        assert read(house.db, Invoice, positive.commission_invoice_id).gross_minor == 15_000
        pay(house, positive)
        assert owed(house.db, sale.seller_org_id) == (0, 0)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert difference_minor(uow, sale.seller_org_id, "CNY") == 0
            left = select(Share.state).where(Share.org_id == sale.seller_org_id)
            assert set(uow.session.scalars(left)) == {"paid"}

    def test_a_payout_settles_what_was_carried_before_it_and_nothing_later(self, house: House) -> None:
        sale, payment_id, statement = self.settled(house)
        give_back(house, sale, payment_id)
        small = Sale(seller_org_id=sale.seller_org_id, net_minor=1_000, tax_minor=60)
        small.paid(house)
        small.deliver(house.db)
        clock.advance(timedelta(days=8))
        carried = close(house, sale.seller_org_id)
        large = Sale(seller_org_id=sale.seller_org_id, net_minor=300_000, tax_minor=18_000)
        large.paid(house)
        large.deliver(house.db)
        clock.advance(timedelta(days=8))
        last = close(house, sale.seller_org_id)
        assert carried is not None
        assert last is not None
        assert (carried.state, last.state) == ("carried", "closed")

        def settled_small() -> str | None:
            with unit_of_work(house.db, SYSTEM) as uow:
                mine = (Share.reference == small.line_id, Share.kind == "seller")
                return uow.session.scalar(select(Share.state).where(*mine))

        pay(house, statement)
        assert settled_small() == "in_statement"
        pay(house, last)
        assert settled_small() == "paid"

    def test_never_more_than_is_available(self, house: House) -> None:
        sale, payment_id, statement = self.settled(house)
        give_back(house, sale, payment_id)
        with pytest.raises(Conflict, match="payout_exceeds_available"):
            pay(house, statement)
