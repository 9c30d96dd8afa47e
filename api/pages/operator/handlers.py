"""The operator's dashboard: queues with ages, reviews, settlement, and the sandbox's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.operator import presenter
from api.pages.operator.views import InstallationClock, OperatorView
from api.v1.purchases import require_gateway
from billing.disputes.queries import list_disputes
from billing.gateways.quarantine import list_quarantined, look_again, settle_webhook
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.queries import list_incidents
from billing.operator_queues import list_operator_queues
from billing.payouts.outlook import outlooks
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.queries import last_accounts
from billing.refunds.resend_refund import resend_refund
from billing.settlement.close_statements import CloseStatements, close_statements
from billing.statements.queries import list_statements
from fulfillment.runs.queries import troubled_runs
from kernel import audit, clock, sandbox_clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Forbidden
from kernel.jobs.queries import dead_jobs, due_jobs
from kernel.jobs.runner import replay
from marketplace.catalog.queries import review_queue
from marketplace.identity_providers.email_domains import count_waiting_domains
from marketplace.mail.bounces import list_bounces
from marketplace.onboarding.queries import count_waiting_proofs, payout_accounts_of
from marketplace.onboarding.tax_id_queries import count_tax_id_disputes
from marketplace.parties.lookups import get_party
from orders.refunds.queries import count_escalated
from orders.seller_queries import sold_lines

READ = "operator.read"
LONGEST_STEP_DAYS = 400
_STATEMENTS = 20
_INCIDENTS = 50


@page(addresses.OPERATOR, READ)
def show_operator(page_request: Given[PageRequest]) -> Response[str]:
    """What needs somebody, the oldest first in view."""
    return page_request.render(_view(page_request))


@form_post("/operator/statements/close", "operator.payouts")
def close(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Close the period of every party that has something to settle. Whoever is refused is told; the others are closed."""
    del form
    closed = close_statements(page_request.transact, CloseStatements(clock.now()))
    with page_request.work() as uow:
        audit.record(uow, "statements.closed", count=len(closed.statement_ids), refused=len(closed.refused))
    if closed.refused:
        refused = closed.refused[0].error
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(addresses.OPERATOR, notice="statements_closed")


