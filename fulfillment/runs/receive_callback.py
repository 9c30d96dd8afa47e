"""A seller's asynchronous answer: stored as it came, known once, applied as a job."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.dialects.postgresql import insert

from fulfillment.runs.call_seller import CALLBACK
from fulfillment.runs.conclude import Success, give_up, lock_run, progress, succeed
from fulfillment.runs.states import LIVE, RUN
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.models import Inbox
from kernel.signing import BadToken, TokenSigner

APPLY = "fulfillment.callback.apply"
MAX_BYTES = 64 * 1024


class Callback(BaseModel):
    """What a seller posts to the callback address (`docs/protocols/webhook.md` §Callback)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal["progress", "succeeded", "failed"]
    sequence: Annotated[int, Field(ge=0, lt=2**53)] = 0
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    message_zh: Annotated[str | None, Field(max_length=500)] = None
    message_en: Annotated[str | None, Field(max_length=500)] = None
    external_id: Annotated[str | None, Field(max_length=200)] = None
    launch_url: Annotated[str | None, Field(max_length=2_000, pattern=r"^https?://")] = None
    retryable: bool = False


def receive_callback(uow: UnitOfWork, token: str, body: bytes, *, signer: TokenSigner) -> bool:
    """Store a callback and the job that applies it. Returns False for one that is known already.

    Raises: NotFound for a token that is not ours or too old, Invalid `callback_malformed`.
    Idempotent by run and body: the same words twice are one message.
    """
    try:
        run_id = UUID(signer.open_token(CALLBACK, token)["run"])
    except BadToken as error:
        raise NotFound("not_found") from error
    payload = _parse(body)
    inserted = uow.session.execute(
        insert(Inbox)
        .values(
            id=uuid7(),
            source=f"run:{run_id}",
            event_id=hashlib.sha256(body).hexdigest(),
            kind=str(payload["status"]),
            body=payload,
            state="received",
            received_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source", "event_id"])
        .returning(Inbox.id)
    ).first()
    if inserted is None:
        return False
    uow.enqueue(APPLY, {"inbox_id": str(inserted.id), "run_id": str(run_id)}, dedupe_key=str(inserted.id))
    return True


def _parse(body: bytes) -> dict[str, Any]:
    try:
        payload = Callback.model_validate(json.loads(body))
    except (ValueError, ValidationError) as error:
        raise Invalid("callback_malformed") from error
    return payload.model_dump(mode="json")


def apply_callback(uow: UnitOfWork, inbox_id: UUID, run_id: UUID) -> None:
    """Let a stored callback act on its run. Locks: the run, its entitlement. Idempotent: final states stay."""
    message = lock_row(uow.session, Inbox, inbox_id)
    if message is None or message.state != "received":
        return
    run, entitlement = lock_run(uow, run_id)
    callback = Callback.model_validate(message.body)
    final = run.state not in LIVE
    match callback.status:
        case "progress":
            progress(
                uow,
                run,
                sequence=callback.sequence,
                percent=callback.percent,
                messages=(callback.message_zh or callback.message_en, callback.message_en or callback.message_zh),
            )
        case "succeeded":
            succeed(
                uow,
                run,
                entitlement,
                Success(callback.external_id, callback.launch_url, callback.message_zh, callback.message_en),
            )
        case "failed":
            reason = callback.message_zh or callback.message_en or "seller_failed"
            if callback.retryable and run.state == "waiting":
                RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=reason)
                uow.enqueue(
                    "fulfillment.run.call", {"run_id": str(run.id)}, dedupe_key=f"{run.id}:{run.tries}"
                )
            else:
                give_up(uow, run, entitlement, state="failed", reason=reason)
    message.state = "ignored" if final else "processed"
    message.processed_at = clock.now()
