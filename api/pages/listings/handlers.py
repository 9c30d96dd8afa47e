"""The listing editor: a draft is begun, saved piece by piece, and submitted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from litestar import MediaType, Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.partner_groups import groups_of
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.listings import presenter
from api.pages.listings.compared import changes
from api.pages.listings.forms import LONGEST, plan_of, text_of
from api.pages.listings.presenter import (
    IMAGES,
    NEW,
    READERS,
    TERMS,
    TEXT,
    EditorData,
    RefusedSection,
    image_section,
    plan_key,
)
from api.pages.listings.shown import shown_listing
from api.pages.listings.views import ListingPreviewView, NewListingView, SectionForm
from api.v1.listing_images import drop_image, take_image
from api.v1.listing_terms import take_terms
from fulfillment.connectors.queries import connectors_of, get_connector
from fulfillment.entitlements.queries import count_customers
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.idempotency import Answer, with_idempotency_key
from kernel.ids import uuid7
from kernel.text import render_markdown
from marketplace.catalog.draft_listing import DraftListing, VersionText, draft_listing
from marketplace.catalog.edit_draft import (
    EditPlan,
    EditText,
    RemovePlan,
    begin_version,
    edit_plan,
    edit_text,
    remove_plan,
)
from marketplace.catalog.edit_images import ChangeImage, change_image
from marketplace.catalog.edit_terms import MAX_TEXT, AttachPdf, SetTerms, remove_terms, set_terms
from marketplace.catalog.prepare_image import MAX_BYTES
from marketplace.catalog.queries import get_versions_compared
from marketplace.catalog.review_desk import suspension_of
from marketplace.catalog.review_listing import retire_listing
from marketplace.catalog.submit_listing import CHECKS_FAILED, submit_listing
from marketplace.onboarding.legal_document import MAX_BYTES as TERMS_BYTES
from marketplace.onboarding.queries import get_checklist
from marketplace.publishing.show_listing import ShowListing, show_listing
from marketplace.relations.partner_groups import tiers_named

WRITE = "catalog.write"
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


@page(addresses.SELLER_LISTING_NEW, WRITE)
def show_new(page_request: Given[PageRequest]) -> Response[str]:
    """Asks for what a listing begins with."""
    require_seller(page_request)
    return page_request.render(_new(page_request, {"kind": "saas", "category": "collaboration"}))


@form_post(addresses.SELLER_LISTING_NEW, WRITE)
def create(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Begin a listing and go on in its editor. The same form sent twice begins one."""
    require_seller(page_request)
    names = ("kind", "category", "title", "title_en")
    try:
        typed = {name: form.text(name, most=LONGEST) for name in names}
        listing_id = page_request.transact(lambda uow: _begin(uow, typed, form.text("key", most=100) or None))
    except NotFound:
        raise
    except DomainError as refused:
        view = _new(page_request, form.values, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.listing_edit(listing_id), notice="draft_begun")


