"""The trace: any id or printed number, and the whole chain around it in both directions."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.site import PageRequest, page
from api.pages.trace import presenter
from api.pages.trace.views import TraceView
from kernel.errors import NotFound
from orders.tracing.find import as_id, find_traceable
from orders.tracing.trace import trace

READ = "trace.read"
NOT_FOUND = 404


@page(addresses.TRACE, READ)
def search(page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The search box; what is found is shown at its own address. Of several with one number, it asks which."""
    typed = page_request.query("q", most=64)
    if not typed:
        return page_request.render(TraceView())
    if (any_id := as_id(typed)) is not None:
        return page_request.redirect(addresses.trace(str(any_id)))
    with page_request.work() as uow:
        found = find_traceable(uow, typed)
    if not found:
        return page_request.render(TraceView(searched=typed, missing=True), status=NOT_FOUND)
    if len(found) > 1:
        return page_request.render(TraceView(searched=typed, choices=presenter.choices(page_request, found)))
    return page_request.redirect(addresses.trace(str(found[0].id)))


@page("/trace/{any_id:uuid}", READ)
def show_trace(any_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The chain through one id, as far as the visitor may see it."""
    try:
        with page_request.work() as uow:
            found = trace(uow, any_id)
    except NotFound:
        return page_request.render(TraceView(searched=str(any_id), missing=True), status=NOT_FOUND)
    return page_request.render(
        TraceView(
            searched=str(any_id),
            timeline=presenter.timeline(page_request, found),
            subject=presenter.subject(page_request, found),
            broken=len(found.gaps),
        )
    )


routes = [search, show_trace]
