"""A party that is paid by bank: its account, a batch that two people saw off, and the bank's word."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from billing.payout_batches.decide_batch import approve_batch, send_batch
from billing.payout_batches.draft_batch import DraftBatch, draft_batch
from billing.payout_batches.import_report import ImportPayoutReport, import_report
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.payable_account import confirm_holder
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from tests.bank_reports import Told, pain_002
from tests.factories_marketplace import Org

DEBTORS = "* CN 6222000000000210 102100099996"
SECOND_OPERATOR = Principal(
    PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.read", "operator.payouts"})
)


def give_bank_account(db: Database, owner: Principal, holder: str, box: SecretBox) -> UUID:
    """An account in yuan of a holder of this name."""
    account = SavePayoutAccount("CNY", "CN", holder, "测试银行", "6222020200112233445", "102100099996")
    return transact(db, owner, lambda uow: save_payout_account(uow, account, box).id)


def confirm_account(db: Database, account_id: UUID) -> None:
    """Somebody of the platform who has no other hand in it takes the account for its party's own."""
    third = Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.payouts"}))
    transact(db, third, lambda uow: confirm_holder(uow, account_id))


def bank_account_of(db: Database, org: Org, box: SecretBox) -> UUID:
    """The account in yuan that the organization has, or a new one, whoever its holder is."""
    with unit_of_work(db, SYSTEM) as uow:
        present = uow.session.scalar(
            select(PayoutAccount.id).where(
                PayoutAccount.org_id == org.id, PayoutAccount.currency == "CNY", PayoutAccount.replaced_at.is_(None)
            )
        )
    return present or give_bank_account(db, org.owner, "测试有限公司", box)


def send_by_bank(db: Database, operator: Principal, statement_ids: Sequence[UUID]) -> UUID:
    """Pay these in a batch that is handed over. Returns the batch's id."""
    for statement_id in statement_ids:
        with unit_of_work(db, operator) as uow:
            pay_out(uow, PayOut(statement_id))
    batch_id = transact(db, operator, lambda uow: draft_batch(uow, DraftBatch("CNY", DEBTORS, 0)))
    assert batch_id is not None
    transact(db, SECOND_OPERATOR, lambda uow: approve_batch(uow, batch_id))
    transact(db, operator, lambda uow: send_batch(uow, batch_id))
    return batch_id


def pay_by_bank(db: Database, operator: Principal, statement_ids: Sequence[UUID]) -> UUID:
    """The same, and the bank says that it paid them."""
    batch_id = send_by_bank(db, operator, statement_ids)
    with unit_of_work(db, operator) as uow:
        payouts = uow.session.scalars(
            select(Payout).where(Payout.statement_id.in_(statement_ids), Payout.state == "sent")
        ).all()
        told = [Told(one.id, "ACSC", one.amount_minor) for one in payouts]
        import_report(uow, ImportPayoutReport("bank.xml", pain_002(batch_id, *told)))
    return batch_id
