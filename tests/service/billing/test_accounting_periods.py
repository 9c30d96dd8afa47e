"""Months of the books close one after another, and nothing gets into a closed one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from app.embedded.engines import Addresses
from billing.accounting_periods.close_period import ReopenPeriod, close_period, record_balances, reopen_period
from billing.accounting_periods.models import AccountingPeriod, AccountingPeriodBalance
from billing.accounting_periods.queries import get_period, list_periods, next_month_to_close
from billing.ledger.models import LedgerTransaction
from billing.ledger.post import Fact, Leg, post
from billing.ledger.seal import find_chain_faults
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.parties.models import PLATFORM_ORG_ID

JUNE, JULY, AUGUST = date(2100, 6, 1), date(2100, 7, 1), date(2100, 8, 1)
"""Long after anything that another test posts; the platform lives in Shanghai."""
JUNE_BEGINS, JULY_BEGINS = datetime(2100, 5, 31, 16, tzinfo=UTC), datetime(2100, 6, 30, 16, tzinfo=UTC)
DESK = frozenset({"operator.payouts", "operator.read"})


def operator() -> Principal:
    return Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=DESK)


ONE, OTHER = operator(), operator()


@pytest.fixture
def books(db: Database, addresses: Addresses) -> Iterator[Database]:
    """The test's database, none of whose months is closed before or after."""
    with clock.frozen(datetime(2100, 9, 2, tzinfo=UTC)):
        yield db
    assert addresses.database_admin_url is not None
    owner = create_engine(addresses.database_admin_url)
    with Session(owner) as session:
        session.execute(text("DELETE FROM billing.accounting_period_balance"))
        session.execute(text("DELETE FROM billing.accounting_period"))
        session.commit()
    owner.dispose()


def write(db: Database, at: datetime, minor: int = 5, org: UUID = PLATFORM_ORG_ID) -> UUID:
    reference = uuid7()
    legs = [Leg(org, "suspense", minor), Leg(org, "gateway_fee", -minor)]
    with unit_of_work(db, SYSTEM) as uow:
        post(uow, Fact(f"test:{reference}", "test", reference, "CNY", at, legs))
    return reference


def written(db: Database, reference: UUID) -> LedgerTransaction:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.scalars(select(LedgerTransaction).where(LedgerTransaction.reference == reference)).one()


def close(db: Database, month: date, who: Principal = ONE) -> UUID:
    return close_period(lambda work: transact(db, who, work), month)


def test_a_late_fact_counts_in_the_first_open_month_and_keeps_when_it_happened(books: Database) -> None:
    write(books, JUNE_BEGINS + timedelta(days=3))
    close(books, JUNE)
    early = JULY_BEGINS - timedelta(microseconds=1)
    late, first, usual = write(books, early), write(books, JULY_BEGINS), write(books, clock.now())
    assert (written(books, late).occurred_at, written(books, late).effective_at) == (early, JULY_BEGINS)
    assert (written(books, first).occurred_at, written(books, first).effective_at) == (None, JULY_BEGINS)
    assert written(books, usual).occurred_at is None
    close(books, JULY)
    assert written(books, write(books, early)).effective_at == datetime(2100, 7, 31, 16, tzinfo=UTC)
    with unit_of_work(books, SYSTEM) as uow:
        assert "contents_changed" not in {fault.what for fault in find_chain_faults(uow)}


def test_a_closed_month_has_the_balances_of_its_end(books: Database) -> None:
    org = uuid7()
    write(books, JUNE_BEGINS, 7, org)
    write(books, JULY_BEGINS, 100, org)
    write(books, JULY_BEGINS, -30, org)
    june, july = close(books, JUNE), close(books, JULY)
    with unit_of_work(books, ONE) as uow:
        found = {
            (period, kind): (debit, credit, balance)
            for period, kind, debit, credit, balance in uow.session.execute(
                text("""SELECT b.period_id, a.kind, b.debit_minor, b.credit_minor, b.balance_minor
                        FROM billing.accounting_period_balance b JOIN billing.ledger_account a ON a.id = b.account_id
                        WHERE a.org_id = :org"""),
                {"org": org},
            )
        }
        assert (get_period(uow, july).transactions or 0) >= 2
        assert next_month_to_close(uow) == AUGUST
    assert found == {
        (june, "suspense"): (7, 0, 7),
        (june, "gateway_fee"): (0, 7, -7),
        (july, "suspense"): (100, 30, 77),
        (july, "gateway_fee"): (30, 100, -77),
    }


