"""An endpoint is made, changed, given another secret, switched off and on, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from kernel import audit, clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.outbound import OutboundPolicy, OutboundRefused, check_url
from kernel.secrets import SecretBox
from kernel.signing import new_webhook_secret
from marketplace.input_text import line
from marketplace.webhooks.event_types import checked_types
from marketplace.webhooks.events import WebhookDisabled
from marketplace.webhooks.models import WEBHOOK_ENDPOINT, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.views import secret_tag

MANAGE = "webhooks.manage"
OVERLAP = timedelta(hours=24)
"""How long both secrets sign after a rotation."""
REPEATED_WITHIN = timedelta(minutes=10)
"""How long who asks again is shown the secret again: a button that was pressed twice, an answer that was lost."""
MOST_ENDPOINTS = 20
"""Of one organization, besides those it removed."""
MAX_NAME = 100
_LIMIT_LOCK = 7_316_039


@dataclass(frozen=True, slots=True)
class SaveEndpoint:
    """A new endpoint. It gets a fresh secret."""

    name: str
    url: str
    types: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChangeEndpoint:
    """What is None stays as it is."""

    endpoint_id: UUID
    name: str | None = None
    url: str | None = None
    types: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class SavedEndpoint:
    """`secret` is shown this once when it is new, else None."""

    id: UUID
    secret: str | None


def save_endpoint(uow: UnitOfWork, command: SaveEndpoint, *, box: SecretBox, policy: OutboundPolicy) -> SavedEndpoint:
    """Make an endpoint of the acting organization; it is sent what happens from now on.

    Raises: Forbidden `permission_missing`; Invalid `text_required`, `text_too_long`, `webhook_url_required`,
        `webhook_url_refused` (the guarded client would not call it), `event_type_unknown`, `event_types_required`;
        Conflict `webhook_endpoint_limit`. Locks: the organization's endpoints.
    """
    uow.principal.require(MANAGE)
    org_id = uow.principal.organization()
    _check_url(command.url, policy)
    types = checked_types(command.types, uow.principal)
    name = line("name", command.name, MAX_NAME)
    advisory_xact_lock(uow.session, _LIMIT_LOCK, org_id)
    alive = select(func.count()).where(WebhookEndpoint.org_id == org_id, WebhookEndpoint.state != "removed")
    if uow.session.scalars(alive).one() >= MOST_ENDPOINTS:
        raise Conflict("webhook_endpoint_limit", most=MOST_ENDPOINTS)
    secret = new_webhook_secret()
    row = WebhookEndpoint(id=uuid7(), org_id=org_id, name=name, url=command.url, types=types)
    _change_secret(row, secret, box)
    WEBHOOK_ENDPOINT.begin(uow, row, org_ids=[org_id])
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "webhook_endpoint.saved", subject_id=row.id)
    return SavedEndpoint(row.id, secret)


def change_endpoint(uow: UnitOfWork, command: ChangeEndpoint, *, policy: OutboundPolicy) -> None:
    """Give an endpoint another name, address or choice of events. Another address begins without the former one's failures.

    Raises: as `save_endpoint`, NotFound. Locks: the endpoint.
    """
    row = own_endpoint(uow, command.endpoint_id)
    if command.name is not None:
        row.name = line("name", command.name, MAX_NAME)
    if command.types is not None:
        row.types = checked_types(command.types, uow.principal)
    if command.url is not None and command.url != row.url:
        _check_url(command.url, policy)
        row.url = command.url
        # Whoever sends it elsewhere sends there what they may read themselves.
        row.types = checked_types(row.types, uow.principal)
        forgive(row)
    uow.flush()
    audit.record(uow, "webhook_endpoint.changed", subject_id=row.id)


def rotate_endpoint_secret(
    uow: UnitOfWork, endpoint_id: UUID, *, box: SecretBox, replaces: str | None = None
) -> SavedEndpoint:
    """Give an endpoint a fresh secret; for `OVERLAP` both sign, so that nothing is refused meanwhile.

    `replaces`: the tag of the secret that is to be replaced. Where another has taken its place already, somebody asked twice.

    Raises: Forbidden, NotFound, Conflict `webhook_secret_changed`. Locks: the endpoint.
    """
    row = own_endpoint(uow, endpoint_id)
    if replaces is not None and replaces != secret_tag(row.secret_sealed):
        return repeat_endpoint_secret(uow, endpoint_id, box=box)
    secret = new_webhook_secret()
    _change_secret(row, secret, box)
    uow.flush()
    audit.record(uow, "webhook_endpoint.rotated", subject_id=row.id)
    return SavedEndpoint(row.id, secret)


def repeat_endpoint_secret(uow: UnitOfWork, endpoint_id: UUID, *, box: SecretBox) -> SavedEndpoint:
    """What was answered when the secret was made, for as long as repetitions of that request come.

    Raises: Forbidden, NotFound, Conflict `webhook_secret_changed`: it was shown, and is not shown again. Locks: the endpoint.
    """
    row = own_endpoint(uow, endpoint_id)
    if clock.now() > row.secret_made_at + REPEATED_WITHIN:
        raise Conflict("webhook_secret_changed")
    return SavedEndpoint(row.id, signing_secrets(row, box)[0])


def switch_endpoint(uow: UnitOfWork, endpoint_id: UUID, *, on: bool) -> bool:
    """Send to it, or not. What happens while it is off is not sent by itself: a replay does that. Returns whether it changed.

    Raises: Forbidden, NotFound. Locks: the endpoint. Idempotent by the state.
    """
    row = own_endpoint(uow, endpoint_id)
    if on == (row.state == "active"):
        return False
    if not on:
        disable(uow, row, "owner")
    else:
        row.disabled_for = None
        forgive(row)
        WEBHOOK_ENDPOINT.move(uow, row, "active", org_ids=[row.org_id])
    uow.flush()
    audit.record(uow, "webhook_endpoint.switched", subject_id=row.id, on=on)
    return True


def remove_endpoint(uow: UnitOfWork, endpoint_id: UUID) -> None:
    """Send nothing there any more, for good; its log stays as long as every log does.

    Raises: Forbidden, NotFound. Locks: the endpoint.
    """
    row = own_endpoint(uow, endpoint_id)
    row.disabled_for = None
    WEBHOOK_ENDPOINT.move(uow, row, "removed", org_ids=[row.org_id])
    _give_up(uow, row, "endpoint_removed")
    uow.flush()
    audit.record(uow, "webhook_endpoint.removed", subject_id=row.id)


def disable(uow: UnitOfWork, row: WebhookEndpoint, why: str) -> None:
    """Stop sending to a locked endpoint, and give up what waits for it. Emits WebhookDisabled unless its owner did it."""
    row.disabled_for, row.disabled_at = why, clock.now()
    WEBHOOK_ENDPOINT.move(uow, row, "disabled", org_ids=[row.org_id], reason=why)
    _give_up(uow, row, "endpoint_disabled")
    if why != "owner":
        emit(uow, WebhookDisabled(endpoint_id=row.id, org_id=row.org_id, disabled_for=why))


def forgive(row: WebhookEndpoint) -> None:
    """Forget an endpoint's failures: it took something, or it is another one now."""
    row.failures, row.failing_since, row.rests_until = 0, None, None


