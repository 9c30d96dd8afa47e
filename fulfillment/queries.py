"""What one may know of deliveries. Every read is filtered by who asks; row level security is the second net."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true

from fulfillment.connectors.models import ConnectorRow
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.runs.models import LIVE, Run, RunAttempt
from fulfillment.runs.replay_run import may_replay
from fulfillment.views import (
    AttemptRow,
    Check,
    ConnectorView,
    Delivery,
    EntitlementDetail,
    EntitlementRow,
    RunDetail,
    RunRow,
    SeatRow,
)
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, bounded, cut, newest_first
from marketplace.access.models import Person
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization

TROUBLED_AFTER_TRIES = 3
"""A run that is still tried after so many tries needs a look."""


def entitlements_of_buyer(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50) -> Page[EntitlementRow]:
    """What the acting organization bought, newest first."""
    statement = _entitlements().where(Entitlement.buyer_org_id == uow.principal.organization())
    statement = newest_first(statement, Entitlement.created_at, Entitlement.id, cursor, limit)
    rows = [_entitlement(row) for row in uow.session.execute(statement)]
    return cut(rows, limit, lambda row: (row.created_at, row.id))


def get_entitlement(uow: UnitOfWork, entitlement_id: UUID) -> EntitlementDetail:
    """One entitlement of the acting buyer, or of anybody for the platform. Raises NotFound."""
    statement = _entitlements().where(Entitlement.id == entitlement_id, _bought(uow))
    found = uow.session.execute(statement).first()
    if found is None:
        raise NotFound("not_found")
    seats = uow.session.execute(
        select(Seat.id, Seat.person_id, Person.name, Person.email, Seat.assigned_at)
        .join(Person, Person.id == Seat.person_id)
        .where(
            Seat.org_id == found.Entitlement.buyer_org_id,
            Seat.entitlement_id == entitlement_id,
            Seat.revoked_at.is_(None),
        )
        .order_by(Seat.assigned_at, Seat.id)
    )
    return EntitlementDetail(_entitlement(found), tuple(SeatRow(*row) for row in seats))


def launch_address(uow: UnitOfWork, entitlement_id: UUID) -> str:
    """Where the buyer's "open" leads.

    Raises: NotFound; Conflict `entitlement_not_active` (pending, suspended, ended or past its term),
        `entitlement_has_no_address` when the seller named none.
    """
    row = get_entitlement(uow, entitlement_id).row
    if not row.is_usable:
        raise Conflict("entitlement_not_active", state="expired" if row.state == "active" else row.state)
    if row.launch_url is None:
        raise Conflict("entitlement_has_no_address")
    return row.launch_url


def check_entitlement(uow: UnitOfWork, entitlement_id: UUID) -> Check:
    """Whether it may be used now: one read by primary key, for its buyer, its seller, the platform. Raises NotFound."""
    found = uow.session.execute(
        select(Entitlement, Plan.code)
        .join(Plan, Plan.id == Entitlement.plan_id)
        .where(Entitlement.id == entitlement_id, or_(_bought(uow), _sold(uow)))
    ).first()
    if found is None:
        raise NotFound("not_found")
    row: Entitlement = found.Entitlement
    active = row.state == "active" and (row.valid_to is None or row.valid_to > clock.now())
    untagged = Check(
        entitlement_id=row.id,
        active=active,
        state=row.state,
        plan_id=row.plan_id,
        plan_code=found.code,
        seats=row.seats,
        seats_used=row.seats_used,
        external_id=row.external_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        etag="",
    )
    return replace(untagged, etag=hashlib.sha256(repr(untagged).encode()).hexdigest()[:32])


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
        .where(Entitlement.reference.in_(list(references)), Run.operation == "provision", or_(_bought(uow), _sold(uow)))
    )
    rows = uow.session.execute(statement).all()
    attempts = _attempts(uow, [run for _, run in rows])
    return {
        entitlement.reference: Delivery(
            reference=entitlement.reference,
            entitlement_id=entitlement.id,
            entitlement_state=entitlement.state,
            run_id=run.id,
            run_state=run.state,
            percent=run.percent,
            message=run.message,
            message_en=run.message_en,
            tries=run.tries,
            failure=run.failure,
            deadline_at=run.deadline_at,
            valid_from=entitlement.valid_from,
            external_id=entitlement.external_id,
            launch_url=entitlement.launch_url,
            attempts=tuple(attempts.get(run.id, ())),
        )
        for entitlement, run in rows
    }


def customers_by_listing(uow: UnitOfWork) -> dict[UUID, int]:
    """How many organizations have an active entitlement of each listing of the acting seller."""
    rows = uow.session.execute(
        select(Entitlement.listing_id, func.count(Entitlement.buyer_org_id.distinct()).label("customers"))
        .where(Entitlement.seller_org_id == uow.principal.organization(), Entitlement.state == "active")
        .group_by(Entitlement.listing_id)
    )
    return {row.listing_id: row.customers for row in rows}


def connectors_of(uow: UnitOfWork) -> list[ConnectorView]:
    """The acting seller's connectors, the oldest first."""
    statement = (
        select(ConnectorRow)
        .where(ConnectorRow.org_id == uow.principal.organization())
        .order_by(ConnectorRow.created_at, ConnectorRow.id)
    )
    return [_connector(row) for row in uow.session.scalars(statement)]


