"""Whatever is asked, granted, refused, taken back and disputed in whatever order: no order pays back more than it took."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.verify.refund_cases import GRANTED
from billing.gateways.ports import GatewayStatus
from billing.payments.models import PaymentAllocation
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from orders.refunds.ask_refund import withdraw_refund
from orders.refunds.models import OPEN, RefundCase
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund
from tests.loop.test_after_the_end import say_disputed
from tests.loop.test_refund_cases import GROSS, answer, ask, decide, done, escalate, sweep
from tests.loop_stage import Stage

AMOUNTS = st.one_of(st.none(), st.sampled_from([1, 99_999, GROSS // 2, GROSS - 1, GROSS, GROSS + 1]))
Step = tuple[str, int | None]
STEP = st.one_of(
    st.tuples(st.sampled_from(["refund", "ask", "grant", "decide"]), AMOUNTS),
    st.tuples(st.sampled_from(["refuse", "escalate", "reject", "withdraw", "dispute", "won", "lost"]), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([5, 8, 15])),
)
WAYS = (
    "grant",
    "refuse escalate decide",
    "refuse escalate reject",
    "refuse wait",
    "wait decide",
    "wait wait",
    "withdraw",
)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """Money back inside the window, perhaps, then requests that go one way or another, with anything in between."""
    steps: list[Step] = [("refund", draw(AMOUNTS))] if draw(st.booleans()) else []
    steps.append(("wait", 8))
    for way in draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=3)):
        steps.append(("ask", draw(AMOUNTS)))
        steps += [(word, 15 if word == "wait" else draw(AMOUNTS)) for word in way.split()]
    if draw(st.booleans()):
        opened = draw(st.integers(0, len(steps)))
        steps.insert(opened, ("dispute", None))
        steps.insert(draw(st.integers(opened + 1, len(steps))), (draw(st.sampled_from(["won", "lost"])), None))
    for step in draw(st.lists(STEP, max_size=3)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    return steps


@dataclass
class Run:
    """One order, its latest case, and how far its payment's dispute is."""

    stage: Stage
    order_id: UUID
    case_id: UUID | None = None
    dispute: GatewayStatus | None = None

    def take(self, step: str, value: int | None) -> None:
        """One step; what is refused changes nothing."""
        with suppress(DomainError):
            self._steps(value)[step]()
        self.stage.run()

    def _steps(self, value: int | None) -> dict[str, Callable[[], object]]:
        case_id = self.case_id or UUID(int=0)
        return {
            "refund": lambda: self._refund(value),
            "ask": lambda: self._ask(value),
            "grant": lambda: answer(self.stage, case_id, value),
            "refuse": lambda: answer(self.stage, case_id, refuse=True),
            "escalate": lambda: escalate(self.stage, case_id),
            "decide": lambda: decide(self.stage, case_id, value),
            "reject": lambda: decide(self.stage, case_id, refuse=True),
            "withdraw": lambda: done(self.stage, self.stage.purchaser, lambda uow: withdraw_refund(uow, case_id).id),
            "dispute": lambda: self._dispute(GatewayStatus.PENDING),
            "won": lambda: self._dispute(GatewayStatus.SUCCEEDED),
            "lost": lambda: self._dispute(GatewayStatus.FAILED),
            "wait": lambda: sweep(self.stage, value or 1),
        }

    def _refund(self, value: int | None) -> None:
        command = RequestOrderRefund(self.order_id, value, "inside the window")
        done(self.stage, self.stage.purchaser, lambda uow: request_order_refund(uow, command).id)

    def _ask(self, value: int | None) -> None:
        self.case_id = ask(self.stage, self.order_id, value)

    def _dispute(self, status: GatewayStatus) -> None:
        """A bank opens one dispute, and decides it once."""
        if self.dispute not in ((None,) if status is GatewayStatus.PENDING else (GatewayStatus.PENDING,)):
            return
        say_disputed(self.stage, self.order_id, status)
        self.dispute = status


@given(steps=stories())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_pays_back_more_than_it_took(stage: Stage, steps: list[Step]) -> None:
    run = Run(stage, stage.buy())
    stage.run()
    for step, value in steps:
        run.take(step, value)
        holds(stage, run.order_id)
    clock.advance(timedelta(days=2))
    stage.run()
    holds(stage, run.order_id)


def holds(stage: Stage, order_id: UUID) -> None:
    """Never above what was captured; every grant is one refund of exactly its amount; one case is open at a time."""
    refunds = {one.id: one for one in stage.refunds(order_id)}
    standing = [one for one in refunds.values() if one.state != "failed"]
    assert sum(one.amount_minor for one in standing) <= GROSS
    (allocation,) = stage.rows(select(PaymentAllocation).where(PaymentAllocation.reference == order_id))
    assert allocation.refunded_minor <= allocation.reserved_minor <= allocation.amount_minor == GROSS
    assert sum(one.amount_minor for one in standing if one.state == "succeeded") == allocation.refunded_minor
    cases = stage.rows(select(RefundCase).where(RefundCase.order_id == order_id))
    assert sum(one.state in OPEN for one in cases) <= 1
    granted = [one for one in cases if one.state == "granted"]
    assert len({one.refund_id for one in granted}) == len(granted)
    for one in granted:
        assert one.refund_id is not None
        refund = refunds[one.refund_id]
        assert (refund.amount_minor, refund.currency) == (one.granted_minor, one.currency)
        assert 0 < refund.amount_minor <= one.asked_minor
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert GRANTED.find(uow).violations == 0
