"""When something is due at a test organization next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, select, union_all

from billing.payments.models import UNRESOLVED as UNRESOLVED_PAYMENT
from billing.payments.models import Payment
from billing.refunds.models import UNRESOLVED as UNRESOLVED_REFUND
from billing.refunds.models import Refund
from fulfillment.entitlements.data_kept import NOTICED_BEFORE
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import LIVE, Run
from fulfillment.usage.models import UsageChallenge, UsagePeriod
from kernel.clock import OwnTime
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.jobs.models import Job
from marketplace.test_clocks.queries import TestClockView
from orders.checkout.models import Purchase
from orders.deadlines import UNRESOLVED_PAYMENT_WAITS
from orders.invoicing.models import UnbilledOrder
from orders.order.instalments import Instalment
from orders.order.milestones import OrderMilestone
from orders.order.models import Order, Subscription
from orders.refunds.models import RefundCase
from orders.tickets.models import Ticket

ANSWERED_BY_GATEWAY = tuple(state for state in UNRESOLVED_PAYMENT if state != "requires_action")
"""Payments that asking the gateway may settle. One that waits for its payer is settled by a person, however long it is asked for:
it is not stopped at, and is looked at wherever the clock stands."""
QUEUES = ("default",)
"""In which an organization's own time leaves jobs; files are drawn at everybody's."""


def queues_of(own: OwnTime) -> list[str]:
    """The names of its queues."""
    return [own.queues + name for name in QUEUES]


def next_due(uow: UnitOfWork, own: OwnTime) -> datetime | None:
    """The first instant after the clock's present at which something is due at its organization; None: nothing is."""
    found = union_all(*_instants(own)).subquery()
    first: datetime | None = uow.session.scalar(select(func.min(found.c.at)))
    return first


def next_due_at(uow: UnitOfWork, row: TestClockView) -> datetime | None:
    """When something is due next at the organization of one's own clock; None: nothing is, or it was deleted."""
    if row.state in ("deleting", "deleted"):
        return None
    with as_platform(uow):
        return next_due(uow, OwnTime(row.id, row.organization_id, row.present_at))


def _instants(own: OwnTime) -> list[Select[tuple[datetime]]]:
    """What its sweeps look for (`orders.test_clocks.drive.SWEEPS`), and its jobs.

    Unpaid purchases wait a while longer where money may still come.
    """
    org, after = own.org_id, own.at
    open_purchase = (Purchase.buyer_org_id == org) & Purchase.state.in_(("pending_approval", "pending_payment"))
    subscription = Subscription.buyer_org_id == org
    columns = (
        (Subscription.next_step_at, subscription & Subscription.state.in_(("active", "past_due"))),
        (Subscription.ends_at, subscription & (Subscription.state == "active")),
        (Purchase.deadline_at, open_purchase),
        (Purchase.deadline_at + UNRESOLVED_PAYMENT_WAITS, open_purchase),
        (Purchase.next_try_at, Purchase.buyer_org_id == org),
        (Order.deadline_at, (Order.buyer_org_id == org) & (Order.state == "active")),
        (Run.deadline_at, (Run.buyer_org_id == org) & Run.state.in_(LIVE)),
        (UsagePeriod.closes_at, (UsagePeriod.buyer_org_id == org) & (UsagePeriod.state == "open")),
        (UsageChallenge.deadline_at, (UsageChallenge.buyer_org_id == org) & (UsageChallenge.state == "open")),
        (
            Entitlement.data_kept_until - NOTICED_BEFORE,
            (Entitlement.buyer_org_id == org) & Entitlement.data_noticed_at.is_(None),
        ),
        (Payment.next_check_at, (Payment.payer_org_id == org) & Payment.state.in_(ANSWERED_BY_GATEWAY)),
        (Refund.next_check_at, (Refund.buyer_org_id == org) & Refund.state.in_(UNRESOLVED_REFUND)),
        (Instalment.next_step_at, Instalment.buyer_org_id == org),
        (OrderMilestone.notice_at, OrderMilestone.buyer_org_id == org),
        (OrderMilestone.deadline_at, OrderMilestone.buyer_org_id == org),
        (RefundCase.deadline_at, RefundCase.buyer_org_id == org),
        (Ticket.due_at, Ticket.buyer_org_id == org),
        (UnbilledOrder.due_at, (UnbilledOrder.buyer_org_id == org) & UnbilledOrder.settled_at.is_(None)),
        (Job.run_at, Job.queue.in_(queues_of(own)) & (Job.state == "ready")),
    )
    return [select(func.min(at).label("at")).where(where, at > after) for at, where in columns]
