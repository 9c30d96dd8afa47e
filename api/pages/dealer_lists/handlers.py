"""Lists of dealers: pasted or uploaded, corrected, sent; who answered, and who is mailed once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.dealer_lists.presenter import list_view, lists_view
from api.pages.dealer_lists.views import DealerListsView, DealerListView
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.problems import headers_of
from api.v1.dealer_list_out import MOST_PASTED
from api.v1.dealer_lists import dealer_template, take_dealer_file
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.relations.dealer_list_models import DealerList
from marketplace.relations.dealer_lists import (
    MakeDealerList,
    correct_dealers,
    discard_dealer_list,
    leave_out_wrong_dealers,
    mail_list_again,
    make_dealer_list,
    replace_dealers,
    send_dealer_list,
)
from marketplace.relations.dealer_rows import MOST_CELL, DealerChange, DealerRow
from marketplace.relations.mail_invitations import mail_invitation_again
from marketplace.relations.partner_invitations import revoke_invitation
from marketplace.relations.save_tier import PERMISSION
from orders.order_sheets.read_dealers import read_dealers
from orders.order_sheets.sheet_rows import MOST_BYTES

Answer = Response[str] | Response[bytes]
_ACTS: dict[str, tuple[Callable[[UnitOfWork, UUID], DealerList], str]] = {
    "leave-out": (leave_out_wrong_dealers, "dealer_list_saved"),
    "send": (send_dealer_list, "dealer_list_sent"),
    "mail": (mail_list_again, "dealer_list_mailed"),
    "discard": (discard_dealer_list, "dealer_list_discarded"),
}
_BODY = MOST_BYTES + 1_000_000
"""A file, or what was pasted, with what a form adds."""


@page(addresses.partners.DEALER_LISTS, PERMISSION)
def show_dealer_lists(page_request: Given[PageRequest]) -> Answer:
    """The lists, and the form that makes one."""
    require_seller(page_request)
    return page_request.render(lists_view(page_request))


@form_post(addresses.partners.DEALER_LISTS, PERMISSION, request_max_body_size=_BODY)
def add_dealer_list(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a draft of a file, or else of what was pasted."""
    require_seller(page_request)
    try:
        name, rows = _taken(form)
        made = page_request.transact(lambda uow: make_dealer_list(uow, MakeDealerList(name, rows)).id)
    except DomainError as refused:
        typed = form.values.get("lines", "")[:MOST_PASTED]
        view = replace(lists_view(page_request), lines=typed, name=form.values.get("name", "")[:120])
        return _refused(page_request, view, refused)
    return page_request.redirect(addresses.partners.dealer_list(str(made)))


@page(addresses.partners.DEALER_LIST_TEMPLATE, PERMISSION)
def download_dealer_template(page_request: Given[PageRequest]) -> Answer:
    """The workbook to fill in."""
    return dealer_template(page_request.request)


@page("/seller/dealer-lists/{dealer_list_id:uuid}", PERMISSION)
def show_dealer_list(dealer_list_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One list: what is wrong, or what became of each line."""
    require_seller(page_request)
    return page_request.render(list_view(page_request, dealer_list_id))


@form_post("/seller/dealer-lists/{dealer_list_id:uuid}/lines", PERMISSION, request_max_body_size=_BODY)
def correct_dealer_lines(dealer_list_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Correct lines, leave them out, or take them in again."""
    changes = _changes(form)
    return _done(
        page_request, dealer_list_id, lambda uow: correct_dealers(uow, dealer_list_id, changes), "dealer_list_saved"
    )


@form_post("/seller/dealer-lists/{dealer_list_id:uuid}/file", PERMISSION, request_max_body_size=_BODY)
def replace_dealer_list(dealer_list_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put the lines of another file in the place of all."""
    try:
        name, rows = _taken(form)
        page_request.transact(lambda uow: replace_dealers(uow, dealer_list_id, rows, name).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, list_view(page_request, dealer_list_id), refused)
    return page_request.redirect(addresses.partners.dealer_list(str(dealer_list_id)), notice="dealer_list_saved")


@form_post("/seller/dealer-lists/{dealer_list_id:uuid}/{act:str}", PERMISSION)
def act_on_dealer_list(
    dealer_list_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Leave out what is wrong, send it, mail who did not answer, or discard it."""
    del form
    if act not in _ACTS:
        raise NotFound("not_found")
    work, notice = _ACTS[act]
    return _done(page_request, dealer_list_id, lambda uow: work(uow, dealer_list_id), notice)


@form_post("/seller/dealer-lists/{dealer_list_id:uuid}/invitations/{invitation_id:uuid}/mail", PERMISSION)
def mail_dealer_again(
    dealer_list_id: FromPath[UUID],
    invitation_id: FromPath[UUID],
    page_request: Given[PageRequest],
    form: Given[Form],
) -> Answer:
    """Mail one invitation once more."""
    del form
    return _done(
        page_request,
        dealer_list_id,
        lambda uow: mail_invitation_again(uow, invitation_id),
        "partner_invitation_mailed",
    )


@form_post("/seller/dealer-lists/{dealer_list_id:uuid}/invitations/{invitation_id:uuid}/revoke", PERMISSION)
def revoke_dealer(
    dealer_list_id: FromPath[UUID],
    invitation_id: FromPath[UUID],
    page_request: Given[PageRequest],
    form: Given[Form],
) -> Answer:
    """Let nobody use one invitation any more."""
    del form
    return _done(
        page_request, dealer_list_id, lambda uow: revoke_invitation(uow, invitation_id), "partner_invitation_revoked"
    )


def _done(page_request: PageRequest, list_id: UUID, work: Callable[[UnitOfWork], object], notice: str) -> Answer:
    """The list after it, or with what stood in the way."""

    def counted(uow: UnitOfWork) -> bool:
        work(uow)
        uow.flush()
        return True

    try:
        page_request.transact(counted)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, list_view(page_request, list_id), refused)
    return page_request.redirect(addresses.partners.dealer_list(str(list_id)), notice=notice)


def _taken(form: Form) -> tuple[str, tuple[DealerRow, ...]]:
    """What it is called and its lines: of the file, where one was chosen. Called while no transaction is open."""
    name = form.text("name", most=120)
    if form.has_file("file"):
        of_file, rows = take_dealer_file(form.file("file"))
        return name or of_file, rows
    return name, tuple(read_dealers(form.text("lines", most=MOST_PASTED).encode()))


def _changes(form: Form) -> list[DealerChange]:
    """What the form says of each line that it shows."""
    numbers = [name.removeprefix("line-") for name in form.values if name.startswith("line-")]
    known = [int(one) for one in numbers if one.isascii() and one.isdigit() and len(one) <= 9]
    return [
        DealerChange(
            number,
            form.text(f"name-{number}", most=MOST_CELL),
            form.text(f"tax_id-{number}", most=MOST_CELL),
            form.text(f"email-{number}", most=MOST_CELL),
            form.text(f"tier-{number}", most=MOST_CELL),
            f"out-{number}" in form.values,
        )
        for number in known
    ]


def _refused(page_request: PageRequest, view: DealerListsView | DealerListView, refused: DomainError) -> Answer:
    """The page again, with what is wrong."""
    shown = replace(view, error=failure(page_request, refused), error_field=getattr(refused, "field", None) or "")
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_dealer_lists,
    add_dealer_list,
    download_dealer_template,
    show_dealer_list,
    correct_dealer_lines,
    replace_dealer_list,
    act_on_dealer_list,
    mail_dealer_again,
    revoke_dealer,
]