@page("/seller/listings/{listing_id:uuid}/edit", WRITE)
def show_edit(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The editor; what is in review or on sale is shown with what can be done about it."""
    require_seller(page_request)
    return _editor(page_request, listing_id)


@page("/seller/listings/{listing_id:uuid}/preview", WRITE)
def show_preview(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The latest version as buyers will meet it."""
    require_seller(page_request)
    with page_request.work() as uow:
        versions = get_versions_compared(uow, listing_id)
        shown = shown_listing(page_request, uow, versions.latest)
    latest, published = versions.latest, versions.published
    view = ListingPreviewView(
        str(latest.id),
        latest.version_state,
        latest.version_number,
        shown,
        changes(page_request, versions),
        published.version_number if published else None,
    )
    return page_request.render(view)


@form_post("/seller/listings/{listing_id:uuid}/text", WRITE)
def save_text(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Save the words of the draft."""

    def work(uow: UnitOfWork) -> None:
        kind, category = form.text("kind", most=20) or None, form.text("category", most=60) or None
        edit_text(uow, EditText(listing_id, form.text("base", most=60), text_of(form), kind, category))

    act = partial(page_request.transact, work)
    return _edited(page_request, listing_id, act, RefusedSection(TEXT, form.values), notice="draft_saved")


@form_post("/seller/listings/{listing_id:uuid}/as-shown", WRITE, file_bytes=TERMS_BYTES)
def show_typed(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[str]:
    """The editor with what is typed, as buyers will see it. Nothing is saved."""
    require_seller(page_request)
    return _editor(page_request, listing_id, RefusedSection(TERMS if "version" in form.values else TEXT, form.values))


@form_post(addresses.SELLER_MARKDOWN, WRITE)
def show_markdown(page_request: Given[PageRequest], form: Given[Form]) -> Response[str]:
    """Restricted Markdown while it is typed, as it will be shown: a fragment of HTML, by the sanitizer of every page."""
    require_seller(page_request)
    return Response(render_markdown(form.text("text", most=MAX_TEXT)), status_code=200, media_type=MediaType.HTML)


@form_post("/seller/listings/{listing_id:uuid}/plans", WRITE)
def save_plan(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Save a plan of the draft, add one, or (`action` = remove) take it out."""
    code, base = form.text("code", most=60), form.text("base", most=60)

    def work(uow: UnitOfWork) -> None:
        if form.text("action", most=10) == "remove":
            remove_plan(uow, RemovePlan(listing_id, base, code))
            return
        plan = plan_of(form, code)
        if plan.connector_id is not None:
            get_connector(uow, plan.connector_id)
        edit_plan(uow, EditPlan(listing_id, base, plan))

    removed = form.text("action", most=10) == "remove"
    typed = RefusedSection(plan_key(code) if base else NEW, form.values)
    return _edited(
        page_request,
        listing_id,
        partial(page_request.transact, work),
        typed,
        notice="plan_removed" if removed else "draft_saved",
        section="plans",
    )


@form_post("/seller/listings/{listing_id:uuid}/images", WRITE, file_bytes=MAX_BYTES)
def send_image(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take a picture of the draft. The same one sent twice is there once."""
    act = partial(_take_image, page_request, listing_id, form)
    return _edited(page_request, listing_id, act, RefusedSection(IMAGES), notice="image_added", section=IMAGES)


@form_post("/seller/listings/{listing_id:uuid}/images/change", WRITE)
def save_image(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Name a picture of the draft, put it first, or take it out."""
    action, image_id = form.text("action", most=10), form.text("image", most=32)

    def change() -> None:
        base = form.text("base", most=60)
        if action == "remove":
            drop_image(page_request.request, listing_id, image_id, base)
            return
        alt, alt_en = form.text("alt", most=LONGEST), form.text("alt_en", most=LONGEST)
        command = ChangeImage(listing_id, image_id, alt, alt_en, action == "first", base)
        page_request.transact(lambda uow: change_image(uow, command))

    notice = "image_removed" if action == "remove" else "draft_saved"
    typed = RefusedSection(image_section(image_id), form.values)
    return _edited(page_request, listing_id, change, typed, notice=notice, section=IMAGES)


@form_post("/seller/listings/{listing_id:uuid}/terms", WRITE, file_bytes=TERMS_BYTES)
def save_terms(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Write the terms of the draft, with a PDF where one was chosen, or let it have none."""

    def act() -> None:
        base = form.text("base", most=60)
        if form.text("action", most=10) == "remove":
            page_request.transact(lambda uow: remove_terms(uow, listing_id, base))
            return
        version, text, text_en = (form.text(name, most=LONGEST) for name in ("version", "text", "text_en"))
        if not form.has_file("document"):
            command = SetTerms(listing_id, version, text, text_en, base)
            page_request.transact(lambda uow: set_terms(uow, command))
            return
        named = version or page_request.t("terms.first")
        attach = partial(AttachPdf, listing_id, version=named, text=text, text_en=text_en, base=base)
        take_terms(page_request.request, form.file("document"), attach, listing_id)

    typed = RefusedSection(TERMS, form.values)
    return _edited(page_request, listing_id, act, typed, notice="draft_saved", section=TERMS)


@form_post("/seller/listings/{listing_id:uuid}/submit", WRITE)
def submit(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Hand the draft in for review. Pressed twice, the second finds it in review, or on sale already."""
    del form

    def act() -> str:
        try:
            state = page_request.transact(lambda uow: submit_listing(uow, listing_id).state)
        except Conflict as refused:
            # The page lists in words what a program is told by codes.
            raise Conflict("listing_incomplete") if refused.code == CHECKS_FAILED else refused from refused
        if state == "published":
            return "listing_submitted_before"
        by_rule = page_request.services.settings.listings_reviewed_by_rule
        return "listing_submitted_by_rule" if by_rule else "listing_submitted"

    return _edited(page_request, listing_id, act)


@form_post("/seller/listings/{listing_id:uuid}/visibility", WRITE)
def choose_readers(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Show the product to everybody, or to partners alone."""

    def work(uow: UnitOfWork) -> None:
        show_listing(uow, ShowListing(listing_id, form.text("visibility", most=20), groups_of(form)))

    act = partial(page_request.transact, work)
    typed = RefusedSection(READERS, form.values)
    return _edited(page_request, listing_id, act, typed, notice="visibility_changed", section=READERS)


@form_post("/seller/listings/{listing_id:uuid}/versions", WRITE)
def begin(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Begin the next version with what is on sale. Pressed twice, the second finds it begun."""
    del form
    return _edited(page_request, listing_id, _doing(page_request, begin_version, listing_id), notice="version_begun")


@form_post("/seller/listings/{listing_id:uuid}/retire", WRITE)
def retire(listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take a listing off sale for good. Pressed twice, the second finds it retired."""
    del form
    return _edited(page_request, listing_id, _doing(page_request, retire_listing, listing_id), notice="listing_retired")


def _begin(uow: UnitOfWork, typed: dict[str, str], key: str | None) -> str:
    title, title_en = typed["title"], typed["title_en"]
    if not title and not title_en:
        raise Invalid("text_required", field="title")

    def make() -> Answer:
        words = _NOT_IN_SLUG.sub("-", title_en.lower()).strip("-")[:40].strip("-") or typed["kind"]
        slug = f"{words}-{uuid7().hex[-8:]}"
        listing = draft_listing(
            uow, DraftListing(typed["kind"], typed["category"], slug, VersionText(title, title_en, "", ""))
        )
        return Answer(201, json.dumps({"id": str(listing.id)}).encode())

    answer = with_idempotency_key(uow, route="POST /seller/listings/new", key=key, request=typed, work=make)
    return str(json.loads(answer.body)["id"])


def _new(page_request: PageRequest, values: Any, refused: DomainError | None = None) -> NewListingView:
    words = failure(page_request, refused) if refused is not None else None
    name = getattr(refused, "field", None)
    form = SectionForm("new", values, wrong={name: words} if name and words else {}, error=words)
    return NewListingView(form, presenter.options(page_request, ()), str(uuid7()))


def _edited(
    page_request: PageRequest,
    listing_id: UUID,
    work: Callable[[], object],
    typed: RefusedSection | None = None,
    *,
    notice: str = "",
    section: str = "",
) -> Response[Any]:
    """Do `work` and come back to the editor; a refusal is told there, at its field, with all that was typed.

    Without a `notice`, what `work` returns is the one.
    """
    require_seller(page_request)
    try:
        done = work()
    except DomainError as refused:
        if isinstance(refused, NotFound) and refused.code == "listing_not_found":
            raise
        key, values = (typed.key, typed.values) if typed is not None else ("", {})
        return _editor(page_request, listing_id, RefusedSection(key, values, refused))
    return page_request.redirect(addresses.listing_edit(str(listing_id), section), notice=notice or str(done))


def _doing(
    page_request: PageRequest, verb: Callable[[UnitOfWork, UUID], object], listing_id: UUID
) -> Callable[[], object]:
    return lambda: page_request.transact(lambda uow: verb(uow, listing_id))


def _take_image(page_request: PageRequest, listing_id: UUID, form: Form) -> None:
    take_image(page_request.request, listing_id, form.file("file"))


def _editor(page_request: PageRequest, listing_id: UUID, typed: RefusedSection | None = None) -> Response[str]:
    with page_request.work() as uow:
        data = EditorData(
            get_versions_compared(uow, listing_id),
            connectors_of(uow),
            get_checklist(uow),
            count_customers(uow, listing_id),
            suspension_of(uow, listing_id),
            tiers_named(uow),
        )
    view = presenter.edit_view(page_request, data, typed)
    return page_request.render(view, status=typed.refused.status if typed is not None and typed.refused else 200)


routes = [
    show_new,
    create,
    show_edit,
    show_preview,
    save_text,
    show_typed,
    show_markdown,
    save_plan,
    send_image,
    save_image,
    save_terms,
    submit,
    choose_readers,
    begin,
    retire,
]
