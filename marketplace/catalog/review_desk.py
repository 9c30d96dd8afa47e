"""What a reviewer goes by: the points to vouch for, ready reasons, and when a listing was taken off sale and put back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.states import StateHistory
from marketplace.catalog.models import LISTING, Listing

CHECKLIST: Final = ("says_what", "true", "languages", "price", "rights", "contact")
"""What a reviewer vouches for; the words are under `review.check.`."""
NOTED: Final = "review_other"
"""The reason that is in the reviewer's own words alone."""
REASONS: Final = (
    "review_unclear",
    "review_misleading",
    "review_unproven",
    "review_price",
    "review_translation",
    "review_rights",
    "review_contact",
    "review_category",
    NOTED,
)
"""Ready reasons in both languages, among the errors' words."""
OFF_SALE: Final = ("suspended", "paused")


def require_checklist(vouched: Collection[str]) -> None:
    """Whoever approves has vouched for every point. Raises Invalid(`review_checklist_open`)."""
    if not set(CHECKLIST) <= set(vouched):
        raise Invalid("review_checklist_open", field="checklist")


@dataclass(frozen=True, slots=True)
class SaleChange:
    """A listing was taken off sale (`suspended`, or `paused` by itself) or put back (`published`).

    `reason` is the reviewer's; of a pause the failed and counted deliveries, of its end how it came about.
    """

    state: str
    reason: str | None
    at: datetime


def suspension_of(uow: UnitOfWork, listing_id: UUID) -> str:
    """Why a listing is off sale at present, in the platform's words; nothing where it is not."""
    state = uow.session.scalar(select(Listing.state).where(Listing.id == listing_id))
    if state != "suspended":
        return ""
    return next((one.reason or "" for one in list_sale_changes(uow, listing_id, limit=1)), "")


def list_sale_changes(uow: UnitOfWork, listing_id: UUID, *, limit: int = 20) -> list[SaleChange]:
    """The latest first, of a listing that the caller has been allowed to see."""
    made = uow.session.get_one(Listing, listing_id).created_at
    rows = uow.session.scalars(
        select(StateHistory)
        .where(
            StateHistory.machine == LISTING.name,
            StateHistory.subject_id == listing_id,
            or_(StateHistory.to_state.in_(OFF_SALE), StateHistory.from_state.in_(OFF_SALE)),
            # Partitions of earlier and of coming months are not even opened.
            StateHistory.at.between(made - timedelta(minutes=1), clock.now() + timedelta(minutes=1)),
        )
        .order_by(StateHistory.at.desc(), StateHistory.id.desc())
        .limit(limit)
    )
    return [SaleChange(row.to_state, row.reason, row.at) for row in rows]