def seal_secret(endpoint_id: UUID, secret: str, box: SecretBox) -> str:
    """A secret as the endpoint's row keeps it; in another row it does not open."""
    return box.seal(secret.encode(), _context(endpoint_id))


def signing_secrets(row: WebhookEndpoint, box: SecretBox) -> tuple[str, ...]:
    """Those that sign now, the newest first."""
    sealed = [row.secret_sealed]
    if row.previous_secret_sealed is not None and row.previous_until is not None and row.previous_until > clock.now():
        sealed.append(row.previous_secret_sealed)
    return tuple(box.open(item, _context(row.id)).decode() for item in sealed)


def own_endpoint(uow: UnitOfWork, endpoint_id: UUID) -> WebhookEndpoint:
    """The acting organization's endpoint, locked. Raises Forbidden, NotFound, also for one that was removed."""
    uow.principal.require(MANAGE)
    row = lock_row(uow.session, WebhookEndpoint, endpoint_id)
    if row is None or row.org_id != uow.principal.organization() or row.state == "removed":
        raise NotFound("not_found")
    return row


def _give_up(uow: UnitOfWork, row: WebhookEndpoint, why: str) -> None:
    uow.session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == "pending")
        .values(state="failed", failure=why, next_attempt_at=None, ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _change_secret(row: WebhookEndpoint, secret: str, box: SecretBox) -> None:
    former = row.__dict__.get("secret_sealed")
    row.previous_secret_sealed = former
    row.previous_until = clock.now() + OVERLAP if former else None
    row.secret_made_at = clock.now()
    row.secret_sealed = seal_secret(row.id, secret, box)


def _context(endpoint_id: UUID) -> str:
    return f"webhook_endpoint:{endpoint_id}"


def _check_url(url: str, policy: OutboundPolicy) -> None:
    if not url:
        raise Invalid("webhook_url_required", field="url")
    try:
        check_url(url, policy)
    except OutboundRefused as error:
        raise Invalid("webhook_url_refused", field="url", reason=error.reason) from error