def get_connector(uow: UnitOfWork, connector_id: UUID) -> ConnectorView:
    """One of the acting seller's connectors. Raises NotFound."""
    org_id = uow.principal.organization()
    row = uow.session.scalar(select(ConnectorRow).where(ConnectorRow.id == connector_id, ConnectorRow.org_id == org_id))
    if row is None:
        raise NotFound("not_found")
    return _connector(row)


def _bought(uow: UnitOfWork) -> ColumnElement[bool]:
    return _is(uow, Entitlement.buyer_org_id)


def _sold(uow: UnitOfWork) -> ColumnElement[bool]:
    return _is(uow, Entitlement.seller_org_id)


def _run_sold(uow: UnitOfWork) -> ColumnElement[bool]:
    return _is(uow, Run.seller_org_id)


def _is(uow: UnitOfWork, column: Any) -> ColumnElement[bool]:
    """The column is the acting organization; anything for the platform, nothing for nobody."""
    if uow.principal.is_platform:
        return true()
    return column == uow.principal.org_id if uow.principal.org_id is not None else false()


def _entitlements() -> Select[Any, Any, Any, Any, Any]:
    return (
        select(Entitlement, Plan.code, Plan.name, Plan.name_en, Organization.display_name)
        .join(Plan, Plan.id == Entitlement.plan_id)
        .join(Organization, Organization.id == Entitlement.seller_org_id)
    )


def _entitlement(found: Any) -> EntitlementRow:
    row: Entitlement = found.Entitlement
    return EntitlementRow(
        id=row.id,
        buyer_org_id=row.buyer_org_id,
        seller_org_id=row.seller_org_id,
        seller_name=found.display_name,
        reference=row.reference,
        listing_id=row.listing_id,
        title=row.title,
        title_en=row.title_en,
        plan_id=row.plan_id,
        plan_code=found.code,
        plan_name=found.name,
        plan_name_en=found.name_en,
        state=row.state,
        seats=row.seats,
        seats_used=row.seats_used,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        external_id=row.external_id,
        launch_url=row.launch_url,
        order_id=row.context.get("order_id"),
        created_at=row.created_at,
    )


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


def _connector(row: ConnectorRow) -> ConnectorView:
    overlaps = row.previous_until is not None and row.previous_until > clock.now()
    tested: Literal["passed", "failed"] = "failed" if row.test_failure else "passed"
    asked: Literal["running", "untested"] = "running" if row.test_asked_at else "untested"
    return ConnectorView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        url=row.url,
        overlap_until=row.previous_until if overlaps else None,
        test=tested if row.tested_at else asked,
        tested_at=row.tested_at,
        test_failure=row.test_failure,
        created_at=row.created_at,
    )
