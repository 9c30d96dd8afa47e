"""A return above the limit goes back when a second person agrees: nobody does both, and of two at once one decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.bank.ask_return import approve_return, ask_return, list_returns, withdraw_return
from billing.bank.import_statement import ImportStatement, import_statement
from billing.bank.models import BankAssignment, BankLine, BankOutgoing, BankReturn
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.bank.settle_line import ReturnMoney, WriteOffMoney, write_off_money
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.bank_files import ACCOUNT, Entry, generic
from tests.factories_billing import House
from tests.races.crowd import at_once

LIMIT = 100
"""Whole units."""


def operator() -> Principal:
    allowed = frozenset({"operator.read", "operator.payouts"})
    return Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=allowed)


ANN, BEN, CAI = operator(), operator(), operator()


def received(house: House, minor: int = 50_000) -> UUID:
    """A line of money that nobody knows."""
    with unit_of_work(house.db, SYSTEM) as uow:
        account = SaveBankAccount(f"r-{uuid7().hex[-10:]}", "CNY", "平台", "银行", ACCOUNT, is_offered=False)
        account_id = save_bank_account(uow, account).id
    content = generic([Entry(minor, "?", name="Third", number="6222020200001234567", reference=uuid7().hex)])
    with unit_of_work(house.db, SYSTEM) as uow:
        import_statement(uow, ImportStatement(account_id, "lines.csv", content))
    with unit_of_work(house.db, SYSTEM) as uow:
        return uow.session.scalars(select(BankLine.id).where(BankLine.account_id == account_id)).one()


def ask(house: House, line_id: UUID, minor: int, by: Principal = ANN) -> UUID | None:
    def work(uow: UnitOfWork) -> UUID | None:
        waiting = ask_return(uow, ReturnMoney(line_id, minor, "not ours"), LIMIT)
        return waiting.id if waiting is not None else None

    return transact(house.db, by, work)


def waiting(house: House, line_id: UUID, minor: int = 20_000) -> UUID:
    found = ask(house, line_id, minor)
    assert found is not None
    return found


def decide(house: House, by: Principal, verb: Callable[[UnitOfWork, UUID], BankReturn], return_id: UUID) -> None:
    transact(house.db, by, lambda uow: verb(uow, return_id).id)


def refused(house: House, by: Principal, verb: Callable[[UnitOfWork, UUID], BankReturn], return_id: UUID) -> str:
    with pytest.raises(DomainError) as caught:
        decide(house, by, verb, return_id)
    return caught.value.code


def sent(house: House, line_id: UUID) -> list[int]:
    """What of the line is to be sent."""
    of_line = select(BankOutgoing.amount_minor).join(BankAssignment, BankAssignment.outgoing_id == BankOutgoing.id)
    with unit_of_work(house.db, SYSTEM) as uow:
        return sorted(uow.session.scalars(of_line.where(BankAssignment.line_id == line_id)))


def open_minor(house: House, line_id: UUID) -> int:
    with unit_of_work(house.db, SYSTEM) as uow:
        return uow.session.get_one(BankLine, line_id).open_minor


def test_up_to_the_limit_one_person_is_enough(house: House) -> None:
    line_id = received(house)
    assert ask(house, line_id, 10_000) is None
    assert sent(house, line_id) == [10_000]


def test_above_the_limit_nobody_does_both(house: House) -> None:
    line_id = received(house)
    return_id = waiting(house, line_id)
    assert (sent(house, line_id), open_minor(house, line_id)) == ([], 50_000)
    assert refused(house, ANN, approve_return, return_id) == "bank_return_second_person"
    assert sent(house, line_id) == []
    decide(house, BEN, approve_return, return_id)
    decide(house, BEN, approve_return, return_id)
    assert (sent(house, line_id), open_minor(house, line_id)) == ([20_000], 30_000)
    assert refused(house, CAI, withdraw_return, return_id) == "bank_return_decided"
    with unit_of_work(house.db, SYSTEM) as uow:
        row = uow.session.get_one(BankReturn, return_id)
        assert (row.asked_by, row.decided_by, row.state) == (ANN.person_id, BEN.person_id, "approved")


def test_a_return_in_parts_below_the_limit_is_one_above_it(house: House) -> None:
    line_id = received(house)
    assert ask(house, line_id, 6_000) is None
    return_id = ask(house, line_id, 6_000)
    assert return_id is not None
    assert refused(house, ANN, approve_return, return_id) == "bank_return_second_person"
    with pytest.raises(Conflict, match="bank_return_waiting"):
        ask(house, line_id, 6_000, BEN)
    assert sent(house, line_id) == [6_000]


def test_what_is_withdrawn_can_be_asked_for_anew(house: House) -> None:
    line_id = received(house)
    return_id = waiting(house, line_id)
    decide(house, ANN, withdraw_return, return_id)
    assert refused(house, BEN, approve_return, return_id) == "bank_return_decided"
    assert (sent(house, line_id), open_minor(house, line_id)) == ([], 50_000)
    decide(house, BEN, approve_return, waiting(house, line_id))
    assert sent(house, line_id) == [20_000]


def test_what_was_used_otherwise_meanwhile_is_not_sent(house: House) -> None:
    line_id = received(house)
    return_id = waiting(house, line_id, 50_000)
    with unit_of_work(house.db, ANN) as uow:
        write_off_money(uow, WriteOffMoney(line_id, 1, "fee"))
    with pytest.raises(Invalid, match="bank_amount_exceeds"):
        decide(house, BEN, approve_return, return_id)
    assert sent(house, line_id) == []
    decide(house, BEN, withdraw_return, return_id)


def test_who_may_decide(house: House) -> None:
    line_id = received(house)
    return_id = waiting(house, line_id)
    nobody = Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.read"}))
    key = Principal(PrincipalKind.OPERATOR, permissions=frozenset({"operator.payouts"}))
    for by in (nobody, key):
        with pytest.raises(Forbidden):
            decide(house, by, approve_return, return_id)
    with pytest.raises(NotFound):
        decide(house, BEN, approve_return, uuid7())
    with unit_of_work(house.db, nobody) as uow:
        assert return_id in {one.id for one in list_returns(uow, state="asked", limit=100).items}


def test_of_several_at_once_one_decides(house: House) -> None:
    line_id = received(house)
    return_id = waiting(house, line_id)
    at_once(
        [
            partial(decide, house, BEN, approve_return, return_id),
            partial(decide, house, CAI, approve_return, return_id),
            partial(decide, house, ANN, withdraw_return, return_id),
        ]
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        row = uow.session.get_one(BankReturn, return_id)
    assert (sent(house, line_id), row.state) in [([20_000], "approved"), ([], "withdrawn")]
    assert open_minor(house, line_id) == 50_000 - sum(sent(house, line_id))
