"""A seller's asynchronous answer: stored as it came, known once, applied as a job."""

from __future__ import annotations

import hashlib
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from fulfillment.connectors.messages import CallbackBody
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.call_seller import pause_after
from fulfillment.runs.conclude import Success, give_up, lock_run, progress, succeed
from fulfillment.runs.models import LIVE, RUN, Run
from fulfillment.runs.request_body import CALLBACK
from fulfillment.runs.start_run import queue_call
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue
from kernel.signing import BadToken, TokenSigner

APPLY = "fulfillment.callback.apply"
MAX_BYTES = 64 * 1024


def receive_callback(uow: UnitOfWork, token: str, body: bytes, *, signer: TokenSigner) -> bool:
    """Store a callback and the job that applies it. Returns False for one that is known already.

    One that comes after the run has ended is stored all the same: a late success must be taken down.

    Raises: NotFound for a token that is not ours or past its time, Invalid `callback_malformed`, `callback_too_large`.
    Idempotent by run, number of tries and body: the same words twice are one message; after another try they are new.
    """
    if len(body) > MAX_BYTES:
        raise Invalid("callback_too_large", limit=MAX_BYTES)
    try:
        run_id = UUID(signer.open_token(CALLBACK, token)["run"])
    except BadToken as error:
        raise NotFound("not_found") from error
    run = uow.session.execute(select(Run.operation, Run.tries).where(Run.id == run_id)).first()
    if run is None:
        raise NotFound("not_found")
    callback = _parse(body, run.operation)
    inserted = uow.session.execute(
        insert(Inbox)
        .values(
            id=uuid7(),
            source=f"run:{run_id}",
            event_id=f"{run.tries}:{hashlib.sha256(body).hexdigest()}",
            kind=callback.status,
            body=callback.model_dump(mode="json"),
            state="received",
            received_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(Inbox.id)
    ).first()
    if inserted is None:
        return False
    enqueue(uow, APPLY, {"inbox_id": str(inserted.id), "run_id": str(run_id)}, dedupe_key=str(inserted.id))
    return True


def _parse(body: bytes, operation: str) -> CallbackBody:
    try:
        callback = CallbackBody.model_validate_json(body)
    except ValidationError as error:
        raise Invalid("callback_malformed") from error
    if callback.status == "succeeded" and operation == "provision" and not callback.names_the_tenant():
        raise Invalid("callback_malformed", field="external_id" if callback.launch_url else "launch_url")
    return callback


def apply_callback(uow: UnitOfWork, inbox_id: UUID, run_id: UUID) -> None:
    """Let a stored callback act on its run.

    Locks: the message, the entitlement, the run. Idempotent: final states stay.
    """
    message = lock_row(uow.session, Inbox, inbox_id)
    if message is None or message.state != "received":
        return
    run, entitlement = lock_run(uow, run_id)
    callback = CallbackBody.model_validate(message.body)
    final = run.state not in LIVE
    reason = callback.reason or "seller_failed"
    match callback.status:
        case "progress":
            progress(run, sequence=callback.sequence, percent=callback.percent, messages=callback.words)
        case "succeeded":
            succeed(uow, run, entitlement, Success(callback.external_id or None, callback.launch_url, *callback.words))
        case "failed" if callback.retryable:
            _send_again(uow, run, entitlement, reason)
        case "failed":
            give_up(uow, run, entitlement, state="failed", reason=reason)
    message.state = "ignored" if final else "processed"
    message.processed_at = clock.now()


def _send_again(uow: UnitOfWork, run: Run, entitlement: Entitlement, reason: str) -> None:
    """The seller wants the run again. One that is queued will come again anyhow."""
    if run.state not in ("calling", "waiting"):
        return
    delay = pause_after(run.tries)
    if clock.now() + delay >= run.deadline_at:
        give_up(uow, run, entitlement, state="dead", reason=reason)
        return
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=reason)
    # The seller counts anew; the percentage still never runs backwards.
    run.sequence = -1
    queue_call(uow, run, entitlement, after=delay)
