"""Tax invoices are taken back for a credit note: red letters are opened, answered by both sides, and expire."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from billing.documents.fapiao_split import LeftLine, PartLine, lump, take_back
from billing.fapiao.drafts import add_fapiao, part_line
from billing.fapiao.events import RedLetterEntered
from billing.fapiao.models import LIVE, RED_LETTER, WAITING, Fapiao, FapiaoLine, FapiaoRequest, RedLetter
from billing.invoices.models import FapiaoSource, Invoice, InvoiceLine
from billing.refunds.models import Refund
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import RetryLater
from kernel.jobs.outbox import emit, enqueue
from kernel.states import state_in

RED: Final = "billing.fapiao.red"
"""Kind of the job that files a red letter and issues by it."""
CONFIRMED_WITHIN: Final = timedelta(hours=72)
Decision = Literal["confirm", "deny", "withdraw", "revoke", "again"]
_CREDIT = aliased(InvoiceLine)
"""The lines of a credit note, beside those of its bill."""
DECISIONS: Final[tuple[Decision, ...]] = ("confirm", "deny", "withdraw", "revoke", "again")


def open_red_letters(uow: UnitOfWork, note_id: UUID) -> list[UUID]:
    """Take back, for a credit note, what it credits of the tax invoices of its bill. Returns the letters' ids.

    Of documents that the buyer has not booked nobody needs to confirm anything; of others the buyer does, within 72 hours.

    Raises:
        NotFound: `invoice_not_found`.
        RetryLater: the tax invoices themselves are still being issued, or were refused and may be asked for again.

    Locks: the note, then the request.
    Idempotent by: the note.
    """
    note = lock_row(uow.session, Invoice, note_id)
    if note is None or note.original_invoice_id is None:
        raise NotFound("invoice_not_found")
    known = uow.session.scalars(select(RedLetter.id).where(RedLetter.note_id == note.id)).all()
    if known or note.reddened_at is not None:
        return list(known)
    source = uow.session.scalars(select(FapiaoSource).where(FapiaoSource.invoice_id == note.original_invoice_id)).one()
    request = lock_row(uow.session, FapiaoRequest, source.request_id)
    if request is None or request.state != "issued":
        failed = request is not None and request.state == "failed"
        raise RetryLater(timedelta(hours=1 if failed else 0, minutes=1), "its tax invoices are not issued yet")
    taken = _taken_back(uow, request.id, note)
    return [_open(uow, request, note, fapiao_id, lines, by="seller") for fapiao_id, lines in taken.items()]


def decide_red_letter(uow: UnitOfWork, letter_id: UUID, decision: Decision) -> RedLetter:
    """What one side says: confirm or deny what the other entered, withdraw one's own, revoke what both confirmed, enter it again.

    Raises:
        NotFound: `red_letter_not_found`.
        Conflict: `red_letter_expired`, its 72 hours are over; `red_letter_not_yours`, the other side has to say it, or it is
            not to be said in this state; `red_letter_issuing`, the red invoice is being issued.

    Locks: the letter; entered again, its credit note first.
    """
    known = uow.session.get(RedLetter, letter_id)
    org_id = uow.principal.organization()
    if known is None or org_id not in {known.buyer_org_id, known.seller_org_id}:
        raise NotFound("red_letter_not_found")
    side = "buyer" if org_id == known.buyer_org_id else "seller"
    if decision == "again":
        return _enter_again(uow, known, side)
    letter = lock_row(uow.session, RedLetter, letter_id) or known
    state = _next_state(letter, side, decision)
    if state == letter.state:
        return letter
    if letter.state in WAITING and letter.expires_at is not None and letter.expires_at <= clock.now():
        raise Conflict("red_letter_expired")
    if state == "revoked" and letter.issuing_at is not None:
        raise Conflict("red_letter_issuing")
    if state != "confirmed":
        letter.concluded_at = clock.now()
    RED_LETTER.move(uow, letter, state, org_ids=[letter.buyer_org_id, letter.seller_org_id])
    if state == "confirmed":
        enqueue(uow, RED, {"letter_id": str(letter.id)}, dedupe_key=f"{letter.id}:confirmed")
    audit.record(uow, f"red_letter.{decision}", subject_id=letter.id)
    return letter


def expire_red_letters(uow: UnitOfWork) -> int:
    """Letters that nobody confirmed within their 72 hours are void. Returns how many."""
    due = (
        select(RedLetter)
        .where(state_in(RedLetter.state, *WAITING), RedLetter.expires_at <= clock.now())
        .order_by(RedLetter.expires_at)
        .limit(100)
        .with_for_update(skip_locked=True, key_share=True)
    )
    letters = uow.session.scalars(due).all()
    for letter in letters:
        letter.concluded_at = clock.now()
        RED_LETTER.move(uow, letter, "expired", org_ids=[letter.buyer_org_id, letter.seller_org_id])
    return len(letters)


def use_fapiao(uow: UnitOfWork, fapiao_id: UUID) -> Fapiao:
    """The buyer has booked a document or deducted its tax: from now on it is taken back with their word only. Repeated, it stays.

    Raises:
        NotFound: `fapiao_not_found`. Conflict: `fapiao_not_issued`.

    Locks: the document.
    """
    row = lock_row(uow.session, Fapiao, fapiao_id)
    if row is None or row.buyer_org_id != uow.principal.organization():
        raise NotFound("fapiao_not_found")
    if row.number is None or row.direction != "blue":
        raise Conflict("fapiao_not_issued")
    if row.used_at is None:
        row.used_at = clock.now()
        audit.record(uow, "fapiao.used", subject_id=row.id)
    return row


_SAID: Final[dict[tuple[str, str, Decision], str]] = {
    ("awaiting_buyer", "buyer", "confirm"): "confirmed",
    ("awaiting_buyer", "buyer", "deny"): "denied_by_buyer",
    ("awaiting_buyer", "seller", "withdraw"): "withdrawn",
    ("awaiting_seller", "seller", "confirm"): "confirmed",
    ("awaiting_seller", "seller", "deny"): "denied_by_seller",
    ("awaiting_seller", "buyer", "withdraw"): "withdrawn",
    ("confirmed", "buyer", "revoke"): "revoked",
    ("confirmed", "seller", "revoke"): "revoked",
    ("unneeded", "seller", "revoke"): "revoked",
}
_ALREADY: Final = {
    "confirm": {"confirmed"},
    "deny": {"denied_by_buyer", "denied_by_seller"},
    "withdraw": {"withdrawn"},
    "revoke": {"revoked"},
}


def may_say(letter: RedLetter, side: str) -> tuple[Decision, ...]:
    """What `side` may say now, besides entering it again."""
    over = letter.state in WAITING and letter.expires_at is not None and letter.expires_at <= clock.now()
    if over or letter.issuing_at is not None:
        return ()
    return tuple(one for one in DECISIONS if (letter.state, side, one) in _SAID)


def is_void(letter: RedLetter) -> bool:
    """Whether nothing is taken back by it any more: its credit note needs another one."""
    return letter.state not in LIVE


def _next_state(letter: RedLetter, side: str, decision: Decision) -> str:
    if letter.state in _ALREADY[decision]:
        return letter.state
    found = _SAID.get((letter.state, side, decision))
    if found is None:
        raise Conflict("red_letter_expired" if letter.state == "expired" else "red_letter_not_yours")
    return found


def _enter_again(uow: UnitOfWork, void: RedLetter, side: str) -> RedLetter:
    note = lock_row(uow.session, Invoice, void.note_id)
    if note is None:
        raise NotFound("red_letter_not_found")
    siblings = select(RedLetter).where(RedLetter.note_id == void.note_id, RedLetter.fapiao_id == void.fapiao_id)
    live = [one for one in uow.session.scalars(siblings) if not is_void(one)]
    if live:
        return live[0]
    request = uow.session.get_one(FapiaoRequest, uow.session.get_one(Fapiao, void.fapiao_id).request_id)
    rows = uow.session.scalars(
        select(FapiaoLine).where(FapiaoLine.fapiao_id == void.red_id).order_by(FapiaoLine.position)
    )
    letter_id = _open(uow, request, note, void.fapiao_id, [part_line(row) for row in rows], by=side)
    audit.record(uow, "red_letter.again", subject_id=letter_id)
    return uow.session.get_one(RedLetter, letter_id)


def _open(
    uow: UnitOfWork, request: FapiaoRequest, note: Invoice, fapiao_id: UUID, lines: list[PartLine], *, by: str
) -> UUID:
    blue = uow.session.get_one(Fapiao, fapiao_id)
    last = uow.session.scalar(select(func.max(Fapiao.position)).where(Fapiao.request_id == request.id))
    now = clock.now()
    red = Fapiao(
        id=uuid7(),
        buyer_org_id=blue.buyer_org_id,
        seller_org_id=blue.seller_org_id,
        request_id=request.id,
        position=(last or 0) + 1,
        direction="red",
        original_id=blue.id,
        currency=blue.currency,
        created_at=now,
    )
    add_fapiao(uow, red, lines)
    letter = RedLetter(
        id=uuid7(),
        buyer_org_id=blue.buyer_org_id,
        seller_org_id=blue.seller_org_id,
        fapiao_id=blue.id,
        red_id=red.id,
        note_id=note.id,
        reason=_reason(uow, note),
        currency=red.currency,
        gross_minor=red.gross_minor,
        created_at=now,
    )
    state = "unneeded"
    if blue.used_at is not None:
        state = "awaiting_buyer" if by == "seller" else "awaiting_seller"
        letter.expires_at = now + CONFIRMED_WITHIN
    RED_LETTER.begin(uow, letter, state, org_ids=[letter.buyer_org_id, letter.seller_org_id])
    uow.session.add(letter)
    uow.flush()
    if state in WAITING:
        emit(
            uow,
            RedLetterEntered(
                letter_id=letter.id, buyer_org_id=letter.buyer_org_id, seller_org_id=letter.seller_org_id, by=by
            ),
        )
    enqueue(uow, RED, {"letter_id": str(letter.id)}, dedupe_key=str(letter.id))
    return letter.id


def _reason(uow: UnitOfWork, note: Invoice) -> str:
    """服务中止 where everything goes back, 销售折让 where a part does: what is sold here are services; none is sent back.

    开票有误 where nothing goes back at all: the title was wrong.
    """
    if note.refund_id is None:
        return "mistake"
    refund = uow.session.get(Refund, note.refund_id)
    original = uow.session.get_one(Invoice, note.original_invoice_id)
    return "ended" if refund is not None and note.gross_minor == original.gross_minor else "allowance"


def _taken_back(uow: UnitOfWork, request_id: UUID, note: Invoice) -> dict[UUID, list[PartLine]]:
    """What goes back of which document, for each line of the note."""
    left = _left(uow, request_id)
    wanted = uow.session.execute(
        select(InvoiceLine.id, func.sum(_CREDIT.gross_minor))
        .join(_CREDIT, (_CREDIT.reference == InvoiceLine.reference) & (_CREDIT.invoice_id == note.id))
        .where(InvoiceLine.invoice_id == note.original_invoice_id)
        .group_by(InvoiceLine.id)
        .order_by(InvoiceLine.id)
    )
    found: dict[UUID, list[PartLine]] = defaultdict(list)
    for line_id, gross in wanted:
        for one in take_back([part for part in left if part.line.source_id == line_id], int(gross)):
            found[one.fapiao_id].append(one.line)
    return found


def _left(uow: UnitOfWork, request_id: UUID) -> list[LeftLine]:
    """Blue lines less what live letters take back, documents in order."""
    blue = uow.session.execute(
        select(Fapiao.id, FapiaoLine)
        .join(FapiaoLine, FapiaoLine.fapiao_id == Fapiao.id)
        .where(Fapiao.request_id == request_id, Fapiao.direction == "blue")
        .order_by(Fapiao.position, FapiaoLine.position)
    ).all()
    taken: dict[tuple[UUID, UUID], tuple[int, int]] = {
        (fapiao_id, line_id): (int(net), int(tax))
        for fapiao_id, line_id, net, tax in uow.session.execute(
            select(
                RedLetter.fapiao_id,
                FapiaoLine.invoice_line_id,
                func.sum(FapiaoLine.net_minor),
                func.sum(FapiaoLine.tax_minor),
            )
            .join(FapiaoLine, FapiaoLine.fapiao_id == RedLetter.red_id)
            .join(Fapiao, Fapiao.id == RedLetter.fapiao_id)
            .where(Fapiao.request_id == request_id, RedLetter.state.in_(LIVE))
            .group_by(RedLetter.fapiao_id, FapiaoLine.invoice_line_id)
        )
    }
    found = []
    for fapiao_id, row in blue:
        net, tax = taken.get((fapiao_id, row.invoice_line_id), (0, 0))
        found.append(LeftLine(fapiao_id, _less(part_line(row), net, tax)))
    return found


def _less(line: PartLine, net: int, tax: int) -> PartLine:
    if not (net or tax):
        return line
    return lump(line, line.net_minor - net, line.tax_minor - tax)
