"""Reads of milestones, as frozen rows, for pages and JSON alike: the buyer's, the seller's, and what is stuck."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.test_clocks.own_time import present_of
from orders.milestones.cancel import CANCELLABLE_AFTER, may_cancel
from orders.order.milestones import AWAITED, MilestoneDelivery, MilestoneFile, OrderMilestone
from orders.order.models import Order, OrderLine

MOST = 100


@dataclass(frozen=True, slots=True)
class MilestoneFileView:
    """A file of a delivery."""

    id: UUID
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MilestoneDeliveryView:
    """One delivery, with what its buyer wanted done again."""

    version: int
    words: str
    delivered_at: datetime
    rework_words: str | None
    answered_at: datetime | None
    files: tuple[MilestoneFileView, ...]


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """A milestone as one of its sides sees it. `drafts`: files that the seller has not delivered yet, to the seller alone."""

    id: UUID
    order_id: UUID
    order_line_id: UUID
    position: int
    code: str
    name: str
    name_en: str
    state: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    version: int
    due_at: datetime | None
    deadline_at: datetime | None
    cancellable_at: datetime | None
    """From when the buyer may have its money back, while it is awaited."""
    delivered_at: datetime | None
    accepted_at: datetime | None
    is_overdue: bool
    may_cancel: bool
    deliveries: tuple[MilestoneDeliveryView, ...]
    """The latest first."""
    drafts: tuple[MilestoneFileView, ...]


@dataclass(frozen=True, slots=True)
class WaitingMilestone:
    """A milestone that waits for somebody, since when, and until when."""

    milestone_id: UUID
    order_id: UUID
    number: str
    buyer_name: str
    seller_name: str
    title: str
    title_en: str
    code: str
    name: str
    name_en: str
    state: str
    currency: str
    gross_minor: int
    since_at: datetime
    due_at: datetime | None
    deadline_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class MilestoneFileContent:
    """Where a file is kept, and how it is sent."""

    key: str
    file_name: str
    media_type: str


def list_milestones(uow: UnitOfWork, order_id: UUID, *, of_buyer: bool) -> list[MilestoneView]:
    """The milestones of an order that the acting organization bought or sold; none where it is not delivered in such.

    Raises NotFound.
    """
    mine = (Order.buyer_org_id if of_buyer else Order.seller_org_id) == uow.principal.organization()
    if uow.session.scalar(select(Order.id).where(Order.id == order_id, mine, Order.paid_at.is_not(None))) is None:
        if of_buyer and uow.session.scalar(select(Order.id).where(Order.id == order_id, mine)) is not None:
            return []
        raise NotFound("not_found")
    rows = uow.session.scalars(
        select(OrderMilestone)
        .where(OrderMilestone.order_id == order_id)
        .order_by(OrderMilestone.order_line_id, OrderMilestone.position)
    ).all()
    return _views(uow, rows, of_buyer=of_buyer)


def get_milestone(uow: UnitOfWork, milestone_id: UUID, *, of_buyer: bool) -> MilestoneView:
    """A milestone of the acting organization as `list_milestones`. Raises NotFound."""
    mine = OrderMilestone.buyer_org_id if of_buyer else OrderMilestone.seller_org_id
    row = uow.session.scalars(
        select(OrderMilestone).where(OrderMilestone.id == milestone_id, mine == uow.principal.organization())
    ).first()
    if row is None:
        raise NotFound("not_found")
    return _views(uow, [row], of_buyer=of_buyer)[0]


def find_file_content(uow: UnitOfWork, milestone_id: UUID, file_id: UUID, *, of_buyer: bool) -> MilestoneFileContent:
    """A file of a milestone: to its buyer once it is delivered. Raises NotFound."""
    statement = (
        select(MilestoneFile)
        .join(OrderMilestone, OrderMilestone.id == MilestoneFile.milestone_id)
        .where(MilestoneFile.id == file_id, MilestoneFile.milestone_id == milestone_id)
    )
    org_id = uow.principal.organization()
    if of_buyer:
        statement = statement.where(
            OrderMilestone.buyer_org_id == org_id, MilestoneFile.version <= OrderMilestone.version
        )
    else:
        statement = statement.where(OrderMilestone.seller_org_id == org_id)
    row = uow.session.scalars(statement).first()
    if row is None:
        raise NotFound("not_found")
    return MilestoneFileContent(row.file_key, row.file_name, row.media_type)


def sold_milestones(uow: UnitOfWork) -> list[WaitingMilestone]:
    """What waits of the services that the acting organization sold, the most urgent hundred first."""
    mine = OrderMilestone.seller_org_id == uow.principal.organization()
    return _waiting(uow, _open().where(mine).order_by(OrderMilestone.deadline_at, OrderMilestone.id))


def stuck_milestones(uow: UnitOfWork) -> list[WaitingMilestone]:
    """What waits of all services, for the platform: overdue first, by age; the oldest hundred.

    Raises Forbidden `permission_missing`.
    """
    uow.principal.require("operator.read")
    since = OrderMilestone.due_at.nulls_last()
    return _waiting(uow, _open().order_by(since, OrderMilestone.created_at, OrderMilestone.id))


def _open() -> Any:
    return (
        select(OrderMilestone, Order, OrderLine.plan)
        .join(Order, Order.id == OrderMilestone.order_id)
        .join(OrderLine, OrderLine.id == OrderMilestone.order_line_id)
        .where(OrderMilestone.deadline_at.is_not(None))
        .limit(MOST)
    )


def _waiting(uow: UnitOfWork, statement: Any) -> list[WaitingMilestone]:
    return [
        WaitingMilestone(
            milestone_id=one.id,
            order_id=order.id,
            number=order.number,
            buyer_name=order.buyer_name,
            seller_name=order.seller_name,
            title=plan["title"],
            title_en=plan["title_en"],
            code=one.code,
            name=one.name,
            name_en=one.name_en,
            state=one.state,
            currency=one.currency.strip(),
            gross_minor=one.gross_minor,
            since_at=_since(uow, one),
            due_at=one.due_at,
            deadline_at=one.deadline_at,
            is_overdue=_is_overdue(uow, one),
        )
        for one, order, plan in uow.session.execute(statement)
    ]


def _since(uow: UnitOfWork, one: OrderMilestone) -> datetime:
    """When it began to wait as it does."""
    if one.state == "delivered" and one.delivered_at is not None:
        return one.delivered_at
    return one.due_at if one.due_at is not None and _is_overdue(uow, one) else one.created_at


def _is_overdue(uow: UnitOfWork, one: OrderMilestone) -> bool:
    return one.state in AWAITED and one.due_at is not None and one.due_at <= present_of(uow, one.buyer_org_id)


def _views(uow: UnitOfWork, rows: Sequence[OrderMilestone], *, of_buyer: bool) -> list[MilestoneView]:
    ids = [row.id for row in rows]
    files: dict[tuple[UUID, int], list[MilestoneFileView]] = {}
    for file in _children(uow, MilestoneFile, ids):
        view = MilestoneFileView(
            file.id, file.file_name, file.media_type, file.size_bytes, file.sha256, file.created_at
        )
        files.setdefault((file.milestone_id, file.version), []).append(view)
    deliveries: dict[UUID, list[MilestoneDeliveryView]] = {}
    for one in _children(uow, MilestoneDelivery, ids):
        shown = MilestoneDeliveryView(
            one.version,
            one.words,
            one.delivered_at,
            one.rework_words,
            one.answered_at,
            tuple(files.get((one.milestone_id, one.version), ())),
        )
        deliveries.setdefault(one.milestone_id, []).insert(0, shown)
    return [
        MilestoneView(
            **{name: getattr(row, name) for name in _OF_ROW},
            currency=row.currency.strip(),
            cancellable_at=row.due_at + CANCELLABLE_AFTER if row.due_at is not None and row.state in AWAITED else None,
            is_overdue=_is_overdue(uow, row),
            may_cancel=may_cancel(row),
            deliveries=tuple(deliveries.get(row.id, ())),
            drafts=() if of_buyer else tuple(files.get((row.id, row.version + 1), ())),
        )
        for row in rows
    ]


def _children(uow: UnitOfWork, model: Any, ids: Collection[UUID]) -> Sequence[Any]:
    found = select(model).where(model.milestone_id.in_(ids)).order_by(model.version, model.id)
    return uow.session.scalars(found).all() if ids else ()


_COMPUTED = {"currency", "cancellable_at", "is_overdue", "may_cancel", "deliveries", "drafts"}
_OF_ROW = [name for name in MilestoneView.__slots__ if name not in _COMPUTED]
