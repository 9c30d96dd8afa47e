"""API keys: made, listed, revoked. The secret is shown once; only its hash stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.signing import mint_api_key as mint
from marketplace.access.models import ApiKey
from marketplace.access.permissions import EVERYTHING
from marketplace.input_text import line


@dataclass(frozen=True, slots=True)
class MintApiKey:
    """A key to make. `expires_at` None lasts until it is revoked."""

    name: str
    scopes: Sequence[str]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """The new key; `text` is shown once."""

    id: UUID
    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key as its organization sees it."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def mint_api_key(uow: UnitOfWork, command: MintApiKey) -> Minted:
    """Make a key for the acting organization with some of the acting person's own permissions.

    Raises:
        Invalid: `scope_unknown`, `expiry_past`, `text_required`, `text_too_long`.
        Forbidden: `role_beyond_own`, `person_required`.
    """
    person_id, org_id = uow.principal.person(), uow.principal.organization()
    scopes = sorted(set(command.scopes))
    if not scopes or not set(scopes) <= EVERYTHING:
        raise Invalid("scope_unknown", field="scopes", known=", ".join(sorted(EVERYTHING)))
    if not all(uow.principal.may(scope) for scope in scopes):
        raise Forbidden("role_beyond_own")
    now = clock.now()
    if command.expires_at is not None and command.expires_at <= now:
        raise Invalid("expiry_past", field="expires_at")
    made = mint()
    row = ApiKey(
        id=uuid7(),
        org_id=org_id,
        prefix=made.key_id,
        secret_hash=made.digest,
        name=line("name", command.name, 100),
        scopes=scopes,
        expires_at=command.expires_at,
        created_by=person_id,
        created_at=now,
    )
    uow.session.add(row)
    audit.record(uow, "api_key.minted", subject_id=row.id, scopes=" ".join(scopes))
    uow.flush()
    return Minted(row.id, made.key_id, made.text)


def revoke_api_key(uow: UnitOfWork, key_id: UUID) -> None:
    """End a key; its next request is refused. Raises NotFound(`api_key_not_found`). Idempotent."""
    row = lock_row(uow.session, ApiKey, key_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("api_key_not_found")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        audit.record(uow, "api_key.revoked", subject_id=row.id)
    uow.flush()


def list_api_keys(uow: UnitOfWork) -> list[ApiKeyRow]:
    """The acting organization's keys, newest first."""
    statement = (
        select(ApiKey)
        .where(ApiKey.org_id == uow.principal.organization())
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    return [
        ApiKeyRow(
            key.id,
            key.name,
            key.prefix,
            tuple(key.scopes),
            key.created_at,
            key.expires_at,
            key.last_used_at,
            key.revoked_at,
        )
        for key in uow.session.scalars(statement)
    ]
