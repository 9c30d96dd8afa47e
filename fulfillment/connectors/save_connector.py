"""Create a connector, change its address, give it another secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.views import secret_tag
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.outbound import OutboundPolicy, OutboundRefused, check_url
from kernel.secrets import SecretBox
from kernel.signing import new_webhook_secret, sign_webhook

OVERLAP = timedelta(hours=24)
"""How long both secrets sign after a rotation."""
REPEATED_WITHIN = timedelta(minutes=10)
"""How long who asks again is shown the secret again: a button that was pressed twice, an answer that was lost."""


@dataclass(frozen=True, slots=True)
class SaveConnector:
    """A new connector. `secret` None: a webhook connector gets a fresh one."""

    name: str
    kind: str
    url: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeConnector:
    """What is None stays as it is."""

    connector_id: UUID
    name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SavedConnector:
    """`secret` is shown this once when it is new, else None."""

    id: UUID
    secret: str | None


def save_connector(
    uow: UnitOfWork, command: SaveConnector, *, box: SecretBox, policy: OutboundPolicy
) -> SavedConnector:
    """Make a connector of the acting seller.

    Raises: Invalid `connector_url_refused` (the guarded client would not call it), `connector_url_required`,
        `connector_kind_unknown`, `connector_secret_invalid`. The secret is never stored readable, logged or shown again.
    """
    if command.kind not in ("webhook", "none"):
        raise Invalid("connector_kind_unknown", field="kind")
    row = ConnectorRow(id=uuid7(), org_id=uow.principal.organization(), name=command.name, kind=command.kind)
    secret = None
    if command.kind == "webhook":
        _check_url(command.url, policy)
        row.url = command.url
        secret = new_webhook_secret() if command.secret is None else command.secret
        _change_secret(row, secret, box)
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "connector.saved", subject_id=row.id, kind=command.kind)
    return SavedConnector(row.id, secret)


def change_connector(uow: UnitOfWork, command: ChangeConnector, *, policy: OutboundPolicy) -> None:
    """Give the acting seller's connector another name or, if it has one, another address. A new address is untested.

    Raises: NotFound, Invalid `connector_url_refused`. Locks: the connector.
    """
    row = own_connector(uow, command.connector_id)
    row.name = command.name or row.name
    if command.url and row.kind == "webhook" and command.url != row.url:
        _check_url(command.url, policy)
        row.url = command.url
        _forget_test(row)
    uow.flush()
    audit.record(uow, "connector.changed", subject_id=row.id)


def rotate_secret(
    uow: UnitOfWork, connector_id: UUID, *, box: SecretBox, replaces: str | None = None
) -> SavedConnector:
    """Give the acting seller's connector a fresh secret; for `OVERLAP` both sign, so that no call is refused meanwhile.

    `replaces`: the tag of the secret that is to be replaced. Where another has taken its place already, somebody asked twice: a
    second rotation would end the overlap of the secret that the seller's system still has.

    Raises: NotFound, Conflict `connector_has_no_secret`, `connector_secret_changed`. Locks: the connector.
    """
    row = own_connector(uow, connector_id)
    if row.secret_sealed is None:
        raise Conflict("connector_has_no_secret")
    if replaces is not None and replaces != secret_tag(row.secret_sealed):
        return repeat_secret(uow, connector_id, box=box)
    secret = new_webhook_secret()
    _change_secret(row, secret, box)
    _forget_test(row)
    uow.flush()
    audit.record(uow, "connector.rotated", subject_id=row.id)
    return SavedConnector(row.id, secret)


def secret_context(connector_id: UUID) -> str:
    """What a connector's secret is sealed to: its own row."""
    return f"connector:{connector_id}"


def open_secrets(row: ConnectorRow, box: SecretBox) -> tuple[str, ...]:
    """Signing secrets valid now, newest first."""
    sealed = [row.secret_sealed]
    if row.previous_until is not None and row.previous_until > clock.now():
        sealed.append(row.previous_secret_sealed)
    return tuple(box.open(item, secret_context(row.id)).decode() for item in sealed if item is not None)


def repeat_secret(uow: UnitOfWork, connector_id: UUID, *, box: SecretBox) -> SavedConnector:
    """What was answered when the secret was made, for as long as repetitions of that request come.

    Raises: NotFound, Conflict `connector_secret_changed`: it was shown, and is not shown again. Locks: the connector.
    """
    row = own_connector(uow, connector_id)
    if row.secret_sealed is None:
        return SavedConnector(row.id, None)
    if row.secret_made_at is None or clock.now() > row.secret_made_at + REPEATED_WITHIN:
        raise Conflict("connector_secret_changed")
    return SavedConnector(row.id, open_secrets(row, box)[0])


def _change_secret(row: ConnectorRow, secret: str, box: SecretBox) -> None:
    try:
        sign_webhook([secret], "msg_check", b"{}")
    except ValueError as error:
        # An unusable secret would fail every call later, out of sight.
        raise Invalid("connector_secret_invalid", field="secret") from error
    row.previous_secret_sealed = row.secret_sealed
    row.previous_until = clock.now() + OVERLAP if row.secret_sealed else None
    row.secret_made_at = clock.now()
    row.secret_sealed = box.seal(secret.encode(), secret_context(row.id))


def _check_url(url: str | None, policy: OutboundPolicy) -> None:
    if not url:
        raise Invalid("connector_url_required", field="url")
    try:
        check_url(url, policy)
    except OutboundRefused as error:
        raise Invalid("connector_url_refused", field="url", reason=error.reason) from error


def _forget_test(row: ConnectorRow) -> None:
    row.test_asked_at, row.tested_at, row.test_failure = None, None, None


def own_connector(uow: UnitOfWork, connector_id: UUID) -> ConnectorRow:
    """The acting seller's connector, locked. Raises NotFound."""
    row = lock_row(uow.session, ConnectorRow, connector_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("not_found")
    return row
