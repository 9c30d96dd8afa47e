"""What an answer of the seller does to a run: the one place for synchronous answers, callbacks and deadlines alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select

from fulfillment.entitlements.allocation_events import EndCustomerSupplied
from fulfillment.entitlements.events import ChangeFailed, DeliveryFailed, EntitlementActivated
from fulfillment.entitlements.models import ENTITLEMENT, Entitlement
from fulfillment.entitlements.validity import first_end
from fulfillment.runs.models import LIVE, RUN, Run
from fulfillment.runs.start_run import start_run
from kernel import clock
from kernel.db.locks import aggregate_key, lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from marketplace.test_clocks.own_time import enter_time_of

ORPHAN_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Success:
    """The seller says it is done."""

    external_id: str | None
    launch_url: str | None
    message: str | None = None
    message_en: str | None = None


_AGGREGATE = Read(
    select(Entitlement.group_reference, func.pg_advisory_xact_lock(aggregate_key(Entitlement.group_reference)))
    .join(Run, Run.entitlement_id == Entitlement.id)
    .where(Run.id == bindparam("run_id"))
)
_LOCKED = Read(
    select(Entitlement, Run)
    .join(Run, Run.entitlement_id == Entitlement.id)
    .where(Run.id == bindparam("run_id"))
    .with_for_update(of=(Entitlement, Run), key_share=True)
)


def lock_order_of(uow: UnitOfWork, run_id: UUID, group: UUID | None = None) -> None:
    """Hold the order that a run belongs to, as an aggregate. `group` is its id, where the caller knows it."""
    if group is not None:
        lock_aggregate(uow, group)
    else:
        uow.aggregates.update(row.group_reference for row in uow.fetch(_AGGREGATE, run_id=run_id))


def ask_run(uow: UnitOfWork, run_id: UUID, group: UUID) -> None:
    """Ask ahead what `lock_run` takes."""
    lock_aggregate(uow, group)
    uow.ask_ahead(_LOCKED, run_id=run_id)


def lock_run(uow: UnitOfWork, run_id: UUID, group: UUID | None = None) -> tuple[Run, Entitlement]:
    """A run and its entitlement. `group` is the order it belongs to, where the caller knows it. Raises NotFound.

    Locks: that order (as an aggregate), the entitlement, then the run; all of delivery does.
    """
    lock_order_of(uow, run_id, group)
    found = uow.find(_LOCKED, run_id=run_id)
    if found is None:
        raise NotFound("not_found")
    enter_time_of(uow, found.Run.buyer_org_id)
    return found.Run, found.Entitlement


def succeed(uow: UnitOfWork, run: Run, entitlement: Entitlement, success: Success) -> None:
    """The run's operation is done in the seller's system.

    A success that comes after the run was given up is an orphan in the seller's system: what was made is taken down again,
    and after a change it is told anew what it is to be.
    Emits: EntitlementActivated after the first provisioning, EndCustomerSupplied of what a dealer ordered for another.
    """
    if run.state == "succeeded":
        return
    if run.state not in LIVE:
        _answer_orphan(uow, run, entitlement, success)
        return
    org_ids = [run.buyer_org_id, run.seller_org_id]
    RUN.move(uow, run, "succeeded", org_ids=org_ids)
    now = clock.now()
    run.percent, run.finished_at = 100, now
    run.message, run.message_en = success.message, success.message_en
    if run.operation != "provision":
        return
    if entitlement.state == "ended":
        _answer_orphan(uow, run, entitlement, success)
        return
    entitlement.external_id = success.external_id
    entitlement.launch_url = success.launch_url
    entitlement.valid_from = now
    if entitlement.term_months:
        entitlement.valid_to = first_end(entitlement, now)
    if ENTITLEMENT.move(uow, entitlement, "active", org_ids=org_ids):
        emit(uow, activation_of(entitlement))
        if entitlement.end_customer_org_id is not None:
            emit(
                uow,
                EndCustomerSupplied(
                    entitlement_id=entitlement.id,
                    buyer_org_id=entitlement.buyer_org_id,
                    end_customer_org_id=entitlement.end_customer_org_id,
                ),
            )


def activation_of(entitlement: Entitlement) -> EntitlementActivated:
    """What the first success of its provisioning will tell."""
    return EntitlementActivated(
        entitlement_id=entitlement.id,
        reference=entitlement.reference,
        group_reference=entitlement.group_reference,
        buyer_org_id=entitlement.buyer_org_id,
        seller_org_id=entitlement.seller_org_id,
    )


def give_up(uow: UnitOfWork, run: Run, entitlement: Entitlement, *, state: str, reason: str) -> None:
    """The run will not succeed: `failed` by the seller's word, `dead` by the clock or because nobody wants it any more.

    Emits: DeliveryFailed for provisioning, unless the entitlement has ended: whoever ended it knows. ChangeFailed for a change.
    """
    if run.state not in LIVE:
        return
    reason = reason[:500]
    RUN.move(uow, run, state, org_ids=[run.buyer_org_id, run.seller_org_id], reason=reason)
    run.failure, run.finished_at = reason, clock.now()
    event: type[ChangeFailed | DeliveryFailed] | None = None
    if run.operation == "change":
        event = ChangeFailed
    elif run.operation == "provision" and entitlement.state != "ended":
        event = DeliveryFailed
    if event is not None:
        emit(
            uow,
            event(
                entitlement_id=entitlement.id,
                reference=entitlement.reference,
                group_reference=entitlement.group_reference,
                run_id=run.id,
                buyer_org_id=run.buyer_org_id,
                seller_org_id=run.seller_org_id,
                reason=reason,
            ),
        )


def progress(run: Run, *, sequence: int | None, percent: int, messages: tuple[str | None, str | None]) -> None:
    """Show how far the seller is with a locked run; a finished one stays as it is.

    The highest figure counts, and the newest words: the same in whatever order the messages come. Without a `sequence`
    a message is late when its percentage is.
    """
    if run.state not in LIVE:
        return
    late = sequence <= run.sequence if sequence is not None else percent < run.percent
    run.percent = max(run.percent, min(99, percent))
    if late:
        return
    if sequence is not None:
        run.sequence = sequence
    run.message, run.message_en = messages


def _answer_orphan(uow: UnitOfWork, run: Run, entitlement: Entitlement, success: Success) -> None:
    """What was made late is taken down again; what was changed late is told what it is to be by now."""
    answer = {"provision": "deprovision", "change": "change"}.get(run.operation)
    if answer is None or run.orphaned_at is not None:
        return
    run.orphaned_at = clock.now()
    if answer == "change" and entitlement.state == "ended":
        return
    if answer == "deprovision":
        # The seller's name of what is to be taken down; the entitlement itself stays as it is.
        entitlement.external_id = entitlement.external_id or success.external_id
    # One that has not been sent yet will say it; one under way may have come before the success.
    queued = uow.session.scalar(
        select(Run.id).where(
            Run.buyer_org_id == run.buyer_org_id,
            Run.entitlement_id == entitlement.id,
            Run.operation == answer,
            Run.state == "queued",
            Run.tries == 0,
        )
    )
    if queued is None:
        start_run(uow, entitlement, answer, deadline_at=clock.now() + ORPHAN_WITHIN)
