"""Reviews of a product and questions about it: read, written, answered, moderated."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath
from markupsafe import Markup

from api.auth import PUBLIC, SIGNED_IN
from api.pages.feedback.views import QuestionsView, ReviewsView, RevisionsView, ShownReview, ShownRevision
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.typed_numbers import find_whole
from fulfillment.customer_reviews.moderate_review import MAX_ANSWER, answer_review
from fulfillment.customer_reviews.queries import CustomerReviewView, get_own_review, list_revisions, reviews_of
from fulfillment.customer_reviews.write_review import MAX_TEXT, WriteReview, withdraw_review, write_review
from kernel.errors import DomainError, NotFound
from kernel.text import render_markdown
from marketplace.catalog.queries import get_listing
from marketplace.questions import ask_question as questions
from marketplace.questions.queries import questions_of

Answer = Response[str] | Response[bytes]
REVIEW = "operator.reviews"
_PAGE = 20


@page("/products/{listing_id:uuid}/reviews", PUBLIC)
def show_reviews(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What customers say of a product, and the form of whoever may say something."""
    return page_request.render(_reviews(page_request, listing_id))


@form_post("/products/{listing_id:uuid}/reviews", "entitlements.read")
def write(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Review it, change what was said, or take it back."""
    back = addresses.product_reviews(str(listing_id))
    if form.text("action", most=10) == "withdraw":
        page_request.transact(lambda uow: withdraw_review(uow, listing_id))
        return page_request.redirect(back, notice="review_withdrawn")
    typed, stars = form.text("text", most=20_000), form.text("stars", most=1)
    command = WriteReview(listing_id, find_whole(stars) or 0, typed)
    try:
        page_request.transact(lambda uow: write_review(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _reviews(page_request, listing_id, typed=typed, stars=command.stars, refused=refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(back, notice="review_written")


@page("/products/{listing_id:uuid}/reviews/{review_id:uuid}", PUBLIC)
def show_revisions(listing_id: FromPath[UUID], review_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Every version of a review."""
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
        rows = list_revisions(uow, review_id)
    shown = tuple(ShownRevision(row.number, row.stars, _html(row.text), row.created_at) for row in rows)
    name = page_request.pick(listing.title, listing.title_en)
    return page_request.render(RevisionsView(str(listing_id), name, shown))


@form_post("/reviews/{review_id:uuid}/answer", "catalog.write")
def answer(review_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """The seller's answer."""
    text = form.text("text", most=MAX_ANSWER)
    listing_id = page_request.transact(lambda uow: answer_review(uow, review_id, text).listing_id)
    return page_request.redirect(addresses.product_reviews(str(listing_id)), notice="answer_saved")


@page("/products/{listing_id:uuid}/questions", PUBLIC)
def show_questions(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What is asked about a product, and the form to ask."""
    return page_request.render(_questions(page_request, listing_id))


@form_post("/products/{listing_id:uuid}/questions", SIGNED_IN)
def ask(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask about it."""
    typed = form.text("text", most=5_000)
    try:
        page_request.transact(lambda uow: questions.ask_question(uow, listing_id, typed))
    except NotFound:
        raise
    except DomainError as refused:
        view = _questions(page_request, listing_id, typed, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.product_questions(str(listing_id)), notice="question_asked")


@form_post("/questions/{question_id:uuid}", SIGNED_IN)
def remove(question_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take one's own back; the platform, anybody's."""
    del form
    listing_id = page_request.transact(lambda uow: questions.remove_question(uow, question_id))
    return page_request.redirect(addresses.product_questions(str(listing_id)), notice="question_removed")


@form_post("/questions/{question_id:uuid}/answer", "catalog.write")
def work_on(question_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """The seller answers, hides or shows again."""
    action, text = form.text("action", most=10), form.text("text", most=questions.MAX_ANSWER)
    if action in ("hide", "show"):
        page_request.transact(lambda uow: questions.moderate_question(uow, question_id, show=action == "show"))
        return page_request.redirect_back()
    found = page_request.transact(lambda uow: questions.answer_question(uow, question_id, text).listing_id)
    return page_request.redirect(addresses.product_questions(str(found)), notice="answer_saved")


def shown_review(row: CustomerReviewView) -> ShownReview:
    """With its text as HTML."""
    return ShownReview(row, _html(row.text))


def _html(text: str) -> str:
    return Markup(render_markdown(text))  # noqa: S704 - rendered and cleaned there


def _reviews(
    page_request: PageRequest,
    listing_id: UUID,
    *,
    typed: str | None = None,
    stars: int = 0,
    refused: DomainError | None = None,
) -> ReviewsView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
        found = reviews_of(uow, listing_id, cursor=cursor, limit=_PAGE)
        mine = get_own_review(uow, listing_id)
    own = mine.review
    return ReviewsView(
        listing_id=str(listing_id),
        name=page_request.pick(listing.title, listing.title_en),
        rating_tenths=listing.rating_tenths,
        rating_count=listing.rating_count,
        rows=tuple(map(shown_review, found.items)),
        own=own,
        may_write=mine.may_write,
        most=MAX_TEXT,
        most_answer=MAX_ANSWER,
        typed=typed if typed is not None else (own.text if own else ""),
        stars=stars or (own.stars if own else 0),
        error=failure(page_request, refused) if refused is not None else None,
        next_address=addresses.next_page(addresses.product_reviews(str(listing_id)), found.next_cursor),
    )


def _questions(
    page_request: PageRequest, listing_id: UUID, typed: str = "", refused: DomainError | None = None
) -> QuestionsView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
        found = questions_of(uow, listing_id, cursor=cursor, limit=_PAGE)
    return QuestionsView(
        listing_id=str(listing_id),
        name=page_request.pick(listing.title, listing.title_en),
        rows=tuple(found.items),
        most=questions.MAX_TEXT,
        most_answer=questions.MAX_ANSWER,
        own=listing.org_id == page_request.principal.org_id,
        decides=page_request.principal.is_platform and page_request.principal.may(REVIEW),
        typed=typed,
        error=failure(page_request, refused) if refused is not None else None,
        next_address=addresses.next_page(addresses.product_questions(str(listing_id)), found.next_cursor),
    )


routes = [
    show_reviews,
    write,
    show_revisions,
    answer,
    show_questions,
    ask,
    remove,
    work_on,
]
