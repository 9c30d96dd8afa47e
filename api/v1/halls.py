"""Exhibition halls as visitors use them: halls, booths, agenda, one's badge, and to whom it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, Wire, idempotent_command, list_page, unchanged
from kernel.db.uow import UnitOfWork
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text
from marketplace.halls.exchange_badge import (
    GiveBadge,
    decline_badge,
    give_badge,
    own_exchange,
    revoke_badge,
    withdraw_badge,
)
from marketplace.halls.queries import (
    AgendaView,
    BoothView,
    HallInvitation,
    HallView,
    agenda_of,
    booths_of,
    get_booth,
    get_hall,
    list_halls,
)
from marketplace.halls.register import Register, record_visit, register_visitor
from marketplace.halls.visitor_queries import (
    BadgeView,
    GivenView,
    exchanges_of_badge,
    get_own_badge,
    halls_of_own_badges,
)
from marketplace.leads.messages import MAX_MESSAGE

Locale = Literal["zh-CN", "en"]
ConsentIn = Annotated[
    str, Field(max_length=20, examples=[CONSENT_VERSION], description="The version of the words that were agreed to")
]


class HallOut(Out):
    """A hall with its booths and what happens in it."""

    hall: HallView
    booths: Sequence[BoothView]
    agenda: Sequence[AgendaView]


class HallConsentOut(Out):
    """The words in force under which visitors register, and give their badges to exhibitors."""

    version: str
    registration: Annotated[str, Meta(description="`{organizer}` stands for whose hall it is")]
    exchange: Annotated[str, Meta(description="`{exhibitor}` stands for whose booth it is")]


class BadgeIn(Wire):
    """What a badge says. A mailbox or a telephone at least."""

    name: Annotated[str, Field(max_length=100, examples=["王芳"])]
    company: Annotated[str, Field(max_length=200, examples=["杭州某某科技"])]
    job_title: Annotated[str, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=254, examples=["wang@firm.example"])] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    consent_version: ConsentIn = ""
    locale: Locale = "zh-CN"


class BadgeOut(Out):
    """One's own badge, and which booths asked for it or have it."""

    badge: BadgeView
    exchanges: Sequence[GivenView]


class BadgeGiftIn(Wire):
    """Under which words a badge is given, and which product of the booth it is about; the first one without."""

    consent_version: ConsentIn = ""
    listing_id: UUID | None = None
    text: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    locale: Locale = "zh-CN"


class BadgeAnswerIn(Wire):
    """Whether the booth that asked gets it; with consent when it does."""

    give: bool
    consent_version: ConsentIn = ""
    locale: Locale = "zh-CN"


class VisitOut(Out):
    """Whether the visit was counted: the first one of a registered visitor, while the hall is open."""

    counted: bool


@get("/v1/halls", permission=PUBLIC, sync_to_thread=True, tags=["halls"])
def get_halls(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HallView]]:
    """Halls that everybody may see, the latest opening first."""
    return list_page(request, paging, list_halls, unchanged)


