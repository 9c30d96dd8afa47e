"""Sending: composed and handed over outside any transaction, tried again until it was taken or refused for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, or_, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.jobs.context import JobClaim
from marketplace.mail.bounces import mark_bouncing, unmark_bouncing
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.models import BouncingAddress, Mail
from marketplace.mail.ports import MailTransport, Refusal
from marketplace.mail.queue_mail import NOBODY

log = structlog.get_logger(__name__)
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class _Sending:
    """A mail on its way: its row, and what it is composed of."""

    row: Mail
    content: MailContent


_MAIL = Read(select(Mail).where(Mail.id == bindparam("mail_id")))


class SendMail:
    """The steps of sending one mail. Sent again after a crash it has the same Message-ID, by which a reader knows it.

    Many go out beside every purchase: mails of a batch are read in one round trip, and written down in one.
    """

    def __init__(self, transport: MailTransport, composer: Composer) -> None:
        self._transport = transport
        self._composer = composer

    def before_prepare(self, uow: UnitOfWork, claim: JobClaim) -> None:
        """Ask ahead for the mail."""
        uow.ask_ahead(_MAIL, mail_id=UUID(claim.payload["mail_id"]))

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Sending | None:
        """What is to be sent, unless it was, or its reader has left what it is about, or nobody is to get it."""
        mail: Mail | None = uow.find(_MAIL, mail_id=UUID(claim.payload["mail_id"]))
        if mail is None or mail.sent_at or mail.refused_at:
            return None
        if mail.kind == NOBODY:
            uow.session.execute(delete(Mail).where(Mail.id == mail.id))
            return None
        said = MailContent(mail.id, mail.to_address, mail.kind, mail.locale, mail.created_at, dict(mail.params))
        return _Sending(mail, said)

    def call(self, request: _Sending) -> Refusal | None:
        """Compose it and hand it over. Raises what the transport raises: it is tried again."""
        return self._transport.hand_over(self._composer.compose(request.content))

    def before_conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Sending, answer: Refusal | None) -> None:
        """Nothing is read."""

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Sending, answer: Refusal | None) -> None:
        """Note what became of it, and whether its address takes mail."""
        mail = uow.attach(request.row)
        if answer is None:
            mail.sent_at = clock.now()
            unmark_bouncing(uow, mail.to_address)
            return
        mail.refused_at, mail.refusal = clock.now(), answer.reply
        mark_bouncing(uow, mail.to_address, mail.kind, answer.reply)
        log.warning("mail_refused", mail_id=str(mail.id), kind=mail.kind, reply=answer.reply)


def purge_old_mail(uow: UnitOfWork) -> None:
    """Delete what was sent or refused long ago: names and addresses are kept no longer than somebody may ask about them."""
    ended = or_(Mail.sent_at.is_not(None), Mail.refused_at.is_not(None))
    long_ago = clock.now() - KEPT
    uow.session.execute(delete(Mail).where(Mail.created_at < long_ago, ended))
    uow.session.execute(delete(BouncingAddress).where(BouncingAddress.last_at < long_ago))
