"""An organization's invoice titles (发票抬头): the list, and the form of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.billing_profiles.views import ProfileLine, ProfilesView, ProfileTyped, ProfileView
from api.pages.frame import addresses
from api.pages.frame.choices import country_choices
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.translations import translations
from api.problems import headers_of
from api.v1.billing_profiles import BillingProfileIn, act_on_profile, add_profile_once, save_profile
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from marketplace.parties.lookups import InvoiceTitle
from marketplace.parties.models import BillingProfile
from marketplace.parties.postal_address import CITY_MOST, POST_CODE_MOST, STREET_MOST, SUBDIVISION_MOST
from marketplace.parties.queries import list_billing_profiles
from marketplace.parties.save_billing_profile import (
    InvoiceKind,
    PartyType,
    VatStatus,
    choose_default_billing_profile,
    restore_billing_profile,
    retire_billing_profile,
)

Answer = Response[str] | Response[bytes]
MANAGE = "billing.manage"
_PARTS = {"street": STREET_MOST, "city": CITY_MOST, "post_code": POST_CODE_MOST, "subdivision": SUBDIVISION_MOST}


@page(addresses.BILLING_PROFILES, MANAGE)
def list_profiles(page_request: Given[PageRequest]) -> Answer:
    """The titles in use, the default first, and the retired ones."""
    return page_request.render(_profiles(page_request))


@page(addresses.BILLING_PROFILE_NEW, MANAGE)
def new_profile(page_request: Given[PageRequest]) -> Answer:
    """The empty form; `country` chooses whose fields it has."""
    typed = ProfileTyped(country=page_request.query("country", most=2) or "CN")
    return page_request.render(_new(page_request, typed, str(uuid7())))


@form_post(addresses.BILLING_PROFILE_NEW, MANAGE)
def add_profile(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Add it; sent twice, it is added once."""
    typed, key = _typed(form), form.text("idempotency_key", most=255)
    try:
        add_profile_once(page_request.request, _wire(typed), key)
    except DomainError as refused:
        # Another text is another request: it gets a key of its own.
        view = _new(page_request, typed, str(uuid7()), refused)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.BILLING_PROFILES, notice="billing_profile_saved")


@page("/billing-profiles/{profile_id:uuid}", MANAGE)
def show_profile(profile_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The form of one title."""
    title = _title(page_request, profile_id)
    return page_request.render(_edit(page_request, title, _stored(title)))


@form_post("/billing-profiles/{profile_id:uuid}", MANAGE)
def change_profile(profile_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change it; what was invoiced keeps its own copy."""
    typed = _typed(form)
    try:
        save_profile(page_request.request, _wire(typed), profile_id)
    except NotFound:
        raise
    except DomainError as refused:
        view = _edit(page_request, _title(page_request, profile_id), typed, refused)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.BILLING_PROFILES, notice="billing_profile_saved")


