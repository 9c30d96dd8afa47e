"""Jobs of payments, refunds and payouts: submit, look into notices, and ask about everything left in doubt."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import SQLColumnExpression, select

from billing.payments import start_payment
from billing.payments.consult import Applied
from billing.payments.models import Payment
from billing.payments.notices import NEEDS_PERSON, NOTICE, close_notice, named_id
from billing.payments.pursue_payment import Gateways, pursue_payment
from billing.payouts import pay_out
from billing.payouts.models import Payout
from billing.payouts.pursue_payout import pursue_payout
from billing.refunds import request_refund
from billing.refunds.models import Refund
from billing.refunds.pursue_refund import pursue_refund
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, every, process
from kernel.jobs.models import Inbox
from kernel.jobs.runner import JobContext, LeaseLost

JANITOR = "billing.gateway.janitor"
_BATCH = 50
EVERY = timedelta(seconds=5)
"""How often a janitor begins, and how long it begins anything new."""
log = structlog.get_logger(__name__)

_DOUBTFUL: dict[str, tuple[type[Payment | Refund | Payout], tuple[str, ...]]] = {
    "refund": (Refund, ("requested", "processing", "unknown")),
    "payout": (Payout, ("scheduled", "sent", "unknown")),
    "payment": (Payment, ("created", "processing", "requires_action", "unknown")),
}
"""What is asked about, and in which states it is in doubt."""

_GATEWAY_OF: dict[str, SQLColumnExpression[str]] = {
    "refund": select(Payment.gateway).where(Payment.id == Refund.payment_id).scalar_subquery(),
    "payout": Payout.gateway,
    "payment": Payment.gateway,
}
"""Through which gateway a row went."""

Pursue = Callable[[JobContext, Gateways, UUID], Applied]
_PURSUITS: dict[str, Pursue] = {"payment": pursue_payment, "refund": pursue_refund, "payout": pursue_payout}


def register(gateways: Gateways) -> None:
    """Register everything that talks to `gateways`."""

    @process(start_payment.SUBMIT)
    def submit_payment(ctx: JobContext, payload: Payload) -> None:
        pursue_payment(ctx, gateways, UUID(payload["payment_id"]))

    @process(request_refund.SUBMIT)
    def submit_refund(ctx: JobContext, payload: Payload) -> None:
        pursue_refund(ctx, gateways, UUID(payload["refund_id"]))

    @process(pay_out.SUBMIT)
    def submit_payout(ctx: JobContext, payload: Payload) -> None:
        pursue_payout(ctx, gateways, UUID(payload["payout_id"]))

    @process(NOTICE)
    def look_into_notice(ctx: JobContext, payload: Payload) -> None:
        _look_into(ctx, gateways, UUID(payload["inbox_id"]))

    @process(JANITOR)
    def janitor(ctx: JobContext, _payload: Payload) -> None:
        stop_s = time.monotonic() + EVERY.total_seconds()
        for what, row_id in ctx.transact(_doubtful):
            try:
                _PURSUITS[what](ctx, gateways, row_id)
            except LeaseLost:
                raise
            except Exception as error:
                log.warning("janitor_failed", what=what, row_id=str(row_id), exc_info=error)
            if time.monotonic() > stop_s:
                # The next janitor goes on: a gateway that answers slowly must not bind one worker after another.
                break

    every(EVERY, JANITOR)


def _look_into(ctx: JobContext, gateways: Gateways, inbox_id: UUID) -> None:
    if ctx.transact(lambda uow: uow.session.get_one(Inbox, inbox_id).body.get(NEEDS_PERSON)):
        ctx.transact(lambda uow: close_notice(uow, inbox_id, "quarantined", "only a person can settle this"))
        return
    found = ctx.transact(lambda uow: _subject(uow, inbox_id))
    if found is None:
        ctx.transact(lambda uow: close_notice(uow, inbox_id, "ignored", "nothing of ours has this reference"))
        return
    what, row_id = found
    if what == "payment":
        # Money that comes after a definite failure must not be overlooked: a failed payment is asked about again.
        applied = pursue_payment(ctx, gateways, row_id, recheck=True)
    else:
        applied = _PURSUITS[what](ctx, gateways, row_id)
    state = "quarantined" if applied is Applied.CONTRADICTS else "processed"
    ctx.transact(lambda uow: close_notice(uow, inbox_id, state, f"{what} {row_id}: {applied.value}"))


def _subject(uow: UnitOfWork, inbox_id: UUID) -> tuple[str, UUID] | None:
    """Whose notice it is: by the gateway's reference, or by our id in its metadata when it overtook the answer."""
    notice = uow.session.get_one(Inbox, inbox_id)
    reference = notice.body.get("reference")
    for what, (model, _) in _DOUBTFUL.items():
        # Two gateways may use the same name for different things.
        known = (model.gateway_reference == reference) & (_GATEWAY_OF[what] == notice.source)
        found = uow.session.scalar(select(model.id).where(known))
        if found is None:
            named = named_id(notice.body, f"{what}_id")
            # Our id in a notice about something else (a refund names its payment, too) is not its subject.
            if named is not None and notice.kind.startswith(what):
                found = uow.session.scalar(select(model.id).where(model.id == named))
        if found is not None:
            return what, found
    return None


def _doubtful(uow: UnitOfWork) -> list[tuple[str, UUID]]:
    now = clock.now()
    due: list[tuple[str, UUID]] = []
    for what, (model, states) in _DOUBTFUL.items():
        rows = uow.session.scalars(
            select(model.id)
            .where(model.state.in_(states), model.next_check_at <= now)
            .order_by(model.next_check_at)
            .limit(_BATCH)
        )
        due += [(what, row_id) for row_id in rows]
    return due
