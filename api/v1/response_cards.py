"""Cards that sell nothing: put on a video, counted, answered by whoever is asked, and worked through by their owner."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency as Given
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.auth import PUBLIC
from api.known_values import state_in
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, StrictInt, UtcIn, Wire, list_page, refused_unless_in, unchanged
from api.v1.card_files import send_answer_file, store_card_file
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.spreadsheets import inert
from marketplace.response_cards.answer_card import AnswerCard, AnsweredCard, answer_card
from marketplace.response_cards.count_card import CardSight, count_card
from marketplace.response_cards.models import CARD_KINDS, CARD_RESPONSE, ResponseCard
from marketplace.response_cards.queries import (
    CardPage,
    OwnCard,
    ResponseRow,
    export_responses,
    get_card_page,
    get_one_card,
    get_response,
    list_own_cards,
    list_responses,
    of_receipt,
)
from marketplace.response_cards.save_card import (
    KEPT_DAYS,
    MAX_PLACES,
    MOST_KEPT_DAYS,
    SaveCard,
    add_card,
    change_card,
    remove_card,
)
from marketplace.response_cards.work_response import (
    WorkResponse,
    erase_own,
    erase_response,
    open_receipt,
    work_response,
)
from orders.milestones.file_types import MAX_BYTES

WRITE, MANAGE = "videos.write", "leads.manage"
FORM_OVERHEAD = 64 * 1024
AnswerField = Literal["phone", "company", "message"]
CSV_NAMES = (
    *("id", "card_id", "kind", "title", "state", "created_at", "name", "email", "phone", "company", "message", "note"),
    *("second_ms", "consent_version", "consented_at", "erase_at"),
)
"""The columns of the export, by the API's names."""


class ResponseCardIn(Wire):
    """A card, shown from `start_ms` up to `end_ms`. A title in one language is enough.

    `fields`: what is asked beside name and mail address. `places`: so many answers that are not declined. `learn_video_id`: of
    a card to learn from, the organization's own video that it leads to.
    """

    kind: Annotated[str, Field(max_length=20), refused_unless_in(CARD_KINDS)]
    start_ms: StrictInt
    end_ms: StrictInt
    title: Annotated[str, Field(max_length=60, examples=["校招开发工程师"])] = ""
    title_en: Annotated[str, Field(max_length=60, examples=["Graduate engineer"])] = ""
    text: Annotated[str, Field(max_length=1_000)] = ""
    text_en: Annotated[str, Field(max_length=1_000)] = ""
    fields: Annotated[list[AnswerField], Field(default_factory=list, max_length=3, examples=[["phone"]])]
    places: Annotated[StrictInt | None, Field(ge=1, le=MAX_PLACES, examples=[40])] = None
    closes_at: Annotated[UtcIn | None, Field(examples=["2027-01-31T18:00:00+08:00"])] = None
    retention_days: Annotated[StrictInt, Field(ge=1, le=MOST_KEPT_DAYS)] = KEPT_DAYS
    learn_video_id: UUID | None = None

    def command(self) -> SaveCard:
        """What the verb takes."""
        return SaveCard(**{**self.model_dump(), "fields": tuple(self.fields)})


class CardFileForm(BaseModel):
    """The file as the part `file` of a multipart form."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: UploadFile


class CardSightIn(Wire):
    """What became of a card in a player: it was shown, or pressed."""

    sight: Annotated[CardSight, Field(examples=["impression"])]


class CardAnswerIn(Wire):
    """An answer, with the version of the words that were agreed to. Who has signed in answers by the account's address."""

    consent_version: Annotated[str, Field(max_length=20, examples=["2026-12"])]
    name: Annotated[str, Field(max_length=100, examples=["王芳"])] = ""
    email: Annotated[str, Field(max_length=254, examples=["wang@example.com"])] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    company: Annotated[str, Field(max_length=100)] = ""
    message: Annotated[str, Field(max_length=2_000)] = ""
    locale: Literal["zh-CN", "en"] = "zh-CN"
    second_ms: Annotated[StrictInt, Field(ge=0, le=86_400_000)] = 0


class CardAnsweredOut(Out):
    """The answer was taken. A receipt went out by mail; who has signed in has its address here as well."""

    receipt_url: Annotated[str | None, Meta(examples=["/card-answer?token=eyJ4Ijox"])]


class ReceiptOut(Out):
    """What somebody gave, as they see it again."""

    answer: ResponseRow
    has_file: bool
    learn_video_id: UUID | None


class ResponseWorkIn(Wire):
    """Where an answer stands, and the owner's own words about it; null: as it is."""

    state: Annotated[Literal["working", "done", "declined"] | None, Field(examples=["working"])] = None
    note: Annotated[str | None, Field(max_length=2_000, examples=["Called back; interview on Tuesday."])] = None


