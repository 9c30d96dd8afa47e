"""Somebody answers a card: signed in, or, where it takes guests, by consent alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.models import Person
from marketplace.input_text import checked_email, line, paragraphs
from marketplace.mail.compose import Proof, proof_params
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.lookups import get_party
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION, card_consent_text
from marketplace.response_cards.events import CardAnswered
from marketplace.response_cards.models import CARD_RESPONSE, OF_GUESTS, CardResponse, ResponseCard
from marketplace.videos.access import watchable_by
from marketplace.videos.models import Video

OF_CALLER = Limit(20, timedelta(days=1))
"""From one network address: an office shares one."""
OF_MAILBOX = Limit(5, timedelta(days=1))
"""Receipts at one address: it may be somebody else's."""
TOO_OFTEN: Final = "card_answers_too_often"
RECEIPT: Final = "card receipt"
"""What the token is signed for by which somebody comes back to what they answered."""
RECEIPT_PATH: Final = "/card-answer"
MAX_MESSAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """An answer. A field that the card does not ask for is not kept. `second_ms`: where in the video the card was pressed."""

    card_id: UUID
    consent_version: str
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    message: str = ""
    locale: str = "zh-CN"
    second_ms: int = 0
    network_address: str | None = None


@dataclass(frozen=True, slots=True)
class AnsweredCard:
    """What was kept. `receipt`: by which whoever answered comes back to it; a guest has it by mail alone, and learns nothing here
    of an answer that the same address gave before.
    """

    response_id: UUID | None
    receipt: Proof | None


def answer_card(uow: UnitOfWork, command: AnswerCard) -> AnsweredCard:
    """Answer a card of a video that one may watch; a receipt goes out by mail. The same address again is the same answer.

    Raises:
        NotFound: `card_not_found`: none, or on a video that one may not watch. Unauthenticated: `sign_in_required` for a guest
            where the card takes none.
        Invalid: `consent_required`, `text_required`, `text_too_long`, `email_invalid`.
        Conflict: `consent_outdated`, `card_closed`, `card_full`, `card_has_no_file`, `own_card`.
        TooMany: `card_answers_too_often`.

    Emits: CardAnswered. Locks: the card. Idempotent by: the card and the address.
    """
    card = find_shown_card(uow, command.card_id)
    principal = uow.principal
    if principal.org_id == card.org_id and card.kind in OF_GUESTS:
        raise Conflict("own_card")
    if principal.person_id is None and card.kind not in OF_GUESTS:
        raise Unauthenticated("sign_in_required")
    if not command.consent_version:
        raise Invalid("consent_required", field="consent_version")
    if command.consent_version != CARD_CONSENT_VERSION:
        raise Conflict("consent_outdated")
    with as_platform(uow):
        name, email = _who(uow, principal.person_id, command)
        said = _said(card, command)
        lock_aggregate(uow, card.id)
        found = _answered(uow, card.id, email)
        if found is not None and principal.person_id is not None:
            return AnsweredCard(found.id, receipt_of(found))
        _require_open(uow, card)
        _count(uow, command, email)
        response = found or _kept(uow, card, command, principal.person_id, (name, email), said)
        if found is None:
            emit(uow, CardAnswered(response_id=response.id, org_id=card.org_id))
        receipt = receipt_of(response)
        params = {"title": _title(card, command.locale), "owner": get_party(uow, card.org_id).display_name}
        queue_mail(uow, NewMail(email, "card_answered", command.locale, params | proof_params(receipt)))
        # What is recorded of it is its owner's, and whoever answered may be nobody's.
        uow.flush_outbox()
    return AnsweredCard(response.id, receipt) if principal.person_id is not None else AnsweredCard(None, None)


def find_shown_card(uow: UnitOfWork, card_id: UUID) -> ResponseCard:
    """A card on a video that the principal may watch, or that is its own. Raises NotFound(`card_not_found`)."""
    with as_platform(uow):
        card = uow.session.get(ResponseCard, card_id, populate_existing=True)
    if card is None or card.removed_at is not None:
        raise NotFound("card_not_found")
    own = card.org_id == uow.principal.org_id
    shown = select(Video.id).where(Video.id == card.video_id, watchable_by(uow.principal))
    with as_platform(uow):
        # By the condition of who may watch, not by row level security: what is unlisted is watched by its link.
        is_shown = uow.session.scalar(shown) is not None
    if not (own or is_shown):
        raise NotFound("card_not_found")
    return card


