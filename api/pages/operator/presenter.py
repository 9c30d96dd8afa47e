"""The operator's dashboard: queues with ages, what was given up, what waits for a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from api.pages.frame import addresses, bank_addresses, on_account_addresses
from api.pages.frame.phrases import money, priced, run_failure, seconds_since
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.operator.views import (
    BounceItem,
    DeadJobRow,
    DeadRun,
    DisputeItem,
    Health,
    IncidentItem,
    Queue,
    Review,
    Settlement,
    WebhookItem,
)
from billing.disputes.queries import DisputeRow
from billing.gateways.quarantine import QuarantinedWebhook
from billing.gateways.sandbox import NAME as SANDBOX
from billing.incidents.queries import IncidentRow
from billing.operator_queues import OperatorQueue
from billing.payouts.outlook import PayoutOutlook
from billing.payouts.queries import Account
from billing.statements.queries import StatementRow
from fulfillment.runs.views import RunRow
from kernel.jobs.queries import DeadJob, DueJobs
from marketplace.catalog.queries import ListingView
from marketplace.mail.bounces import Bounce
from marketplace.onboarding.queries import PayoutAccountView
from orders.seller_queries import SoldLine

PROMISED_S: Mapping[str, int] = {
    "reviews": 86_400,
    "legal_proofs": 86_400,
    "tax_id_disputes": 86_400,
    "email_domains": 3 * 86_400,
    "refund_cases": 7 * 86_400,
    "payouts": 3 * 86_400,
    "dead_runs": 3_600,
    "dead_jobs": 900,
    "bounces": 3 * 86_400,
}
"""How old the oldest of a queue may be before it shows as late, in seconds; the money queues an hour."""
_MONEY_PROMISED_S = 3_600
_MONEY_AT: Mapping[str, str] = {
    **{key: f"#{key}" for key in ("incidents", "disputes", "notices_quarantined")},
    "refunds_held": addresses.refunds.OPERATOR_HELD,
    "bank_lines": bank_addresses.BANK,
    "credit_lines": on_account_addresses.OPERATOR,
    "bank_outgoing": f"{bank_addresses.BANK}#outgoing",
}
"""Where a money queue is worked on."""
_DUE_PROMISED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class OperatorDashboard:
    """Everything the operator's first screen is made from."""

    money: Sequence[OperatorQueue]
    reviews: Sequence[ListingView]
    runs: Sequence[RunRow]
    jobs: Sequence[DeadJob]
    due: Sequence[DueJobs]
    statements: Sequence[StatementRow]
    lines: Mapping[UUID, SoldLine]
    names: Mapping[UUID, str]
    accounts: Mapping[UUID, Account]
    gateways: tuple[str, ...]
    incidents: Sequence[IncidentRow]
    disputes: Sequence[DisputeRow]
    webhooks: Sequence[QuarantinedWebhook]
    bounces: Sequence[Bounce]
    banks: Mapping[tuple[UUID, str], PayoutAccountView] = field(default_factory=dict)
    outlooks: Mapping[UUID, PayoutOutlook] = field(default_factory=dict)
    waiting_proofs: tuple[int, datetime | None] = (0, None)
    tax_id_disputes: tuple[int, datetime | None] = (0, None)
    waiting_domains: tuple[int, datetime | None] = (0, None)
    refund_cases: tuple[int, datetime | None] = (0, None)


def queues(dashboard: OperatorDashboard) -> tuple[Queue, ...]:
    """What needs somebody, each with the age of its oldest."""
    payable = [row.closed_at for row in dashboard.statements if is_payable(row)]
    return (
        _queue("reviews", [row.submitted_at or row.created_at for row in dashboard.reviews], "#reviews"),
        _counted("legal_proofs", addresses.OPERATOR_SELLERS, *dashboard.waiting_proofs),
        _counted("tax_id_disputes", addresses.TAX_ID_DISPUTES, *dashboard.tax_id_disputes),
        _counted("email_domains", addresses.EMAIL_DOMAINS, *dashboard.waiting_domains),
        _counted("refund_cases", addresses.refunds.OPERATOR_CASES, *dashboard.refund_cases),
        _queue("dead_runs", [row.created_at for row in dashboard.runs], "#dead"),
        _queue("payouts", payable, "#settlements"),
        _queue("dead_jobs", [row.created_at for row in dashboard.jobs], "#jobs"),
        _queue("bounces", [row.since_at for row in dashboard.bounces], "#bounces"),
        *(
            Queue(
                row.key,
                row.count,
                seconds_since(row.oldest_at) if row.oldest_at else None,
                row.oldest_at is not None and seconds_since(row.oldest_at) > _MONEY_PROMISED_S,
                _MONEY_AT.get(row.key) if row.count else None,
            )
            for row in dashboard.money
        ),
    )


def _counted(key: str, address: str, count: int, oldest_at: datetime | None) -> Queue:
    oldest_s = seconds_since(oldest_at) if oldest_at else None
    late = oldest_s is not None and oldest_s > PROMISED_S[key]
    return Queue(key, count, oldest_s, late, address if count else None)


def is_payable(row: StatementRow) -> bool:
    """Whether the button that pays it makes sense; the verb decides."""
    return row.state == "closed" and row.net_minor > 0


def dead_runs(page_request: PageRequest, dashboard: OperatorDashboard) -> tuple[DeadRun, ...]:
    """Runs that gave up or try in vain, with what is at stake."""
    return tuple(_dead_run(page_request, row, dashboard.lines.get(row.reference)) for row in dashboard.runs)


