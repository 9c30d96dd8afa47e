"""A buyer questions a rated line; the seller lets it stand or takes some of it back, in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.usage.events import UsageChallengeAnswered, UsageChallenged
from fulfillment.usage.models import USAGE_CHALLENGE, UsageChallenge, UsageLine
from kernel import clock
from kernel.db import constraints
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.input_text import paragraphs
from marketplace.test_clocks.own_time import lives_now

ANSWERED_WITHIN = timedelta(days=10)
QUESTIONED_WITHIN = timedelta(days=60)
"""From the closing of its period: how long a line may be questioned."""
MAX_TEXT = 2_000
OVERDUE_AT_ONCE = 200

constraints.register("uq_usage_challenge_line_id", lambda: Conflict("usage_line_challenged"))


@dataclass(frozen=True, slots=True)
class AnswerChallenge:
    """What the seller decides: `credit_minor` is taken back of the line, none of it where it stands."""

    challenge_id: UUID
    credit_minor: int
    answer: str


def challenge_line(uow: UnitOfWork, line_id: UUID, question: str) -> UUID:
    """Question a line of the acting buyer. Returns the challenge's id.

    Raises: NotFound; Conflict `usage_line_challenged` (once for each line), `usage_line_too_old`; Invalid `text_required`,
        `text_too_long`. Emits: UsageChallenged.
    """
    line = uow.session.get(UsageLine, line_id)
    if line is None or line.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    asked = _text("question", question)
    if clock.now() > line.created_at + QUESTIONED_WITHIN:
        raise Conflict("usage_line_too_old", days=QUESTIONED_WITHIN.days)
    sides = {"buyer_org_id": line.buyer_org_id, "seller_org_id": line.seller_org_id}
    row = UsageChallenge(
        id=uuid7(),
        **sides,
        line_id=line_id,
        question=asked,
        answer="",
        credit_minor=0,
        currency=line.currency,
        deadline_at=clock.now() + ANSWERED_WITHIN,
        decided_at=None,
    )
    USAGE_CHALLENGE.begin(uow, row, org_ids=list(sides.values()))
    uow.session.add(row)
    uow.flush()
    emit(uow, UsageChallenged(challenge_id=row.id, **sides))
    return row.id


def answer_challenge(uow: UnitOfWork, asked: AnswerChallenge) -> None:
    """Decide on a challenge of a line that the acting seller charged.

    Raises: NotFound; Conflict `usage_challenge_answered`; Invalid `usage_credit_invalid`, `text_required`, `text_too_long`.
    Emits: UsageChallengeAnswered. Locks: the challenge.
    """
    row = lock_row(uow.session, UsageChallenge, asked.challenge_id)
    if row is None or row.seller_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if row.state not in {"open", "overdue"}:
        raise Conflict("usage_challenge_answered")
    line = uow.session.get_one(UsageLine, row.line_id)
    if not 0 <= asked.credit_minor <= max(line.amount_minor, 0):
        raise Invalid("usage_credit_invalid", field="credit", most=max(line.amount_minor, 0))
    row.answer = _text("answer", asked.answer)
    row.credit_minor, row.decided_at = asked.credit_minor, clock.now()
    outcome = "corrected" if asked.credit_minor else "confirmed"
    USAGE_CHALLENGE.move(uow, row, outcome, org_ids=[row.buyer_org_id, row.seller_org_id])
    emit(
        uow,
        UsageChallengeAnswered(
            challenge_id=row.id, buyer_org_id=row.buyer_org_id, seller_org_id=row.seller_org_id, outcome=outcome
        ),
    )


def unanswered_challenges(uow: UnitOfWork, limit: int = OVERDUE_AT_ONCE) -> Sequence[UUID]:
    """Open challenges whose deadline has passed, the oldest first."""
    statement = (
        select(UsageChallenge.id)
        .where(
            state_in(UsageChallenge.state, "open"),
            UsageChallenge.deadline_at <= clock.now(),
            lives_now(UsageChallenge.buyer_org_id),
        )
        .order_by(UsageChallenge.deadline_at)
    )
    return uow.session.scalars(statement.limit(limit)).all()


def mark_overdue(uow: UnitOfWork, challenge_id: UUID) -> bool:
    """Note that a seller has not answered in time. Returns False when it has meanwhile. Locks: the challenge."""
    row = lock_row(uow.session, UsageChallenge, challenge_id)
    if row is None or row.state != "open" or row.deadline_at > clock.now():
        return False
    return USAGE_CHALLENGE.move(uow, row, "overdue", org_ids=[row.buyer_org_id, row.seller_org_id])


def _text(field: str, given: str) -> str:
    cleaned = paragraphs(field, given, MAX_TEXT)
    if not cleaned:
        raise Invalid("text_required", field=field)
    return cleaned
