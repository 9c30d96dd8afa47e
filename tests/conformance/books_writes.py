"""What operators write about the books: months, account numbers, the reconciliation and its differences."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from billing.reconciliation.models import RECONCILIATION_DIFFERENCE, ReconciliationDifference
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.conformance.api_walk import operator_of

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

RATES = "POST /v1/operator/reference-rates"
DIFFERENCE = "/v1/operator/reconciliation/differences/{difference_id}"


def books(world: World) -> None:
    """The month before is closed, and opened again by somebody else: no test after this one finds it closed."""
    ask, operator = world.walk.ask, world.operator
    with unit_of_work(world.stage.services.db, SYSTEM) as uow:
        other = operator_of(uow)
        row = ReconciliationDifference(
            id=uuid7(),
            leg="by_hand",
            kind="payment",
            subject=uuid7().hex,
            currency="CNY",
            expected_minor=1,
            found_minor=None,
            created_at=clock.now(),
            seen_at=clock.now(),
        )
        RECONCILIATION_DIFFERENCE.begin(uow, row, org_ids=[])
        uow.session.add(row)
    file = {"file": b"date,base,quote,rate\n2001-01-02,EUR,USD,0.9423\n"}
    ask(RATES, operator, file, "multipart/form-data", source="ECB", dry_run="true")
    ask(f"PUT {DIFFERENCE}/owner", operator, {"owner_id": None}, difference_id=row.id)
    ask(f"POST {DIFFERENCE}/decision", operator, {"decision": "resolved", "reason": "booked"}, difference_id=row.id)
    ask("POST /v1/operator/reconciliation/runs", operator)
    named = {"format_name": "datev", "account_kind": "commission"}
    ask(
        "PUT /v1/operator/ledger/account-codes/{format_name}/{account_kind}",
        operator,
        {"code": "8510", "name": "Commission"},
        **named,
    )
    month = (clock.now().replace(day=1) - timedelta(days=2)).strftime("%Y-%m")
    closed = ask("POST /v1/operator/accounting-periods", operator, {"month": month})
    ask(
        "POST /v1/operator/accounting-periods/{period_id}/reopening",
        other,
        {"reason": "an invoice was left out"},
        period_id=closed["id"],
    )
