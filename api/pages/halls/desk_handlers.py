"""Halls as organizers and exhibitors run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import hall_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.halls.desk_presenter import (
    agenda_of_form,
    desk_page,
    hall_of_form,
    own_booth_page,
    own_halls_view,
    placed,
    report_page,
)
from api.pages.halls.views import AgendaTyped, DeskPage, HallTyped, OwnBoothPage, OwnHallsView
from api.pages.videos.presenter import named_organization
from api.problems import headers_of
from api.schema import run_command
from api.v1.hall_desk import HallIn, desk_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.halls.booths import SaveBooth, answer_booth, invite_exhibitor, remove_booth, save_booth
from marketplace.halls.exchange_badge import ask_badge
from marketplace.halls.queries import agenda_of, get_own_hall
from marketplace.halls.save_agenda import AgendaDraft, save_agenda
from marketplace.halls.save_hall import PERMISSION, archive_hall, publish_hall, save_hall

Answer = Response[str] | Response[bytes]
ACTS: dict[str, tuple[Callable[[UnitOfWork, UUID], object], str]] = {
    "publish": (publish_hall, "hall_published"),
    "archive": (archive_hall, "hall_archived"),
}


@page(hall_addresses.OWN_HALLS, SIGNED_IN)
def show_own_halls(page_request: Given[PageRequest]) -> Answer:
    """The halls that the reader organizes, and its booths."""
    return page_request.render(own_halls_view(page_request))


@form_post(hall_addresses.OWN_HALLS, SIGNED_IN)
def open_hall(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Open one as a draft; pressed twice, it is one."""
    typed = _typed_hall(form)
    try:
        command = hall_of_form(page_request, typed)
        values = {name: getattr(command, name) for name in HallIn.model_fields}
        answer = run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            HallIn.model_construct(**values),
            lambda uow: desk_of(uow, save_hall(uow, command).id),
            route=f"POST {hall_addresses.OWN_HALLS}",
        )
    except DomainError as refused:
        return _refused(page_request, replace(own_halls_view(page_request), typed=typed), refused)
    del answer
    return page_request.redirect(hall_addresses.OWN_HALLS, notice="hall_saved")


