"""Jobs of tax invoices: have them numbered and drawn, take them back, let red letters expire, and pick up what was left."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Text, cast, exists, select

from billing.fapiao.issue_fapiao import FapiaoPress, FapiaoRenderer, IssueFapiaos, IssueRed
from billing.fapiao.models import EFFECTIVE, Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.ports import FapiaoIssuer
from billing.fapiao.red_first import (
    REDDEN_REFUND,
    RedFirst,
    enter_of_held,
    expired_of_held,
    keep_promise,
    pick_up_held,
    promises_due,
    redden_refund,
)
from billing.fapiao.red_letters import ENTER, RED, RELEASE, expire_red_letters, open_red_letters
from billing.fapiao.request_fapiao import ISSUE_FAPIAO
from billing.invoices.number_document import REDDEN
from billing.refunds.hold_refund import register_hold, release_refund
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, call, job, sweep
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.jobs.settle_each import settle_each
from kernel.states import state_in
from kernel.storage import Storage

SWEEP_FAPIAO = "billing.fapiao.sweep"
_LATE = timedelta(minutes=10)


def register(issuer: FapiaoIssuer | None, storage: Storage, renderer: FapiaoRenderer) -> None:
    """Register the jobs. `renderer` is called in processes that serve the queue `documents`."""
    press = FapiaoPress(issuer, storage, renderer)
    call(ISSUE_FAPIAO, queue="documents")(IssueFapiaos(press))
    call(RED, queue="documents")(IssueRed(press))

    @job(REDDEN)
    def redden(uow: UnitOfWork, payload: Payload) -> None:
        open_red_letters(uow, UUID(payload["invoice_id"]))

    @job(REDDEN_REFUND)
    def redden_before_refund(uow: UnitOfWork, payload: Payload) -> None:
        redden_refund(uow, UUID(payload["refund_id"]))

    @job(ENTER)
    def enter_letter(uow: UnitOfWork, payload: Payload) -> None:
        enter_of_held(uow, UUID(payload["letter_id"]))

    @job(RELEASE)
    def release_reddened(uow: UnitOfWork, payload: Payload) -> None:
        release_refund(uow, UUID(payload["refund_id"]))

    @sweep(SWEEP_FAPIAO, every=timedelta(minutes=5))
    def sweep_fapiao(transact: Transact) -> None:
        transact(expire_red_letters)
        settle_each(transact, promises_due, keep_promise)
        settle_each(transact, expired_of_held, enter_of_held)
        transact(pick_up_fapiao)
        transact(pick_up_held)


register_hold(RedFirst())


def pick_up_fapiao(uow: UnitOfWork) -> None:
    """Requests and red letters that wait for the issuer while no job does anything: they get another one, under another key."""
    before, slot = clock.now() - _LATE, clock.now().strftime("%Y%m%d%H")
    waits = exists().where(
        Job.kind == ISSUE_FAPIAO,
        Job.state.in_(("ready", "running")),
        Job.payload["request_id"].astext == cast(FapiaoRequest.id, Text),
    )
    late = select(FapiaoRequest.id).where(
        state_in(FapiaoRequest.state, "requested", "queued"), FapiaoRequest.created_at < before, ~waits
    )
    for request_id in uow.session.scalars(late.order_by(FapiaoRequest.created_at).limit(100)):
        enqueue(uow, ISSUE_FAPIAO, {"request_id": str(request_id)}, dedupe_key=f"{request_id}:{slot}")
    waits = exists().where(
        Job.kind == RED,
        Job.state.in_(("ready", "running")),
        Job.payload["letter_id"].astext == cast(RedLetter.id, Text),
    )
    unissued = (
        select(RedLetter.id)
        .join(Fapiao, Fapiao.id == RedLetter.red_id)
        .where(RedLetter.state.in_(EFFECTIVE), Fapiao.number.is_(None), RedLetter.created_at < before, ~waits)
    )
    for letter_id in uow.session.scalars(unissued.order_by(RedLetter.created_at).limit(100)):
        enqueue(uow, RED, {"letter_id": str(letter_id)}, dedupe_key=f"{letter_id}:{slot}")
