"""A seller's start: the checklist, and a page for each step of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.choices import Choice, country_choices
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_channel, require_seller
from api.pages.frame.sidebar import STARTING
from api.pages.frame.site import Form, PageRequest, form_post, page, redirect
from api.pages.frame.translations import translations
from api.pages.seller_start import presenter
from api.pages.seller_start.gateway_account import gateway_accounts
from api.pages.seller_start.views import (
    AgreementView,
    BecomeSellerView,
    ChannelsView,
    LegalView,
    PayoutAccountsView,
    PromoterChannelsView,
    RegisteredDetails,
    StartView,
    TaxView,
)
from api.v1.gateway_accounts import RETURN, account_link, ask_now, open_account
from api.v1.onboarding import do_step, hand_in
from fulfillment.connectors.queries import connectors_of
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.money import CURRENCIES
from marketplace.catalog.queries import list_own_listings
from marketplace.channels.open_channel import ChangeChannel, OpenChannel, change_channel, open_channel
from marketplace.channels.queries import list_own_channels
from marketplace.onboarding.agreement_text import agreement_text
from marketplace.onboarding.become_seller import become_seller
from marketplace.onboarding.checklist import STEPS
from marketplace.onboarding.legal_document import MAX_BYTES
from marketplace.onboarding.queries import find_acceptance, get_checklist, list_payout_accounts
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from marketplace.parties.lookups import get_party
from marketplace.publishing.queries import list_own_videos

Answer = Response[str] | Response[bytes]
REFUSED = 422
OWN = "members.manage"
ACCOUNTS = "billing.manage"
CHANNELS = "videos.write"
_LATEST = 20
_FIRST_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD")
_ACCOUNT_FIELDS = ("currency", "country", "holder", "bank_name", "account", "bank_code")
_CHANNEL_FIELDS = ("handle", "name", "name_en", "bio", "bio_en")


@page(addresses.SELLER_START, SIGNED_IN)
def show_start(page_request: Given[PageRequest]) -> Answer:
    """The checklist; of an organization that does not sell, what selling asks for."""
    signed_in = page_request.signed_in
    if signed_in is None:
        raise NotFound("not_found")
    if not signed_in.organization.is_seller:
        page_request.principal.require(OWN)
        return page_request.render(BecomeSellerView(signed_in.organization.display_name, STEPS, _by_rule(page_request)))
    if not any(map(page_request.principal.may, STARTING)):
        page_request.principal.require(OWN)
    with page_request.work() as uow:
        required = presenter.required_cards(
            page_request, get_checklist(uow), list_payout_accounts(uow), find_acceptance(uow), connectors_of(uow)
        )
        selling = presenter.selling_cards(
            page_request,
            list_own_channels(uow),
            list_own_listings(uow, limit=_LATEST).items,
            list_own_videos(uow, limit=_LATEST).items,
        )
    done = sum(one.state == "done" for one in required)
    return page_request.render(StartView(required, selling, done, _by_rule(page_request)))


@form_post(addresses.SELLER_START, OWN)
def begin(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Begin to sell. Pressed twice, the second finds it begun."""
    del form
    page_request.transact(become_seller)
    return page_request.redirect(addresses.SELLER_START, notice="became_seller")


# ── who one is ───────────────────────────────────────────────────────────────────────────────────────────────────────


@page(addresses.SELLER_LEGAL, OWN)
def show_legal(page_request: Given[PageRequest]) -> Answer:
    """The document that was handed in, and the form for one."""
    return page_request.render(_legal(page_request))


