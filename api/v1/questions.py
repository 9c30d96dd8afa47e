"""Questions about products, asked in everybody's sight, and their sellers' answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, linked
from marketplace.questions.ask_question import (
    MAX_ANSWER,
    MAX_TEXT,
    answer_question,
    ask_question,
    moderate_question,
    remove_question,
)
from marketplace.questions.queries import list_questions


class QuestionIn(Wire):
    """Plain text; nothing in it is ever markup."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class QuestionAnswerIn(Wire):
    """Plain text; an empty one takes the answer back."""

    text: Annotated[str, Field(max_length=MAX_ANSWER)]


class QuestionOut(Out):
    """A question. `own`: one asked it; `answerable`: one's organization sells the product."""

    id: UUID
    listing_id: UUID
    person_name: str
    org_name: str
    text: str
    state: str
    answer: str
    answered_at: datetime | None
    created_at: datetime
    own: bool
    answerable: bool


class QuestionIdOut(Out):
    """The id of what was asked."""

    id: UUID


@get("/v1/listings/{listing_id:uuid}/questions", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_questions(
    listing_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[QuestionOut]]:
    """Questions about a product with their answers, newest first."""
    with request.transaction() as uow:
        page = list_questions(uow, listing_id=listing_id, cursor=paging.cursor, limit=paging.limit)
    return linked(page, QuestionOut.of_row, f"/v1/listings/{listing_id}/questions", limit=paging.limit)


@post(
    "/v1/listings/{listing_id:uuid}/questions",
    permission=SIGNED_IN,
    sync_to_thread=True,
    refuses=[429],
    tags=["catalogue"],
)
def create_question(listing_id: FromPath[UUID], data: JSONBody[QuestionIn], request: ApiRequest) -> QuestionIdOut:
    """Ask about a product: ten questions in ten minutes at most."""
    return QuestionIdOut(id=request.transact(lambda uow: ask_question(uow, listing_id, data.text).id))


@delete("/v1/questions/{question_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def delete_question(question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own question back."""
    request.transact(lambda uow: remove_question(uow, question_id))


@put(
    "/v1/seller/questions/{question_id:uuid}/answer",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def put_question_answer(question_id: FromPath[UUID], data: JSONBody[QuestionAnswerIn], request: ApiRequest) -> None:
    """Answer a question about one's own product, or change the answer."""
    request.transact(lambda uow: answer_question(uow, question_id, data.text))


@post(
    "/v1/seller/questions/{question_id:uuid}/hide",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def hide_question(question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Hide a question about one's own product."""
    request.transact(lambda uow: moderate_question(uow, question_id, show=False))


@post(
    "/v1/seller/questions/{question_id:uuid}/show",
    permission="catalog.write",
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def show_question(question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Show a hidden question again."""
    request.transact(lambda uow: moderate_question(uow, question_id, show=True))


@delete(
    "/v1/operator/questions/{question_id:uuid}", permission="operator.reviews", sync_to_thread=True, tags=["operator"]
)
def delete_anybodys_question(question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Remove a question for good."""
    request.transact(lambda uow: remove_question(uow, question_id))


routes = [
    get_questions,
    create_question,
    delete_question,
    put_question_answer,
    hide_question,
    show_question,
    delete_anybodys_question,
]
