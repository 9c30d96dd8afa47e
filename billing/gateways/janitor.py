"""The janitor: nothing stays in doubt that a gateway can be asked about, and no webhook stays unread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update

from billing.gateways.call import CHECK, GatewayOperation, Unresolved, payload_of
from billing.gateways.webhooks import ANSWER_FIRST, enqueue_processing
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue

JANITOR = "billing.gateway.janitor"
WEBHOOKS = "billing.gateway.webhooks"
EVERY = timedelta(seconds=5)
_BATCH = 50


def register(operations: Sequence[GatewayOperation]) -> None:
    """Register the sweeps over rows in doubt and over webhooks that nothing settled."""

    @sweep(JANITOR, every=EVERY)
    def check_unresolved(transact: Transact) -> None:
        transact(lambda uow: _enqueue_checks(uow, operations))

    @sweep(WEBHOOKS, every=ANSWER_FIRST)
    def process_waiting(transact: Transact) -> None:
        transact(lambda uow: close_agreeing(uow, operations))


def _enqueue_checks(uow: UnitOfWork, operations: Sequence[GatewayOperation]) -> None:
    """A job for each row in doubt. Of one count of checks there is one: a slow gateway is not asked twice at a time."""
    for operation in operations:
        for row in operation.unresolved(uow, _BATCH):
            _enqueue_check(uow, operation, row)


def _enqueue_check(uow: UnitOfWork, operation: GatewayOperation, row: Unresolved) -> None:
    payload = payload_of(operation, row.row_id) | {CHECK: row.checks}
    enqueue(uow, operation.kind, payload, dedupe_key=f"{row.row_id}:{CHECK}:{row.checks}")


def close_agreeing(uow: UnitOfWork, operations: Sequence[GatewayOperation]) -> None:
    """Close the webhooks that came beside an answer and say the same; let a job look into what is still unread."""
    waiting = (Inbox.state == "received") & (Inbox.received_at <= clock.now() - ANSWER_FIRST)
    if uow.session.scalar(select(Inbox.id).where(waiting).limit(1)) is None:
        return
    for operation in operations:
        final = operation.final_states().subquery()
        agrees = (
            (Inbox.source == final.c.gateway)
            & (Inbox.body["reference"].astext == final.c.reference)
            & (Inbox.kind == operation.name + "." + final.c.state)
        )
        uow.session.execute(
            update(Inbox)
            .where(waiting, agrees)
            .values(state="processed", note="agrees", processed_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    for inbox_id in uow.session.scalars(select(Inbox.id).where(waiting).order_by(Inbox.received_at).limit(_BATCH)):
        enqueue_processing(uow, inbox_id)
