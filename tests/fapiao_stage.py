"""Tax invoices (数电票) on a stage: numbered as the job does it, with a plain renderer in place of the process that draws."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.fapiao.issue_fapiao import FapiaoPress, IssueFapiaos
from billing.fapiao.models import Fapiao, RedLetter
from billing.fapiao.request_fapiao import ISSUE_FAPIAO
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.principal import SYSTEM
from tests.factories_billing import PlainRenderer
from tests.loop_stage import Stage


def number_fapiaos(stage: Stage, request_id: UUID) -> None:
    """Have a request's documents numbered now."""
    services = stage.services
    work = IssueFapiaos(FapiaoPress(SandboxFapiaoIssuer(), services.storage, PlainRenderer()))
    claim = JobClaim(uuid7(), ISSUE_FAPIAO, {"request_id": str(request_id)}, 1, 1, None)
    with unit_of_work(services.db, SYSTEM) as uow:
        asked = work.prepare(uow, claim)
    assert asked is not None
    answer = work.call(asked)
    with unit_of_work(services.db, SYSTEM) as uow:
        work.conclude(uow, claim, asked, answer)


def first_document(stage: Stage, request_id: UUID) -> UUID:
    """The first document of a request."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        wanted = select(Fapiao.id).where(Fapiao.request_id == request_id).order_by(Fapiao.position).limit(1)
        return uow.session.scalars(wanted).one()


def letter_of(stage: Stage, fapiao_id: UUID) -> UUID:
    """The red letter by which it is taken back."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return uow.session.scalars(select(RedLetter.id).where(RedLetter.fapiao_id == fapiao_id)).one()
