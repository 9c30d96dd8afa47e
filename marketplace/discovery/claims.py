"""What a video promises of a plan, as it is frozen onto an order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.parties.viewer import viewer
from marketplace.placements.claim_checks import ClaimValue, find_contradiction
from marketplace.placements.models import Claim, Placement
from marketplace.videos.access import MAY_SEE
from marketplace.videos.models import Video


@dataclass(frozen=True, slots=True)
class ClaimFact:
    """A promise made in a video at a second, as it is frozen onto an order. `ok`: the plan keeps it."""

    kind: str
    at_ms: int
    value_int: int | None
    value_text: str | None
    currency: str | None
    unit: str | None
    text: str
    text_en: str
    ok: bool


_CLAIMS = Read(
    select(Claim, Plan)
    .join(Placement, Placement.id == Claim.placement_id)
    .join(Plan, Plan.id == Placement.plan_id)
    .join(Video, Video.id == Claim.video_id)
    .where(
        Claim.video_id == bindparam("video_id"),
        Placement.plan_id == bindparam("plan_id"),
        Claim.removed_at.is_(None),
        MAY_SEE,
    )
    .order_by(Claim.at_ms, Claim.id)
)


def ask_claims(uow: UnitOfWork, video_id: UUID, plan_id: UUID) -> None:
    """Ask ahead for `claims_of`."""
    uow.ask_ahead(_CLAIMS, video_id=video_id, plan_id=plan_id, **viewer(uow.principal))


def claims_of(uow: UnitOfWork, video_id: UUID, plan_id: UUID) -> list[ClaimFact]:
    """What the video promises of the plan, in the order in which it is said."""
    rows = uow.fetch(_CLAIMS, video_id=video_id, plan_id=plan_id, **viewer(uow.principal))
    return [_claim(claim, plan) for claim, plan in rows]


def _claim(claim: Claim, plan: Plan) -> ClaimFact:
    return ClaimFact(
        kind=claim.kind,
        at_ms=claim.at_ms,
        value_int=claim.value_int,
        value_text=claim.value_text,
        currency=claim.currency,
        unit=claim.unit,
        text=claim.text,
        text_en=claim.text_en,
        ok=find_contradiction(ClaimValue.of(claim), terms_of(plan)) is None,
    )
