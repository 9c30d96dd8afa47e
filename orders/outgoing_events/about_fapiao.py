"""What both sides are told of Chinese tax invoices (数电票) and of the red letters that take them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import aliased

from billing.fapiao.events import RedFapiaoIssued
from billing.fapiao.models import FAPIAO_REQUEST, RED_LETTER, Fapiao, FapiaoRequest, RedLetter
from kernel.db.uow import UnitOfWork
from marketplace.webhooks.event_types import EventData, EventType, register_types
from orders.outgoing_events.event_data import MoneyData, PartyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event, tells_of_states
from orders.outgoing_events.samples import BUYER, INVOICES, SELLER, cny, same, sample_id


class FapiaoData(EventData):
    """What was asked for, and the numbers that the issuer gave."""

    request_id: UUID
    kind: str = Field(description="`ordinary` or `special`")
    issuer: PartyData
    recipient: PartyData
    numbers: list[str] = Field(description="Of the blue ones, in order; all of them once it is issued")
    net: MoneyData
    tax: MoneyData
    gross: MoneyData
    failure_code: str | None
    sandbox: bool


class RedLetterData(EventData):
    """What a red letter takes back of which document, for which credit note."""

    red_letter_id: UUID
    number: str | None = Field(description="Of the letter (红字发票信息确认单编号)")
    state: str
    original_number: str
    red_number: str | None
    credit_note_id: UUID | None = Field(description="Null while its refund waits for it")
    refund_id: UUID | None = Field(description="The refund that waits, or waited, for it")
    issuer: PartyData
    recipient: PartyData
    gross: MoneyData
    sandbox: bool


def tell_requests(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Requests that came to their end."""
    ids = [fact.subject_id for fact in facts]
    found = {row.id: row for row in uow.session.scalars(select(FapiaoRequest).where(FapiaoRequest.id.in_(ids)))}
    numbers: dict[UUID, list[str]] = defaultdict(list)
    blue = select(Fapiao.request_id, Fapiao.number).where(Fapiao.request_id.in_(ids), Fapiao.direction == "blue")
    for request_id, number in uow.session.execute(blue.order_by(Fapiao.position)):
        numbers[request_id] += [number] if number else []
    for fact in facts:
        row = found[fact.subject_id]
        data = FapiaoData(
            request_id=row.id,
            kind=row.kind,
            issuer=PartyData(id=row.seller_org_id, name=row.seller["legal_name"]),
            recipient=PartyData(id=row.buyer_org_id, name=row.buyer["legal_name"]),
            numbers=numbers[row.id],
            net=_money(row.net_minor, row.currency),
            tax=_money(row.tax_minor, row.currency),
            gross=_money(row.gross_minor, row.currency),
            failure_code=row.failure_code,
            sandbox=row.sandbox,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def tell_red_letters(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Letters that wait for a side's word, and red ones that have their number."""
    red = aliased(Fapiao)
    rows = uow.session.execute(
        select(RedLetter, Fapiao.number, red.number, FapiaoRequest)
        .join(Fapiao, Fapiao.id == RedLetter.fapiao_id)
        .join(red, red.id == RedLetter.red_id)
        .join(FapiaoRequest, FapiaoRequest.id == Fapiao.request_id)
        .where(RedLetter.id.in_([fact.subject_id for fact in facts]))
    )
    found = {letter.id: (letter, original, number, request) for letter, original, number, request in rows}
    for fact in facts:
        letter, original, number, request = found[fact.subject_id]
        data = RedLetterData(
            red_letter_id=letter.id,
            number=letter.number,
            state=letter.state,
            original_number=original or "",
            red_number=number,
            credit_note_id=letter.note_id,
            refund_id=letter.refund_id,
            issuer=PartyData(id=request.seller_org_id, name=request.seller["legal_name"]),
            recipient=PartyData(id=request.buyer_org_id, name=request.buyer["legal_name"]),
            gross=_money(letter.gross_minor, letter.currency),
            sandbox=request.sandbox,
        )
        yield Addressed(fact, letter.buyer_org_id, data)
        yield Addressed(fact, letter.seller_org_id, data)


def _money(amount_minor: int, currency: str) -> MoneyData:
    return MoneyData(amount=amount_minor, currency=currency.strip())


tells_of_states(FAPIAO_REQUEST, tell_requests, issued="fapiao.issued", failed="fapiao.failed")
tells_of_states(
    RED_LETTER,
    tell_red_letters,
    awaiting_buyer="red_letter.awaiting_buyer",
    awaiting_seller="red_letter.awaiting_seller",
)
tells_of_event(RedFapiaoIssued, tell_red_letters, "red_letter.issued")

_ASKED = FapiaoData(
    request_id=sample_id(60),
    kind="special",
    issuer=SELLER,
    recipient=BUYER,
    numbers=["26332000000012345678"],
    net=cny(1_800_000),
    tax=cny(108_000),
    gross=cny(1_908_000),
    failure_code=None,
    sandbox=False,
)
_REFUSED = _ASKED.model_copy(update={"numbers": [], "failure_code": "fapiao_quota_used_up"})
_LETTER = RedLetterData(
    red_letter_id=sample_id(61),
    number=None,
    state="awaiting_buyer",
    original_number="26332000000012345678",
    red_number=None,
    credit_note_id=None,
    refund_id=sample_id(63),
    issuer=SELLER,
    recipient=BUYER,
    gross=cny(1_908_000),
    sandbox=False,
)
_BY_BUYER = _LETTER.model_copy(update={"state": "awaiting_seller"})
_TAKEN_BACK = _LETTER.model_copy(
    update={"number": "33012611221234567890", "state": "confirmed", "red_number": "26332000000012345679"}
)
register_types(
    EventType("fapiao.issued", "数电票已开具。", "Tax invoices have their numbers.", INVOICES, same(_ASKED)),
    EventType("fapiao.failed", "数电票开具被拒。", "The issuer refused a tax invoice.", INVOICES, same(_REFUSED)),
    EventType(
        "red_letter.awaiting_buyer",
        "红字确认单待购方在 72 小时内确认。",
        "A red letter waits 72 hours for the buyer's word.",
        INVOICES,
        same(_LETTER),
    ),
    EventType(
        "red_letter.awaiting_seller",
        "红字确认单待销方在 72 小时内确认。",
        "A red letter waits 72 hours for the seller's word.",
        INVOICES,
        same(_BY_BUYER),
    ),
    EventType(
        "red_letter.issued", "红字数电票已开具。", "A red tax invoice has its number.", INVOICES, same(_TAKEN_BACK)
    ),
)
