"""A mail is queued in the transaction of what it tells about: both come true, or neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, or_

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from marketplace.mail.models import Mail, MailParams

SEND = "marketplace.mail.send"
DIGEST = "digest"
"""The kind of a mail that may tell of several organizations."""
NOBODY = "nobody"
"""The kind of a mail that is dropped instead of sent: asked for at an address that is to get none, it was the same work."""


@dataclass(frozen=True, slots=True)
class NewMail:
    """What is to be said to whom. `kind` names the text, `params` fill it."""

    to_address: str
    kind: str
    locale: str
    params: MailParams = field(default_factory=dict)
    person_id: UUID | None = None
    org_id: UUID | None = None
    """Whose members alone may read it: it is dropped when its reader leaves before it went out."""


def queue_mail(uow: UnitOfWork, command: NewMail) -> UUID:
    """Let a mail go out once this transaction has committed. Returns its id, which is its Message-ID too."""
    mail_id = uuid7()
    with as_platform(uow):
        uow.add(
            Mail(
                id=mail_id,
                to_address=command.to_address,
                person_id=command.person_id,
                org_id=command.org_id,
                kind=command.kind,
                locale=command.locale,
                params=command.params,
                created_at=clock.now(),
            )
        )
    enqueue(uow, SEND, {"mail_id": str(mail_id)}, dedupe_key=str(mail_id))
    return mail_id


def drop_unsent(uow: UnitOfWork, person_id: UUID, org_id: UUID) -> None:
    """Somebody left an organization: what is on its way to them about it does not go out any more."""
    of_it = or_(Mail.org_id == org_id, Mail.kind == DIGEST)
    on_its_way = delete(Mail).where(Mail.person_id == person_id, of_it)
    with as_platform(uow):
        uow.session.execute(on_its_way.where(Mail.sent_at.is_(None), Mail.refused_at.is_(None)))
