"""People ask about products in everybody's sight; sellers answer, and hide what does not belong there."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from marketplace.access.models import Person
from marketplace.catalog.queries import get_listing
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.input_text import paragraphs
from marketplace.parties.models import Organization
from marketplace.questions.events import QuestionAnswered, QuestionAsked
from marketplace.questions.models import PRODUCT_QUESTION, ProductQuestion

MAX_TEXT = 500
MAX_ANSWER = 2_000
MOST = 10
"""Questions of one person in `WITHIN`."""
WITHIN = timedelta(minutes=10)
_WRITING_LOCK = 0x7175  # "qu"


def ask_question(uow: UnitOfWork, listing_id: UUID, text: str) -> ProductQuestion:
    """Ask about a product on sale. The same question of the same person, not yet answered, is not asked twice.

    Raises:
        NotFound: `listing_not_found`. Conflict: `own_product`. Invalid: `text_required`, `text_too_long`.
        TooMany: `too_many_comments`. Forbidden: `person_required`, `organization_required`.

    Emits: QuestionAsked. Locks: the person's writing.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    listing = get_listing(uow, listing_id)
    if listing.org_id == org_id:
        raise Conflict("own_product")
    body = paragraphs("text", text, MAX_TEXT)
    if not body:
        raise Invalid("text_required", field="text")
    advisory_xact_lock(uow.session, _WRITING_LOCK, person_id)
    asked = (ProductQuestion.org_id == org_id, ProductQuestion.person_id == person_id)
    same = uow.session.scalars(
        select(ProductQuestion)
        .where(
            *asked,
            ProductQuestion.listing_id == listing_id,
            ProductQuestion.body == body,
            ProductQuestion.state == "shown",
            ProductQuestion.answered_at.is_(None),
        )
        .limit(1)
    ).one_or_none()
    if same is not None:
        return same
    recent = select(func.count()).where(*asked, ProductQuestion.created_at > clock.now() - WITHIN)
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("questions", MOST, minutes * 60)
        raise TooMany("too_many_comments", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)
    question = ProductQuestion(
        id=uuid7(),
        org_id=org_id,
        person_id=person_id,
        seller_org_id=listing.org_id,
        listing_id=listing_id,
        person_name=uow.session.get_one(Person, person_id).name,
        org_name=uow.session.get_one(Organization, org_id).display_name,
        body=body,
        answer="",
        answered_at=None,
        created_at=clock.now(),
    )
    PRODUCT_QUESTION.begin(uow, question, org_ids=_concerned(question))
    uow.session.add(question)
    emit(uow, QuestionAsked(question_id=question.id, org_id=org_id, seller_org_id=listing.org_id))
    uow.flush()
    return question


def remove_question(uow: UnitOfWork, question_id: UUID) -> UUID:
    """Take one's own question back, or, for the platform, anybody's. Removed already, nothing changes.

    Returns the listing it is about. Raises NotFound(`question_not_found`): none of the acting person's.
    """
    question = lock_row(uow.session, ProductQuestion, question_id)
    if question is None:
        raise NotFound("question_not_found")
    if not uow.principal.is_platform:
        own = uow.principal.organization(), uow.principal.person()
        if (question.org_id, question.person_id) != own:
            raise NotFound("question_not_found")
    PRODUCT_QUESTION.move(uow, question, "removed", org_ids=_concerned(question))
    uow.flush()
    return question.listing_id


def answer_question(uow: UnitOfWork, question_id: UUID, text: str) -> ProductQuestion:
    """Answer a question about one's own product, or change the answer; an empty one takes it back.

    Raises:
        NotFound: `question_not_found`. Invalid: `text_too_long`.

    Emits: QuestionAnswered. Locks: the question.
    """
    question = _lock_of_seller(uow, question_id)
    answer = paragraphs("text", text, MAX_ANSWER)
    if answer != question.answer:
        question.answer, question.answered_at = answer, clock.now() if answer else None
        if answer:
            emit(
                uow,
                QuestionAnswered(question_id=question.id, org_id=question.org_id, seller_org_id=question.seller_org_id),
            )
    uow.flush()
    return question


def moderate_question(uow: UnitOfWork, question_id: UUID, *, show: bool) -> ProductQuestion:
    """Hide a question about one's own product, or show it again. Raises NotFound(`question_not_found`)."""
    question = _lock_of_seller(uow, question_id)
    PRODUCT_QUESTION.move(uow, question, "shown" if show else "hidden", org_ids=_concerned(question))
    uow.flush()
    return question


def _shown(uow: UnitOfWork, question_id: UUID) -> ProductQuestion:
    question = uow.session.get(ProductQuestion, question_id)
    if question is None or question.state != "shown":
        raise NotFound("question_not_found")
    get_listing(uow, question.listing_id)
    return question


def _find_question(uow: UnitOfWork, question_id: UUID) -> ReportedContent:
    one = _shown(uow, question_id)
    return ReportedContent(one.listing_id, one.org_id, one.person_id, one.person_name, one.body)


def _find_answer(uow: UnitOfWork, question_id: UUID) -> ReportedContent:
    one = _shown(uow, question_id)
    if not one.answer:
        raise NotFound("question_not_found")
    seller = uow.session.get_one(Organization, one.seller_org_id).display_name
    return ReportedContent(one.listing_id, one.seller_org_id, None, seller, one.answer)


def _remove_reported(uow: UnitOfWork, question_id: UUID, reason: str) -> None:
    question = lock_row(uow.session, ProductQuestion, question_id)
    if question is not None:
        PRODUCT_QUESTION.move(uow, question, "removed", org_ids=_concerned(question), reason=reason)


def _remove_answer(uow: UnitOfWork, question_id: UUID, reason: str) -> None:
    del reason  # It stands with the reports; the question itself stays as it is.
    question = lock_row(uow.session, ProductQuestion, question_id)
    if question is not None:
        question.answer, question.answered_at = "", None


register_kind("question", ReportableKind(_find_question, _remove_reported))
register_kind("answer", ReportableKind(_find_answer, _remove_answer))


def _lock_of_seller(uow: UnitOfWork, question_id: UUID) -> ProductQuestion:
    question = lock_row(uow.session, ProductQuestion, question_id)
    if question is None or question.seller_org_id != uow.principal.organization() or question.state == "removed":
        raise NotFound("question_not_found")
    return question


def _concerned(question: ProductQuestion) -> list[UUID]:
    return sorted({question.org_id, question.seller_org_id})
