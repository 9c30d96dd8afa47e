"""What finance is told of Chinese tax invoices (数电票): issued, refused, and red letters that wait for a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from billing.fapiao.events import FapiaosIssued, FapiaosRefused, RedFapiaoIssued, RedLetterEntered
from billing.fapiao.models import Fapiao, FapiaoRequest, RedLetter
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from orders.notifications.notifiers import RecordedEvent, notifies_of

FINANCE = "billing.manage"
EARNINGS = "money.read"
BUYERS_PAGE, SELLERS_PAGE = "/fapiao", "/seller/fapiao"


def _requests(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    ids = [event.uuid("request_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(FapiaoRequest).where(FapiaoRequest.id.in_(ids)))}
    count = {
        request_id: (int(documents), first or "")
        for request_id, documents, first in uow.session.execute(
            select(Fapiao.request_id, func.count(), func.min(Fapiao.number))
            .where(Fapiao.request_id.in_(ids), Fapiao.direction == "blue")
            .group_by(Fapiao.request_id)
        )
    }
    for event in events:
        row = found[event.uuid("request_id")]
        documents, first = count[row.id]
        params = {
            "number": first,
            "documents": documents,
            "seller": row.seller["legal_name"],
            "amount_minor": row.gross_minor,
            "currency": row.currency.strip(),
        }
        yield NewNotification(
            event.id, event.at, kind, BUYERS_PAGE, params, org_id=row.buyer_org_id, permission=FINANCE
        )


@notifies_of(FapiaosIssued)
def fapiao_issued(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer's finance has tax invoices to book."""
    return _requests(uow, events, "fapiao_issued")


@notifies_of(FapiaosRefused)
def fapiao_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer's finance has to ask again."""
    return _requests(uow, events, "fapiao_failed")


def _letters(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, RedLetter, dict[str, str | int]]]:
    red = aliased(Fapiao)
    rows = uow.session.execute(
        select(RedLetter, Fapiao.number, red.number, FapiaoRequest)
        .join(Fapiao, Fapiao.id == RedLetter.fapiao_id)
        .join(red, red.id == RedLetter.red_id)
        .join(FapiaoRequest, FapiaoRequest.id == Fapiao.request_id)
        .where(RedLetter.id.in_([event.uuid("letter_id") for event in events]))
    )
    found = {letter.id: (letter, original, number, request) for letter, original, number, request in rows}
    for event in events:
        letter, original, number, request = found[event.uuid("letter_id")]
        params: dict[str, str | int] = {
            "number": number or "",
            "original": original or "",
            "seller": request.seller["legal_name"],
            "buyer": request.buyer["legal_name"],
            "amount_minor": letter.gross_minor,
            "currency": letter.currency.strip(),
        }
        yield event, letter, params


@notifies_of(RedLetterEntered)
def red_letter_waits(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that did not enter it has 72 hours."""
    for event, letter, params in _letters(uow, events):
        if event.payload["by"] == "seller":
            org_id, kind, path, permission = letter.buyer_org_id, "red_letter_to_buyer", BUYERS_PAGE, FINANCE
        else:
            org_id, kind, path, permission = letter.seller_org_id, "red_letter_to_seller", SELLERS_PAGE, EARNINGS
        yield NewNotification(event.id, event.at, kind, path, params, org_id=org_id, permission=permission)


@notifies_of(RedFapiaoIssued)
def red_fapiao_issued(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer's finance takes the tax out of its books again."""
    for event, letter, params in _letters(uow, events):
        yield NewNotification(
            event.id, event.at, "red_fapiao_issued", BUYERS_PAGE, params, org_id=letter.buyer_org_id, permission=FINANCE
        )
