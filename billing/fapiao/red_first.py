"""A refund of what stands on a Chinese tax invoice (数电票) waits until a red one takes that back; then its money goes by itself.

What waits, for whom and how it ends: `docs/adr/0064-red-before-refund.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, exists, select
from sqlalchemy.orm import aliased

from billing.documents.fapiao_split import PartLine, take_back
from billing.fapiao.models import EFFECTIVE, LIVE, RED_LETTER, REFUND_OVER, WAITING, Fapiao, FapiaoRequest, RedLetter
from billing.fapiao.red_letters import (
    CONFIRMED_WITHIN,
    RELEASE,
    Cause,
    enter_again,
    left_of_request,
    missing_of,
    open_letter,
)
from billing.fapiao.taken_back import bills_of, covers, lines_taken, own_reddened, refunded_of_lines
from billing.invoices.models import FapiaoSource, Invoice, InvoiceLine
from billing.refunds.hold_refund import lock_held, release_refund
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import RetryLater
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.states import state_in

REDDEN_REFUND: Final = "billing.fapiao.redden_refund"
"""Kind of the job that opens the red letters of a refund that waits."""
PROMISE_WAITS: Final = CONFIRMED_WITHIN
"""What the loop owes (`Refund.automatic`) waits as long as one red letter may, and no longer."""
BATCH: Final = 100
_LATE: Final = timedelta(minutes=10)
_OTHER = aliased(RedLetter)
_ON_FAPIAO: Final = exists().where(
    FapiaoSource.invoice_id == InvoiceLine.invoice_id,
    FapiaoRequest.id == FapiaoSource.request_id,
    (FapiaoRequest.state != "failed")
    | exists().where(Fapiao.request_id == FapiaoRequest.id, Fapiao.number.is_not(None)),
)
"""Of a bill's line: its tax invoices are issued or being issued; of refused ones, some have a number."""


class RedFirst:
    """Which refunds wait for red ones (`billing.refunds.hold_refund.RefundHold`)."""

    def holds(self, uow: UnitOfWork, refund: Refund, *, final: bool) -> bool:
        """See `RefundHold.holds`. Nobody asks for tax invoices of its bills while they are locked."""
        if final:
            lock_rows(uow.session, Invoice, bills_of(uow, refund.id))
        wanted = refunded_of_lines(uow, refund.id, _ON_FAPIAO)
        return bool(wanted) and not is_reddened(uow, refund.id, wanted)

    def begin(self, uow: UnitOfWork, refund: Refund) -> None:
        """See `RefundHold.begin`: the platform opens its red letters."""
        enqueue(uow, REDDEN_REFUND, {"refund_id": str(refund.id)}, dedupe_key=str(refund.id))

    def abandon(self, uow: UnitOfWork, refund: Refund) -> None:
        """See `RefundHold.abandon`. A red one that is being issued is issued: it stands for what is refunded next."""
        ids = uow.session.scalars(select(RedLetter.id).where(RedLetter.refund_id == refund.id)).all()
        for letter in lock_rows(uow.session, RedLetter, ids):
            if letter.state in LIVE and letter.issuing_at is None:
                letter.concluded_at = clock.now()
                state = "withdrawn" if letter.state in WAITING else "revoked"
                RED_LETTER.move(
                    uow, letter, state, org_ids=[letter.buyer_org_id, letter.seller_org_id], reason=REFUND_OVER
                )


def is_reddened(uow: UnitOfWork, refund_id: UUID, wanted: dict[UUID, int]) -> bool:
    """Whether red ones with a number take back what a refund takes of a bill's lines: its own, else ones that are left over."""
    letters = _letters_of(uow, refund_id)
    last = {letter.fapiao_id: (letter, red) for letter, red in letters}
    if any(letter.state not in EFFECTIVE or red is None for letter, red in last.values()):
        return False
    if covers(own_reddened(uow, refund_id=refund_id), wanted):
        return True
    taken = lines_taken(uow, wanted, besides=refund_id)
    return covers({line_id: one.reddened - one.claimed for line_id, one in taken.items()}, wanted)


def redden_refund(uow: UnitOfWork, refund_id: UUID) -> None:
    """Open the red letters of a refund that waits; with nothing left to take back it goes.

    Raises: RetryLater, its tax invoices are still being issued.
    Locks: its order (as an aggregate), the refund, the requests. Idempotent by: the refund.
    """
    refund = lock_held(uow, refund_id)
    if refund is None:
        return
    if not _letters_of(uow, refund_id):
        wanted = refunded_of_lines(uow, refund_id, _ON_FAPIAO)
        for request in _requests_of(uow, wanted):
            if request.state != "issued":
                hours = 1 if request.state == "failed" else 0
                raise RetryLater(timedelta(hours=hours, minutes=1), "its tax invoices are not issued yet")
            _open_all(uow, request, refund, wanted)
    release_refund(uow, refund_id)


def expired_of_held(uow: UnitOfWork) -> Sequence[UUID]:
    """Letters of waiting refunds that nobody confirmed in time and nothing stands in the place of."""
    return uow.session.scalars(
        select(RedLetter.id)
        .join(Refund, Refund.id == RedLetter.refund_id)
        .where(state_in(Refund.state, "held"), RedLetter.state == "expired", _is_unreplaced())
        .order_by(RedLetter.expires_at)
        .limit(BATCH)
    ).all()


