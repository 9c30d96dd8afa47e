"""Sending mail, registered once by the composition with the way out, and forgetting what was sent."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import call, sweep
from marketplace.mail.compose import Composer
from marketplace.mail.ports import MailTransport
from marketplace.mail.queue_mail import SEND
from marketplace.mail.send_mail import SendMail, purge_old_mail

RETENTION = "marketplace.mail.retention"


def register(transport: MailTransport, composer: Composer) -> None:
    """Let workers send what was queued; after twelve tries over hours a mail waits for a person, like any dead job."""
    call(SEND)(SendMail(transport, composer))

    @sweep(RETENTION, every=timedelta(hours=6))
    def purge(transact: Transact) -> None:
        transact(purge_old_mail)
