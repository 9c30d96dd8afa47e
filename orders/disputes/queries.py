"""What the three sides read of disputes: the buyer of its payments, a seller of its orders alone, the operator of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_

from billing.disputes.models import Dispute, DisputePart, DisputeSubmission
from billing.shares.models import Share
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, decode, newest_first
from kernel.states import state_in
from orders.disputes.models import DisputeEvidence, DisputeStatement
from orders.disputes.say import Side, is_answerable
from orders.order.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class DisputedPart:
    """An order that a dispute is about, or one line of it (`line_id`, with its title)."""

    order_id: UUID
    order_number: str
    line_id: UUID | None
    title: str
    title_en: str
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DisputeWords:
    """What one side says."""

    side: str
    org_id: UUID
    words: str
    withdraws: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeDocument:
    """A document that one side shows."""

    id: UUID
    side: str
    org_id: UUID
    file_name: str
    media_type: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeSent:
    """What was or is sent to the bank."""

    id: UUID
    text: str
    document_ids: tuple[UUID, ...]
    file_names: tuple[str, ...]
    made_by: str
    state: str
    error_code: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisputeCaseView:
    """A dispute as one side may see it. `amount_minor`: of a seller what is about its orders; `frozen_minor`: what of its shares
    stands still. What the gateway takes and what is lost (`fee_minor`, `loss_minor`, `loss_left_minor`) is the operator's.
    """

    id: UUID
    payment_id: UUID
    gateway: str
    gateway_reference: str
    state: str
    reason: str
    currency: str
    amount_minor: int
    frozen_minor: int
    basis: str
    answer_by: datetime
    submit_at: datetime
    due_by: datetime
    submitted_at: datetime | None
    is_answerable: bool
    """The sides may still say their part."""
    fee_minor: int
    fee_currency: str | None
    loss_minor: int
    loss_left_minor: int
    created_at: datetime
    ended_at: datetime | None
    parts: tuple[DisputedPart, ...]
    words: tuple[DisputeWords, ...]
    documents: tuple[DisputeDocument, ...]
    sent: tuple[DisputeSent, ...]
    """Of a seller empty: it may hold what other sellers say."""


def get_dispute(uow: UnitOfWork, dispute_id: UUID, *, side: Side | None) -> DisputeCaseView:
    """One of the acting organization as `buyer` or `seller`; for operators (None) anybody's.

    Raises: NotFound `dispute_not_found`; Forbidden `permission_missing` of an operator without operator.read.
    """
    found = _views(
        uow, uow.session.scalars(select(Dispute).where(_of(uow, side), Dispute.id == dispute_id)).all(), side
    )
    if not found:
        raise NotFound("dispute_not_found")
    return found[0]


def list_cases(
    uow: UnitOfWork, *, side: Side, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[DisputeCaseView]:
    """Those of which the acting organization is the `buyer` or a `seller`, newest first."""
    statement = select(Dispute).where(_of(uow, side))
    if state is not None:
        statement = statement.where(Dispute.state == state)
    rows = uow.session.scalars(newest_first(statement, Dispute.created_at, Dispute.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_views(uow, page.items, side), page.next_cursor)


def list_open_cases(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[DisputeCaseView]:
    """Open disputes, the nearest deadline first. Raises: Forbidden `permission_missing` without operator.read."""
    statement = select(Dispute).where(_of(uow, None), state_in(Dispute.state, "open"))
    keys = Dispute.due_by, Dispute.id
    if cursor:
        statement = statement.where(tuple_(*keys) > tuple_(*decode(cursor)))
    rows = uow.session.scalars(statement.order_by(*keys).limit(bounded(limit) + 1)).all()
    page = cut(rows, limit, lambda row: (row.due_by, row.id))
    return Page(_views(uow, page.items, None), page.next_cursor)


@dataclass(frozen=True, slots=True)
class LatestDispute:
    """The latest dispute about an order."""

    id: UUID
    state: str


def latest_dispute(uow: UnitOfWork, order_id: UUID) -> LatestDispute | None:
    """The latest about an order that the acting organization bought."""
    row = uow.session.execute(
        select(Dispute.id, Dispute.state)
        .join(DisputePart, DisputePart.dispute_id == Dispute.id)
        .where(_of(uow, "buyer"), DisputePart.reference == order_id)
        .order_by(Dispute.created_at.desc(), Dispute.id.desc())
        .limit(1)
    ).first()
    return LatestDispute(row.id, row.state) if row is not None else None


def assignable_lines(uow: UnitOfWork, dispute_id: UUID) -> list[DisputedPart]:
    """Every line that the disputed payment paid, with its gross as `amount_minor`. Raises Forbidden without operator.read."""
    uow.principal.require("operator.read")
    paid = select(Dispute.payment_id).where(Dispute.id == dispute_id).scalar_subquery()
    rows = uow.session.execute(
        select(Order, OrderLine)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.payment_id == paid)
        .order_by(Order.id, OrderLine.id)
    )
    return [_part(order, line, line.gross_minor) for order, line in rows]


def _of(uow: UnitOfWork, side: Side | None) -> ColumnElement[bool]:
    if side is None:
        uow.principal.require("operator.read")
        return Dispute.id.is_not(None)
    org_id = uow.principal.organization()
    return Dispute.payer_org_id == org_id if side == "buyer" else Dispute.seller_org_ids.contains([org_id])


def _views(uow: UnitOfWork, rows: Sequence[Dispute], side: Side | None) -> list[DisputeCaseView]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    parts, frozen = _parts(uow, ids, side), _frozen(uow, ids) if side == "seller" else {}
    words, documents, sent = _words(uow, ids, side), _documents(uow, ids, side), _sent(uow, ids, side)
    if side == "buyer":
        # What a seller showed is the buyer's to read once the bank has it.
        for dispute_id, shown in documents.items():
            given = {one for sent_one in sent[dispute_id] if sent_one.state == "sent" for one in sent_one.document_ids}
            documents[dispute_id] = [one for one in shown if one.side == "buyer" or one.id in given]
    return [
        _view(row, side, parts[row.id], frozen.get(row.id, 0), words[row.id], documents[row.id], sent[row.id])
        for row in rows
    ]


def _view(
    row: Dispute,
    side: Side | None,
    parts: list[DisputedPart],
    frozen_minor: int,
    words: list[DisputeWords],
    documents: list[DisputeDocument],
    sent: list[DisputeSent],
) -> DisputeCaseView:
    computed = {"amount_minor", "frozen_minor", "is_answerable", "parts", "words", "documents", "sent"}
    known = {name: getattr(row, name) for name in DisputeCaseView.__dataclass_fields__.keys() - computed}
    if side is not None:
        known |= {"fee_minor": 0, "fee_currency": None, "loss_minor": 0, "loss_left_minor": 0}
    return DisputeCaseView(
        **known,
        amount_minor=sum(part.amount_minor for part in parts) if side == "seller" else row.amount_minor,
        frozen_minor=frozen_minor,
        is_answerable=is_answerable(row),
        parts=tuple(parts),
        words=tuple(words),
        documents=tuple(documents),
        sent=tuple(sent),
    )


def _parts(uow: UnitOfWork, ids: Collection[UUID], side: Side | None) -> dict[UUID, list[DisputedPart]]:
    statement = (
        select(DisputePart, Order, OrderLine)
        .join(Order, Order.id == DisputePart.reference)
        .outerjoin(OrderLine, OrderLine.id == DisputePart.line_id)
        .where(DisputePart.dispute_id.in_(ids))
        .order_by(DisputePart.created_at, DisputePart.id)
    )
    if side == "seller":
        statement = statement.where(DisputePart.seller_org_id == uow.principal.organization())
    found: dict[UUID, list[DisputedPart]] = defaultdict(list)
    for part, order, line in uow.session.execute(statement):
        found[part.dispute_id].append(_part(order, line, part.amount_minor))
    return found


def _part(order: Order, line: OrderLine | None, amount_minor: int) -> DisputedPart:
    plan = line.plan if line is not None else {"title": "", "title_en": ""}
    return DisputedPart(
        order_id=order.id,
        order_number=order.number,
        line_id=line.id if line is not None else None,
        title=plan["title"],
        title_en=plan["title_en"],
        buyer_name=order.buyer_name,
        seller_org_id=order.seller_org_id,
        seller_name=order.seller_name,
        amount_minor=amount_minor,
    )


def _frozen(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, int]:
    """What of the acting seller's shares stands still."""
    about = (DisputePart.reference == Share.group_reference) & (
        DisputePart.line_id.is_(None) | (DisputePart.line_id == Share.reference)
    )
    rows = uow.session.execute(
        select(DisputePart.dispute_id, func.sum(Share.amount_minor - Share.reversed_minor))
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .join(Share, about)
        .where(
            DisputePart.dispute_id.in_(ids),
            Dispute.state == "open",
            Share.org_id == uow.principal.organization(),
            Share.kind == "seller",
            Share.state != "paid",
        )
        .group_by(DisputePart.dispute_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def _words(uow: UnitOfWork, ids: Collection[UUID], side: Side | None) -> dict[UUID, list[DisputeWords]]:
    statement = select(DisputeStatement).where(DisputeStatement.dispute_id.in_(ids)).order_by(DisputeStatement.id)
    if side == "buyer":
        # What sellers say the buyer reads in what the bank was told.
        statement = statement.where(DisputeStatement.side == "buyer")
    elif side == "seller":
        statement = statement.where(DisputeStatement.seller_org_ids.contains([uow.principal.organization()]))
    found: dict[UUID, list[DisputeWords]] = defaultdict(list)
    for row in uow.session.scalars(statement):
        found[row.dispute_id].append(DisputeWords(row.side, row.org_id, row.words, row.withdraws, row.changed_at))
    return found


def _documents(uow: UnitOfWork, ids: Collection[UUID], side: Side | None) -> dict[UUID, list[DisputeDocument]]:
    statement = select(DisputeEvidence).where(DisputeEvidence.dispute_id.in_(ids)).order_by(DisputeEvidence.id)
    if side == "seller":
        statement = statement.where(DisputeEvidence.seller_org_ids.contains([uow.principal.organization()]))
    found: dict[UUID, list[DisputeDocument]] = defaultdict(list)
    for row in uow.session.scalars(statement):
        shown = DisputeDocument(**{name: getattr(row, name) for name in DisputeDocument.__dataclass_fields__})
        found[row.dispute_id].append(shown)
    return found


def _sent(uow: UnitOfWork, ids: Collection[UUID], side: Side | None) -> dict[UUID, list[DisputeSent]]:
    found: dict[UUID, list[DisputeSent]] = defaultdict(list)
    if side == "seller":
        return found
    statement = select(DisputeSubmission).where(DisputeSubmission.dispute_id.in_(ids)).order_by(DisputeSubmission.id)
    if side == "buyer":
        statement = statement.where(DisputeSubmission.state == "sent")
    for row in uow.session.scalars(statement):
        found[row.dispute_id].append(
            DisputeSent(
                id=row.id,
                text=row.text,
                document_ids=tuple(UUID(one["id"]) for one in row.documents),
                file_names=tuple(str(one["file_name"]) for one in row.documents),
                made_by=row.made_by,
                state=row.state,
                error_code=row.error_code,
                created_at=row.created_at,
                ended_at=row.ended_at,
            )
        )
    return found