def reviews(page_request: PageRequest, dashboard: OperatorDashboard) -> tuple[Review, ...]:
    """Listings waiting for a decision."""
    return tuple(
        Review(
            listing_id=str(row.id),
            name=page_request.pick(row.title, row.title_en),
            seller_name=row.seller_name,
            kind=row.kind,
            version=row.version_number,
            waiting_s=seconds_since(row.submitted_at or row.created_at),
            summary=page_request.pick(row.summary, row.summary_en),
            plans=tuple(
                f"{page_request.pick(plan.name, plan.name_en)} · "
                + priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)
                for plan in row.plans
            ),
        )
        for row in dashboard.reviews
    )


def dead_jobs(dashboard: OperatorDashboard) -> tuple[DeadJobRow, ...]:
    """Background work that was given up."""
    return tuple(
        DeadJobRow(str(row.id), row.kind, row.attempts, seconds_since(row.created_at), (row.last_error or "")[:400])
        for row in dashboard.jobs
    )


def bounces(dashboard: OperatorDashboard) -> tuple[BounceItem, ...]:
    """Addresses that take no mail."""
    return tuple(
        BounceItem(row.email, row.reason, row.reply, row.kind, row.refusals, seconds_since(row.since_at))
        for row in dashboard.bounces
    )


def settlements(dashboard: OperatorDashboard) -> tuple[Settlement, ...]:
    """The latest statements of everybody."""
    return tuple(
        Settlement(
            id=str(row.id),
            number=row.number,
            party=dashboard.names.get(row.org_id, str(row.org_id)[-8:]),
            net=money(row.net_minor, row.currency),
            state=row.state,
            closed_at=row.closed_at,
            payable=is_payable(row),
            account=dashboard.accounts.get(row.org_id),
            bank=dashboard.banks.get((row.org_id, row.currency)),
            outlook=dashboard.outlooks.get(row.id),
            by_name=SANDBOX in dashboard.gateways or (row.org_id, row.currency) not in dashboard.banks,
        )
        for row in dashboard.statements
    )


def incidents(dashboard: OperatorDashboard) -> tuple[IncidentItem, ...]:
    """What gateways did after an end or by themselves, and nobody has closed yet."""
    return tuple(
        IncidentItem(
            id=str(row.id),
            kind=row.kind,
            subject_id=str(row.subject_id),
            gateway=row.gateway,
            reference=row.gateway_reference,
            amount=money(row.amount_minor, row.currency),
            loss=money(row.suspense_minor, row.currency) if row.suspense_minor else None,
            code=row.code,
            waiting_s=seconds_since(row.created_at),
            resendable=row.kind == "refund_returned",
        )
        for row in dashboard.incidents
    )


def disputes(dashboard: OperatorDashboard) -> tuple[DisputeItem, ...]:
    """Payments about which a bank has yet to decide."""
    return tuple(
        DisputeItem(
            id=str(row.id),
            payment_id=str(row.payment_id),
            gateway=row.gateway,
            reference=row.gateway_reference,
            amount=money(row.amount_minor, row.currency),
            reason=row.reason,
            waiting_s=seconds_since(row.created_at),
        )
        for row in dashboard.disputes
    )


def webhooks(dashboard: OperatorDashboard) -> tuple[WebhookItem, ...]:
    """What gateways told that was not believed, or that only a person can settle."""
    return tuple(
        WebhookItem(
            id=str(row.id),
            kind=row.kind,
            gateway=row.gateway,
            reference=row.reference or row.event_id,
            subject_id=str(row.subject_id) if row.subject_id else None,
            needs_person=row.needs_person,
            waiting_s=seconds_since(row.received_at),
        )
        for row in dashboard.webhooks
    )


def health(page_request: PageRequest, dashboard: OperatorDashboard) -> tuple[Health, ...]:
    """How far the work is behind."""
    oldest = dashboard.due[0] if dashboard.due else None
    work = translations(page_request.language).word("job", oldest.kind) if oldest else ""
    lag_s = seconds_since(oldest.oldest_at) if oldest else 0
    on_time = lag_s <= _DUE_PROMISED.total_seconds()
    formats = page_request.formats
    return (
        Health("jobs_due", formats.number(sum(one.count for one in dashboard.due)), on_time),
        Health("oldest_job", f"{formats.age(lag_s)} · {work}" if oldest else "–", on_time),
    )


def _queue(key: str, since: Sequence[datetime], address: str) -> Queue:
    oldest_s = max((seconds_since(at) for at in since), default=None)
    late = oldest_s is not None and oldest_s > PROMISED_S[key]
    return Queue(key, len(since), oldest_s, late, address if since else None)


def _dead_run(page_request: PageRequest, row: RunRow, line: SoldLine | None) -> DeadRun:
    return DeadRun(
        id=str(row.id),
        order_id=row.order_id or str(row.reference),
        order_number=row.order_number or str(row.reference)[-8:],
        seller_name=line.seller_name if line else str(row.seller_org_id)[-8:],
        buyer_name=row.buyer_name,
        listing_name=page_request.pick(row.title, row.title_en),
        attempts=row.tries,
        waiting_s=seconds_since(row.created_at),
        gross=money(line.gross_minor, line.currency) if line else money(0, "CNY"),
        error=run_failure(page_request, row.failure, row.message, row.message_en),
    )
