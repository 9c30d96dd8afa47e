"""The platform's own bank accounts: what buyers are told of them is what their banks take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing.bank.gateway import offered_account
from billing.bank.import_statement import ImportStatement, import_statement
from billing.bank.sandbox_bank import SANDBOX_NUMBER
from billing.bank.save_account import SaveBankAccount, save_bank_account
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from tests.bank_files import ACCOUNT, Entry, generic
from tests.factories_marketplace import OPERATOR_PRINCIPAL


def account(**changes: str) -> SaveBankAccount:
    made = SaveBankAccount(f"a-{uuid7().hex[-10:]}", "CNY", "平台", "银行", ACCOUNT, is_offered=False)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("account_number", "DE00370400440532013000"),
        ("account_number", "DE8937040044053201300"),
        ("bank_code", "nonsense"),
        ("bank_code", "10210009999"),
        ("virtual_prefix", "９９"),
    ],
)
def test_numbers_that_no_bank_takes_are_refused(db: Database, field: str, written: str) -> None:
    with pytest.raises(Invalid) as refused, unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        save_bank_account(uow, account(**{field: written}))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "written",
    ["", "102 100 099 996", "021000021", "20-00-00", "37040044", "0005-001", "HDFC0000001", "cobadeff", "COBADEFFXXX"],
)
def test_banks_are_named_by_a_bic_or_by_their_clearing_number(db: Database, written: str) -> None:
    with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        assert save_bank_account(uow, account(bank_code=written)).bank_code.isalnum() or not written


def test_money_is_asked_for_at_banks_of_its_own_kind_alone(db: Database) -> None:
    """What was entered while the other kind was taken stays, and is not used."""
    for number, plays in ((ACCOUNT, False), (SANDBOX_NUMBER, True)):
        with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
            command = account(account_number=number)
            saved = save_bank_account(uow, replace(command, currency="NOK", is_offered=True), plays=plays)
            found = offered_account(uow, "NOK", plays=plays)
            assert found is not None
            assert found.id == saved.id
            assert offered_account(uow, "NOK", plays=not plays) is None
            saved.is_offered = False


def test_the_number_of_an_account_that_has_lines_stays(db: Database) -> None:
    command = account()
    with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        account_id = save_bank_account(uow, command).id
    changed = replace(command, account_id=account_id, account_number="6222020200112233445")
    with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        assert save_bank_account(uow, changed).account_number == "6222020200112233445"
        import_statement(uow, ImportStatement(account_id, "file", generic([Entry(500)])))
    with pytest.raises(Conflict) as refused, unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        save_bank_account(uow, replace(changed, account_number=ACCOUNT))
    assert refused.value.code == "bank_account_in_use"
    with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
        assert save_bank_account(uow, replace(changed, holder="平台公司")).holder == "平台公司"
