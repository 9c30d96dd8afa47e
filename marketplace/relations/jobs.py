"""Work of relations that a worker does."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, job
from marketplace.relations.dealer_lists import MAIL
from marketplace.relations.mail_invitations import mail_lines


def register() -> None:
    """Let whoever a list of dealers names be mailed."""

    @job(MAIL)
    def mail_invitations(uow: UnitOfWork, payload: Payload) -> None:
        mail_lines(uow, UUID(payload["list_id"]), payload["lines"])