@form_post(addresses.SELLER_LEGAL, OWN, file_bytes=MAX_BYTES)
def hand_in_document(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a document, to be looked at by the platform."""
    require_seller(page_request)
    try:
        hand_in(page_request.request, form.file("file"))
    except DomainError as refused:
        return page_request.render(_legal(page_request, failure(page_request, refused)), status=refused.status)
    return page_request.redirect(addresses.SELLER_LEGAL, notice="legal_handed_in")


@page(addresses.SELLER_TAX, OWN)
def show_tax(page_request: Given[PageRequest]) -> Answer:
    """Tax details as invoices print them."""
    return page_request.render(_tax(page_request))


@form_post(addresses.SELLER_TAX, OWN)
def confirm_tax_details(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say that they are right, and give the identifier where none is registered."""
    require_seller(page_request)
    tax_id = form.text("tax_id", most=60)
    try:
        page_request.transact(lambda uow: do_step(page_request.request, uow, "tax", tax_id or None, "", ""))
    except DomainError as refused:
        return page_request.render(_tax(page_request, tax_id, refused), status=_status(refused))
    return page_request.redirect(addresses.SELLER_START, notice="step_done")


@page(addresses.SELLER_PAYOUT_ACCOUNT, ACCOUNTS)
def show_payout_account(page_request: Given[PageRequest]) -> Answer:
    """Where payouts go."""
    return page_request.render(_accounts(page_request))


@form_post(addresses.SELLER_PAYOUT_ACCOUNT, ACCOUNTS)
def save_account(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let payouts in a currency go to another account; of whoever sells, or promotes what others sell."""
    with page_request.work() as uow:
        require_channel(page_request, uow)
    typed = {name: form.text(name, most=1_000) for name in _ACCOUNT_FIELDS}
    box = page_request.services.secrets
    try:
        page_request.transact(lambda uow: save_payout_account(uow, SavePayoutAccount(**typed), box))
    except DomainError as refused:
        return page_request.render(_accounts(page_request, typed, refused), status=_status(refused))
    return page_request.redirect(addresses.SELLER_PAYOUT_ACCOUNT, notice="payout_account_saved")


@form_post(f"{RETURN}/{{gateway:str}}", ACCOUNTS)
def open_at_gateway(gateway: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Open an account at a gateway. Pressed twice, it is the same account."""
    del form
    return _at_gateway(page_request, lambda: open_account(page_request.request, gateway), "gateway_account_opened")


@page(f"{RETURN}/{{gateway:str}}/again", ACCOUNTS)
def go_to_gateway(gateway: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """Go to the gateway's own questions. Its address holds for minutes and once, so that each visit is given a new one."""
    with page_request.work() as uow:
        require_channel(page_request, uow)
    try:
        return redirect(account_link(page_request.request, gateway))
    except DomainError as refused:
        return page_request.render(_accounts(page_request, None, refused), status=_status(refused))


@page(f"{RETURN}/{{gateway:str}}/return", ACCOUNTS)
def come_back_from_gateway(gateway: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """The owner comes back, finished or not: the gateway is asked, and the page of the accounts says how it stands."""
    return _at_gateway(page_request, lambda: ask_now(page_request.request, gateway), "gateway_account_asked")


@form_post(f"{RETURN}/{{gateway:str}}/ask", ACCOUNTS)
def ask_gateway_again(gateway: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask the gateway how the account stands."""
    del form
    return _at_gateway(page_request, lambda: ask_now(page_request.request, gateway), "gateway_account_asked")


def _at_gateway(page_request: PageRequest, work: Callable[[], object], notice: str) -> Answer:
    """Of whoever sells, or promotes what others sell."""
    with page_request.work() as uow:
        require_channel(page_request, uow)
    try:
        work()
    except DomainError as refused:
        return page_request.render(_accounts(page_request, None, refused), status=_status(refused))
    return page_request.redirect(addresses.SELLER_PAYOUT_ACCOUNT, notice=notice)


@page(addresses.SELLER_AGREEMENT, OWN)
def show_agreement(page_request: Given[PageRequest]) -> Answer:
    """The agreement in force, and who accepted it."""
    return page_request.render(_agreement(page_request))


@form_post(addresses.SELLER_AGREEMENT, OWN)
def accept(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Accept the version that was read, in the language in which it was."""
    require_seller(page_request)
    version, language = form.text("version", most=20), page_request.language
    try:
        if not form.text("accepted", most=10):
            raise Invalid("agreement_not_ticked", field="accepted")
        page_request.transact(lambda uow: do_step(page_request.request, uow, "agreement", None, version, language))
    except DomainError as refused:
        return page_request.render(_agreement(page_request, failure(page_request, refused)), status=_status(refused))
    return page_request.redirect(addresses.SELLER_START, notice="agreement_accepted")


# ── where one shows ──────────────────────────────────────────────────────────────────────────────────────────────────


@page(addresses.SELLER_CHANNEL, CHANNELS)
def show_channels(page_request: Given[PageRequest]) -> Answer:
    """The organization's channels."""
    return page_request.render(_channels(page_request))


@form_post(addresses.SELLER_CHANNEL, CHANNELS)
def create_channel(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Open a channel: a seller's, or that of whoever recommends what others sell. Pressed twice, the second finds the first's."""
    typed = {name: form.text(name, most=2_000) for name in _CHANNEL_FIELDS}
    try:
        page_request.transact(lambda uow: open_channel(uow, OpenChannel(**typed)))
    except DomainError as refused:
        view = _channels(page_request, typed, "", refused)
        is_own = any(one.handle == typed["handle"].lower() for one in view.channels)
        if not (isinstance(refused, Conflict) and refused.code == "handle_taken" and is_own):
            return page_request.render(view, status=_status(refused))
    return page_request.redirect(addresses.SELLER_CHANNEL, notice="channel_opened")


@form_post("/seller/channel/{channel_id:uuid}", CHANNELS)
def edit_channel(channel_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change a channel's words."""
    typed = {name: form.text(name, most=2_000) for name in _CHANNEL_FIELDS if name != "handle"}
    try:
        page_request.transact(lambda uow: change_channel(uow, ChangeChannel(channel_id, **typed)))
    except DomainError as refused:
        if refused.status == 404:
            raise
        view = _channels(page_request, typed, str(channel_id), refused)
        return page_request.render(view, status=_status(refused))
    return page_request.redirect(addresses.SELLER_CHANNEL, notice="channel_changed")


def _legal(page_request: PageRequest, error: str | None = None) -> LegalView:
    require_seller(page_request)
    with page_request.work() as uow:
        checklist, registered = get_checklist(uow), _registered(page_request, uow)
    step = next(one for one in checklist.steps if one.step == "legal")
    return LegalView(registered, checklist.legal_proof, step.state, step.done_at, MAX_BYTES, error)


def _tax(page_request: PageRequest, tax_id: str = "", refused: DomainError | None = None) -> TaxView:
    require_seller(page_request)
    with page_request.work() as uow:
        step = next(one for one in get_checklist(uow).steps if one.step == "tax")
        registered = _registered(page_request, uow)
    return TaxView(registered, step.done_at, tax_id, *_said(page_request, refused))


def _accounts(
    page_request: PageRequest, typed: Mapping[str, str] | None = None, refused: DomainError | None = None
) -> PayoutAccountsView:
    with page_request.work() as uow:
        require_channel(page_request, uow)
        accounts, registered = list_payout_accounts(uow), _registered(page_request, uow)
        at_gateways = gateway_accounts(page_request, uow)
    given = {"currency": "CNY", "country": registered.country, "holder": registered.legal_name}
    return PayoutAccountsView(
        accounts=tuple(accounts),
        countries=country_choices(page_request.language),
        currencies=_currencies(page_request),
        typed=dict.fromkeys(_ACCOUNT_FIELDS, "") | (given if typed is None else dict(typed)),
        error=_said(page_request, refused)[0],
        error_field=_said(page_request, refused)[1],
        gateways=at_gateways,
    )


def _agreement(page_request: PageRequest, error: str | None = None) -> AgreementView:
    require_seller(page_request)
    with page_request.work() as uow:
        acceptance, registered = find_acceptance(uow), _registered(page_request, uow)
    return AgreementView(agreement_text(page_request.language), acceptance, registered.legal_name, error)


def _channels(
    page_request: PageRequest,
    typed: Mapping[str, str] | None = None,
    typed_of: str = "",
    refused: DomainError | None = None,
) -> ChannelsView:
    with page_request.work() as uow:
        channels = tuple(list_own_channels(uow))
    sells = page_request.signed_in is not None and page_request.signed_in.organization.is_seller
    view = ChannelsView if sells else PromoterChannelsView
    return view(channels, typed or {}, typed_of, *_said(page_request, refused))


def _registered(page_request: PageRequest, uow: UnitOfWork) -> RegisteredDetails:
    party = get_party(uow, page_request.principal.organization())
    names = translations(page_request.language).locale.territories
    return RegisteredDetails(party.legal_name, party.country, names.get(party.country, party.country), party.tax_id)


def _currencies(page_request: PageRequest) -> tuple[Choice, ...]:
    """Those most are paid in first, then all others by code."""
    names: Mapping[str, Any] = translations(page_request.language).locale.currencies
    ordered = (*_FIRST_CURRENCIES, *(code for code in CURRENCIES if code not in _FIRST_CURRENCIES))
    return tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in ordered)


def _said(page_request: PageRequest, refused: DomainError | None) -> tuple[str | None, str]:
    """A refusal as a sentence, and the field it is about."""
    if refused is None:
        return None, ""
    return failure(page_request, refused), getattr(refused, "field", None) or ""


def _status(refused: DomainError) -> int:
    return refused.status if refused.status in {403, 404, 409} else REFUSED


def _by_rule(page_request: PageRequest) -> bool:
    return page_request.services.settings.listings_reviewed_by_rule


routes = [
    show_start,
    begin,
    show_legal,
    hand_in_document,
    show_tax,
    confirm_tax_details,
    show_payout_account,
    save_account,
    open_at_gateway,
    go_to_gateway,
    come_back_from_gateway,
    ask_gateway_again,
    show_agreement,
    accept,
    show_channels,
    create_channel,
    edit_channel,
]
