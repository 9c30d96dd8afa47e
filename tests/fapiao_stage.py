"""Tax invoices (数电票) on a stage: numbered as the job does it, with a plain renderer in place of the process that draws."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.fapiao.issue_fapiao import FapiaoPress, IssueFapiaos, IssueRed
from billing.fapiao.models import EFFECTIVE, Fapiao, RedLetter
from billing.fapiao.red_letters import RED, use_fapiao
from billing.fapiao.request_fapiao import ISSUE_FAPIAO, RequestFapiao, request_fapiao
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from kernel.db.uow import transact, unit_of_work
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


def on_fapiao(stage: Stage, *, method: str = "sbx_ok") -> tuple[UUID, UUID]:
    """A bought order whose tax invoice was issued and booked; returns the order's id and the document's."""
    order_id = stage.buy(method=method)
    stage.run()
    ask = RequestFapiao([bill.id for bill in stage.papers(order_id)])
    request_id = transact(
        stage.services.db, stage.buyer.owner, lambda uow: request_fapiao(uow, ask, SandboxFapiaoIssuer()).id
    )
    number_fapiaos(stage, request_id)
    fapiao_id = first_document(stage, request_id)
    transact(stage.services.db, stage.buyer.owner, lambda uow: use_fapiao(uow, fapiao_id).id)
    return order_id, fapiao_id


def letters_of(stage: Stage, refund_id: UUID) -> list[RedLetter]:
    """The red letters that a refund waits for, the first one first."""
    return stage.rows(select(RedLetter).where(RedLetter.refund_id == refund_id).order_by(RedLetter.id))


def number_reds(stage: Stage) -> None:
    """Have red documents numbered whose letters are confirmed, and let follow what follows."""
    work = IssueRed(FapiaoPress(SandboxFapiaoIssuer(), stage.services.storage, PlainRenderer()))
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        confirmed = select(RedLetter.id).join(Fapiao, Fapiao.id == RedLetter.red_id)
        ids = uow.session.scalars(confirmed.where(RedLetter.state.in_(EFFECTIVE), Fapiao.number.is_(None))).all()
    for letter_id in ids:
        claim = JobClaim(uuid7(), RED, {"letter_id": str(letter_id)}, 1, 1, None)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            asked = work.prepare(uow, claim)
        if asked is not None:
            answer = work.call(asked)
            with unit_of_work(stage.services.db, SYSTEM) as uow:
                work.conclude(uow, claim, asked, answer)
    stage.run()
