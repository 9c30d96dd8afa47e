"""One's own account: name, language, password, and the browsers that are signed in."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, patch, put
from litestar.params import FromPath, JSONBody
from msgspec.structs import replace
from pydantic import Field

from api.auth import SIGNED_IN
from api.known_device import known_device
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import Wire
from api.v1.session import MeOut, me
from api.v1.sign_ups import Password
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.access.authenticate import PRE_AUTH, SignedIn
from marketplace.access.passwords import ChangePassword, change_password
from marketplace.access.people import ChangePerson, change_person
from marketplace.access.sessions import SessionRow, list_sessions, revoke_other_sessions, revoke_session
from marketplace.access.sign_in_limits import count_attempt, forgive_attempt


class PersonIn(Wire):
    """What colleagues and pages are to know of one."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    locale: Literal["zh-CN", "en"]


class PasswordIn(Wire):
    """The present password, and the next one."""

    current_password: Password
    password: Password


@patch("/v1/me", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def update_me(data: JSONBody[PersonIn], request: ApiRequest) -> MeOut:
    """Change one's name and the language of one's mails."""
    # Who asks was looked up before the change.
    return replace(me(request.caller), name=change_own(request, data.name, data.locale), locale=data.locale)


@put("/v1/me/password", permission=SIGNED_IN, refuses=[429], status_code=204, sync_to_thread=True, tags=["people"])
def update_password(data: JSONBody[PasswordIn], request: ApiRequest) -> None:
    """Set another password; every other session ends. Wrong ones count like failed sign-ins."""
    change_own_password(request, data.current_password, data.password)


@get("/v1/me/sessions", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_sessions(request: ApiRequest) -> list[SessionRow]:
    """The browsers in which one is signed in, this one first."""
    return own_sessions(request)


@delete("/v1/me/sessions/{session_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def delete_own_session(session_id: FromPath[UUID], request: ApiRequest) -> None:
    """Sign a browser out."""
    end_session(request, session_id)


@delete("/v1/me/sessions", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def delete_other_sessions(request: ApiRequest) -> None:
    """Sign every other browser out."""
    end_other_sessions(request)


def change_own(request: ApiRequest, name: str, locale: str) -> str:
    """For the JSON route and the page alike; the name as it is kept. Raises as `change_person`."""
    person_id = _self(request).principal.person()
    return request.transact(lambda uow: change_person(uow, ChangePerson(person_id, name, locale)), acting_as=PRE_AUTH)


def change_own_password(request: ApiRequest, current: str, new: str) -> None:
    """For the JSON route and the page alike. Raises as `count_attempt` and `change_password`."""
    own = _self(request)
    origin = network_address(request, request.services.settings.forwarded_hops)
    known = known_device(request, own.email)
    # Two transactions: the attempt stays counted when the second is refused.
    device_id = request.transact(lambda uow: count_attempt(uow, own.email, origin, known), acting_as=PRE_AUTH)
    command = ChangePassword(own.principal.person(), own.session_id, current, new)

    def work(uow: UnitOfWork) -> None:
        change_password(uow, command)
        forgive_attempt(uow, own.email, origin, device_id)

    request.transact(work, acting_as=PRE_AUTH)


def own_sessions(request: ApiRequest) -> list[SessionRow]:
    """For the JSON route and the page alike."""
    own = _self(request)
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return list_sessions(uow, own.principal.person(), own.session_id)


def end_session(request: ApiRequest, session_id: UUID) -> None:
    """For the JSON route and the page alike. Raises as `revoke_session`."""
    person_id = _self(request).principal.person()
    request.transact(lambda uow: revoke_session(uow, person_id, session_id), acting_as=PRE_AUTH)


def end_other_sessions(request: ApiRequest) -> None:
    """For the JSON route and the page alike."""
    own = _self(request)
    request.transact(lambda uow: revoke_other_sessions(uow, own.principal.person(), own.session_id), acting_as=PRE_AUTH)


def _self(request: ApiRequest) -> SignedIn:
    if request.signed_in is None:
        raise Forbidden("person_required")
    return request.signed_in


routes = [update_me, update_password, get_sessions, delete_own_session, delete_other_sessions]
