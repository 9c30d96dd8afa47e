"""The operators' page of reference rates: what is known, and a file taken in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.reference_rates.views import ReferenceRatesView
from api.v1.reference_rates import READ, WRITE, take_rates
from billing.reference_rates.queries import list_rates, rate_sources
from billing.reference_rates.read_file import MOST_BYTES
from kernel.errors import DomainError

_PAGE = 30
_SHOWN = 200
"""Most faults of a file that are shown; the file's own order."""


@page(addresses.operating.RATES, READ)
def show_rates(page_request: Given[PageRequest]) -> Response[str]:
    """What is known of each source, and the rates that came in last."""
    return page_request.render(_view(page_request))


@form_post(addresses.operating.IMPORT_RATES, WRITE, request_max_body_size=MOST_BYTES + 100_000)
def import_file(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Import a file, or say what would happen. Sent twice, the second finds everything known."""
    source = form.text("source", most=12)
    try:
        dry_run = form.text("act", most=10) != "import"
        replaces = form.text("replace", most=3) == "yes"
        report = take_rates(page_request.request, form.file("file"), source, replaces=replaces, dry_run=dry_run)
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused), typed=source)
        return page_request.render(view, status=refused.status)
    hidden = max(len(report.faults) - _SHOWN, 0)
    view = replace(_view(page_request), report=report, hidden=hidden, typed=source)
    del report.faults[_SHOWN:]
    return page_request.render(view, status=422 if report.faults else 200)


def _view(page_request: PageRequest) -> ReferenceRatesView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        sources = tuple(rate_sources(uow))
        found = list_rates(uow, cursor=cursor, limit=_PAGE)
    return ReferenceRatesView(
        sources,
        tuple(found.items),
        addresses.next_page(addresses.operating.RATES, found.next_cursor),
        page_request.principal.may(WRITE),
    )


routes = [show_rates, import_file]