def test_months_close_in_order_and_once(books: Database) -> None:
    with pytest.raises(Invalid) as refused:
        close(books, date(2100, 9, 1))
    assert refused.value.code == "period_not_over"
    with pytest.raises(Invalid) as refused:
        close(books, date(2100, 6, 2))
    assert refused.value.code == "period_month_invalid"
    with pytest.raises(Conflict) as conflict:
        close(books, date(1026, 6, 1))
    assert conflict.value.code == "period_out_of_order"
    assert str(conflict.value.params["month"]) > "2000"
    close(books, JUNE)
    with pytest.raises(Conflict) as conflict:
        close(books, JUNE)
    assert conflict.value.code == "period_closed"
    with pytest.raises(Conflict) as conflict:
        close(books, AUGUST)
    assert (conflict.value.code, conflict.value.params["month"]) == ("period_out_of_order", "2100-07")
    with pytest.raises(Forbidden):
        close(books, JULY, replace(ONE, permissions=frozenset({"operator.read"})))


def test_a_close_that_stopped_half_way_is_made_up_for(books: Database) -> None:
    period_id = close(books, JUNE)
    with unit_of_work(books, SYSTEM) as uow:
        uow.session.execute(text("UPDATE billing.accounting_period SET transactions = NULL"))
        uow.session.execute(text("DELETE FROM billing.accounting_period_balance"))
    assert close(books, JUNE) == period_id
    with unit_of_work(books, ONE) as uow:
        assert get_period(uow, period_id).transactions is not None
        record_balances(uow, period_id)


def test_the_last_month_is_opened_again_by_somebody_else_with_a_reason(books: Database) -> None:
    june, july = close(books, JUNE), close(books, JULY)

    def reopen(period_id: UUID, who: Principal = OTHER, reason: str = "an invoice was left out") -> AccountingPeriod:
        return transact(books, who, lambda uow: reopen_period(uow, ReopenPeriod(period_id, reason)))

    with pytest.raises(Invalid):
        reopen(july, reason=" ")
    with pytest.raises(Forbidden) as forbidden:
        reopen(july, ONE)
    assert forbidden.value.code == "period_second_person"
    with pytest.raises(Conflict) as conflict:
        reopen(june)
    assert conflict.value.code == "period_not_last"
    with pytest.raises(NotFound):
        reopen(uuid7())
    reopen(july)
    with pytest.raises(Conflict) as conflict:
        reopen(july)
    assert conflict.value.code == "period_open"
    assert written(books, write(books, JULY_BEGINS)).occurred_at is None
    with unit_of_work(books, ONE) as uow:
        assert [(row.month, row.state) for row in list_periods(uow)] == [(JULY, "reopened"), (JUNE, "closed")]
        left = uow.session.scalars(select(AccountingPeriodBalance.period_id).distinct()).all()
        assert july not in left
    assert close(books, JULY, OTHER) == july


def test_whoever_posts_while_a_month_closes_is_in_it_or_after_it(books: Database) -> None:
    """A fact under way when the month closes is waited for; one that comes after it moves. None is lost between."""
    at = JUNE_BEGINS + timedelta(days=1)
    held, closed = threading.Event(), threading.Event()
    first, reference = write(books, at), uuid7()

    def post_slowly() -> None:
        with clock.frozen(datetime(2100, 9, 2, tzinfo=UTC)), unit_of_work(books, SYSTEM) as uow:
            legs = [Leg(PLATFORM_ORG_ID, "suspense", 3), Leg(PLATFORM_ORG_ID, "gateway_fee", -3)]
            post(uow, Fact(f"test:{reference}", "test", reference, "CNY", at, legs))
            uow.flush()
            held.set()
            assert not closed.wait(0.5), "the month closed while a fact was under way"

    poster = threading.Thread(target=post_slowly)
    poster.start()
    assert held.wait(5)
    period_id = close(books, JUNE)
    closed.set()
    poster.join()
    late = write(books, at)
    assert [written(books, one).occurred_at for one in (first, reference, late)] == [None, None, at]
    with unit_of_work(books, ONE) as uow:
        counted = uow.session.scalar(
            text("SELECT count(*) FROM billing.ledger_transaction WHERE effective_at < :until"), {"until": JULY_BEGINS}
        )
        begun = uow.session.scalar(
            text("SELECT count(*) FROM billing.ledger_transaction WHERE effective_at < :begun"), {"begun": JUNE_BEGINS}
        )
        assert counted is not None
        assert get_period(uow, period_id).transactions in {counted, counted - (begun or 0)}
