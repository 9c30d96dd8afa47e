"""The operator's page of refunds that wait for red tax invoices (数电票)."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.fapiao.handlers import held_item
from api.pages.fapiao.views import OperatorHeldView
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.v1.held_refunds import PAYS
from billing.fapiao.held_refunds import list_held_refunds
from kernel.errors import DomainError, NotFound
from orders.refunds.held import pay_before_red

Answer = Response[str] | Response[bytes]
PAGE = 50


@page(addresses.refunds.OPERATOR_HELD, "operator.read")
def show_held_refunds(page_request: Given[PageRequest]) -> Answer:
    """What waits, newest first."""
    return page_request.render(_page(page_request))


@form_post("/operator/held-refunds/{refund_id:uuid}/release", PAYS)
def release_held_refund(refund_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let its money go before the red one. Pressed twice, it went once."""
    reason = form.text("reason", most=300)
    try:
        page_request.transact(lambda uow: pay_before_red(uow, refund_id, reason).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = _page(page_request, error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.refunds.OPERATOR_HELD, notice="held_refund_released")


def _page(page_request: PageRequest, *, error: str = "") -> OperatorHeldView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = list_held_refunds(uow, side="operator", cursor=cursor, limit=PAGE)
    return OperatorHeldView(
        rows=tuple(held_item(one) for one in found.items),
        may_release=page_request.principal.may(PAYS),
        next_address=addresses.next_page(addresses.refunds.OPERATOR_HELD, found.next_cursor),
        error=error,
    )


routes = [show_held_refunds, release_held_refund]
