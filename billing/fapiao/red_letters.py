"""Tax invoices are taken back, before refunds or for credit notes: red letters are opened, answered by both sides, and expire."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, or_, select

from billing.documents.fapiao_split import LeftLine, PartLine, lump, take_back
from billing.fapiao.complete_note import complete_note
from billing.fapiao.drafts import add_fapiao, part_line
from billing.fapiao.events import RedLetterEntered
from billing.fapiao.models import LIVE, RED_LETTER, WAITING, Fapiao, FapiaoLine, FapiaoRequest, RedLetter
from billing.fapiao.taken_back import LineTaken, lines_taken, noted_of_lines
from billing.invoices.models import FapiaoSource, Invoice
from billing.refunds.hold_refund import lock_held
from billing.refunds.models import Refund
from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import RetryLater
from kernel.jobs.outbox import emit, enqueue
from kernel.states import state_in
from marketplace.parties.models import PLATFORM_ORG_ID

RED: Final = "billing.fapiao.red"
"""Kind of the job that files a red letter and issues by it."""
ENTER: Final = "billing.fapiao.enter_letter"
"""Kind of the job that enters a letter again for the platform, as the issuer of what it sold itself."""
RELEASE: Final = "billing.fapiao.release_refund"
"""Kind of the job that lets a refund go once its red ones are issued."""
CONFIRMED_WITHIN: Final = timedelta(hours=72)
Decision = Literal["confirm", "deny", "withdraw", "revoke", "again"]
DECISIONS: Final[tuple[Decision, ...]] = ("confirm", "deny", "withdraw", "revoke", "again")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is taken back: the administration's reason, and the credit note or the waiting refund that it is for."""

    reason: str
    note_id: UUID | None = None
    refund_id: UUID | None = None


