"""The seller delivers a milestone: files one by one, then its word that they are what was agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.storage import StoredObject
from kernel.text import plain_text
from orders.milestones.events import MilestoneDelivered
from orders.order.locking import find_locked_order
from orders.order.milestones import AWAITED, MILESTONE, MilestoneDelivery, MilestoneFile, OrderMilestone, milestones_of
from orders.order.models import Order

PREFIX = "milestones"
"""Where files are kept in the object store."""
MAX_FILES = 20
"""Of one delivery."""
MAX_WORDS = 2_000
TOLD_BEFORE = timedelta(days=2)
"""How long before the clock accepts a delivery its buyer is told once more."""


@dataclass(frozen=True, slots=True)
class AddFile:
    """What was stored, what its bytes are, and what its uploader called it (for people, never for a path)."""

    milestone_id: UUID
    stored: StoredObject
    media_type: str
    file_name: str


def file_key(org_id: UUID) -> str:
    """Where a file is to be stored: a new place every time."""
    return f"{PREFIX}/{org_id}/{uuid7()}"


def require_awaited(uow: UnitOfWork, milestone_id: UUID) -> OrderMilestone:
    """A milestone that the acting seller is to deliver now. Raises as `deliver`. Locks: the order."""
    _, one = find_milestone(uow, milestone_id, of_buyer=False)
    if one.state not in AWAITED:
        raise Conflict("milestone_not_awaited", state=one.state)
    return one


def add_file(uow: UnitOfWork, command: AddFile) -> MilestoneFile:
    """Put a stored file with what is to be delivered next. The same file again, by the same name, changes nothing.

    Raises: NotFound, Conflict `milestone_not_awaited`, Invalid `milestone_files_too_many`. Locks: the order.
    """
    one = require_awaited(uow, command.milestone_id)
    name = plain_text(command.file_name)[:200] or "file"
    known = uow.session.scalars(
        select(MilestoneFile).where(MilestoneFile.milestone_id == one.id, MilestoneFile.version == one.version + 1)
    ).all()
    for row in known:
        if (row.sha256, row.file_name) == (command.stored.sha256, name):
            return row
    if len(known) >= MAX_FILES:
        raise Invalid("milestone_files_too_many", field="file", most=MAX_FILES)
    added = MilestoneFile(
        id=uuid7(),
        buyer_org_id=one.buyer_org_id,
        seller_org_id=one.seller_org_id,
        milestone_id=one.id,
        version=one.version + 1,
        file_key=command.stored.key,
        file_name=name,
        media_type=command.media_type,
        sha256=command.stored.sha256,
        size_bytes=command.stored.size_bytes,
        created_at=clock.now(),
    )
    uow.session.add(added)
    uow.flush()
    return added


def remove_file(uow: UnitOfWork, milestone_id: UUID, file_id: UUID) -> str | None:
    """Take a file back that was not delivered yet. Returns what is stored of it, None when there is none any more.

    Raises: NotFound, Conflict `milestone_not_awaited`. Locks: the order.
    """
    one = require_awaited(uow, milestone_id)
    row = uow.session.get(MilestoneFile, file_id)
    if row is None or row.milestone_id != one.id:
        return None
    if row.version <= one.version:
        raise Conflict("milestone_not_awaited", state=one.state)
    uow.session.delete(row)
    uow.flush()
    return row.file_key


def deliver(uow: UnitOfWork, milestone_id: UUID, *, version: int, words: str) -> OrderMilestone:
    """The seller says that a milestone is done. Its buyer has the plan's days to look at it. Idempotent by the version.

    `version` is one more than how often it was delivered before.

    Raises: NotFound, Conflict `milestone_not_awaited`, `milestone_changed`, Invalid `milestone_nothing_delivered`,
    `text_too_long`. Emits: MilestoneDelivered. Locks: the order.
    """
    order, one = find_milestone(uow, milestone_id, of_buyer=False)
    if one.state == "delivered" and one.version == version:
        return one
    if one.state not in AWAITED or order.state != "active":
        raise Conflict("milestone_not_awaited", state=one.state)
    if version != one.version + 1:
        raise Conflict("milestone_changed")
    said = checked_words(words)
    files = select(func.count()).where(MilestoneFile.milestone_id == one.id, MilestoneFile.version == version)
    if not said and not uow.session.scalar(files):
        raise Invalid("milestone_nothing_delivered", field="words")
    now = clock.now()
    MILESTONE.move(uow, one, "delivered", org_ids=order.parties, reason=f"version_{version}")
    one.version, one.delivered_at = version, now
    one.deadline_at = now + timedelta(days=one.accept_days)
    one.notice_at = max(now, one.deadline_at - TOLD_BEFORE) if one.accept_days > TOLD_BEFORE.days else None
    uow.session.add(
        MilestoneDelivery(
            id=uuid7(),
            buyer_org_id=one.buyer_org_id,
            seller_org_id=one.seller_org_id,
            milestone_id=one.id,
            version=version,
            words=said,
            delivered_at=now,
        )
    )
    emit(uow, MilestoneDelivered(**named(one), version=version))
    return one


def find_milestone(uow: UnitOfWork, milestone_id: UUID, *, of_buyer: bool) -> tuple[Order, OrderMilestone]:
    """A milestone of an order that the acting organization bought or sold. Raises NotFound. Locks: the order."""
    order_id = uow.session.scalar(select(OrderMilestone.order_id).where(OrderMilestone.id == milestone_id))
    order = find_locked_order(uow, order_id) if order_id is not None else None
    org_id = uow.principal.organization()
    if order is None or org_id != (order.buyer_org_id if of_buyer else order.seller_org_id):
        raise NotFound("not_found")
    # Read after the lock: what another transaction did meanwhile is seen.
    return order, next(one for one in milestones_of(uow, order.id) if one.id == milestone_id)


def checked_words(words: str) -> str:
    """What somebody says of a delivery, clean. Raises Invalid `text_too_long`."""
    said = plain_text(words, multiline=True)
    if len(said) > MAX_WORDS:
        raise Invalid("text_too_long", field="words", limit=MAX_WORDS)
    return said


def named(one: OrderMilestone) -> dict[str, UUID]:
    """Whose milestone an event is about."""
    return {
        "milestone_id": one.id,
        "order_id": one.order_id,
        "buyer_org_id": one.buyer_org_id,
        "seller_org_id": one.seller_org_id,
    }
