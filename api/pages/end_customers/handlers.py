"""Dealers and their end customers: asked, confirmed, ended; and the link of one that is not here yet."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.end_customers.views import EndCustomerItem, EndCustomerLinkView, EndCustomersView, TypedEndCustomer
from api.pages.frame import addresses, end_customer_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.sign_up.remembered import remember
from api.problems import headers_of
from api.schema import run_command
from api.v1.end_customers import AskEndCustomerIn, EndCustomerOut
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from marketplace.end_customers.agree import (
    PERMISSION,
    ask_end_customer,
    confirm_by_link,
    confirm_end_customer,
    end_end_customer,
)
from marketplace.end_customers.queries import EndCustomerRow, get_end_customer, list_end_customers, read_link

FIELDS = tuple(asdict(TypedEndCustomer()))


@page(end_customer_addresses.END_CUSTOMERS, PERMISSION)
def show_end_customers(page_request: Given[PageRequest]) -> Response[str]:
    """Both sides' rows, the newest first, and the form that asks another one."""
    return page_request.render(_view(page_request))


@form_post(end_customer_addresses.END_CUSTOMERS, PERMISSION)
def ask(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Ask one by its tax identifier, or make a link for it; pressed twice, it is asked once."""
    typed = TypedEndCustomer(**{name: form.values.get(name, "")[:200] for name in FIELDS})
    try:
        asked = AskEndCustomerIn.model_construct(organization_id=None, name=typed.name, tax_id=typed.tax_id)
        command = asked.command()
        answer = run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            asked,
            lambda uow: EndCustomerOut.of(get_end_customer(uow, ask_end_customer(uow, command).id)),
            route=f"POST {end_customer_addresses.END_CUSTOMERS}",
        )
    except DomainError as refused:
        shown = replace(
            _view(page_request),
            typed=typed,
            error_field=getattr(refused, "field", None) or "tax_id",
            field_error=failure(page_request, refused),
        )
        return page_request.render(shown, status=refused.status, headers=headers_of(refused))
    del answer
    return page_request.redirect(end_customer_addresses.END_CUSTOMERS, notice="end_customer_asked")


@form_post("/end-customers/{end_customer_id:uuid}/{act:str}", PERMISSION)
def answer_end_customer(
    end_customer_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Confirm it, or end it."""
    del form
    if act not in ("confirm", "end"):
        raise NotFound("not_found")
    try:
        if act == "confirm":
            page_request.transact(lambda uow: confirm_end_customer(uow, end_customer_id).id)
        else:
            page_request.transact(lambda uow: end_end_customer(uow, end_customer_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    notice = "end_customer_confirmed" if act == "confirm" else "end_customer_ended"
    return page_request.redirect(end_customer_addresses.END_CUSTOMERS, notice=notice)


@page("/end-customer-links/{code:str}", PUBLIC)
def show_link(code: FromPath[str], page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """What a dealer asks of whoever has its link. Who has no account comes back here from signing up."""
    with page_request.work() as uow:
        found = read_link(uow, code)
    signed_in, address = page_request.signed_in, end_customer_addresses.link(code)
    view = EndCustomerLinkView(
        address=address,
        dealer=found.dealer_name,
        name=found.name,
        tax_id=found.tax_id or "",
        state=found.state,
        expires_at=found.expires_at,
        organization=signed_in.organization.display_name if signed_in is not None else "",
        may_confirm=signed_in is not None and page_request.principal.may(PERMISSION),
        signed_in=signed_in is not None,
    )
    answer = page_request.render(view, headers={"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"})
    if signed_in is None and found.state == "open":
        answer.set_cookie(remember(page_request.services, address))
    return answer


@form_post("/end-customer-links/{code:str}", PERMISSION)
def confirm_link(code: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Be the dealer's end customer. Pressed twice, the second finds it done."""
    del form
    page_request.transact(lambda uow: confirm_by_link(uow, code).id)
    return page_request.redirect(end_customer_addresses.END_CUSTOMERS, notice="end_customer_confirmed")


def _view(page_request: PageRequest) -> EndCustomersView:
    with page_request.work() as uow:
        found = list_end_customers(uow, cursor=page_request.query("cursor", most=200) or None)
    return EndCustomersView(
        rows=tuple(_item(page_request, one) for one in found.items),
        address=end_customer_addresses.END_CUSTOMERS,
        entitlements=addresses.ENTITLEMENTS,
        next_address=addresses.next_page(end_customer_addresses.END_CUSTOMERS, found.next_cursor),
        idempotency_key=str(uuid7()),
    )


def _item(page_request: PageRequest, one: EndCustomerRow) -> EndCustomerItem:
    row_id, public = str(one.id), page_request.services.settings.public_url.rstrip("/")
    return EndCustomerItem(
        id=row_id,
        name=one.name if one.is_dealer else one.dealer_name,
        state=one.state,
        is_dealer=one.is_dealer,
        at=one.ended_at or one.confirmed_at or one.created_at,
        tax_id=one.tax_id or "",
        link=f"{public}{end_customer_addresses.link(one.code)}" if one.code else "",
        link_until=one.expires_at if one.code else None,
        confirm=end_customer_addresses.end_customer(row_id, "confirm") if one.may_confirm else "",
        end=end_customer_addresses.end_customer(row_id, "end") if one.state != "ended" else "",
        end_act="end" if one.state == "active" else "withdraw" if one.is_dealer else "decline",
    )


routes = [show_end_customers, ask, answer_end_customer, show_link, confirm_link]
