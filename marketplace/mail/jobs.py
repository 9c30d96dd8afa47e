"""Sending mail, registered once by the composition with the way out."""

from __future__ import annotations

from kernel.jobs.kinds import call
from marketplace.mail.compose import Composer
from marketplace.mail.ports import MailTransport
from marketplace.mail.queue_mail import SEND
from marketplace.mail.send_mail import SendMail


def register(transport: MailTransport, composer: Composer) -> None:
    """Let workers send what was queued; after twelve tries over hours a mail waits for a person, like any dead job."""
    call(SEND)(SendMail(transport, composer))
