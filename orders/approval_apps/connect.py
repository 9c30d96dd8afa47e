"""Who manages members connects their organization's app, says who is who there, and disconnects it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, select, update

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.secrets import SecretBox
from marketplace.access.models import Member
from marketplace.access.permissions import holds
from marketplace.input_text import line
from marketplace.parties.models import Organization
from orders.approval_apps.access import AppSecrets, open_secrets, seal_secrets
from orders.approval_apps.message_crypto import is_message_key
from orders.approval_apps.models import PROVIDERS, ApprovalApp, ApprovalAppMember
from orders.approval_rules.set_policy import READS

MANAGE = "members.manage"
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_FEISHU_TOKEN = re.compile(r"[\x21-\x7e]{3,100}")


@dataclass(frozen=True, slots=True)
class ConnectApp:
    """The whole setting. A secret that is empty stays as it is, of the same app."""

    provider: str
    corp_id: str
    client_id: str
    template_code: str
    form_field: str
    requester_user_id: str
    approver_node: str | None = None
    client_secret: str = field(default="", repr=False)
    callback_token: str = field(default="", repr=False)
    callback_key: str = field(default="", repr=False)


def connect_app(uow: UnitOfWork, box: SecretBox, command: ConnectApp) -> ApprovalApp:
    """Connect the acting organization's app, or change how. Another provider, organization or app there is a new one: the one
    before is disconnected, and nobody has a user id yet.

    Raises: Forbidden `permission_missing`; Invalid `approval_provider_unknown`, `text_required`, `text_too_long`,
    `approval_secret_required`, `callback_token_invalid`, `callback_key_invalid`. Locks: the organization, then the app.
    """
    uow.principal.require(MANAGE)
    by = uow.principal.accountable_id
    assert by is not None  # noqa: S101 - nobody else acts for an organization
    if command.provider not in PROVIDERS:
        raise Invalid("approval_provider_unknown", field="provider")
    org_id = uow.principal.organization()
    lock_row(uow.session, Organization, org_id)
    name = (command.provider, line("corp_id", command.corp_id, 100), line("client_id", command.client_id, 100))
    node = line("approver_node", command.approver_node or "", 100) if command.provider == "feishu" else None
    app = find_app(uow, org_id)
    if app is not None and (app.provider, app.corp_id, app.client_id) != name:
        _disconnect(uow, app)
        app = None
    kept = open_secrets(box, app) if app is not None else None
    secrets = _secrets(command, kept)
    if app is None:
        app = ApprovalApp(id=uuid7(), org_id=org_id, tested_at=None, disconnected_at=None, created_at=clock.now())
        app.provider, app.corp_id, app.client_id = name
        uow.session.add(app)
    app.template_code = line("template_code", command.template_code, 100)
    app.form_field = line("form_field", command.form_field, 100)
    app.requester_user_id = line("requester_user_id", command.requester_user_id, 64)
    app.approver_node, app.connected_by = node, by
    app.secrets_sealed = seal_secrets(box, app.id, secrets)
    audit.record(uow, "approval_app.connected", subject_id=app.id, provider=app.provider, corp_id=app.corp_id)
    uow.flush()
    return app


def disconnect_app(uow: UnitOfWork) -> None:
    """Ask nothing there any more, and take no answer; its secrets are forgotten. What was decided stays.

    Raises: Forbidden `permission_missing`; NotFound `approval_app_not_found`. Locks: the app.
    """
    _disconnect(uow, get_app(uow))


def note_tested(uow: UnitOfWork, app_id: UUID) -> ApprovalApp:
    """The provider took the credentials for good just now. Raises NotFound when it was disconnected meanwhile."""
    app = get_app(uow)
    if app.id != app_id:
        raise NotFound("approval_app_not_found")
    app.tested_at = clock.now()
    uow.flush()
    return app


def name_member(uow: UnitOfWork, member_id: UUID, user_id: str) -> ApprovalAppMember:
    """Say by which user id the provider knows a member. Said again, the last word holds.

    Raises: Forbidden `permission_missing`; NotFound `approval_app_not_found`, `not_found`; Invalid `person_may_not_decide`,
    `text_required`, `text_too_long`; Conflict `outside_user_taken`.
    """
    app = get_app(uow)
    member = _member(uow, app, member_id)
    if member.state != "active":
        raise NotFound("not_found")
    if not holds(member.roles, READS):
        raise Invalid("person_may_not_decide", field="member_id")
    person_id = member.person_id
    named = line("user_id", user_id, 64)
    row = uow.session.scalar(
        select(ApprovalAppMember).where(ApprovalAppMember.app_id == app.id, ApprovalAppMember.person_id == person_id)
    )
    if row is None:
        row = ApprovalAppMember(
            id=uuid7(), org_id=app.org_id, app_id=app.id, person_id=person_id, created_at=clock.now()
        )
        uow.session.add(row)
    row.user_id = named
    audit.record(uow, "approval_app.member_named", subject_id=app.id, person_id=str(person_id), user_id=named)
    uow.flush()
    return row


def forget_member(uow: UnitOfWork, member_id: UUID) -> None:
    """That user id is nobody's any more; done twice, it stays so. Raises Forbidden `permission_missing`, NotFound."""
    app = get_app(uow)
    person_id = _member(uow, app, member_id).person_id
    uow.session.execute(
        delete(ApprovalAppMember).where(ApprovalAppMember.app_id == app.id, ApprovalAppMember.person_id == person_id)
    )
    audit.record(uow, "approval_app.member_forgotten", subject_id=app.id, person_id=str(person_id))
    uow.flush()


