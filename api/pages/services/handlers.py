"""The seller's pages of services that it delivers in milestones, the buyer's files, and what the platform sees waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.awaited_payments.handlers import awaited_note
from api.pages.frame import addresses
from api.pages.frame.phrases import failure, money, titles
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.services.presenter import milestone_item, waiting_item
from api.pages.services.views import ServicePage, ServicesView, StuckServicesView
from api.v1.milestone_files import drop_file, send_file, store_file
from api.v1.milestones import DELIVERS, SELLS
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from orders.awaited_payments import get_sold
from orders.milestones.deliver import deliver
from orders.milestones.file_types import ENDINGS, MAX_BYTES
from orders.milestones.queries import list_milestones, sold_milestones, stuck_milestones
from orders.milestones.take_on import refuse, take_on

ACCEPT = ",".join(f".{ending}" for ending in ENDINGS)


@page(addresses.services.SELLER_SERVICES, SELLS)
def show_services(page_request: Given[PageRequest]) -> Response[str]:
    """What waits of the services that were sold, the most urgent first."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = sold_milestones(uow)
    return page_request.render(ServicesView(tuple(waiting_item(page_request, one, sells=True) for one in found)))


@page(addresses.services.OPERATOR_SERVICES, "operator.read")
def show_stuck(page_request: Given[PageRequest]) -> Response[str]:
    """What waits of all services, by age."""
    with page_request.work() as uow:
        found = stuck_milestones(uow)
    return page_request.render(StuckServicesView(tuple(waiting_item(page_request, one, sells=False) for one in found)))


@page("/seller/services/{order_id:uuid}", SELLS)
def show_service(order_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One order with its milestones."""
    require_seller(page_request)
    return page_request.render(_service(page_request, order_id))


@form_post("/seller/services/{order_id:uuid}/take-on", DELIVERS)
def accept_service(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take the order on. Pressed twice, the second finds it taken on."""
    del form
    return _acted(page_request, order_id, lambda uow: take_on(uow, order_id), "service_taken_on")


@form_post("/seller/services/{order_id:uuid}/refuse", DELIVERS)
def refuse_service(order_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Do not take it on; the money goes back."""
    reason = form.text("reason", most=2_000)
    return _acted(
        page_request, order_id, lambda uow: refuse(uow, order_id, reason), "service_refused", typed={"": reason}
    )


@form_post("/seller/services/{order_id:uuid}/{milestone_id:uuid}/files", DELIVERS, file_bytes=MAX_BYTES)
def add_milestone_file(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Put a file with what is delivered next. The words that stand beside it are kept."""
    typed = {str(milestone_id): form.text("words", most=20_000)}
    try:
        store_file(page_request.request, milestone_id, form.file("file"))
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, order_id, refused, typed)
    return page_request.render(_service(page_request, order_id, typed=typed))


@form_post("/seller/services/{order_id:uuid}/{milestone_id:uuid}/files/{file_id:uuid}/remove", DELIVERS)
def remove_milestone_file(
    order_id: FromPath[UUID],
    milestone_id: FromPath[UUID],
    file_id: FromPath[UUID],
    page_request: Given[PageRequest],
    form: Given[Form],
) -> Response[Any]:
    """Take a file back that was not delivered yet."""
    del form
    try:
        drop_file(page_request.request, milestone_id, file_id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, order_id, refused, {str(milestone_id): ""})
    return page_request.redirect(addresses.services.seller_service(str(order_id)), notice="milestone_file_removed")


@form_post("/seller/services/{order_id:uuid}/{milestone_id:uuid}/deliver", DELIVERS, file_bytes=MAX_BYTES)
def deliver_service(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Deliver a milestone with the files that were put there, and one that is chosen still.

    Pressed twice, the second finds it delivered.
    """
    version, words = form.number("version", least=1, most=10_000), form.text("words", most=20_000)
    if form.has_file("file"):
        try:
            store_file(page_request.request, milestone_id, form.file("file"))
        except NotFound:
            raise
        except DomainError as refused:
            # Pressed twice, it is delivered already; `deliver` knows whether it is that.
            if refused.code != "milestone_not_awaited":
                return _refused(page_request, order_id, refused, {str(milestone_id): words})
    return _acted(
        page_request,
        order_id,
        lambda uow: deliver(uow, milestone_id, version=version, words=words),
        "milestone_delivered",
        typed={str(milestone_id): words},
    )


@page("/seller/services/{order_id:uuid}/{milestone_id:uuid}/files/{file_id:uuid}", SELLS)
def get_sold_file(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], file_id: FromPath[UUID], page_request: Given[PageRequest]
) -> Response[Any]:
    """A file of the seller's own."""
    del order_id
    return send_file(page_request.request, milestone_id, file_id, of_buyer=False)


@page("/orders/{order_id:uuid}/milestones/{milestone_id:uuid}/files/{file_id:uuid}", "orders.read")
def get_bought_file(
    order_id: FromPath[UUID], milestone_id: FromPath[UUID], file_id: FromPath[UUID], page_request: Given[PageRequest]
) -> Response[Any]:
    """A file that was delivered."""
    del order_id
    return send_file(page_request.request, milestone_id, file_id, of_buyer=True)


def _acted(
    page_request: PageRequest,
    order_id: UUID,
    work: Callable[[UnitOfWork], object],
    notice: str,
    *,
    typed: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Do `work` and come back to the order; a refusal is told there, with what was typed."""
    require_seller(page_request)
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, order_id, refused, typed or {})
    return page_request.redirect(addresses.services.seller_service(str(order_id)), notice=notice)


def _refused(
    page_request: PageRequest, order_id: UUID, refused: DomainError, typed: Mapping[str, str]
) -> Response[str]:
    return page_request.render(_service(page_request, order_id, typed=typed, refused=refused), status=refused.status)


def _service(
    page_request: PageRequest,
    order_id: UUID,
    *,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
) -> ServicePage:
    with page_request.work() as uow:
        sold = get_sold(uow, order_id)
        order = sold.order
        found = list_milestones(uow, order_id, of_buyer=False)
    if not found:
        raise NotFound("not_found")
    may_act = page_request.principal.may(DELIVERS)
    waits = next((one.deadline_at for one in found if one.state == "pending"), None)
    return ServicePage(
        order_id=str(order.id),
        number=order.number,
        state=order.state,
        listing_name=titles(page_request, order.lines),
        buyer_name=order.buyer_name,
        gross=money(order.gross_minor, order.currency),
        milestones=tuple(
            milestone_item(
                page_request,
                one,
                number,
                of_buyer=False,
                may_act=may_act and order.state == "active",
                typed=typed,
            )
            for number, one in enumerate(found, 1)
        ),
        max_bytes=MAX_BYTES,
        accept=ACCEPT,
        may_deliver=may_act,
        awaited=awaited_note(sold.awaited) if sold.awaited is not None else None,
        to_take_on=waits if order.state == "fulfilling" else None,
        reason=(typed or {}).get("", ""),
        failure=order.failure or "",
        error=failure(page_request, refused) if refused else "",
        error_at=next(iter(typed or {}), "") if refused else "",
    )


routes = [
    show_services,
    show_stuck,
    show_service,
    accept_service,
    refuse_service,
    add_milestone_file,
    remove_milestone_file,
    deliver_service,
    get_sold_file,
    get_bought_file,
]
