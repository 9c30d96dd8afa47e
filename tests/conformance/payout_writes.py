"""Writes of payouts by bank, in the order in which they make sense."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from billing.payouts.models import Payout
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from tests.bank_payouts import bank_account_of
from tests.bank_reports import Told, pain_002
from tests.conformance.api_walk import key_of
from tests.factories_marketplace import make_org

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

BATCH = "/v1/operator/payout-batches/{batch_id}"


def payouts_by_bank(world: World) -> None:
    """The promoter's statement is closed and paid by bank. The clock is frozen by the caller."""
    ask, stage, operator, db = world.walk.ask, world.stage, world.operator, world.services.db
    with unit_of_work(db, SYSTEM) as uow:
        payee = make_org(uow).owner
        own = key_of(uow, payee)
    ask("PUT /v1/payout-schedules", own, {"currency": "CNY", "every": "weekly", "day": 5, "minimum": 10_000})
    ask("POST /v1/payout-accounts/gateway", own, {"currency": "CNY", "gateway": "sandbox", "account": "sbx_acct_ok"})
    stated = {"payee_type": "person", "residence_country": "CN", "tin_kind": "resident_id", "tin": "360426199101010071"}
    ask("PUT /v1/payee-tax-profile", own, stated)
    revealed = "POST /v1/operator/payee-tax-profiles/{org_id}/reveal"
    assert ask(revealed, operator, org_id=payee.organization())["tin"] == stated["tin"]
    account_id = bank_account_of(db, stage.promoter, world.services.secrets)
    ask("POST /v1/operator/payout-accounts/{account_id}/confirm-holder", operator, account_id=account_id)
    ask("POST /v1/operator/statements", operator, {"org_id": str(stage.promoter.id)})
    statement = stage.statements(stage.promoter)[0]
    ask("POST /v1/operator/payouts", operator, {"statement_id": str(statement.id)})
    for act in ("discard", "approve"):
        batch = ask("POST /v1/operator/payout-batches", operator, {"currency": "CNY"})["batch"]
        ask(f"POST {BATCH}/{act}", operator, batch_id=batch["id"])
    ask(f"POST {BATCH}/send", operator, batch_id=batch["id"])
    payout = stage.rows(select(Payout).where(Payout.statement_id == statement.id))[0]
    told = pain_002(UUID(batch["id"]), Told(payout.id, "ACSC", payout.amount_minor))
    ask("POST /v1/operator/payout-reports", operator, {"file": told}, "multipart/form-data")
