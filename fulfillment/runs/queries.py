"""What one may know of runs. Every read is filtered by who asks; row level security is the second net."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.queries import bought_by_me, sold_by_me
from fulfillment.entitlements.validity import state_now
from fulfillment.runs.models import LIVE, Run, RunAttempt
from fulfillment.runs.replay_run import may_replay
from fulfillment.runs.views import AttemptRow, Delivery, RunDetail, RunRow
from fulfillment.visibility import is_acting_organization
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, newest_first

TROUBLED_AFTER_TRIES = 3
"""A run that is still tried after so many tries needs a look."""


def runs_of_seller(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[RunRow]:
    """Runs against the acting seller's system, newest first; `state` narrows them."""
    statement = _runs().where(Run.seller_org_id == uow.principal.organization())
    if state is not None:
        statement = statement.where(Run.state == state)
    statement = newest_first(statement, Run.created_at, Run.id, cursor, limit)
    rows = [_run(row) for row in uow.session.execute(statement)]
    return cut(rows, limit, lambda row: (row.created_at, row.id))


def troubled_runs(uow: UnitOfWork, *, limit: int = 50) -> list[RunRow]:
    """Runs that need a hand: given up, or tried in vain for a while. Of the acting seller; of all for the platform.

    A given-up run whose entitlement has ended has nothing left to mend, unless it was to take something down.
    """
    given_up = and_(
        Run.state.in_(("failed", "dead")), or_(Entitlement.state != "ended", Run.operation == "deprovision")
    )
    struggling = and_(Run.state.in_(LIVE), Run.tries >= TROUBLED_AFTER_TRIES)
    statement = _runs().where(_run_sold(uow), or_(given_up, struggling))
    statement = statement.order_by(Run.created_at.desc(), Run.id.desc()).limit(bounded(limit))
    return [_run(row) for row in uow.session.execute(statement)]


def get_run(uow: UnitOfWork, run_id: UUID) -> RunDetail:
    """One run of the acting seller, or of anybody for the platform, with its tries. Raises NotFound."""
    found = uow.session.execute(_runs().where(Run.id == run_id, _run_sold(uow))).first()
    if found is None:
        raise NotFound("not_found")
    attempts = _attempts(uow, [found.Run])
    return RunDetail(_run(found), tuple(attempts.get(run_id, ())))


def deliveries_of(uow: UnitOfWork, references: Iterable[UUID]) -> dict[UUID, Delivery]:
    """Progress of the deliveries of these references (order lines), by reference. Unknown ones are left out.

    Excerpts of what went over the wire are for the seller and the platform; the buyer gets the tries without them.
    """
    statement = (
        select(Entitlement, Run)
        .join(Run, and_(Run.buyer_org_id == Entitlement.buyer_org_id, Run.entitlement_id == Entitlement.id))
        .where(
            Entitlement.reference.in_(list(references)),
            Run.operation == "provision",
            or_(bought_by_me(uow), sold_by_me(uow)),
        )
    )
    rows = uow.session.execute(statement).all()
    attempts = _attempts(uow, [run for _, run in rows])
    return {
        entitlement.reference: Delivery(
            reference=entitlement.reference,
            entitlement_id=entitlement.id,
            entitlement_state=state_now(entitlement.state, entitlement.valid_to),
            run_id=run.id,
            run_state=run.state,
            percent=run.percent,
            message=run.message,
            message_en=run.message_en,
            tries=run.tries,
            failure=run.failure,
            deadline_at=run.deadline_at,
            valid_from=entitlement.valid_from,
            valid_to=entitlement.valid_to,
            external_id=entitlement.external_id,
            launch_url=entitlement.launch_url,
            attempts=tuple(attempts.get(run.id, ())),
        )
        for entitlement, run in rows
    }


def _run_sold(uow: UnitOfWork) -> ColumnElement[bool]:
    return is_acting_organization(uow, Run.seller_org_id)


def _runs() -> Select[Any, Any]:
    return select(Run, Entitlement).join(
        Entitlement, and_(Entitlement.buyer_org_id == Run.buyer_org_id, Entitlement.id == Run.entitlement_id)
    )


def _run(found: Any) -> RunRow:
    run: Run = found.Run
    entitlement: Entitlement = found.Entitlement
    return RunRow(
        id=run.id,
        entitlement_id=run.entitlement_id,
        reference=entitlement.reference,
        buyer_org_id=run.buyer_org_id,
        buyer_name=str(entitlement.context.get("organization", {}).get("name", "")),
        seller_org_id=run.seller_org_id,
        title=entitlement.title,
        title_en=entitlement.title_en,
        order_id=entitlement.context.get("order_id"),
        order_number=entitlement.context.get("order_number"),
        operation=run.operation,
        state=run.state,
        percent=run.percent,
        message=run.message,
        message_en=run.message_en,
        tries=run.tries,
        failure=run.failure,
        deadline_at=run.deadline_at,
        created_at=run.created_at,
        finished_at=run.finished_at,
        may_replay=may_replay(run, entitlement),
    )


def _attempts(uow: UnitOfWork, runs: list[Run]) -> dict[UUID, list[AttemptRow]]:
    """Tries by run, the first first; of very many the latest, two hundred a run on average."""
    found: dict[UUID, list[AttemptRow]] = {}
    if not runs:
        return found
    statement = (
        select(RunAttempt)
        .where(
            RunAttempt.buyer_org_id.in_({run.buyer_org_id for run in runs}),
            RunAttempt.run_id.in_([run.id for run in runs]),
            # Tries cannot be older than their run: partitions of earlier months are not even opened.
            RunAttempt.started_at >= min(run.created_at for run in runs) - timedelta(minutes=1),
        )
        .order_by(RunAttempt.started_at.desc(), RunAttempt.number.desc())
        .limit(200 * len(runs))
    )
    for row in reversed(uow.session.scalars(statement).all()):
        wire = uow.principal.is_platform or uow.principal.org_id == row.seller_org_id
        found.setdefault(row.run_id, []).append(
            AttemptRow(
                id=row.id,
                number=row.number,
                started_at=row.started_at,
                outcome=row.outcome,
                status=row.status,
                elapsed_ms=row.elapsed_ms,
                reason=row.reason,
                request_excerpt=row.request_excerpt if wire else None,
                response_excerpt=row.response_excerpt if wire else None,
            )
        )
    return found