TokenParameter = Annotated[
    str, QueryParameter(name="token", max_length=1_000, description="Of the link in the receipt")
]
CardParameter = Annotated[
    UUID | None, QueryParameter(name="card_id", required=False, description="Only answers to this card")
]


@post(
    "/v1/videos/{video_id:uuid}/response-cards",
    permission=WRITE,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["content"],
)
def create_response_card(video_id: FromPath[UUID], data: JSONBody[ResponseCardIn], request: ApiRequest) -> OwnCard:
    """Put a card on a video: to apply for a job, download a file, learn from another video, or register for an event."""
    return request.transact(lambda uow: get_one_card(uow, add_card(uow, video_id, data.command()).id))


@get("/v1/videos/{video_id:uuid}/response-cards", permission=WRITE, sync_to_thread=True, tags=["content"])
def get_response_cards(video_id: FromPath[UUID], request: ApiRequest) -> Sequence[OwnCard]:
    """The cards on one of the organization's videos, each with its funnel."""
    with request.transaction() as uow:
        return list_own_cards(uow, video_id)


@get("/v1/seller/response-cards/{response_card_id:uuid}", permission=WRITE, sync_to_thread=True, tags=["content"])
def get_own_response_card(response_card_id: FromPath[UUID], request: ApiRequest) -> OwnCard:
    """One of the organization's cards, with how often it was shown, pressed and answered."""
    with request.transaction() as uow:
        return get_one_card(uow, response_card_id)


