"""Coming in: a mailbox is proved, then a person and their organization begin. And coming back in: a new password by mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from pydantic import ConfigDict, Field

from api.auth import PUBLIC
from api.csrf import cover_token
from api.known_device import device_cookie
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.organizations import OrganizationIn, registration
from api.v1.session import SessionOut, browser_of, session_cookie
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Unauthenticated
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.email_proofs import LASTS, LinkShown, Presented, Purpose, count_try, give_try_back, look_at_link
from marketplace.access.mail_limits import count_brought_back
from marketplace.access.passwords import request_password_reset, reset_password
from marketplace.access.register_organization import RegisterOrganization
from marketplace.access.second_factor import find_second_factor
from marketplace.access.sessions import NewSession, begin_session
from marketplace.access.sign_up import CompleteSignUp, RequestSignUp, complete_sign_up, request_sign_up
from marketplace.referrals.refer import attribute_referral

Address = Annotated[str, Field(min_length=3, max_length=254)]
Password = Annotated[str, Field(min_length=1, max_length=1024)]
Code = Annotated[str, Field(max_length=20)]
Token = Annotated[str, Field(max_length=1000)]
T = TypeVar("T")


class AddressIn(Wire):
    """Whom to send a code and a link. The mail is in `locale`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "buyer@example.com", "locale": "en"}]})

    email: Address
    locale: Literal["zh-CN", "en"] = "zh-CN"


class MailedOut(Out):
    """A mail is on its way, whatever it says: whether the address has an account is told to its mailbox alone."""

    expires_in_s: int


class PresentedIn(Wire):
    """The proof: the link's `token`, or the address with the `code` that was mailed."""

    token: Token = ""
    email: Annotated[str, Field(max_length=254)] = ""
    code: Code = ""

    def presented(self) -> Presented:
        """As the command takes it."""
        return Presented(self.token, self.email, self.code)


class SignUpIn(PresentedIn):
    """What a newcomer says of themselves and of their organization."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Password
    organization: OrganizationIn
    referral_code: Annotated[str, Field(max_length=40)] = Field(
        default="", description="Whose link was followed (`/v1/referral-links`); one that is none changes nothing"
    )


class NewPasswordIn(PresentedIn):
    """The new password, by proof of the mailbox."""

    password: Password


@post("/v1/sign-ups", permission=PUBLIC, refuses=[429], status_code=202, sync_to_thread=True, tags=["people"])
def create_sign_up(data: JSONBody[AddressIn], request: ApiRequest) -> MailedOut:
    """Ask for a code and a link by mail. The answer is the same for every address."""
    return ask_to_sign_up(request, data.email, data.locale)


@post("/v1/sign-ups/completion", permission=PUBLIC, refuses=[409, 429], sync_to_thread=True, tags=["people"])
def create_account(data: JSONBody[SignUpIn], request: ApiRequest) -> Response[SessionOut]:
    """Bring the code or the link's token back; person and organization are made, and a session is opened."""
    organization = registration(data.organization)
    opened, cookies = sign_up(request, data.presented(), data.name, data.password, organization, data.referral_code)
    body = SessionOut(csrf=cover_token(opened.csrf), org_id=opened.org_id, person_id=opened.person_id)
    return Response(body, status_code=201, cookies=cookies)


@post("/v1/password-resets", permission=PUBLIC, refuses=[429], status_code=202, sync_to_thread=True, tags=["people"])
def create_password_reset(data: JSONBody[AddressIn], request: ApiRequest) -> MailedOut:
    """Ask for a code and a link by mail. The answer is the same for every address; one without an account gets no mail."""
    return ask_to_reset(request, data.email, data.locale)


@post(
    "/v1/password-resets/completion",
    permission=PUBLIC,
    refuses=[429],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def complete_password_reset(data: JSONBody[NewPasswordIn], request: ApiRequest) -> None:
    """Bring the code or the link's token back with a new password. Every session of the account ends."""
    set_password(request, data.presented(), data.password)


def ask_to_sign_up(request: ApiRequest, email: str, locale: str) -> MailedOut:
    """For the JSON route and the page alike. Raises as `request_sign_up`."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    request.transact(lambda uow: request_sign_up(uow, RequestSignUp(email, locale, origin)), acting_as=PRE_AUTH)
    return MailedOut(expires_in_s=int(LASTS.total_seconds()))


def ask_to_reset(request: ApiRequest, email: str, locale: str) -> MailedOut:
    """For the JSON route and the page alike. Raises as `request_password_reset`."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    request.transact(lambda uow: request_password_reset(uow, email, locale, origin), acting_as=PRE_AUTH)
    return MailedOut(expires_in_s=int(LASTS.total_seconds()))


def sign_up(
    request: ApiRequest,
    presented: Presented,
    name: str,
    password: str,
    organization: RegisterOrganization,
    referral_code: str = "",
) -> tuple[NewSession, tuple[Cookie, ...]]:
    """Make the account and open its first session, for the JSON route and the page alike. `referral_code`: who brought it.

    Raises: as `complete_sign_up`; Unauthenticated `sign_in_required`, all being made, where the account, which came back,
    asks for a second factor.
    """
    counted_id = _counted(request, "sign_up", presented)
    signer = request.services.signer

    def work(uow: UnitOfWork) -> tuple[NewSession | None, str]:
        command = CompleteSignUp(presented, counted_id, name, password, organization)
        made = complete_sign_up(uow, signer, command)
        if referral_code:
            attribute_referral(uow, made.org_id, made.person_id, referral_code)
        if find_second_factor(uow, made.person_id) is not None:
            return None, made.email
        return begin_session(uow, made.person_id, made.org_id, browser_of(request)), made.email

    opened, email = _judged(request, counted_id, work)
    if opened is None:
        raise Unauthenticated("sign_in_required")
    return opened, (device_cookie(request.services, email, None), session_cookie(request.services, opened.token))


def set_password(request: ApiRequest, presented: Presented, password: str) -> None:
    """For the JSON route and the page alike. Raises as `reset_password`."""
    counted_id = _counted(request, "reset_password", presented)
    signer = request.services.signer
    _judged(request, counted_id, lambda uow: reset_password(uow, signer, presented, counted_id, password))


def shown_link(request: ApiRequest, purpose: Purpose, token: str) -> LinkShown:
    """How a mail's link stands, for the page behind it. Raises as `count_brought_back`."""
    count_link(request)
    signer = request.services.signer
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return look_at_link(uow, signer, purpose, token)


def _counted(request: ApiRequest, purpose: Purpose, presented: Presented) -> UUID | None:
    count_link(request)
    # A transaction of its own: the try stays counted when the next one is refused.
    return request.transact(lambda uow: count_try(uow, purpose, presented), acting_as=PRE_AUTH)


def _judged(request: ApiRequest, counted_id: UUID | None, work: Callable[[UnitOfWork], T]) -> T:
    """Do what a code was brought back for. Only a wrong code uses up a try: a right one outlives mistakes in other fields."""
    try:
        return request.transact(work, acting_as=PRE_AUTH)
    except DomainError as refused:
        if counted_id is not None and refused.code != "code_invalid":
            request.transact(lambda uow: give_try_back(uow, counted_id), acting_as=PRE_AUTH)
        raise


def count_link(request: ApiRequest) -> None:
    """Count what is brought back against the network it comes from. Raises as `count_brought_back`."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    request.transact(lambda uow: count_brought_back(uow, origin), acting_as=PRE_AUTH)


routes = [create_sign_up, create_account, create_password_reset, complete_password_reset]
