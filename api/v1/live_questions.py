"""What viewers ask in a live room, and what its host shows and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, Wire
from marketplace.live.question_queries import list_room_questions
from marketplace.live.questions import (
    MAX_ANSWER,
    MAX_TEXT,
    answer_in_room,
    ask_in_room,
    remove_from_room,
    show_in_room,
)

HOST = "videos.write"


class LiveQuestionIn(Wire):
    """Plain text; nothing in it is ever markup."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "能和我们的考勤系统打通吗？"}]})

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class LiveAnswerIn(Wire):
    """A text, or `spoken`: it is answered in the film, at the second where that is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "可以，开箱即用。"}, {"spoken": True}]})

    text: Annotated[str, Field(max_length=MAX_ANSWER)] = ""
    spoken: bool = False


class LiveQuestionOut(Out):
    """A question. Moments are milliseconds since the session began."""

    id: UUID
    person_name: str
    org_name: str
    text: str
    state: Annotated[str, Meta(description="waiting (for the host), shown, or hidden")]
    asked_ms: int
    answer: Annotated[str, Meta(description="Empty where it was answered in the film")]
    answered_ms: int | None
    created_at: datetime
    own: bool


class LiveQuestionIdOut(Out):
    """The id of what was asked."""

    id: UUID


@get("/v1/live-sessions/{live_session_id:uuid}/questions", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_live_questions(live_session_id: FromPath[UUID], request: ApiRequest) -> list[LiveQuestionOut]:
    """What everybody may read, the latest first, and one's own; the host reads first what waits. 200 at most."""
    with request.transaction() as uow:
        return [LiveQuestionOut.of_row(row) for row in list_room_questions(uow, live_session_id)]


@post(
    "/v1/live-sessions/{live_session_id:uuid}/questions",
    permission=SIGNED_IN,
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["content"],
)
def create_live_question(
    live_session_id: FromPath[UUID], data: JSONBody[LiveQuestionIn], request: ApiRequest
) -> LiveQuestionIdOut:
    """Ask in a room that is announced or runs: five questions in five minutes at most. The host shows it to the others."""
    return LiveQuestionIdOut(id=request.transact(lambda uow: ask_in_room(uow, live_session_id, data.text).id))


@delete("/v1/live-questions/{live_question_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["content"])
def delete_live_question(live_question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own question back."""
    request.transact(lambda uow: remove_from_room(uow, live_question_id))


@post(
    "/v1/seller/live-questions/{live_question_id:uuid}/show",
    permission=HOST,
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def show_live_question(live_question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let everybody in one's own room read it."""
    request.transact(lambda uow: show_in_room(uow, live_question_id, show=True))


@post(
    "/v1/seller/live-questions/{live_question_id:uuid}/hide",
    permission=HOST,
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def hide_live_question(live_question_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let nobody but whoever asked read it."""
    request.transact(lambda uow: show_in_room(uow, live_question_id, show=False))


@put(
    "/v1/seller/live-questions/{live_question_id:uuid}/answer",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    status_code=204,
    tags=["seller"],
)
def put_live_answer(live_question_id: FromPath[UUID], data: JSONBody[LiveAnswerIn], request: ApiRequest) -> None:
    """Answer it, which shows it; whoever asked is told."""
    request.transact(lambda uow: answer_in_room(uow, live_question_id, data.text, spoken=data.spoken))


routes = [
    get_live_questions,
    create_live_question,
    delete_live_question,
    show_live_question,
    hide_live_question,
    put_live_answer,
]