def receipt_of(response: CardResponse) -> Proof:
    """How whoever answered comes back, for as long as what they gave is kept."""
    return Proof(RECEIPT, str(response.id), RECEIPT_PATH, response.erase_at, has_code=False)


def _who(uow: UnitOfWork, person_id: UUID | None, command: AnswerCard) -> tuple[str, str]:
    """Whoever has signed in answers by the address of their account: another one would be anybody's."""
    if person_id is None:
        return line("name", command.name, 100), checked_email(command.email, field="email")
    person = uow.session.get_one(Person, person_id)
    return line("name", command.name or person.name, 100), person.email


def _said(card: ResponseCard, command: AnswerCard) -> dict[str, str]:
    limits = {"phone": 40, "company": 100}
    asked = {name: line(name, getattr(command, name), limits[name]) for name in limits if name in card.fields}
    if "message" in card.fields:
        asked["message"] = paragraphs("message", command.message, MAX_MESSAGE)
        if not asked["message"]:
            raise Invalid("text_required", field="message")
    return {name: asked.get(name, "") for name in ("phone", "company", "message")}


def email_key(email: str) -> str:
    """By what an address is known, without being said."""
    return sha256(email.encode()).hexdigest()


def _answered(uow: UnitOfWork, card_id: UUID, email: str) -> CardResponse | None:
    same = select(CardResponse).where(CardResponse.card_id == card_id, CardResponse.email_key == email_key(email))
    return uow.session.scalars(same).one_or_none()


def _require_open(uow: UnitOfWork, card: ResponseCard) -> None:
    # Another transaction may have changed it before the lock.
    uow.session.refresh(card)
    if card.closes_at is not None and card.closes_at <= clock.now():
        raise Conflict("card_closed")
    if card.kind == "download" and card.file_key is None:
        raise Conflict("card_has_no_file")
    require_place(uow, card)


def require_place(uow: UnitOfWork, card: ResponseCard) -> None:
    """Raises Conflict(`card_full`) when every place is taken. The caller holds the card."""
    if card.places is None:
        return
    taken = places_taken(uow, [card.id]).get(card.id, 0)
    if taken >= card.places:
        raise Conflict("card_full")


def places_taken(uow: UnitOfWork, card_ids: list[UUID]) -> dict[UUID, int]:
    """How many answers hold a place, by card."""
    rows = uow.session.execute(
        select(CardResponse.card_id, func.count())
        .where(CardResponse.card_id.in_(card_ids), CardResponse.state != "declined")
        .group_by(CardResponse.card_id)
    )
    return {row[0]: row[1] for row in rows}


def _count(uow: UnitOfWork, command: AnswerCard, email: str) -> None:
    if command.network_address is not None:
        count_within(uow, OF_CALLER, TOO_OFTEN, "card_network", command.network_address)
    count_within(uow, OF_MAILBOX, TOO_OFTEN, "card_mailbox", email)


def _title(card: ResponseCard, locale: str) -> str:
    return card.title_en if locale == "en" else card.title


def _kept(
    uow: UnitOfWork,
    card: ResponseCard,
    command: AnswerCard,
    person_id: UUID | None,
    who: tuple[str, str],
    said: dict[str, str],
) -> CardResponse:
    now, (name, email) = clock.now(), who
    owner = get_party(uow, card.org_id).display_name
    response = CardResponse(
        id=uuid7(),
        org_id=card.org_id,
        card_id=card.id,
        person_id=person_id,
        name=name,
        email=email,
        email_key=email_key(email),
        note="",
        second_ms=max(0, command.second_ms),
        consent_version=CARD_CONSENT_VERSION,
        consent_text=card_consent_text(command.locale, owner, _title(card, command.locale), card.retention_days),
        consented_at=now,
        erase_at=now + timedelta(days=card.retention_days),
        erased_at=None,
        created_at=now,
        **said,
    )
    CARD_RESPONSE.begin(uow, response, org_ids=[card.org_id])
    uow.session.add(response)
    uow.flush()
    return response


def lock_response(uow: UnitOfWork, response_id: UUID) -> CardResponse:
    """An answer to a card of the acting organization, locked. Raises NotFound(`card_response_not_found`)."""
    found = lock_row(uow.session, CardResponse, response_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("card_response_not_found")
    return found
