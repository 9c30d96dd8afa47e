"""The reconciliation on a page: what was compared, what differs, who looks into it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.books.views import DifferenceItem, ReconciliationView, RunItem
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money, seconds_since
from api.pages.frame.site import Form, PageRequest, form_post, page
from billing.reconciliation.decide_difference import (
    MAY_DECIDE,
    DecideDifference,
    assign_difference,
    decide_difference,
)
from billing.reconciliation.models import RECONCILIATION_DIFFERENCE
from billing.reconciliation.queries import DifferenceRow, last_runs, list_differences
from billing.reconciliation.reconcile import AGREES, reconcile
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound

Answer = Response[str] | Response[bytes]
READ = "operator.read"
_PAGE = 30
_STATES = tuple(RECONCILIATION_DIFFERENCE.edges)


@page(addresses.books.RECONCILIATION, READ)
def show_reconciliation(page_request: Given[PageRequest]) -> Answer:
    """What differs, the latest first."""
    return page_request.render(_view(page_request))


@form_post(addresses.books.RECONCILE, MAY_DECIDE)
def run(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Compare everything now."""
    del form
    reconcile(page_request.transact)
    return page_request.redirect(addresses.books.RECONCILIATION, notice="reconciled")


@form_post("/operator/reconciliation/{difference_id:uuid}/owner", MAY_DECIDE)
def assign(difference_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a difference on, or put it back."""
    owner_id = page_request.principal.person() if form.text("take", most=1) else None
    return _done(page_request, lambda uow: assign_difference(uow, difference_id, owner_id), "difference_assigned")


@form_post("/operator/reconciliation/{difference_id:uuid}/decision", MAY_DECIDE)
def decide(difference_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Explain a difference, or say how it was resolved."""
    reason = form.text("reason", most=1000)

    def work(uow: UnitOfWork) -> object:
        match form.text("decision", most=20):
            case "explained":
                return decide_difference(uow, DecideDifference(difference_id, "explained", reason))
            case "resolved":
                return decide_difference(uow, DecideDifference(difference_id, "resolved", reason))
        raise Invalid("validation_failed", field="decision")

    return _done(page_request, work, "difference_decided")


def _done(page_request: PageRequest, work: Callable[[UnitOfWork], object], notice: str) -> Answer:
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.books.RECONCILIATION, notice=notice)


def _view(page_request: PageRequest) -> ReconciliationView:
    state = page_request.query("state", most=20)
    state = state if state in _STATES else "open"
    with page_request.work() as uow:
        runs = last_runs(uow)
        cursor = page_request.query("cursor", most=200) or None
        found = list_differences(uow, state=state, cursor=cursor, limit=_PAGE)
    me = page_request.principal.person_id
    return ReconciliationView(
        runs=tuple(RunItem(one.leg, one.compared, one.differing, one.ended_at) for one in runs),
        rows=tuple(_item(page_request, one, me) for one in found.items),
        state=state,
        states=_STATES,
        may_decide=page_request.principal.may(MAY_DECIDE),
        next_address=addresses.next_page(addresses.books.RECONCILIATION, found.next_cursor, state=state),
    )


def _item(page_request: PageRequest, row: DifferenceRow, me: UUID | None) -> DifferenceItem:
    reason = page_request.t("reconciliation.agrees_again") if row.reason == AGREES else row.reason or ""
    return DifferenceItem(
        str(row.id),
        row.leg,
        row.kind,
        row.subject,
        money(row.expected_minor, row.currency) if row.expected_minor is not None else None,
        money(row.found_minor, row.currency) if row.found_minor is not None else None,
        money(row.difference_minor, row.currency),
        row.state,
        seconds_since(row.created_at),
        row.owner_name,
        row.owner_id is not None and row.owner_id == me,
        reason,
        addresses.with_query(addresses.TRACE, q=row.subject),
    )


routes = [show_reconciliation, run, assign, decide]
