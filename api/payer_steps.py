"""What a payer does about its payments and methods where a gateway has to be asked in between: for routes and pages alike."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from api.request import ApiRequest
from billing.gateways.call import Submission
from billing.gateways.ports import GatewayRefused, MethodKeeper, NotReached, OutcomeUnknown
from billing.payment_methods.keep import find_payer, keeper_of, note_methods
from billing.payments.withdraw_payment import ask_now, withdraw_payment
from kernel.errors import Invalid, Unavailable
from kernel.ids import uuid7
from orders.payment_methods.pays_in import pays_in

RETURN = "/payment-methods/return"
"""Where the gateway's page leads back to."""


def keeper_named(request: ApiRequest, name: str | None) -> tuple[str, MethodKeeper]:
    """The gateway of this name that keeps methods, else the first that does. Raises Invalid(`gateway_keeps_no_methods`)."""
    gateways = request.services.gateways
    for known in [name] if name is not None else list(gateways):
        keeper = keeper_of(gateways, known)
        if keeper is not None:
            return known, keeper
    raise Invalid("gateway_keeps_no_methods", field="gateway")


def begin_setup(request: ApiRequest, name: str | None) -> str:
    """Open a page of the gateway's on which a method is kept; answers its address.

    Raises: as `keeper_named`; Unavailable `gateway_silent` where the gateway did not answer: nothing was kept.
    """
    _, keeper = keeper_named(request, name)
    with request.transaction() as uow:
        payer, currency = uow.principal.organization(), pays_in(uow)
    try:
        return keeper.begin_setup(payer, str(uuid7()), currency, request.services.settings.public_url + RETURN)
    except (OutcomeUnknown, NotReached, GatewayRefused) as error:
        raise Unavailable("gateway_silent") from error


def read_methods(request: ApiRequest) -> bool:
    """Ask the gateways what they keep for the organization now. False where one of them did not answer: a job asks later."""
    gateways = request.services.gateways
    answered = True
    for name in gateways:
        keeper = keeper_of(gateways, name)
        if keeper is None:
            continue
        with request.transaction() as uow:
            payer = find_payer(uow, uow.principal.organization(), name)
        if payer is None:
            continue
        try:
            found = keeper.list_methods(payer.customer)
        except (OutcomeUnknown, NotReached, GatewayRefused):
            answered = False
            continue
        request.transact(partial(note_methods, payer=payer, found=found))
    return answered


def ask_gateway(request: ApiRequest, payment_id: UUID) -> None:
    """Learn what became of a payment whose payer has come back: asked, never believed. Raises as `ask_now`."""
    _run(request, request.transact(lambda uow: ask_now(uow, payment_id)))


def withdraw(request: ApiRequest, payment_id: UUID) -> None:
    """Withdraw a payment that waits for its payer. Raises as `withdraw_payment`."""
    _run(request, request.transact(lambda uow: withdraw_payment(uow, payment_id)))


def _run(request: ApiRequest, submission: Submission | None) -> None:
    if submission is not None:
        request.services.runner.run_prepared(submission.claim, submission.request)
