"""The ways by which a payer may pay for others."""

from __future__ import annotations

from api.pages.frame.choices import Choice
from api.pages.frame.payment_methods import methods, parse_method
from api.pages.frame.site import PageRequest
from api.v1.payer_charges import payer_way
from kernel.errors import Invalid


def payer_methods(page_request: PageRequest) -> tuple[Choice, ...]:
    """Of the reader's organization, those for which nobody has to be there who pays."""
    offered = methods(page_request, page_request.services.gateways)
    return tuple(one for one in offered if not one.refused and _fits(page_request, one))


def _fits(page_request: PageRequest, one: Choice) -> bool:
    try:
        payer_way(page_request.services, *parse_method(one.id))
    except Invalid:
        return False
    return True