@page("/organizer/halls/{hall_id:uuid}", SIGNED_IN)
def show_desk(hall_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A hall with everything that its organizer does to it."""
    return page_request.render(desk_page(page_request, hall_id))


@form_post("/organizer/halls/{hall_id:uuid}", SIGNED_IN)
def change_hall(hall_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say otherwise what it is."""
    typed = _typed_hall(form)
    try:
        command = replace(hall_of_form(page_request, typed), id=hall_id)
        page_request.transact(lambda uow: save_hall(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, replace(desk_page(page_request, hall_id), typed=typed), refused)
    return page_request.redirect(hall_addresses.own_hall(str(hall_id)), notice="hall_saved")


@form_post("/organizer/halls/{hall_id:uuid}/exhibitors", SIGNED_IN)
def invite(hall_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Invite an exhibitor by its number, name or tax identifier; the organizer itself takes a booth at once."""
    who = form.text("partners", most=200)
    try:
        org_id = named_organization(page_request, who)
        page_request.transact(lambda uow: invite_exhibitor(uow, hall_id, org_id).id)
    except DomainError as refused:
        if refused.code == "hall_not_found":
            raise
        view = replace(desk_page(page_request, hall_id), who=who, error_field="partners")
        view = replace(view, field_error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(hall_addresses.own_hall(str(hall_id)), notice="booth_invited")


@form_post("/organizer/halls/{hall_id:uuid}/booths/{booth_id:uuid}/remove", SIGNED_IN)
def remove(
    hall_id: FromPath[UUID], booth_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Take an exhibitor out."""
    del form
    page_request.transact(lambda uow: remove_booth(uow, booth_id).id)
    return page_request.redirect(hall_addresses.own_hall(str(hall_id)), notice="booth_removed")


@form_post("/organizer/halls/{hall_id:uuid}/agenda", SIGNED_IN)
def add_to_agenda(hall_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Add one thing, or (`remove` names it) take one out."""
    typed = AgendaTyped(**{one.name: form.values.get(one.name, "")[:300] for one in fields(AgendaTyped)})
    removed = form.values.get("remove", "")[:36]
    try:
        added = [] if removed else [agenda_of_form(page_request, typed)]

        def work(uow: UnitOfWork) -> None:
            get_own_hall(uow, hall_id)
            kept = [one for one in agenda_of(uow, hall_id) if str(one.id) != removed]
            names = ("starts_at", "ends_at", "title", "title_en", "speaker", "video_id")
            save_agenda(
                uow, hall_id, [AgendaDraft(**{name: getattr(one, name) for name in names}) for one in kept] + added
            )

        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(desk_page(page_request, hall_id), item=typed)
        named = {"items": "ends_at_agenda"}.get(str(getattr(refused, "field", None)), "title_agenda")
        shown = replace(view, error_field=named, field_error=failure(page_request, refused))
        return page_request.render(shown, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(hall_addresses.own_hall(str(hall_id)), notice="hall_saved")


@form_post("/organizer/halls/{hall_id:uuid}/{act:str}", SIGNED_IN)
def act_on_hall(
    hall_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Publish or archive it."""
    del form
    if act not in ACTS:
        raise NotFound("not_found")
    work, notice = ACTS[act]
    try:
        page_request.transact(lambda uow: work(uow, hall_id) is not None)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(desk_page(page_request, hall_id), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(hall_addresses.own_hall(str(hall_id)), notice=notice)


@page("/organizer/halls/{hall_id:uuid}/report", SIGNED_IN)
def show_report(hall_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What came of a hall, and who is registered."""
    return page_request.render(report_page(page_request, hall_id))


@page("/seller/booths/{booth_id:uuid}", PERMISSION)
def show_own_booth(booth_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A booth with everything that its exhibitor does."""
    return page_request.render(own_booth_page(page_request, booth_id))


@form_post("/seller/booths/{booth_id:uuid}", PERMISSION)
def change_booth(booth_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say what it shows: products and videos by the place that was typed at each."""
    shown = own_booth_page(page_request, booth_id)
    channel = form.text("channel_id", most=36)
    words, words_en = (form.values.get(name, "")[:5_000] for name in ("words", "words_en"))
    try:
        command = SaveBooth(
            booth_id,
            parse_uuid_or_404(channel, "channel_not_found") if channel else None,
            placed(form, shown.products),
            placed(form, shown.videos),
            words,
            words_en,
        )
        page_request.transact(lambda uow: save_booth(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, replace(shown, words=words, words_en=words_en, channel=channel), refused)
    return page_request.redirect(hall_addresses.own_booth(str(booth_id)), notice="booth_saved")


@form_post("/seller/booths/{booth_id:uuid}/scan", PERMISSION)
def scan(booth_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask whoever bears the badge with the typed code."""
    code = form.text("code", most=40)
    try:
        page_request.transact(lambda uow: ask_badge(uow, booth_id, code).id)
    except DomainError as refused:
        if refused.code == "booth_not_found":
            raise
        view = replace(own_booth_page(page_request, booth_id), code=code, error_field="code")
        view = replace(view, field_error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(hall_addresses.own_booth(str(booth_id)), notice="badge_asked")


@form_post("/seller/booths/{booth_id:uuid}/{act:str}", PERMISSION)
def answer_invitation(
    booth_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Take the booth, or decline."""
    del form
    if act not in {"accept", "decline"}:
        raise NotFound("not_found")
    page_request.transact(lambda uow: answer_booth(uow, booth_id, accept=act == "accept").id)
    if act == "decline":
        return page_request.redirect(hall_addresses.OWN_HALLS, notice="booth_declined")
    return page_request.redirect(hall_addresses.own_booth(str(booth_id)), notice="booth_accepted")


def _typed_hall(form: Form) -> HallTyped:
    return HallTyped(**{one.name: form.values.get(one.name, "")[:5_000] for one in fields(HallTyped)})


def _refused(page_request: PageRequest, view: OwnHallsView | DeskPage | OwnBoothPage, refused: DomainError) -> Answer:
    """The form again, with what is wrong where it was typed."""
    named, said = getattr(refused, "field", None) or "", failure(page_request, refused)
    named = {"listing_ids": "products", "video_ids": "products"}.get(named, named)
    shown = replace(view, error_field=named, field_error=said) if named else replace(view, error=said)
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_own_halls,
    open_hall,
    show_desk,
    change_hall,
    invite,
    remove,
    add_to_agenda,
    act_on_hall,
    show_report,
    show_own_booth,
    change_booth,
    scan,
    answer_invitation,
]
