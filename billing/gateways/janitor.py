"""The janitor: nothing stays in doubt that a gateway can be asked about, and no webhook stays unread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, literal, select, tuple_, update

from billing.gateways.call import CHECK, GatewayOperation, Unresolved, check_kind, payload_of
from billing.gateways.webhooks import ANSWER_FIRST, enqueue_processing
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue
from kernel.states import state_in

JANITOR = "billing.gateway.janitor"
WEBHOOKS = "billing.gateway.webhooks"
EVERY = timedelta(seconds=5)
_BATCH = 50
PAGE = 500
"""Webhooks settled in one transaction: few enough for any backlog to be worked off."""
Place = tuple[datetime, UUID]


def register(operations: Sequence[GatewayOperation]) -> None:
    """Register the sweeps over rows in doubt and over webhooks that nothing settled."""

    @sweep(JANITOR, every=EVERY)
    def check_unresolved(transact: Transact) -> None:
        transact(lambda uow: _enqueue_checks(uow, operations))

    @sweep(WEBHOOKS, every=ANSWER_FIRST)
    def process_waiting(transact: Transact) -> None:
        after = transact(partial(settle_waiting, operations=operations))
        while after is not None:
            after = transact(partial(settle_waiting, operations=operations, after=after))


def _enqueue_checks(uow: UnitOfWork, operations: Sequence[GatewayOperation]) -> None:
    """A job for each row in doubt. Of one count of checks there is one: a slow gateway is not asked twice at a time."""
    for operation in operations:
        for row in operation.unresolved(uow, _BATCH):
            _enqueue_check(uow, operation, row)


def _enqueue_check(uow: UnitOfWork, operation: GatewayOperation, row: Unresolved) -> None:
    payload = payload_of(operation, row.row_id) | {CHECK: row.checks}
    enqueue(uow, check_kind(operation), payload, dedupe_key=f"{row.row_id}:{CHECK}:{row.checks}")


def settle_waiting(uow: UnitOfWork, operations: Sequence[GatewayOperation], after: Place | None = None) -> Place | None:
    """Close those of a batch of webhooks that came beside an answer and say the same; let a job look into the others.

    Returns where the next batch begins, None after the last.
    """
    place = (Inbox.received_at, Inbox.id)
    waiting = select(
        Inbox.id, Inbox.source, Inbox.kind, Inbox.body["reference"].astext.label("reference"), *place
    ).where(state_in(Inbox.state, "received"), Inbox.received_at <= clock.now() - ANSWER_FIRST)
    if after is not None:
        waiting = waiting.where(tuple_(*place) > tuple_(*after))
    rows = uow.session.execute(waiting.order_by(*place).limit(PAGE)).all()
    if not rows:
        return None
    known = _known_outcomes(uow, operations, {row.source for row in rows}, {row.reference for row in rows})
    agreeing = {row.id for row in rows if (row.source, row.reference, row.kind) in known}
    uow.session.execute(
        update(Inbox)
        .where(Inbox.id == any_(literal(list(agreeing), ARRAY(Uuid))), state_in(Inbox.state, "received"))
        .values(state="processed", note="agrees", processed_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    for row in rows:
        if row.id not in agreeing:
            enqueue_processing(uow, row.id)
    return rows[-1].received_at, rows[-1].id


def _known_outcomes(
    uow: UnitOfWork, operations: Sequence[GatewayOperation], gateways: set[str], references: set[str | None]
) -> set[tuple[str, str | None, str]]:
    """What is known to be final of these references: gateway, reference, and the kind of webhook that says the same."""
    known = set()
    for operation in operations:
        final = operation.final_states().subquery()
        # Asked with the references at hand: each is looked up, however many payments there are.
        named = (final.c.gateway == any_(literal(list(gateways), ARRAY(Text)))) & (
            final.c.reference == any_(literal(list(references), ARRAY(Text)))
        )
        for gateway, reference, state in uow.session.execute(select(final).where(named)):
            known.add((gateway, reference, f"{operation.name}.{state}"))
    return known
