"""A provider calls back: verified, written down once, answered. What it says is counted by a job."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.secrets import SecretBox
from orders.approval_apps.access import access_of, message_context
from orders.approval_apps.message_crypto import MessageUnreadable
from orders.approval_apps.models import ApprovalApp, ApprovalCallback
from orders.approval_apps.ports import ApprovalProvider, CallbackReply, IncomingCallback

COUNT = "orders.approval_apps.count"
MAX_BYTES = 131_072
"""Far above any event of an approval."""


def receive_callback(
    uow: UnitOfWork,
    app_id: UUID,
    incoming: IncomingCallback,
    *,
    providers: Mapping[str, ApprovalProvider],
    box: SecretBox,
) -> CallbackReply:
    """Take a callback for an app. For the platform's own work: its signature is the credential.

    Raises: NotFound (no such app, or it is disconnected); Invalid `callback_refused` (not signed or not encrypted by the
    provider for this app), and nothing is written. Idempotent by the provider's id of the event.
    """
    app = uow.session.get(ApprovalApp, app_id)
    if app is None or app.disconnected_at is not None:
        raise NotFound("not_found")
    try:
        read = providers[app.provider].read(access_of(box, app), incoming)
    except MessageUnreadable:
        raise Invalid("callback_refused") from None
    if read.event is None:
        return read.reply
    callback_id = uuid7()
    added = uow.session.scalar(
        insert(ApprovalCallback)
        .values(
            id=callback_id,
            org_id=app.org_id,
            app_id=app.id,
            event_key=read.event.key[:200],
            event_type=read.event.type,
            message_sealed=box.seal(read.event.message, message_context(callback_id)),
            received_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["app_id", "event_key"])
        .returning(ApprovalCallback.id)
    )
    if added is not None:
        enqueue(uow, COUNT, {"callback_id": str(callback_id)}, dedupe_key=str(callback_id))
    return read.reply