@put(
    "/v1/seller/response-cards/{response_card_id:uuid}",
    permission=WRITE,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def update_response_card(
    response_card_id: FromPath[UUID], data: JSONBody[ResponseCardIn], request: ApiRequest
) -> OwnCard:
    """Say otherwise what a card says. Its kind stays; answers that were given stay as they are."""
    return request.transact(lambda uow: get_one_card(uow, change_card(uow, response_card_id, data.command()).id))


@delete("/v1/seller/response-cards/{response_card_id:uuid}", permission=WRITE, sync_to_thread=True, tags=["content"])
def delete_response_card(response_card_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take a card off its video; its answers stay in their list."""
    request.transact(lambda uow: remove_card(uow, response_card_id))


@put(
    "/v1/seller/response-cards/{response_card_id:uuid}/file",
    permission=WRITE,
    request_max_body_size=MAX_BYTES + FORM_OVERHEAD,
    refuses=[404, 409, 413],
    sync_to_thread=True,
    tags=["content"],
)
def put_response_card_file(
    response_card_id: FromPath[UUID],
    data: Annotated[CardFileForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    request: ApiRequest,
) -> OwnCard:
    """Give a download card its file, in place of the one it has: a document, picture, archive or text of at most 20 MB."""
    store_card_file(request, response_card_id, data.file)
    with request.transaction() as uow:
        return get_one_card(uow, response_card_id)


@get("/v1/response-cards/{response_card_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_card(response_card_id: FromPath[UUID], request: ApiRequest) -> CardPage:
    """A card of a video that one may watch: what it asks, until when, how many places are left, and the words of consent."""
    with request.transaction() as uow:
        return get_card_page(uow, response_card_id)


@post(
    "/v1/response-cards/{response_card_id:uuid}/sights",
    permission=PUBLIC,
    status_code=204,
    sync_to_thread=True,
    tags=["content"],
)
def create_card_sight(response_card_id: FromPath[UUID], data: JSONBody[CardSightIn], request: ApiRequest) -> None:
    """Count a card that was shown or pressed. Say it once: nothing is known of whom, and no money follows from it."""
    request.transact(lambda uow: count_card(uow, response_card_id, data.sight))


@post(
    "/v1/response-cards/{response_card_id:uuid}/answers",
    permission=PUBLIC,
    refuses=[401, 409, 429],
    sync_to_thread=True,
    tags=["content"],
)
def create_card_answer(
    response_card_id: FromPath[UUID], data: JSONBody[CardAnswerIn], request: ApiRequest
) -> CardAnsweredOut:
    """Answer a card. To apply and to register one need not sign in. The same address again is the same answer."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    command = AnswerCard(response_card_id, network_address=origin, **data.model_dump())
    answered = request.transact(lambda uow: answer_card(uow, command))
    return CardAnsweredOut(receipt_url=receipt_address(request, answered))


@get("/v1/card-answer", permission=PUBLIC, refuses=[404], sync_to_thread=True, tags=["content"])
def get_card_answer(token: TokenParameter, request: ApiRequest) -> ReceiptOut:
    """What was given, for whoever holds the receipt's link."""
    return read_receipt(request, token)


@delete("/v1/card-answer", permission=PUBLIC, refuses=[404], sync_to_thread=True, tags=["content"])
def delete_card_answer(token: TokenParameter, request: ApiRequest) -> None:
    """Have what is personal in one's answer deleted, at once and for good. Done already, nothing changes."""
    request.transact(lambda uow: erase_own(uow, request.services.signer, token))


@get("/v1/card-answer/file", permission=PUBLIC, refuses=[404], sync_to_thread=True, tags=["content"])
def get_card_answer_file(token: TokenParameter, request: ApiRequest) -> Response[Any]:
    """The file that a download card gives to whoever answered it."""
    return send_answer_file(request, token)


@get("/v1/seller/card-responses", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_card_responses(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(CARD_RESPONSE.states)] = None,
    card_id: CardParameter = None,
) -> Response[PageOut[ResponseRow]]:
    """Answers to the organization's cards, the newest first."""
    return list_page(request, paging, list_responses, unchanged, state=only, card_id=card_id)


@get("/v1/seller/card-responses/export", permission=MANAGE, sync_to_thread=True, media_type="text/csv", tags=["seller"])
def export_card_responses(
    request: ApiRequest,
    only: Annotated[str | None, state_in(CARD_RESPONSE.states)] = None,
    card_id: CardParameter = None,
) -> Response[bytes]:
    """The newest 10,000 of them as a table for a spreadsheet: CSV in UTF-8, with the fields' names of the list."""
    with request.transaction() as uow:
        body = table_of(export_responses(uow, state=only, card_id=card_id))
    headers = {"Content-Disposition": 'attachment; filename="answers.csv"', "Cache-Control": "private, no-store"}
    return Response(body, media_type="text/csv", headers=headers)


@get("/v1/seller/card-responses/{card_response_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_card_response(card_response_id: FromPath[UUID], request: ApiRequest) -> ResponseRow:
    """One of them, with the words under which it was given."""
    with request.transaction() as uow:
        return get_response(uow, card_response_id)


@put(
    "/v1/seller/card-responses/{card_response_id:uuid}",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def work_card_response(
    card_response_id: FromPath[UUID], data: JSONBody[ResponseWorkIn], request: ApiRequest
) -> ResponseRow:
    """Take it up, settle it or decline it, and keep a note. What is declined gives its place back."""
    command = WorkResponse(card_response_id, data.state, data.note)
    return request.transact(lambda uow: get_response(uow, work_response(uow, command).id))


@post(
    "/v1/seller/card-responses/{card_response_id:uuid}/erasure",
    permission=MANAGE,
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def erase_card_response(card_response_id: FromPath[UUID], request: ApiRequest) -> ResponseRow:
    """Delete what is personal in it, because it was asked for. It stays as a number; done already, nothing changes."""
    return request.transact(lambda uow: _erased(uow, card_response_id))


def _erased(uow: UnitOfWork, response_id: UUID) -> ResponseRow:
    erase_response(uow, response_id)
    return get_response(uow, response_id)


def receipt_address(request: ApiRequest, answered: AnsweredCard) -> str | None:
    """Where whoever has signed in comes back to their answer."""
    if answered.receipt is None:
        return None
    proof = answered.receipt
    token = request.services.signer.sign_token(proof.purpose, {"id": proof.subject_id}, proof.expires_at)
    return f"{proof.path}?token={token}"


def read_receipt(request: ApiRequest, token: str) -> ReceiptOut:
    """What a receipt's link opens. Raises NotFound(`card_response_not_found`)."""
    with request.transaction() as uow, as_platform(uow):
        response = open_receipt(uow, request.services.signer, token)
        card = uow.session.get_one(ResponseCard, response.card_id)
        gives = response.erased_at is None
        return ReceiptOut(
            answer=of_receipt(uow, response),
            has_file=gives and card.file_key is not None,
            learn_video_id=card.learn_video_id if gives else None,
        )


def table_of(rows: Iterable[ResponseRow]) -> bytes:
    """Answers as CSV."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(CSV_NAMES)
    for row in rows:
        table.writerow([_cell(getattr(row, name)) for name in CSV_NAMES])
    # With the mark by which a spreadsheet knows UTF-8.
    return written.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return inert(value) if isinstance(value, str) else str(value)


routes = [
    create_response_card,
    get_response_cards,
    get_own_response_card,
    update_response_card,
    delete_response_card,
    put_response_card_file,
    get_card,
    create_card_sight,
    create_card_answer,
    get_card_answer,
    delete_card_answer,
    get_card_answer_file,
    get_card_responses,
    export_card_responses,
    get_card_response,
    work_card_response,
    erase_card_response,
]
