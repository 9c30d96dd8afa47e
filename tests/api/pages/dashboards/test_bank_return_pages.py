"""A return above the limit on the desk of bank transfers: whoever asked for it is shown no button to approve it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.bank.ask_return import ask_return
from billing.bank.import_statement import ImportStatement, import_statement
from billing.bank.models import BankLine, BankReturn
from billing.bank.save_account import SaveBankAccount, save_bank_account
from billing.bank.settle_line import ReturnMoney
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.api.pages.dashboards.conftest import Dashboards
from tests.bank_files import ACCOUNT, Entry, generic
from tests.bank_payouts import SECOND_OPERATOR

ABOVE = "20000.00"


def received(db: Database) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        account = SaveBankAccount(f"p-{uuid7().hex[-10:]}", "CNY", "平台", "银行", ACCOUNT, is_offered=False)
        account_id = save_bank_account(uow, account).id
    content = generic([Entry(5_000_000, "?", name="Third", reference=uuid7().hex)])
    with unit_of_work(db, SYSTEM) as uow:
        import_statement(uow, ImportStatement(account_id, "lines.csv", content))
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.scalars(select(BankLine.id).where(BankLine.account_id == account_id)).one()


def test_one_operator_asks_and_another_approves(dashboards: Dashboards) -> None:
    operator, db = dashboards.operator, dashboards.stage.services.db
    line_id = received(db)
    asked = operator.post(f"/operator/bank/lines/{line_id}/return", amount=ABOVE, reason="not ours", code="")
    assert asked.status_code == 303
    (own,) = dashboards.stage.rows(select(BankReturn).where(BankReturn.line_id == line_id))
    page = operator.get("/operator/bank").text
    assert f"/operator/bank/returns/{own.id}" in page
    assert "another operator has to approve it" in page
    refused = operator.post(f"/operator/bank/returns/{own.id}", act="approve")
    assert refused.status_code == 409
    assert "not approved by whoever asked for it" in refused.text
    assert operator.post(f"/operator/bank/returns/{own.id}", act="steal").status_code == 422
    assert operator.post(f"/operator/bank/returns/{own.id}", act="withdraw").status_code == 303
    back = ReturnMoney(line_id, 2_000_000, "not ours")
    waiting = transact(db, SECOND_OPERATOR, lambda uow: ask_return(uow, back, 10_000))
    assert waiting is not None
    assert dashboards.seller.post(f"/operator/bank/returns/{waiting.id}", act="approve").status_code == 403
    for _ in range(2):
        assert operator.post(f"/operator/bank/returns/{waiting.id}", act="approve").status_code == 303
    row = dashboards.stage.get(BankReturn, waiting.id)
    assert (row.state, row.outgoing_id is not None) == ("approved", True)
    assert operator.post(f"/operator/bank/returns/{uuid7()}", act="approve").status_code == 404
