"""What a card's owner does with an answer, and how what is personal in it goes again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.signing import BadToken, TokenExpired, TokenSigner
from marketplace.input_text import paragraphs
from marketplace.response_cards.answer_card import RECEIPT, lock_response, require_place
from marketplace.response_cards.models import CARD_RESPONSE, CardResponse, ResponseCard

MAX_NOTE = 2_000
BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class WorkResponse:
    """Where an answer stands, and the owner's own words about it; None: as it is."""

    response_id: UUID
    state: str | None = None
    note: str | None = None


def work_response(uow: UnitOfWork, command: WorkResponse) -> CardResponse:
    """Take an answer up, settle it, decline it, or keep a note.

    Raises:
        Forbidden: `permission_missing` without leads.manage. NotFound: `card_response_not_found`.
        Conflict: `card_full` for one that was declined and whose place is taken since; `invalid_transition`;
            `card_response_erased` for words about somebody whose data is gone. Invalid: `text_too_long`.

    Locks: the card, then the answer.
    """
    uow.principal.require("leads.manage")
    response = lock_response(uow, command.response_id)
    if command.note is not None:
        if response.erased_at is not None and command.note:
            raise Conflict("card_response_erased")
        response.note = paragraphs("note", command.note, MAX_NOTE)
    if command.state is not None and command.state != response.state:
        if response.state == "declined":
            lock_aggregate(uow, response.card_id)
            require_place(uow, uow.session.get_one(ResponseCard, response.card_id))
        CARD_RESPONSE.move(uow, response, command.state, org_ids=[response.org_id])
    uow.flush()
    return response


def erase_response(uow: UnitOfWork, response_id: UUID) -> None:
    """Delete what is personal in an answer, because it was asked for. Gone already, nothing changes.

    The answer stays as a number: its card, its day and where it stands. Raises, Locks: as `work_response`.
    """
    uow.principal.require("leads.manage")
    _erase(uow, lock_response(uow, response_id), "card_response.erased")


def open_receipt(uow: UnitOfWork, signer: TokenSigner, token: str, *, lock: bool = False) -> CardResponse:
    """The answer that a receipt's link names, for whoever holds the link. Raises NotFound(`card_response_not_found`)."""
    try:
        claims = signer.open_token(RECEIPT, token)
    except (BadToken, TokenExpired) as error:
        raise NotFound("card_response_not_found") from error
    response_id = UUID(claims["id"])
    if lock:
        found = lock_row(uow.session, CardResponse, response_id)
    else:
        found = uow.session.get(CardResponse, response_id)
    if found is None:
        raise NotFound("card_response_not_found")
    return found


def erase_own(uow: UnitOfWork, signer: TokenSigner, token: str) -> None:
    """Whoever answered has it deleted. Raises NotFound(`card_response_not_found`). Locks: the answer."""
    with as_platform(uow):
        _erase(uow, open_receipt(uow, signer, token, lock=True), "card_response.erased_by_giver")
        uow.flush_outbox()


def responses_due(uow: UnitOfWork) -> Sequence[UUID]:
    """Answers whose time is over. For the platform."""
    due = select(CardResponse.id).where(CardResponse.erased_at.is_(None), CardResponse.erase_at <= clock.now())
    return uow.session.scalars(due.order_by(CardResponse.erase_at).limit(BATCH_SIZE)).all()


def erase_due(uow: UnitOfWork, response_id: UUID) -> bool:
    """Delete what is personal in an answer whose time is over. Locks: the answer."""
    found = lock_row(uow.session, CardResponse, response_id)
    if found is None or found.erase_at > clock.now():
        return False
    _erase(uow, found, "card_response.erased_by_time")
    return True


def _erase(uow: UnitOfWork, response: CardResponse, act: str) -> None:
    if response.erased_at is not None:
        return
    for name in ("name", "email", "phone", "company", "message", "note"):
        setattr(response, name, "")
    response.email_key, response.person_id, response.erased_at = None, None, clock.now()
    audit.record(uow, act, subject_id=response.id)
    uow.flush()
