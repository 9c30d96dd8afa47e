"""A seller puts a course together, and sees in numbers how it is watched."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.courses.views import CourseEditView, EpisodeRow
from api.pages.frame import course_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.translations import translations
from api.v1.courses import WRITE
from fulfillment.courses.edit_course import edit_course
from fulfillment.courses.queries import completion_of_course
from fulfillment.courses.views import CourseCompletion, EpisodeCompletion
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.catalog.queries import get_own_listing
from marketplace.courses.queries import PLAYABLE
from marketplace.courses.save_course import MAX_EPISODES, EpisodeDraft, SaveCourse
from marketplace.publishing.queries import list_own_videos

BLANK_ROWS = 3
"""Lines of the editor below the last episode."""
_VIDEOS = 100
_PATH = "/seller/listings/{listing_id:uuid}/course"
_FIELDS = ("video", "title", "title_en", "number")


@page(_PATH, WRITE)
def show_editor(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The episodes, and how many have watched each."""
    require_seller(page_request)
    return page_request.render(_view(page_request, listing_id))


@form_post(_PATH, WRITE)
def save(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Save all episodes, in the order of their numbers; a line without a video is none."""
    require_seller(page_request)

    def work(uow: UnitOfWork) -> None:
        edit_course(uow, SaveCourse(listing_id, _drafts(form), form.text("base", most=60)))

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = _view(page_request, listing_id, form, error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(course_addresses.edit(str(listing_id)), notice="course_saved")


def _drafts(form: Form) -> list[EpisodeDraft]:
    lines: list[tuple[int, int, EpisodeDraft]] = []
    for n in _lines(form):
        if not form.text(f"video_{n}"):
            continue
        number = form.number(f"number_{n}", most=9_999) if form.text(f"number_{n}") else MAX_EPISODES + n
        draft = EpisodeDraft(
            parse_uuid_or_404(form.text(f"video_{n}")),
            form.text(f"title_{n}", most=1_000),
            form.text(f"title_en_{n}", most=1_000),
            is_preview=form.text(f"preview_{n}") == "1",
        )
        lines.append((number, n, draft))
    return [draft for _, _, draft in sorted(lines, key=lambda line: line[:2])]


def _lines(form: Form) -> list[int]:
    """The lines that were sent, in their order."""
    known = (name.removeprefix("video_") for name in form.values if name.startswith("video_"))
    return sorted(int(n) for n in known if n.isdecimal() and len(n) < len(str(MAX_EPISODES)) + 1)


def _view(
    page_request: PageRequest, listing_id: UUID, form: Form | None = None, *, error: str | None = None
) -> CourseEditView:
    with page_request.work() as uow:
        listing = get_own_listing(uow, listing_id)
        found = completion_of_course(uow, listing_id)
        videos = list_own_videos(uow, limit=_VIDEOS).items
    words = translations(page_request.language)
    options = {
        str(one.id): f"{page_request.pick(one.title, one.title_en)} · {words.word('visibility', one.visibility)}"
        for one in videos
        if one.state in PLAYABLE
    }
    for episode in found.episodes:
        options.setdefault(str(episode.video_id), page_request.pick(episode.title, episode.title_en))
    return CourseEditView(
        listing_id=str(listing_id),
        name=page_request.pick(listing.title, listing.title_en),
        base=form.text("base", most=60) if form else found.base,
        rows=_typed(form) if form else _kept(found),
        videos=tuple(Choice(*option) for option in options.items()),
        is_course=bool(found.episodes),
        is_service=listing.kind == "service",
        customers=found.customers,
        seats_held=found.seats_held,
        learners=found.learners,
        finished=found.finished,
        error=error,
    )


def _kept(found: CourseCompletion) -> tuple[EpisodeRow, ...]:
    kept = [_row(one) for one in found.episodes]
    blank = range(len(kept) + 1, min(len(kept) + BLANK_ROWS, MAX_EPISODES) + 1)
    return (*kept, *(EpisodeRow(n, {"number": str(n)}, is_preview=False) for n in blank))


def _row(one: EpisodeCompletion) -> EpisodeRow:
    values = {"video": str(one.video_id), "title": one.title, "title_en": one.title_en, "number": str(one.number)}
    return EpisodeRow(one.number, values, one.is_preview, one.started, one.completed)


def _typed(form: Form) -> tuple[EpisodeRow, ...]:
    return tuple(
        EpisodeRow(
            n,
            {name: form.values.get(f"{name}_{n}", "") for name in _FIELDS},
            is_preview=form.values.get(f"preview_{n}") == "1",
        )
        for n in _lines(form)
    )


routes = [show_editor, save]
