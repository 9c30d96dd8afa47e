"""Halls as visitors use them: found, registered for, looked at; badges given and taken back."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.pages.frame import addresses, hall_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.halls.presenter import badge_page, booth_page, hall_item, hall_page, may_organize
from api.pages.halls.views import BadgePage, BadgeTyped, BoothPage, HallsView, ScanPage
from api.problems import headers_of
from kernel.errors import DomainError, NotFound
from kernel.principal import PrincipalKind
from marketplace.halls.exchange_badge import (
    GiveBadge,
    ask_badge,
    decline_badge,
    give_badge,
    hall_of_exchange,
    own_exchange,
    revoke_badge,
    withdraw_badge,
)
from marketplace.halls.queries import list_halls, list_own_booths
from marketplace.halls.register import Register, record_visit, register_visitor
from marketplace.halls.save_hall import PERMISSION
from marketplace.halls.visitor_queries import find_badge_by_code, halls_of_own_badges

Answer = Response[str] | Response[bytes]
MOST_BOOTHS = 100


@page(hall_addresses.HALLS, PUBLIC)
def show_halls(page_request: Given[PageRequest]) -> Answer:
    """Halls that everybody may see, the latest opening first."""
    with page_request.work() as uow:
        found = list_halls(uow, cursor=page_request.query("cursor", most=200) or None)
        own = halls_of_own_badges(uow)
    view = HallsView(
        tuple(hall_item(page_request, one) for one in found.items),
        tuple(hall_item(page_request, one) for one in own),
        may_organize=may_organize(page_request),
        next_address=addresses.next_page(hall_addresses.HALLS, found.next_cursor),
    )
    return page_request.render(view)


@page("/halls/{hall_id:uuid}", PUBLIC)
def show_hall(hall_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A hall with its booths and agenda."""
    return page_request.render(hall_page(page_request, hall_id))


@page("/booths/{booth_id:uuid}", PUBLIC)
def show_booth(booth_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A booth; a registered visitor's look is counted once."""
    if page_request.signed_in is not None and page_request.principal.kind is PrincipalKind.PERSON:
        page_request.transact(lambda uow: record_visit(uow, booth_id))
    return page_request.render(booth_page(page_request, booth_id))


@form_post("/booths/{booth_id:uuid}/badge", SIGNED_IN)
def give(booth_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give one's badge to the booth; pressed twice, it is given once."""
    text, listing = form.values.get("text", "")[:5_000], form.text("listing_id", most=36)
    try:
        command = GiveBadge(
            booth_id,
            _agreed(form),
            parse_uuid_or_404(listing, "listing_not_found") if listing else None,
            text,
            page_request.language,
        )
        page_request.transact(lambda uow: give_badge(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, replace(booth_page(page_request, booth_id), text=text), refused)
    return page_request.redirect(hall_addresses.booth(str(booth_id)), notice="badge_given")


@page("/halls/{hall_id:uuid}/badge", SIGNED_IN)
def show_badge(hall_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One's badge, or the form that registers."""
    return page_request.render(badge_page(page_request, hall_id))


@form_post("/halls/{hall_id:uuid}/badge", SIGNED_IN)
def register(hall_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Register, or say otherwise what the badge says."""
    names = ("name", "company", "job_title", "email", "phone")
    typed = BadgeTyped(**{name: form.values.get(name, "")[:300] for name in names})
    try:
        command = Register(hall_id, **asdict(typed), consent_version=_agreed(form), locale=page_request.language)
        page_request.transact(lambda uow: register_visitor(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, replace(badge_page(page_request, hall_id), typed=typed), refused)
    return page_request.redirect(hall_addresses.hall(str(hall_id), "/badge"), notice="badge_registered")


@form_post("/halls/{hall_id:uuid}/badge/withdraw", SIGNED_IN)
def withdraw(hall_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give the badge up, with all that was given by it."""
    del form
    page_request.transact(lambda uow: withdraw_badge(uow, hall_id).id)
    return page_request.redirect(hall_addresses.hall(str(hall_id)), notice="badge_withdrawn")


@form_post("/badge-exchanges/{exchange_id:uuid}/{act:str}", SIGNED_IN)
def answer(
    exchange_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Give what a booth asked for, decline, or take back what was given."""
    if act not in {"give", "decline", "revoke"}:
        raise NotFound("not_found")
    with page_request.work() as uow:
        exchange = own_exchange(uow, exchange_id)
        booth_id, hall_id = exchange.booth_id, hall_of_exchange(uow, exchange)
    try:
        if act == "give":
            command = GiveBadge(booth_id, _agreed(form), locale=page_request.language)
            page_request.transact(lambda uow: give_badge(uow, command).id)
        else:
            change = decline_badge if act == "decline" else revoke_badge
            page_request.transact(lambda uow: change(uow, exchange_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(badge_page(page_request, hall_id), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    said = {"give": "badge_given", "decline": "badge_declined", "revoke": "badge_revoked"}
    return page_request.redirect(hall_addresses.hall(str(hall_id), "/badge"), notice=said[act])


@page("/badges/{code:str}", PERMISSION)
def show_scanned(code: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """What a badge's QR code opens: an exhibitor chooses the booth it asks for."""
    return page_request.render(_scan_page(page_request, code))


@form_post("/badges/{code:str}", PERMISSION)
def ask_scanned(code: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask whoever bears it."""
    booth_id = parse_uuid_or_404(form.text("booth_id", most=36), "booth_not_found")
    try:
        page_request.transact(lambda uow: ask_badge(uow, booth_id, code).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, _scan_page(page_request, code), refused)
    return page_request.redirect(hall_addresses.own_booth(str(booth_id)), notice="badge_asked")


def _scan_page(page_request: PageRequest, code: str) -> ScanPage:
    with page_request.work() as uow:
        hall_id = find_badge_by_code(uow, code.upper()[:40])
        own = list_own_booths(uow, limit=MOST_BOOTHS).items
    if hall_id is None:
        raise NotFound("badge_not_found")
    booths = [one for one in own if one.hall.id == hall_id and one.booth.state == "accepted"]
    if not booths:
        raise NotFound("badge_not_found")
    return ScanPage(
        code,
        tuple(Choice(str(one.booth.id), page_request.pick(one.hall.title, one.hall.title_en)) for one in booths),
    )


def _agreed(form: Form) -> str:
    return form.text("consent_version", most=20) if form.text("agreed", most=10) == "yes" else ""


def _refused(page_request: PageRequest, view: BadgePage | BoothPage | ScanPage, refused: DomainError) -> Answer:
    """The form again, with what is wrong where it was typed."""
    named, said = getattr(refused, "field", None) or "", failure(page_request, refused)
    shown = replace(view, error_field=named, field_error=said) if named else replace(view, error=said)
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_halls,
    show_hall,
    show_booth,
    give,
    show_badge,
    register,
    withdraw,
    answer,
    show_scanned,
    ask_scanned,
]