@form_post("/billing-profiles/{profile_id:uuid}/default", MANAGE)
def make_default(profile_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Use it wherever none is named."""
    del form
    return _act(page_request, choose_default_billing_profile, profile_id, "billing_profile_default")


@form_post("/billing-profiles/{profile_id:uuid}/retire", MANAGE)
def retire(profile_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer it no more."""
    del form
    return _act(page_request, retire_billing_profile, profile_id, "billing_profile_retired")


@form_post("/billing-profiles/{profile_id:uuid}/restore", MANAGE)
def restore(profile_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer it again."""
    del form
    return _act(page_request, restore_billing_profile, profile_id, "billing_profile_restored")


def _act(
    page_request: PageRequest, act: Callable[[UnitOfWork, UUID], BillingProfile], profile_id: UUID, done: str
) -> Answer:
    try:
        act_on_profile(page_request.request, act, profile_id)
    except NotFound:
        raise
    except DomainError as refused:
        view = _profiles(page_request, failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.BILLING_PROFILES, notice=done)


def _profiles(page_request: PageRequest, error: str | None = None) -> ProfilesView:
    with page_request.work() as uow:
        titles = list_billing_profiles(uow, retired=True)
    names = translations(page_request.language).locale.territories
    lines = [ProfileLine(one, names.get(one.country, one.country)) for one in titles]
    return ProfilesView(
        in_use=tuple(one for one in lines if not one.title.is_retired),
        retired=tuple(one for one in lines if one.title.is_retired),
        error=error,
    )


def _title(page_request: PageRequest, profile_id: UUID) -> InvoiceTitle:
    with page_request.work() as uow:
        found = next((one for one in list_billing_profiles(uow) if one.id == profile_id), None)
    if found is None:
        raise NotFound("billing_profile_not_found")
    return found


def _new(page_request: PageRequest, typed: ProfileTyped, key: str, refused: DomainError | None = None) -> ProfileView:
    view = ProfileView(
        address=addresses.BILLING_PROFILE_NEW,
        countries=country_choices(page_request.language),
        typed=typed,
        is_new=True,
        idempotency_key=key,
    )
    return _with_refusal(page_request, view, refused)


def _edit(
    page_request: PageRequest, title: InvoiceTitle, typed: ProfileTyped, refused: DomainError | None = None
) -> ProfileView:
    view = ProfileView(
        address=addresses.billing_profile(str(title.id)),
        countries=country_choices(page_request.language),
        typed=typed,
        is_new=False,
        bank_account_masked=title.bank_account_masked or "",
        is_default=title.is_default,
    )
    return _with_refusal(page_request, view, refused)


def _with_refusal(page_request: PageRequest, view: ProfileView, refused: DomainError | None) -> ProfileView:
    """What is wrong, said at its field where it has one, at the head of the form otherwise."""
    if refused is None:
        return view
    field, sentence = getattr(refused, "field", None), failure(page_request, refused)
    return replace(view, error_field=field, field_error=sentence) if field else replace(view, error=sentence)


def _typed(form: Form) -> ProfileTyped:
    return ProfileTyped(
        party_type=form.text("party_type", most=20),
        legal_name=form.text("legal_name", most=200),
        country=form.text("country", most=2),
        tax_id=form.text("tax_id", most=40),
        address=form.text("address", most=400),
        **{name: form.text(name, most=most) for name, most in _PARTS.items()},
        phone=form.text("phone", most=40),
        bank_name=form.text("bank_name", most=100),
        bank_account=form.text("bank_account", most=40),
        email=form.text("email", most=254),
        recipient=form.text("recipient", most=100),
        invoice_kind=form.text("invoice_kind", most=20),
        vat_status=form.text("vat_status", most=20),
        is_default=form.text("is_default") == "yes",
        monthly_invoice=form.text("monthly_invoice") == "yes",
    )


def _stored(title: InvoiceTitle) -> ProfileTyped:
    return ProfileTyped(
        party_type=title.party_type,
        legal_name=title.legal_name,
        country=title.country,
        tax_id=title.tax_id or "",
        address="" if title.city else title.address,
        street=title.street,
        city=title.city,
        post_code=title.post_code,
        subdivision=title.subdivision,
        phone=title.phone,
        bank_name=title.bank_name or "",
        email=title.email,
        recipient=title.recipient,
        invoice_kind=title.invoice_kind,
        vat_status=title.vat_status or "",
        is_default=title.is_default,
        monthly_invoice=title.monthly_invoice,
    )


def _wire(typed: ProfileTyped) -> BillingProfileIn:
    """As the JSON route takes it. What the form hides from a natural person is left out, whatever was chosen before."""
    party_type: PartyType = "person" if typed.party_type == "person" else "organization"
    kind: InvoiceKind = "special" if typed.invoice_kind == "special" and party_type == "organization" else "ordinary"
    statuses: dict[str, VatStatus] = {one: one for one in _STATUSES}
    return BillingProfileIn(
        party_type=party_type,
        legal_name=typed.legal_name,
        tax_id=typed.tax_id or None,
        country=typed.country,
        address=typed.address,
        street=typed.street,
        city=typed.city,
        post_code=typed.post_code,
        subdivision=typed.subdivision,
        phone=typed.phone,
        bank_name=typed.bank_name or None,
        bank_account=typed.bank_account or None,
        email=typed.email,
        recipient=typed.recipient,
        invoice_kind=kind,
        vat_status=statuses.get(typed.vat_status),
        is_default=typed.is_default,
        monthly_invoice=typed.monthly_invoice,
    )


_STATUSES: tuple[Literal["general"], Literal["small_scale"]] = ("general", "small_scale")

routes = [
    list_profiles,
    new_profile,
    add_profile,
    show_profile,
    change_profile,
    make_default,
    retire,
    restore,
]