@get("/v1/halls/{hall_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["halls"])
def get_one_hall(hall_id: FromPath[UUID], request: ApiRequest) -> HallOut:
    """A published hall, an unlisted one too; or one's own."""
    with request.transaction() as uow:
        return HallOut(hall=get_hall(uow, hall_id), booths=booths_of(uow, hall_id), agenda=agenda_of(uow, hall_id))


@get("/v1/hall-consent", permission=PUBLIC, sync_to_thread=True, tags=["halls"])
def get_hall_consent(
    request: ApiRequest,
    locale: Annotated[
        Locale, QueryParameter(name="locale", required=False, description="The language of the text")
    ] = "zh-CN",
) -> HallConsentOut:
    """The words in force."""
    del request
    return HallConsentOut(
        version=CONSENT_VERSION,
        registration=consent_text("registration", locale, "{organizer}"),
        exchange=consent_text("exchange", locale, "{exhibitor}"),
    )


@get("/v1/booths/{booth_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["halls"])
def get_one_booth(booth_id: FromPath[UUID], request: ApiRequest) -> HallInvitation:
    """A booth of a published hall."""
    with request.transaction() as uow:
        return get_booth(uow, booth_id)


@post(
    "/v1/booths/{booth_id:uuid}/visits",
    permission=SIGNED_IN,
    refuses=[404],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_visit(booth_id: FromPath[UUID], request: ApiRequest) -> VisitOut:
    """Say that one's person looks at a booth. A registered visitor counts once."""
    return VisitOut(counted=request.transact(lambda uow: record_visit(uow, booth_id)))


@get("/v1/hall-badges", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_badges(request: ApiRequest) -> list[HallView]:
    """The halls that one is registered for, archived ones too; the latest opening first."""
    with request.transaction() as uow:
        return halls_of_own_badges(uow)


@get("/v1/halls/{hall_id:uuid}/badge", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_badge(hall_id: FromPath[UUID], request: ApiRequest) -> BadgeOut:
    """One's own badge for a hall."""
    with request.transaction() as uow:
        return badge_out(uow, hall_id)


@put(
    "/v1/halls/{hall_id:uuid}/badge", permission=SIGNED_IN, refuses=[403, 404, 409], sync_to_thread=True, tags=["halls"]
)
def put_badge(hall_id: FromPath[UUID], data: JSONBody[BadgeIn], request: ApiRequest) -> BadgeOut:
    """Register for a hall, or say otherwise what one's badge says. Its code stays."""
    command = Register(hall_id, **data.model_dump())

    def work(uow: UnitOfWork) -> BadgeOut:
        register_visitor(uow, command)
        return badge_out(uow, hall_id)

    return request.transact(work)


@post(
    "/v1/halls/{hall_id:uuid}/badge/withdrawal",
    permission=SIGNED_IN,
    refuses=[403, 404],
    status_code=204,
    sync_to_thread=True,
    tags=["halls"],
)
def post_badge_withdrawal(hall_id: FromPath[UUID], request: ApiRequest) -> None:
    """Withdraw: the organizer keeps nothing, and every booth gives back what it was given. Done already, nothing changes."""
    request.transact(lambda uow: withdraw_badge(uow, hall_id).id)


@post(
    "/v1/booths/{booth_id:uuid}/badges",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 429],
    sync_to_thread=True,
    tags=["halls"],
)
def post_badge_gift(
    booth_id: FromPath[UUID], data: JSONBody[BadgeGiftIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[BadgeOut]:
    """Give one's badge to a booth: what it says goes to the exhibitor as a request. Given already, nothing changes."""
    command = GiveBadge(booth_id, **data.model_dump())
    return idempotent_command(request, idempotency_key, data, lambda uow: given(uow, command))


@post(
    "/v1/badge-exchanges/{badge_exchange_id:uuid}/answer",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 429],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_badge_answer(
    badge_exchange_id: FromPath[UUID], data: JSONBody[BadgeAnswerIn], request: ApiRequest
) -> GivenView:
    """Answer a booth that read one's badge."""

    def work(uow: UnitOfWork) -> GivenView:
        answer_exchange(uow, badge_exchange_id, data)
        return _exchange(uow, badge_exchange_id)

    return request.transact(work)


@post(
    "/v1/badge-exchanges/{badge_exchange_id:uuid}/revocation",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_badge_revocation(badge_exchange_id: FromPath[UUID], request: ApiRequest) -> GivenView:
    """Take a contact back: the exhibitor keeps nothing of it. Done already, nothing changes."""

    def work(uow: UnitOfWork) -> GivenView:
        revoke_badge(uow, badge_exchange_id)
        return _exchange(uow, badge_exchange_id)

    return request.transact(work)


def badge_out(uow: UnitOfWork, hall_id: UUID) -> BadgeOut:
    """Raises NotFound(`badge_not_found`)."""
    badge = get_own_badge(uow, hall_id)
    return BadgeOut(badge=badge, exchanges=exchanges_of_badge(uow, badge.id))


def given(uow: UnitOfWork, command: GiveBadge) -> BadgeOut:
    """Raises as `give_badge`."""
    give_badge(uow, command)
    return badge_out(uow, get_booth(uow, command.booth_id).hall.id)


def answer_exchange(uow: UnitOfWork, exchange_id: UUID, data: BadgeAnswerIn) -> None:
    """Raises as `give_badge` and `decline_badge`."""
    found = own_exchange(uow, exchange_id)
    if data.give:
        give_badge(uow, GiveBadge(found.booth_id, data.consent_version, locale=data.locale))
    else:
        decline_badge(uow, exchange_id)


def _exchange(uow: UnitOfWork, exchange_id: UUID) -> GivenView:
    row = own_exchange(uow, exchange_id)
    return next(one for one in exchanges_of_badge(uow, row.badge_id) if one.id == exchange_id)


routes = [
    get_halls,
    get_one_hall,
    get_hall_consent,
    get_one_booth,
    post_visit,
    get_badges,
    get_badge,
    put_badge,
    post_badge_withdrawal,
    post_badge_gift,
    post_badge_answer,
    post_badge_revocation,
]
