"""A seller answers a request with an offer, in its thread."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.site import Form, PageRequest, form_post
from api.pages.leads.presenter import seller_page
from api.pages.offers.form import command_of, editor_asked, made_notice, typed_of, wrong
from api.v1.offers import MANAGE
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.leads.queries import get_seller_lead
from orders.offers.make_offer import make_offer

Answer = Response[str] | Response[bytes]


@form_post("/seller/leads/{lead_id:uuid}/offers", MANAGE)
def make(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer a price: pressed twice it is one offer, another one takes its place."""
    if (shown := editor_asked(page_request, form, lambda typed: seller_page(page_request, lead_id, typed))) is not None:
        return shown
    typed = typed_of(page_request, form)

    def work(uow: UnitOfWork) -> str:
        get_seller_lead(uow, lead_id)
        return made_notice(make_offer(uow, command_of(uow, typed, lead_id=lead_id)))

    try:
        notice = page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id, typed), **wrong(page_request, refused, typed))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_lead(str(lead_id)), notice=notice)


routes = [make]