@form_post("/operator/statements/{statement_id:uuid}/pay", "operator.payouts")
def pay(statement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Pay a closed statement to the account that its party gave, or to one at a gateway that was named. Pressed twice, the
    second finds it being paid.
    """

    def work(uow: UnitOfWork) -> None:
        gateway = form.text("gateway", most=40)
        if gateway:
            require_gateway(page_request.services, gateway)
        payout_id = pay_out(uow, PayOut(statement_id, gateway, form.text("destination", most=100)))
        audit.record(uow, "payout.scheduled", subject_id=payout_id)

    return _done(page_request, work, "payout_scheduled")


@form_post("/operator/incidents/{incident_id:uuid}/close", "operator.payouts")
def close_one_incident(
    incident_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Close an incident with what was done about it. Pressed twice, the second finds it closed."""
    command = CloseIncident(incident_id, form.text("resolution", most=1000), form.text("evidence", most=200))
    return _done(page_request, lambda uow: close_incident(uow, command), "incident_closed")


@form_post("/operator/incidents/{incident_id:uuid}/resend", "operator.payouts")
def resend(incident_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Send a refund that came back the same way again. Pressed twice, the second finds it under way."""
    del form
    return _done(page_request, lambda uow: resend_refund(uow, incident_id), "refund_resent")


@form_post("/operator/webhooks/{webhook_id:uuid}/settle", "operator.payouts")
def settle(webhook_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Close a webhook that was put aside. Pressed twice, the second finds it closed."""
    resolution = form.text("resolution", most=1000)
    return _done(page_request, lambda uow: settle_webhook(uow, webhook_id, resolution), "webhook_settled")


@form_post("/operator/webhooks/{webhook_id:uuid}/look-again", "operator.payouts")
def look_once_more(webhook_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Ask the gateway once more. Pressed twice, the second finds it being looked into."""
    del form
    return _done(page_request, lambda uow: look_again(uow, webhook_id), "webhook_asked")


@form_post("/operator/jobs/{job_id:uuid}/replay", "operator.jobs")
def replay_job(job_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Give work that was given up another life. Pressed twice, the second finds nothing dead."""
    del form

    def work(uow: UnitOfWork) -> None:
        replay(uow, job_id)
        audit.record(uow, "job.replayed", subject_id=job_id)

    return _done(page_request, work, "job_replayed")


@form_post("/operator/clock", "operator.clock")
def advance(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Move the market's clock forward by whole days. Sandbox only."""
    if not page_request.services.sandbox:
        raise Forbidden("sandbox_only")

    def work(uow: UnitOfWork) -> int:
        days = form.number("days", least=1, most=LONGEST_STEP_DAYS)
        audit.record(uow, "clock.advanced", seconds=days * 86_400)
        return sandbox_clock.advance(uow, timedelta(days=days))

    try:
        ahead_s = page_request.transact(work)
    except DomainError as refused:
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    clock.shift(timedelta(seconds=ahead_s))
    return page_request.redirect(addresses.OPERATOR, notice="clock_advanced")


def _done(page_request: PageRequest, work: Callable[[UnitOfWork], object], notice: str) -> Response[Any]:
    """Do `work` and come back to the dashboard; a refusal is told there."""
    try:
        page_request.transact(work)
    except DomainError as refused:
        return page_request.render(_view(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(addresses.OPERATOR, notice=notice)


def _view(page_request: PageRequest, error: str | None = None) -> OperatorView:
    may = page_request.principal.may
    with page_request.work() as uow:
        runs = troubled_runs(uow)
        statements = list_statements(uow, limit=_STATEMENTS).items if may("operator.payouts") else []
        dashboard = presenter.OperatorDashboard(
            money=list_operator_queues(uow),
            reviews=review_queue(uow),
            runs=runs,
            jobs=dead_jobs(uow),
            due=due_jobs(uow),
            statements=statements,
            lines=sold_lines(uow, [row.reference for row in runs]),
            accounts=last_accounts(uow, {row.org_id for row in statements}),
            gateways=tuple(page_request.services.gateways),
            incidents=list_incidents(uow, state="open", limit=_INCIDENTS).items,
            disputes=list_disputes(uow, state="open", limit=_INCIDENTS).items,
            webhooks=list_quarantined(uow, state="quarantined", limit=_INCIDENTS).items,
            banks=payout_accounts_of(uow, {row.org_id for row in statements}) if statements else {},
            outlooks=outlooks(uow, [row.id for row in statements]),
            waiting_proofs=count_waiting_proofs(uow) if may("operator.reviews") else (0, None),
            tax_id_disputes=count_tax_id_disputes(uow) if may("operator.reviews") else (0, None),
            refund_cases=count_escalated(uow),
            waiting_domains=count_waiting_domains(uow) if may("operator.reviews") else (0, None),
            bounces=list_bounces(uow),
            names={org_id: get_party(uow, org_id).display_name for org_id in {row.org_id for row in statements}},
        )
        ahead_s = sandbox_clock.ahead_s(uow) if page_request.services.sandbox else 0
    return OperatorView(
        queues=presenter.queues(dashboard),
        runs=presenter.dead_runs(page_request, dashboard),
        health=presenter.health(page_request, dashboard),
        reviews=presenter.reviews(page_request, dashboard),
        jobs=presenter.dead_jobs(dashboard),
        settlements=presenter.settlements(dashboard),
        incidents=presenter.incidents(dashboard),
        disputes=presenter.disputes(dashboard),
        webhooks=presenter.webhooks(dashboard),
        bounces=presenter.bounces(dashboard),
        gateways=dashboard.gateways,
        may_settle=may("operator.payouts"),
        may_review=may("operator.reviews"),
        clock=InstallationClock(clock.now(), ahead_s)
        if page_request.services.sandbox and may("operator.clock")
        else None,
        error=error,
    )


routes = [show_operator, close, pay, close_one_incident, resend, settle, look_once_more, replay_job, advance]
