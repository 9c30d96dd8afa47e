"""What stands on a 数电票 is refunded after the red one: let be, disputed or reversed meanwhile, granted, paid by an operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from app.embedded.engines import Addresses
from app.verify import fapiao
from app.verify.check import verify
from app.verify.rule import Outside
from billing.fapiao.red_letters import Decision, decide_red_letter
from billing.gateways.ports import GatewayStatus
from billing.invoices.models import Invoice
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.uow import transact
from kernel.errors import Conflict, NotFound
from kernel.principal import Principal
from orders.invoicing.correct_title import CorrectTitle, correct_invoice_title
from orders.refunds.ask_refund import AskForRefund, ask_refund
from orders.refunds.decide_refund import DecideRefund, answer_refund
from orders.refunds.held import pay_before_red, withdraw_held_refund
from orders.refunds.jobs import GRANT_WAITS
from tests.emptied import empty
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.fapiao_stage import letters_of, number_reds, on_fapiao
from tests.loop.test_after_the_end import MONEY, later
from tests.loop.test_disputes import say
from tests.loop_stage import Stage

GROSS, PART = 398_000, 98_000
RULES = (*MONEY, *fapiao.RULES)


@pytest.fixture(scope="module", autouse=True)
def _nobody_elses_books(addresses: Addresses) -> None:
    """Tests of other folders leave payments without orders."""
    empty(addresses)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(clock.now()):
        yield


def sound(stage: Stage) -> None:
    report = verify(stage.services.db, Outside(), rules=RULES, comparisons=())
    assert {one.name: one.found for one in report.outcomes if one.found.violations} == {}


def held(stage: Stage, amount_minor: int | None = None, *, method: str = "sbx_ok") -> tuple[UUID, UUID]:
    """An order on a booked 数电票, and a refund of it that waits."""
    order_id, _ = on_fapiao(stage, method=method)
    refund_id = stage.refund(order_id, amount_minor)
    stage.run()
    assert stage.get(Refund, refund_id).state == "held"
    return order_id, refund_id


def decide(stage: Stage, refund_id: UUID, decision: Decision, who: Principal | None = None) -> str:
    letter_id = letters_of(stage, refund_id)[-1].id
    return transact(
        stage.services.db, who or stage.buyer.owner, lambda uow: decide_red_letter(uow, letter_id, decision).state
    )


def withdraw(stage: Stage, refund_id: UUID, who: Principal | None = None) -> str:
    return transact(stage.services.db, who or stage.purchaser, lambda uow: withdraw_held_refund(uow, refund_id).state)


def note(stage: Stage, order_id: UUID) -> Invoice:
    (found,) = stage.papers(order_id, "credit_note")
    return found


def test_confirmed_the_red_one_is_issued_and_the_money_goes(stage: Stage) -> None:
    order_id, refund_id = held(stage)
    assert stage.order(order_id).state == "active"
    assert stage.papers(order_id, "credit_note") == []
    sound(stage)
    assert decide(stage, refund_id, "confirm") == "confirmed"
    stage.run()
    assert stage.get(Refund, refund_id).state == "held", "confirmed, and not issued yet"
    number_reds(stage)
    assert stage.get(Refund, refund_id).state == "succeeded"
    assert stage.order(order_id).state == "refunded"
    assert note(stage, order_id).number is not None
    assert stage.trace(stage.purchaser, refund_id).is_whole
    sound(stage)


def test_let_be_it_can_be_asked_for_again(stage: Stage) -> None:
    order_id, refund_id = held(stage)
    with pytest.raises(NotFound, match="refund_not_found"):
        withdraw(stage, refund_id, stage.seller.owner)
    assert withdraw(stage, refund_id) == "failed"
    assert withdraw(stage, refund_id) == "failed"
    clock.advance(GRANT_WAITS)
    stage.run()
    assert [one.state for one in stage.refunds(order_id)] == ["failed"], "nobody asks for it again by itself"
    again = stage.refund(order_id, PART)
    stage.run()
    decide(stage, again, "confirm")
    number_reds(stage)
    with pytest.raises(Conflict, match="refund_not_held"):
        withdraw(stage, again)
    assert (stage.get(Refund, again).state, stage.order(order_id).state) == ("succeeded", "active")
    sound(stage)


def test_a_title_is_not_corrected_meanwhile(stage: Stage) -> None:
    order_id, refund_id = held(stage, PART)
    (invoice,) = stage.papers(order_id)
    command = CorrectTitle(invoice.id, "typo", legal_name="云帆公司")
    with pytest.raises(Conflict, match="refund_awaits_red"):
        transact(stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command))
    decide(stage, refund_id, "confirm")
    number_reds(stage)
    transact(stage.services.db, stage.buyer.owner, lambda uow: correct_invoice_title(uow, command))
    sound(stage)


@pytest.mark.parametrize("is_won", [True, False])
def test_a_bank_that_decides_meanwhile_goes_first(stage: Stage, *, is_won: bool) -> None:
    order_id, refund_id = held(stage, PART)
    decide(stage, refund_id, "confirm")
    say(stage, order_id, GatewayStatus.PENDING)
    row = stage.get(Refund, refund_id)
    assert (row.state, row.error_code) == ("failed", "payment_disputed")
    assert letters_of(stage, refund_id)[0].state == "revoked"
    clock.advance(GRANT_WAITS)
    stage.run()
    assert len(stage.refunds(order_id)) == 1, "not while the bank decides"
    say(stage, order_id, GatewayStatus.SUCCEEDED if is_won else GatewayStatus.FAILED)
    clock.advance(GRANT_WAITS)
    stage.run()
    second = stage.refunds(order_id)[-1]
    if is_won:
        assert (second.state, second.amount_minor) == ("held", PART)
        decide(stage, second.id, "confirm")
        number_reds(stage)
        assert stage.get(Refund, second.id).state == "succeeded"
    else:
        assert (second.state, second.origin, second.amount_minor) == ("succeeded", "dispute", GROSS)
        assert len(stage.refunds(order_id)) == 2
        assert note(stage, order_id).number is None, "its paper waits for the red one"
    sound(stage)


def test_a_payment_that_is_reversed_takes_it_along(stage: Stage) -> None:
    order_id, refund_id = held(stage, PART, method="sbx_reversed")
    later(stage)
    assert stage.get(Refund, refund_id).state == "failed"
    assert [(one.origin, one.amount_minor) for one in stage.refunds(order_id)[1:]] == [("reversal", GROSS)]
    clock.advance(GRANT_WAITS)
    stage.run()
    assert len(stage.refunds(order_id)) == 2
    sound(stage)


def test_what_was_granted_is_owed_until_it_goes(stage: Stage) -> None:
    order_id, _ = on_fapiao(stage)
    clock.advance(timedelta(days=7, seconds=1))
    case_id = transact(
        stage.services.db, stage.purchaser, lambda uow: ask_refund(uow, AskForRefund(order_id, PART, "because")).id
    )
    grant = DecideRefund(case_id, "grant", None)
    refund_id = transact(stage.services.db, stage.seller.owner, lambda uow: answer_refund(uow, grant).refund_id)
    assert refund_id is not None
    stage.run()
    with pytest.raises(Conflict, match="refund_is_owed"):
        withdraw(stage, refund_id)
    assert decide(stage, refund_id, "deny") == "denied_by_buyer"
    assert decide(stage, refund_id, "again", stage.seller.owner) == "awaiting_buyer"
    decide(stage, refund_id, "confirm")
    number_reds(stage)
    assert stage.get(Refund, refund_id).state == "succeeded"
    sound(stage)


def test_an_operator_pays_it_before_the_red_one(stage: Stage) -> None:
    order_id, refund_id = held(stage, PART)
    decide(stage, refund_id, "deny")
    transact(stage.services.db, OPERATOR_PRINCIPAL, lambda uow: pay_before_red(uow, refund_id, "they do not answer"))
    stage.run()
    row = stage.get(Refund, refund_id)
    assert (row.state, row.red_waiver) == ("succeeded", "operator")
    assert note(stage, order_id).number is None
    sound(stage)


def test_both_sides_see_why_and_until_when(stage: Stage, browser: TestClient[Any]) -> None:
    order_id, refund_id = held(stage, PART)
    shown = browser.get("/fapiao")
    assert "等待" in shown.text or "wait for a red invoice" in shown.text
    assert f"/held-refunds/{refund_id}/withdraw" in shown.text
    assert 'href="/fapiao"' in browser.get(f"/orders/{order_id}").text
    (listed,) = browser.get("/v1/held-refunds").json()["items"]
    assert (listed["id"], listed["waits_for"], listed["goes_at"]) == (str(refund_id), "buyer", None)
    form = {"csrf": browser.headers["x-csrf-token"]}
    done = browser.post(f"/held-refunds/{refund_id}/withdraw", data=form, follow_redirects=False)
    assert done.status_code == 303
    assert browser.get("/v1/held-refunds").json()["items"] == []
