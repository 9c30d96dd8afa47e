"""One's own second factor: codes of an authenticator app beside the password, and recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

from litestar import get, post, put
from litestar.params import JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.known_device import known_device
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.sign_ups import Password
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from marketplace.access.authenticate import PRE_AUTH, SignedIn
from marketplace.access.second_factor import (
    Reauthentication,
    Setup,
    Status,
    begin_setup,
    confirm_setup,
    counted_as,
    open_setup,
    read_status,
    remove_second_factor,
    renew_recovery_codes,
)
from marketplace.access.sign_in_limits import count_attempt, forgive_attempt
from marketplace.access.totp import provisioning_uri

T = TypeVar("T")
ISSUER = "Channel Market"
"""Under which an authenticator app lists the account."""
Code = Annotated[str, Field(min_length=1, max_length=40)]


class PasswordTyped(Wire):
    """One's password, asked again."""

    password: Password


class ReauthenticationIn(PasswordTyped):
    """Password and code, asked again; a recovery code counts as well."""

    code: Code


class ConfirmationIn(Wire):
    """The setup as it was answered, and the code that the app shows for it."""

    setup: Annotated[str, Field(max_length=4000)]
    code: Code


class SecondFactorOut(Out):
    """How one signs in. `since` null: by the password alone."""

    is_on: bool
    since: datetime | None
    recovery_codes_left: int


class SetupOut(Out):
    """To be given to an authenticator app: `secret` typed, or `uri` as a QR code. Nothing is on before it is confirmed."""

    setup: str
    secret: str
    uri: str


class RecoveryCodesOut(Out):
    """Each signs in once in place of the app's code. They are answered once and kept by nobody."""

    recovery_codes: list[str]


@get("/v1/me/second-factor", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_second_factor(request: ApiRequest) -> SecondFactorOut:
    """Whether it is on, and how many recovery codes are left."""
    found = own_status(request)
    return SecondFactorOut(
        is_on=found.since is not None, since=found.since, recovery_codes_left=found.recovery_codes_left
    )


@post("/v1/me/second-factor", permission=SIGNED_IN, refuses=[409, 429], sync_to_thread=True, tags=["people"])
def create_setup(data: JSONBody[PasswordTyped], request: ApiRequest) -> SetupOut:
    """Begin: a secret for an authenticator app, good for 15 minutes in this session.

    Wrong passwords count like failed sign-ins.
    """
    made = own_setup(request, data.password)
    return SetupOut(setup=made.sealed, secret=made.secret, uri=uri_of(request, made))


@put("/v1/me/second-factor", permission=SIGNED_IN, refuses=[409, 429], sync_to_thread=True, tags=["people"])
def confirm_second_factor(data: JSONBody[ConfirmationIn], request: ApiRequest) -> RecoveryCodesOut:
    """Switch it on by a first right code."""
    return RecoveryCodesOut(recovery_codes=list(switch_on(request, data.setup, data.code)))


@post(
    "/v1/me/second-factor/removal",
    permission=SIGNED_IN,
    refuses=[409, 429],
    sync_to_thread=True,
    status_code=204,
    tags=["people"],
)
def delete_second_factor(data: JSONBody[ReauthenticationIn], request: ApiRequest) -> None:
    """Switch it off. Wrong passwords and codes count like failed sign-ins."""
    switch_off(request, data.password, data.code)


@post(
    "/v1/me/second-factor/recovery-codes",
    permission=SIGNED_IN,
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_recovery_codes(data: JSONBody[ReauthenticationIn], request: ApiRequest) -> RecoveryCodesOut:
    """Ten new recovery codes in place of those there are."""
    return RecoveryCodesOut(recovery_codes=list(new_recovery_codes(request, data.password, data.code)))


def own_status(request: ApiRequest) -> Status:
    """For the JSON route and the page alike."""
    person_id = _self(request).principal.person()
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return read_status(uow, person_id)


def own_setup(request: ApiRequest, password: str) -> Setup:
    """For the JSON route and the page alike. Raises as `count_attempt` and `begin_setup`."""
    own, box = _self(request), request.services.secrets
    asked = Reauthentication(own.principal.person(), password)
    return _counted(request, (own.email,), lambda uow: begin_setup(uow, box, own.session_id, asked))


def opened_setup(request: ApiRequest, sealed: str) -> Setup:
    """The setup that this session began. Raises as `open_setup`."""
    return open_setup(request.services.secrets, _self(request).session_id, sealed)


def switch_on(request: ApiRequest, sealed: str, code: str) -> tuple[str, ...]:
    """For the JSON route and the page alike; the recovery codes. Raises as `open_setup`, `count_attempt`, `confirm_setup`."""
    own, box = _self(request), request.services.secrets
    person_id, setup = own.principal.person(), opened_setup(request, sealed)
    return _counted(request, (counted_as(person_id),), lambda uow: confirm_setup(uow, box, person_id, setup, code))


def switch_off(request: ApiRequest, password: str, code: str) -> None:
    """For the JSON route and the page alike. Raises as `count_attempt` and `remove_second_factor`."""
    box = request.services.secrets
    _reauthenticated(request, password, code, lambda uow, asked: remove_second_factor(uow, box, asked))


def new_recovery_codes(request: ApiRequest, password: str, code: str) -> tuple[str, ...]:
    """For the JSON route and the page alike. Raises as `count_attempt` and `renew_recovery_codes`."""
    box = request.services.secrets
    return _reauthenticated(request, password, code, lambda uow, asked: renew_recovery_codes(uow, box, asked))


def uri_of(request: ApiRequest, setup: Setup) -> str:
    """What an authenticator app reads from the QR code."""
    return provisioning_uri(setup.secret, _self(request).email, ISSUER)


def _reauthenticated(
    request: ApiRequest, password: str, code: str, act: Callable[[UnitOfWork, Reauthentication], T]
) -> T:
    own = _self(request)
    asked = Reauthentication(own.principal.person(), password, code)
    return _counted(request, (own.email, counted_as(asked.person_id)), lambda uow: act(uow, asked))


def _counted(request: ApiRequest, accounts: tuple[str, ...], act: Callable[[UnitOfWork], T]) -> T:
    """Act, each guess counted before it is looked at and forgiven when it was right. `accounts`: what is guessed at."""
    own = _self(request)
    origin = network_address(request, request.services.settings.forwarded_hops)
    known = known_device(request, own.email)
    # Two transactions: the guesses stay counted when the second is refused.
    device_ids = request.transact(
        lambda uow: [count_attempt(uow, account, origin, known) for account in accounts], acting_as=PRE_AUTH
    )

    def work(uow: UnitOfWork) -> T:
        done = act(uow)
        for account, device_id in zip(accounts, device_ids, strict=True):
            forgive_attempt(uow, account, origin, device_id)
        return done

    return request.transact(work, acting_as=PRE_AUTH)


def _self(request: ApiRequest) -> SignedIn:
    if request.signed_in is None:
        raise Forbidden("person_required")
    return request.signed_in


routes = [get_second_factor, create_setup, confirm_second_factor, delete_second_factor, create_recovery_codes]