def find_app(uow: UnitOfWork, org_id: UUID) -> ApprovalApp | None:
    """The app that an organization has connected."""
    wanted = select(ApprovalApp).where(ApprovalApp.org_id == org_id, ApprovalApp.disconnected_at.is_(None))
    return uow.session.scalar(wanted)


def get_app(uow: UnitOfWork) -> ApprovalApp:
    """The acting organization's app, for who manages it, locked. Raises Forbidden `permission_missing`, NotFound."""
    uow.principal.require(MANAGE)
    found = find_app(uow, uow.principal.organization())
    locked = lock_row(uow.session, ApprovalApp, found.id) if found is not None else None
    if locked is None or locked.disconnected_at is not None:
        raise NotFound("approval_app_not_found")
    return locked


def _member(uow: UnitOfWork, app: ApprovalApp, member_id: UUID) -> Member:
    found = uow.session.get(Member, member_id)
    if found is None or found.org_id != app.org_id:
        raise NotFound("not_found")
    return found


def _disconnect(uow: UnitOfWork, app: ApprovalApp) -> None:
    uow.session.execute(
        update(ApprovalApp)
        .where(ApprovalApp.id == app.id)
        .values(disconnected_at=clock.now(), secrets_sealed=None)
        .execution_options(synchronize_session=False)
    )
    uow.session.expire(app)
    audit.record(uow, "approval_app.disconnected", subject_id=app.id)
    uow.flush()


def _secrets(command: ConnectApp, kept: AppSecrets | None) -> AppSecrets:
    given = {name: getattr(command, name).strip() for name in ("client_secret", "callback_token", "callback_key")}
    for name, value in given.items():
        if not value:
            if kept is None:
                raise Invalid("approval_secret_required", field=name)
            given[name] = getattr(kept, name)
        elif len(value) > 200:
            raise Invalid("text_too_long", field=name, limit=200)
    token = _FEISHU_TOKEN if command.provider == "feishu" else _TOKEN
    if not token.fullmatch(given["callback_token"]):
        raise Invalid("callback_token_invalid", field="callback_token")
    if command.provider != "feishu" and not is_message_key(given["callback_key"]):
        raise Invalid("callback_key_invalid", field="callback_key")
    return AppSecrets(**given)
