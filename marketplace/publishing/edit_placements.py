"""Cards and claims of a video: added, removed. Any organization may place any published plan: that is promotion."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import CURRENCIES, exponent
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.discovery.place_video import set_category
from marketplace.input_text import line
from marketplace.placements.claim_checks import KINDS, TRIAL, UNITS, ClaimValue, find_contradiction
from marketplace.placements.claim_words import other_figure, promises_trial
from marketplace.placements.models import Claim, Placement
from marketplace.videos.access import lock_own_video
from marketplace.videos.models import Video

ACTIONS = ("buy", "trial", "demo", "quote", "consult")
MAX_PLACEMENTS = 20
MAX_CLAIMS = 50
MAX_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class AddPlacement:
    """A plan's card from `start_ms` (inclusive) to `end_ms` (exclusive), milliseconds from the video's start."""

    video_id: UUID
    plan_id: UUID
    start_ms: int
    end_ms: int
    action: str = "buy"


@dataclass(frozen=True, slots=True)
class AddClaim:
    """A promise at a moment of the video, about the plan of one of its placements.

    price: `value_int` minor units, `currency`, `unit`; included_seats, trial_days: `value_int`; feature, service_level:
    `value_text` the key of the plan's feature, `value_int` its figure where one is said.
    """

    placement_id: UUID
    kind: str
    at_ms: int
    text: str
    text_en: str
    value_int: int | None = None
    value_text: str | None = None
    currency: str | None = None
    unit: str | None = None


def add_placement(uow: UnitOfWork, command: AddPlacement) -> Placement:
    """Put a card on one of the acting organization's videos.

    Raises:
        NotFound: `video_not_found`, `plan_not_found` (unknown, or another organization's and not published).
        Invalid: `action_unknown`, `trial_not_offered`, `placement_range`, `placement_beyond_end`.
        Conflict: `too_many_placements`; `placement_not_on_sale` on a published video.

    Locks: the video.
    """
    video = lock_own_video(uow, command.video_id)
    _check_action(command.action)
    _check_range(video, command.start_ms, command.end_ms)
    plan, listing = _placeable(uow, command.plan_id, video.org_id)
    _require_trial(command.action, plan)
    if video.state == "published":
        _require_on_sale(plan, listing)
    count = uow.session.scalar(
        select(func.count())
        .select_from(Placement)
        .where(Placement.org_id == video.org_id, Placement.video_id == video.id, Placement.removed_at.is_(None))
    )
    if (count or 0) >= MAX_PLACEMENTS:
        raise Conflict("too_many_placements", limit=MAX_PLACEMENTS)
    placement = Placement(
        id=uuid7(),
        org_id=video.org_id,
        video_id=video.id,
        seller_org_id=plan.org_id,
        listing_id=plan.listing_id,
        plan_id=plan.id,
        start_ms=command.start_ms,
        end_ms=command.end_ms,
        action=command.action,
        position=count or 0,
        created_at=clock.now(),
    )
    uow.session.add(placement)
    set_category(uow, video)
    uow.flush()
    return placement


@dataclass(frozen=True, slots=True)
class ChangePlacement:
    """Another range, plan or call to action for a card; what is not given stays."""

    placement_id: UUID
    start_ms: int | None = None
    end_ms: int | None = None
    action: str | None = None
    plan_id: UUID | None = None


def change_placement(uow: UnitOfWork, command: ChangePlacement) -> Placement:
    """Change a card of one of the acting organization's videos.

    Raises:
        NotFound: `placement_not_found`, `plan_not_found`.
        Invalid: `action_unknown`, `trial_not_offered`, `placement_range`, `placement_beyond_end`.
        Conflict: on a published video `placement_not_on_sale`, or `claim_contradicts_plan` with the new plan.

    Locks: the video, then the placement.
    """
    video, placement = _lock_shown_placement(uow, command.placement_id)
    start_ms = placement.start_ms if command.start_ms is None else command.start_ms
    end_ms = placement.end_ms if command.end_ms is None else command.end_ms
    _check_range(video, start_ms, end_ms)
    action = command.action or placement.action
    _check_action(action)
    if command.action is not None and command.plan_id is None:
        _require_trial(action, uow.session.get_one(Plan, placement.plan_id))
    if command.plan_id is not None and command.plan_id != placement.plan_id:
        plan, listing = _placeable(uow, command.plan_id, video.org_id)
        _require_trial(action, plan)
        if video.state == "published":
            _require_on_sale(plan, listing)
            _require_kept(uow, placement, plan)
        placement.plan_id, placement.listing_id = plan.id, plan.listing_id
        placement.seller_org_id = plan.org_id
    placement.start_ms, placement.end_ms = start_ms, end_ms
    placement.action = action
    set_category(uow, video)
    uow.flush()
    return placement


def remove_placement(uow: UnitOfWork, placement_id: UUID) -> None:
    """Take a card, and what was claimed about it, off the video. Gone already, nothing changes.

    Raises:
        NotFound: `placement_not_found`.
    """
    placement = _lock_own_placement(uow, placement_id)
    if placement.removed_at is not None:
        return
    placement.removed_at = clock.now()
    claims = uow.session.scalars(
        select(Claim).where(
            Claim.org_id == placement.org_id, Claim.placement_id == placement.id, Claim.removed_at.is_(None)
        )
    )
    for claim in claims:
        claim.removed_at = placement.removed_at
    set_category(uow, lock_own_video(uow, placement.video_id))
    uow.flush()


def add_claim(uow: UnitOfWork, command: AddClaim) -> Claim:
    """Enter what the video promises. On a draft a contradiction is kept and shown; on a published video it is refused.

    Raises:
        NotFound: `placement_not_found`.
        Invalid: `claim_kind_unknown`, `claim_promises_trial`, `claim_value_missing`, `currency_unknown`, `unit_unknown`,
            `claim_beyond_end`, `text_required`, `text_too_long`, `claim_text_differs`: the words speak of another figure.
        Conflict: `claim_contradicts_plan`, `too_many_claims`.

    Locks: the video, then the placement.
    """
    video, placement = _lock_shown_placement(uow, command.placement_id)
    _check_claim(command)
    if command.at_ms < 0 or command.at_ms > (video.duration_ms or MAX_MS):
        raise Invalid("claim_beyond_end", field="at_ms")
    count = uow.session.scalar(
        select(func.count())
        .select_from(Claim)
        .where(Claim.org_id == video.org_id, Claim.video_id == video.id, Claim.removed_at.is_(None))
    )
    if (count or 0) >= MAX_CLAIMS:
        raise Conflict("too_many_claims", limit=MAX_CLAIMS)
    text = line("text", command.text)
    claim = Claim(
        id=uuid7(),
        org_id=placement.org_id,
        video_id=placement.video_id,
        placement_id=placement.id,
        kind=command.kind,
        at_ms=command.at_ms,
        value_int=command.value_int,
        value_text=command.value_text,
        currency=command.currency,
        unit=command.unit,
        text=text,
        text_en=line("text_en", command.text_en or text),
        created_at=clock.now(),
    )
    if video.state == "published":
        _refuse_contradiction(claim, uow.session.get_one(Plan, placement.plan_id))
    uow.session.add(claim)
    uow.flush()
    return claim


def remove_claim(uow: UnitOfWork, claim_id: UUID) -> None:
    """Take a claim back. Orders placed on it keep it. Raises NotFound(`claim_not_found`)."""
    claim = lock_row(uow.session, Claim, claim_id)
    if claim is None or claim.org_id != uow.principal.organization():
        raise NotFound("claim_not_found")
    if claim.removed_at is None:
        claim.removed_at = clock.now()
    uow.flush()


def _check_action(action: str) -> None:
    if action not in ACTIONS:
        raise Invalid("action_unknown", field="action")


def _require_trial(action: str, plan: Plan) -> None:
    if action == "trial" and not plan.trial_days:
        raise Invalid("trial_not_offered", field="action")


def _check_range(video: Video, start_ms: int, end_ms: int) -> None:
    if not 0 <= start_ms < end_ms <= MAX_MS:
        raise Invalid("placement_range", field="end_ms")
    if video.duration_ms is not None and end_ms > video.duration_ms:
        raise Invalid("placement_beyond_end", field="end_ms", end_ms=end_ms, duration_ms=video.duration_ms)


def _require_on_sale(plan: Plan, listing: Listing) -> None:
    if plan.state != "active" or listing.state != "published" or listing.current_version_id != plan.version_id:
        raise Conflict("placement_not_on_sale", title=plan.name)


def _require_kept(uow: UnitOfWork, placement: Placement, plan: Plan) -> None:
    claims = uow.session.scalars(
        select(Claim).where(
            Claim.org_id == placement.org_id, Claim.placement_id == placement.id, Claim.removed_at.is_(None)
        )
    )
    for claim in claims:
        _refuse_contradiction(claim, plan)


def _refuse_contradiction(claim: Claim, plan: Plan) -> None:
    wrong = find_contradiction(ClaimValue.of(claim), terms_of(plan))
    if wrong is not None:
        raise Conflict("claim_contradicts_plan", said=wrong.said, holds=wrong.holds, kind=claim.kind, text=claim.text)


def _check_claim(command: AddClaim) -> None:
    if command.kind not in KINDS:
        raise Invalid("claim_kind_unknown", field="kind", known=", ".join(KINDS))
    words = [text for text in (command.text, command.text_en) if text]
    if command.kind != TRIAL and promises_trial(*words):
        raise Invalid("claim_promises_trial", field="text")
    if (figure := other_figure(command.kind, command.value_int, _known(command.currency), *words)) is not None:
        raise Invalid("claim_text_differs", field="text", figure=figure)
    if command.kind in {"feature", "service_level"}:
        if not command.value_text:
            raise Invalid("claim_value_missing", field="value_text")
    elif command.value_int is None or command.value_int < 0:
        raise Invalid("claim_value_missing", field="value_int")
    if command.kind == "price":
        try:
            exponent(command.currency or "")
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        if command.unit not in UNITS:
            raise Invalid("unit_unknown", field="unit", known=", ".join(UNITS))
    elif command.currency is not None:
        raise Invalid("currency_unknown", field="currency")


def _known(currency: str | None) -> str | None:
    return currency if currency in CURRENCIES else None


def _placeable(uow: UnitOfWork, plan_id: UUID, org_id: UUID) -> tuple[Plan, Listing]:
    row = uow.session.execute(
        select(Plan, Listing)
        .join(Listing, Listing.id == Plan.listing_id)
        .where(Plan.id == plan_id, (Plan.org_id == org_id) | Plan.published_at.is_not(None))
    ).first()
    if row is None:
        raise NotFound("plan_not_found")
    return row[0], row[1]


def _lock_shown_placement(uow: UnitOfWork, placement_id: UUID) -> tuple[Video, Placement]:
    """A card that was not removed, and its video first: what publishing finds in order must not change under it."""
    video_id = uow.session.scalar(select(Placement.video_id).where(Placement.id == placement_id))
    video = lock_row(uow.session, Video, video_id) if video_id is not None else None
    placement = _lock_own_placement(uow, placement_id)
    if video is None or placement.removed_at is not None:
        raise NotFound("placement_not_found")
    return video, placement


def _lock_own_placement(uow: UnitOfWork, placement_id: UUID) -> Placement:
    found = lock_row(uow.session, Placement, placement_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("placement_not_found")
    return found
