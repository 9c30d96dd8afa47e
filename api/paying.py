"""Commands that start a payment: the gateway is called in the request that asks for it, after its commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from api.request import ApiRequest
from api.schema import LateAnswer, Out, Wire, run_command
from billing.gateways.call import Submission
from kernel.db.uow import UnitOfWork
from kernel.idempotency import Answer, change_answer
from orders import queries
from orders.checkout import views


@dataclass(frozen=True, slots=True)
class Started:
    """The purchase as a command left it, and what calls the gateway for its payment."""

    view: views.PurchaseView
    submission: Submission | None


@dataclass(frozen=True, slots=True)
class PayingCommand:
    """What is done before the gateway is called. `unanswered` shows how things stand where an answer was lost."""

    work: Callable[[UnitOfWork], Started]
    unanswered: Callable[[UnitOfWork], Out]
    ask_ahead: Callable[[UnitOfWork], None] | None = None


def run_paying(
    request: ApiRequest,
    key: str | None,
    asked: Wire,
    command: PayingCommand,
    *,
    shown: Callable[[views.PurchaseView], Out],
    status: int = 201,
    route: str | None = None,
) -> Answer:
    """`run_command`, then the gateway is called in this thread, and the answer is what came of it.

    The answer that is kept for the key is the last one. A process that dies after the commit leaves a lease that runs out,
    and a worker goes on from there.
    """
    started: list[Started] = []

    def first(uow: UnitOfWork) -> Out:
        started[:] = [command.work(uow)]
        return shown(started[0].view)

    def is_paying() -> bool:
        return started[0].submission is not None

    late = LateAnswer(is_paying, command.unanswered)
    answer = run_command(
        request,
        key,
        asked,
        first,
        status=status,
        route=route,
        late=late,
        ask_ahead=command.ask_ahead,
    )
    if answer.replayed or started[0].submission is None:
        return answer
    submission, found = started[0].submission, [answer]

    def change(uow: UnitOfWork) -> None:
        view = queries.refreshed(uow, started[0].view)
        found[0] = replace(answer, body=shown(view).encoded(), is_last=True)
        assert answer.key_id is not None  # noqa: S101 - it was claimed in the first transaction
        change_answer(uow, answer.key_id, found[0])

    request.services.runner.run_prepared(submission.claim, submission.request, change)
    if not found[0].is_last:
        # The gateway's answer could not be written down now; a worker goes on, and the buyer sees it wait.
        with request.transaction() as uow:
            assert answer.key_id is not None  # noqa: S101 - (same)
            change_answer(uow, answer.key_id, answer)
    return found[0]
