"""Viewers ask in a live room; the host shows what everybody is to read, and answers by text or in the film."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from marketplace.access.models import Person
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.input_text import paragraphs
from marketplace.live.access import get_visible_session
from marketplace.live.events import LiveQuestionAnswered
from marketplace.live.explain import position_of
from marketplace.live.models import LiveSession
from marketplace.live.question_models import LIVE_QUESTION, LiveQuestion
from marketplace.parties.models import Organization

MAX_TEXT = 300
MAX_ANSWER = 1_000
MOST = 5
"""Questions of one person in `WITHIN`."""
WITHIN = timedelta(minutes=5)
_ASKING_LOCK = 0x6C71  # "lq"


def ask_in_room(uow: UnitOfWork, session_id: UUID, text: str) -> LiveQuestion:
    """Ask in a room that is announced or runs. The same question of the same person, not yet answered, is not asked twice.

    Raises:
        NotFound: `live_session_not_found`. Conflict: `live_session_over`. Invalid: `text_required`, `text_too_long`.
        TooMany: `too_many_comments`. Forbidden: `person_required`, `organization_required`.

    Locks: the person's asking, then the session: it does not end while it is asked.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    session = get_visible_session(uow, session_id)
    body = paragraphs("text", text, MAX_TEXT)
    if not body:
        raise Invalid("text_required", field="text")
    advisory_xact_lock(uow.session, _ASKING_LOCK, person_id)
    tell_room(uow, session)
    over = session.ends_at is not None and session.ends_at <= clock.now()
    if session.state not in ("scheduled", "live") or over:
        raise Conflict("live_session_over")
    asked = (LiveQuestion.org_id == org_id, LiveQuestion.person_id == person_id)
    same = uow.session.scalars(
        select(LiveQuestion)
        .where(
            *asked,
            LiveQuestion.session_id == session.id,
            LiveQuestion.body == body,
            LiveQuestion.state.in_(("waiting", "shown")),
            LiveQuestion.answered_at.is_(None),
        )
        .limit(1)
    ).one_or_none()
    if same is not None:
        return same
    recent = select(func.count()).where(*asked, LiveQuestion.created_at > clock.now() - WITHIN)
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("live_questions", MOST, minutes * 60)
        raise TooMany("too_many_comments", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)
    question = LiveQuestion(
        id=uuid7(),
        org_id=org_id,
        person_id=person_id,
        host_org_id=session.org_id,
        session_id=session.id,
        person_name=uow.session.get_one(Person, person_id).name,
        org_name=uow.session.get_one(Organization, org_id).display_name,
        body=body,
        asked_ms=position_of(session),
        shown_at=None,
        answer="",
        answered_ms=None,
        answered_at=None,
        created_at=clock.now(),
    )
    LIVE_QUESTION.begin(uow, question, org_ids=_concerned(question))
    uow.session.add(question)
    uow.flush()
    return question


def show_in_room(uow: UnitOfWork, question_id: UUID, *, show: bool) -> LiveQuestion:
    """Let everybody in one's own room read a question, or no longer.

    Raises: NotFound `live_question_not_found`. Locks: the question, then its session.
    """
    question = _lock_of_host(uow, question_id)
    _show(uow, question, show=show)
    tell_room(uow, uow.session.get_one(LiveSession, question.session_id))
    return question


def answer_in_room(uow: UnitOfWork, question_id: UUID, text: str = "", *, spoken: bool = False) -> LiveQuestion:
    """Answer a question of one's own room, which shows it: by text, or `spoken`, at the second where the film is.

    A text may be changed; the second stays that of the first answer.

    Raises: NotFound `live_question_not_found`; Invalid `text_required`, `text_too_long`; Conflict `live_session_not_live`:
    only what runs is answered in its film. Emits: LiveQuestionAnswered, once. Locks: the question, then its session.
    """
    question = _lock_of_host(uow, question_id)
    answer = paragraphs("text", text, MAX_ANSWER)
    if not answer and not spoken:
        raise Invalid("text_required", field="text")
    session = uow.session.get_one(LiveSession, question.session_id)
    tell_room(uow, session)
    if spoken and session.state != "live":
        raise Conflict("live_session_not_live")
    if question.state != "shown":
        _show(uow, question, show=True)
    question.answer = answer or question.answer
    if question.answered_at is None:
        question.answered_at, question.answered_ms = clock.now(), position_of(session)
        emit(
            uow,
            LiveQuestionAnswered(question_id=question.id, org_id=question.org_id, host_org_id=question.host_org_id),
        )
    uow.flush()
    return question


def remove_from_room(uow: UnitOfWork, question_id: UUID) -> UUID:
    """Take one's own question back. Removed already, nothing changes.

    Returns its session. Raises NotFound(`live_question_not_found`): none of the acting person's. Locks: as `show_in_room`.
    """
    question = lock_row(uow.session, LiveQuestion, question_id)
    own = uow.principal.organization(), uow.principal.person()
    if question is None or (question.org_id, question.person_id) != own:
        raise NotFound("live_question_not_found")
    LIVE_QUESTION.move(uow, question, "removed", org_ids=_concerned(question))
    uow.flush()
    with as_platform(uow):
        tell_room(uow, uow.session.get_one(LiveSession, question.session_id))
    return question.session_id


def _show(uow: UnitOfWork, question: LiveQuestion, *, show: bool) -> None:
    question.shown_at = question.shown_at or (clock.now() if show else None)
    LIVE_QUESTION.move(uow, question, "shown" if show else "hidden", org_ids=_concerned(question))
    uow.flush()


def tell_room(uow: UnitOfWork, session: LiveSession) -> None:
    """Let everybody in a room be told what is asked in it. The session is locked by it, and as it is now."""
    with as_platform(uow):
        uow.session.execute(
            update(LiveSession)
            .where(LiveSession.id == session.id)
            .values(questions_sequence=LiveSession.questions_sequence + 1)
            .execution_options(synchronize_session=False)
        )
        uow.session.refresh(session)


def _lock_of_host(uow: UnitOfWork, question_id: UUID) -> LiveQuestion:
    question = lock_row(uow.session, LiveQuestion, question_id)
    if question is None or question.host_org_id != uow.principal.organization() or question.state == "removed":
        raise NotFound("live_question_not_found")
    return question


def _concerned(question: LiveQuestion) -> list[UUID]:
    return sorted({question.org_id, question.host_org_id})


def _find_reported(uow: UnitOfWork, question_id: UUID) -> ReportedContent:
    one = uow.session.get(LiveQuestion, question_id)
    if one is None or one.state != "shown":
        raise NotFound("live_question_not_found")
    session = get_visible_session(uow, one.session_id)
    return ReportedContent(session.id, one.org_id, one.person_id, one.person_name, one.body)


def _remove_reported(uow: UnitOfWork, question_id: UUID, reason: str) -> None:
    question = lock_row(uow.session, LiveQuestion, question_id)
    if question is not None:
        LIVE_QUESTION.move(uow, question, "removed", org_ids=_concerned(question), reason=reason)
        uow.flush()
        tell_room(uow, uow.session.get_one(LiveSession, question.session_id))


register_kind("live_question", ReportableKind(_find_reported, _remove_reported))
