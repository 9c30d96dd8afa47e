"""What is asked ahead comes in one round trip, and is what would have come later; changed rows are written together."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from sqlalchemy import bindparam, select, text

from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from orders.approval_rules.models import PurchaseRule
from tests.factories_marketplace import make_org
from tests.statement_counter import counting

RULES = Read(select(PurchaseRule).where(PurchaseRule.org_id == bindparam("org_id")).order_by(PurchaseRule.currency))
CURRENCIES = ("CNY", "EUR", "JPY", "USD")


@pytest.fixture
def org_id(db: Database) -> UUID:
    """An organization with a rule for each of four currencies, of 100 minor units."""
    with unit_of_work(db, SYSTEM) as uow:
        made = make_org(uow).id
    with unit_of_work(db, SYSTEM) as uow:
        for currency in CURRENCIES:
            uow.add(PurchaseRule(org_id=made, currency=currency, max_order_minor=100, self_approval=False))
    return made


def limits(uow: UnitOfWork, org_id: UUID) -> dict[str, int]:
    return {rule.currency: rule.max_order_minor for rule in uow.fetch(RULES, org_id=org_id)}


def test_what_is_asked_ahead_comes_with_the_next_round_trip(
    db: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting(monkeypatch) as asked, unit_of_work(db, SYSTEM) as uow:
        lock_aggregate(uow, org_id)
        uow.ask_ahead(RULES, org_id=org_id)
        uow.ask_ahead(RULES, org_id=uuid7())
        assert limits(uow, org_id) == dict.fromkeys(CURRENCIES, 100)
        assert asked.trips == 1
    assert asked.trips == 2
    assert len(asked.statements) == 3


def test_other_parameters_are_asked_anew_and_each_answer_is_used_once(
    db: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting(monkeypatch) as asked, unit_of_work(db, SYSTEM) as uow:
        uow.ask_ahead(RULES, org_id=org_id)
        assert limits(uow, uuid7()) == {}
        assert limits(uow, org_id) == dict.fromkeys(CURRENCIES, 100)
        uow.ask(
            "UPDATE orders.purchase_rule SET max_order_minor = $1 WHERE org_id = $2 AND currency = 'EUR'", (7, org_id)
        )
        # Rows that are held stay the objects they are; the statement was asked again.
        limits(uow, org_id)
    assert sum("SELECT" in statement for statement in asked.statements) == 3


def test_what_the_session_may_have_changed_is_not_answered_from_before(db: Database, org_id: UUID) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        uow.ask_ahead(RULES, org_id=org_id)
        uow.session.execute(
            text("UPDATE orders.purchase_rule SET max_order_minor = 5 WHERE org_id = :org"), {"org": org_id}
        )
        assert limits(uow, org_id) == dict.fromkeys(CURRENCIES, 5)


def test_a_lock_asked_ahead_of_is_held_when_its_rows_are_read(db: Database, org_id: UUID) -> None:
    # The reader waits for the lock, then sees what its holder wrote, although both were sent together.
    seen: list[dict[str, int]] = []
    entered = threading.Event()

    def read() -> None:
        with unit_of_work(db, SYSTEM) as uow:
            lock_aggregate(uow, org_id)
            uow.ask_ahead(RULES, org_id=org_id)
            entered.set()
            seen.append(limits(uow, org_id))

    with unit_of_work(db, SYSTEM) as uow:
        lock_aggregate(uow, org_id)
        for rule in uow.fetch(RULES, org_id=org_id):
            rule.max_order_minor = 300
        reader = threading.Thread(target=read)
        reader.start()
        assert entered.wait(10)
    reader.join(10)
    assert seen == [dict.fromkeys(CURRENCIES, 300)]


def test_several_changed_rows_of_a_table_are_one_statement(
    db: Database, org_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting(monkeypatch) as asked, unit_of_work(db, SYSTEM) as uow:
        for number, rule in enumerate(uow.fetch(RULES, org_id=org_id)):
            # The first stays as it was; the last two are changed back and forth.
            rule.max_order_minor += number
    assert sum("UPDATE" in statement for statement in asked.statements) == 1
    with unit_of_work(db, SYSTEM) as uow:
        assert limits(uow, org_id) == dict(zip(CURRENCIES, (100, 101, 102, 103), strict=True))


def test_rows_with_json_arrays_and_nulls_are_changed_together(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        made = sorted(make_org(uow).id for _ in range(3))
    read = Read(select(Organization).where(Organization.id == bindparam("org_id")))
    with unit_of_work(db, SYSTEM) as uow:
        for number, one in enumerate(made):
            found = uow.find(read, org_id=one)
            found.legal_name, found.tax_id = f"named {number}", None
    with unit_of_work(db, SYSTEM) as uow:
        names = [(uow.find(read, org_id=one).legal_name, uow.find(read, org_id=one).tax_id) for one in made]
    assert names == [(f"named {number}", None) for number in range(3)]


def test_what_is_appended_is_held_against_its_table(db: Database) -> None:
    def misspelt() -> None:
        with unit_of_work(db, SYSTEM) as uow:
            uow.append(PurchaseRule, org_id=uuid7(), currency="CNY", max_order=1)

    with pytest.raises(TypeError, match="purchase_rule has no max_order"):
        misspelt()