def open_red_letters(uow: UnitOfWork, note_id: UUID) -> list[UUID]:
    """Take back, for a credit note, what it credits of the tax invoices of its bill. Returns the ids of its letters.

    What was taken back before its refund, or before one that came to nothing, is its own; with all issued it takes its number.
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
    cause = Cause(_reason(uow, note), note_id=note.id)
    own = _adopt(uow, request.id, note)
    taken = _taken_back(uow, request.id, note)
    own += [open_letter(uow, request, cause, fapiao_id, lines, by="seller") for fapiao_id, lines in taken.items()]
    complete_note(uow, note.id)
    return own


def decide_red_letter(uow: UnitOfWork, letter_id: UUID, decision: Decision) -> RedLetter:
    """What one side says: confirm or deny what the other entered, withdraw one's own, revoke what both confirmed, enter it again.

    Raises:
        NotFound: `red_letter_not_found`.
        Conflict: `red_letter_expired`, its 72 hours are over; `red_letter_not_yours`, the other side has to say it, or it is
            not to be said in this state; `red_letter_issuing`, the red invoice is being issued; `red_letter_refund_over`, the
            refund that it was for does not wait any more.

    Locks: the letter; entered again, its credit note or its refund (and the order, as an aggregate) first.
    """
    known = uow.session.get(RedLetter, letter_id)
    org_id = uow.principal.organization()
    if known is None or org_id not in {known.buyer_org_id, known.seller_org_id}:
        raise NotFound("red_letter_not_found")
    side = "buyer" if org_id == known.buyer_org_id else "seller"
    if decision == "again":
        own_sale = org_id == PLATFORM_ORG_ID and known.note_id is None
        return _have_entered(uow, known) if own_sale else enter_again(uow, known, side)
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


def siblings_of(uow: UnitOfWork, letter: RedLetter) -> list[RedLetter]:
    """Letters that take the same document back for the same credit note or refund, itself among them."""
    cause = RedLetter.note_id == letter.note_id if letter.note_id else RedLetter.refund_id == letter.refund_id
    return list(uow.session.scalars(select(RedLetter).where(cause, RedLetter.fapiao_id == letter.fapiao_id)))


def _have_entered(uow: UnitOfWork, void: RedLetter) -> RedLetter:
    """The platform's finance wants a void letter entered again. The refund that it is for is its buyer's and its seller's, which
    the issuer does not see: the platform's own work enters it, and does nothing where the refund waits no more.
    """
    live = [one for one in siblings_of(uow, void) if not is_void(one)]
    if live:
        return live[0]
    enqueue(uow, ENTER, {"letter_id": str(void.id)}, dedupe_key=str(void.id))
    audit.record(uow, "red_letter.again", subject_id=void.id)
    return void


def enter_again(uow: UnitOfWork, void: RedLetter, side: str) -> RedLetter:
    """Another letter in the place of a void one, by `buyer` or `seller`; where there is one already, that.

    Raises and locks: as `decide_red_letter`.
    """
    if void.note_id is not None:
        lock_row(uow.session, Invoice, void.note_id)
    elif void.refund_id is None or lock_held(uow, void.refund_id) is None:
        raise Conflict("red_letter_refund_over")
    live = [one for one in siblings_of(uow, void) if not is_void(one)]
    if live:
        return live[0]
    request = uow.session.get_one(FapiaoRequest, uow.session.get_one(Fapiao, void.fapiao_id).request_id)
    rows = uow.session.scalars(
        select(FapiaoLine).where(FapiaoLine.fapiao_id == void.red_id).order_by(FapiaoLine.position)
    )
    cause = Cause(void.reason, void.note_id, None if void.note_id else void.refund_id)
    letter_id = open_letter(uow, request, cause, void.fapiao_id, [part_line(row) for row in rows], by=side)
    audit.record(uow, "red_letter.again", subject_id=letter_id)
    return uow.session.get_one(RedLetter, letter_id)


def open_letter(
    uow: UnitOfWork, request: FapiaoRequest, cause: Cause, fapiao_id: UUID, lines: list[PartLine], *, by: str
) -> UUID:
    """Enter a letter that takes these lines of a document back; `by` the `buyer` or the `seller`. Its request is locked."""
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
        note_id=cause.note_id,
        refund_id=cause.refund_id,
        reason=cause.reason,
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
    """What goes back of which document, for each line of the note, as far as nothing else takes it back."""
    left = left_of_request(uow, request_id)
    wanted = noted_of_lines(uow, note.id)
    taken = lines_taken(uow, wanted, besides=note.id)
    found: dict[UUID, list[PartLine]] = defaultdict(list)
    for line_id, gross in wanted.items():
        missing = missing_of(gross, taken[line_id])
        here = [part for part in left if part.line.source_id == line_id] if missing else []
        for one in take_back(here, missing):
            found[one.fapiao_id].append(one.line)
    return found


def missing_of(wanted_minor: int, taken: LineTaken) -> int:
    """How much of what is wanted of a line nothing takes back yet."""
    spare = taken.pledged - taken.claimed - taken.held
    return max(0, min(wanted_minor, wanted_minor - spare))


def _adopt(uow: UnitOfWork, request_id: UUID, note: Invoice) -> list[UUID]:
    """Live letters of the note's own refund, and of refunds that came to nothing, are the note's. Returns their ids."""
    over = select(Refund.id).where(Refund.id == RedLetter.refund_id, Refund.state == "failed").exists()
    rows = uow.session.scalars(
        select(RedLetter.id)
        .join(Fapiao, Fapiao.id == RedLetter.fapiao_id)
        .where(
            Fapiao.request_id == request_id,
            RedLetter.note_id.is_(None),
            RedLetter.state.in_(LIVE),
            or_(RedLetter.refund_id == note.refund_id, over),
        )
    ).all()
    letters = lock_rows(uow.session, RedLetter, rows)
    for letter in letters:
        letter.note_id = note.id
    uow.flush()
    return [letter.id for letter in letters]


def left_of_request(uow: UnitOfWork, request_id: UUID) -> list[LeftLine]:
    """Of the tax invoices of a request: blue lines less what live letters take back, documents in order."""
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