def enter_of_held(uow: UnitOfWork, letter_id: UUID) -> bool:
    """Enter a letter of a waiting refund anew for its issuer, with 72 hours of its own. False where the refund waits no more.

    Locks: as `enter_again`.
    """
    letter = uow.session.get_one(RedLetter, letter_id)
    if letter.refund_id is None or lock_held(uow, letter.refund_id) is None:
        return False
    enter_again(uow, letter, "seller")
    return True


def promises_due(uow: UnitOfWork) -> Sequence[UUID]:
    """Waiting refunds that are owed by a promise, and whose letter was refused or takes longer than it may."""
    refused = exists().where(RedLetter.refund_id == Refund.id, RedLetter.state.not_in(LIVE), _is_unreplaced())
    late = Refund.held_at <= clock.now() - PROMISE_WAITS
    return uow.session.scalars(
        select(Refund.id)
        .where(state_in(Refund.state, "held"), Refund.automatic, late | refused)
        .order_by(Refund.held_at)
        .limit(BATCH)
    ).all()


def keep_promise(uow: UnitOfWork, refund_id: UUID) -> bool:
    """What the loop owes goes without the red one, which its credit note waits for then. Locks: as `release_refund`."""
    return release_refund(uow, refund_id, waiver="promise")


def pick_up_held(uow: UnitOfWork) -> None:
    """Waiting refunds that no job does anything for get one, under another key."""
    slot = clock.now().strftime("%Y%m%d%H%M")
    waits = exists().where(
        Job.kind.in_((REDDEN_REFUND, RELEASE)),
        Job.state.in_(("ready", "running")),
        Job.payload["refund_id"].astext == cast(Refund.id, Text),
    )
    red = select(Fapiao.number).where(Fapiao.id == RedLetter.red_id).scalar_subquery()
    unfinished = exists().where(
        RedLetter.refund_id == Refund.id, _is_unreplaced(), RedLetter.state.not_in(EFFECTIVE) | red.is_(None)
    )
    stuck = select(Refund.id).where(
        state_in(Refund.state, "held"), Refund.held_at < clock.now() - _LATE, ~waits, ~unfinished
    )
    for refund_id in uow.session.scalars(stuck.order_by(Refund.held_at).limit(BATCH)):
        enqueue(uow, REDDEN_REFUND, {"refund_id": str(refund_id)}, dedupe_key=f"{refund_id}:{slot}")


def _requests_of(uow: UnitOfWork, wanted: dict[UUID, int]) -> list[FapiaoRequest]:
    ids = uow.session.scalars(
        select(FapiaoSource.request_id)
        .join(InvoiceLine, InvoiceLine.invoice_id == FapiaoSource.invoice_id)
        .where(InvoiceLine.id.in_(wanted))
    ).all()
    return lock_rows(uow.session, FapiaoRequest, ids)


def _open_all(uow: UnitOfWork, request: FapiaoRequest, refund: Refund, wanted: dict[UUID, int]) -> None:
    left = left_of_request(uow, request.id)
    taken = lines_taken(uow, wanted, besides=refund.id)
    lines: dict[UUID, list[PartLine]] = defaultdict(list)
    for line_id, minor in wanted.items():
        here = [part for part in left if part.line.source_id == line_id]
        # What is left can be less where one was taken back for a refund that came to nothing: then that stands for it.
        missing = min(missing_of(minor, taken[line_id]), sum(part.line.gross_minor for part in here))
        for one in take_back(here, missing):
            lines[one.fapiao_id].append(one.line)
    whole = not any(one.claimed or one.held for one in taken.values()) and _is_whole(uow, wanted)
    cause = Cause("ended" if whole else "allowance", refund_id=refund.id)
    for fapiao_id, parts in lines.items():
        open_letter(uow, request, cause, fapiao_id, parts, by="seller")


def _is_whole(uow: UnitOfWork, wanted: dict[UUID, int]) -> bool:
    bills = select(InvoiceLine.invoice_id).where(InvoiceLine.id.in_(wanted))
    rows = uow.session.execute(select(InvoiceLine.id, InvoiceLine.gross_minor).where(InvoiceLine.invoice_id.in_(bills)))
    return all(wanted.get(line_id) == gross for line_id, gross in rows if gross)


def _letters_of(uow: UnitOfWork, refund_id: UUID) -> list[tuple[RedLetter, str | None]]:
    """Of a refund, the first first, each with the number of its red one."""
    rows = uow.session.execute(
        select(RedLetter, Fapiao.number)
        .join(Fapiao, Fapiao.id == RedLetter.red_id)
        .where(RedLetter.refund_id == refund_id)
        .order_by(RedLetter.created_at, RedLetter.id)
        .execution_options(populate_existing=True)
    )
    return [(letter, number) for letter, number in rows]


def _is_unreplaced() -> ColumnElement[bool]:
    """Of a letter: none that is live stands beside it, but itself."""
    beside = exists().where(
        _OTHER.refund_id == RedLetter.refund_id,
        _OTHER.fapiao_id == RedLetter.fapiao_id,
        _OTHER.id != RedLetter.id,
        _OTHER.state.in_(LIVE),
    )
    return ~beside
