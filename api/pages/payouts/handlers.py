"""Pages of payouts: a party's own settings, and the operator's desk for what goes out by bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.payouts import presenter
from api.pages.payouts.views import PayoutBatchesView, PayoutBatchView, PayoutReportView, PayoutSettingsView
from api.v1.payout_batches import PAYS, drafting, take_report
from api.v1.payout_schedules import ACCOUNTS, use_account
from billing.connected_accounts.pay_to_account import list_payable_accounts
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payout_batches.decide_batch import approve_batch, discard_batch, send_batch
from billing.payout_batches.draft_batch import draft_batch
from billing.payout_batches.queries import get_batch, get_report, list_batches, list_reports, list_waiting
from billing.payout_batches.read_report import MAX_BYTES
from billing.payouts.outlook import held_by_gateways, outlooks
from billing.payouts.schedule import SetPayoutSchedule, list_payout_schedules, set_payout_schedule
from billing.statements.queries import list_statements
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.onboarding.payable_account import confirm_holder
from marketplace.onboarding.queries import list_payout_accounts
from marketplace.onboarding.save_payout_account import UseGatewayAccount
from marketplace.parties.lookups import get_party

Answer = Response[str] | Response[bytes]
READ = "money.read"
_PAGE = 20
_ACTS: Mapping[str, tuple[Callable[[UnitOfWork, UUID], None], str]] = {
    "approve": (approve_batch, "payout_batch_approved"),
    "send": (send_batch, "payout_batch_sent"),
    "discard": (discard_batch, "payout_batch_discarded"),
}
"""What the buttons of a batch do, and the notice after it."""


# ── a party's own ────────────────────────────────────────────────────────────────────────────────────────────────────


@page(addresses.payouts.PAYOUT_SETTINGS, READ)
def show_settings(page_request: Given[PageRequest]) -> Answer:
    """Where and when the organization is paid, and what its statements wait for."""
    return page_request.render(_settings(page_request))


@form_post(addresses.payouts.PAYOUT_SETTINGS, ACCOUNTS)
def save_schedule(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Choose when to be paid in a currency."""
    typed = {name: form.text(name, most=40) for name in ("currency", "every", "weekday", "month_day", "minimum")}
    try:
        page_request.transact(lambda uow: set_payout_schedule(uow, _schedule(form, typed)))
    except DomainError as refused:
        return page_request.render(_settings(page_request, typed, refused), status=refused.status)
    return page_request.redirect(addresses.payouts.PAYOUT_SETTINGS, notice="payout_schedule_set")


@form_post(addresses.payouts.PAYOUT_GATEWAY, ACCOUNTS)
def save_gateway_account(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Be paid to the organization's account at a gateway, or to one of the sandbox by its name."""
    typed = {name: form.text(name, most=100) for name in ("currency", "account", "gateway")}
    command = UseGatewayAccount(typed["currency"], typed.pop("gateway") or SANDBOX, typed["account"])
    try:
        page_request.transact(lambda uow: use_account(page_request.request, uow, command).id)
    except DomainError as refused:
        return page_request.render(_settings(page_request, typed, refused), status=refused.status)
    return page_request.redirect(addresses.payouts.PAYOUT_SETTINGS, notice="payout_account_saved")


def _schedule(form: Form, typed: Mapping[str, str]) -> SetPayoutSchedule:
    """What was chosen. A sum that is none is not taken for no minimum."""
    minimum_minor = parse_amount(typed["minimum"], typed["currency"]) if typed["minimum"] else 0
    if minimum_minor is None:
        raise Invalid("payout_schedule_invalid", field="minimum")
    names = {"weekly": "weekday", "monthly": "month_day"}
    name = names.get(typed["every"])
    day = form.number(name, least=1, most=28) if name is not None else 1
    return SetPayoutSchedule(typed["currency"], typed["every"], day, minimum_minor)


def _settings(
    page_request: PageRequest, typed: Mapping[str, str] | None = None, refused: DomainError | None = None
) -> PayoutSettingsView:
    org_id = page_request.principal.organization()
    with page_request.work() as uow:
        closed = list_statements(uow, org_id=org_id, state="closed", limit=_PAGE).items
        accounts = list_payout_accounts(uow)
        view = presenter.settings(
            page_request,
            accounts=accounts,
            schedules=list_payout_schedules(uow),
            closed=closed,
            found=outlooks(uow, [row.id for row in closed]),
            offers=list_payable_accounts(uow),
            held=held_by_gateways(uow, [one.id for one in accounts]),
            is_seller=get_party(uow, org_id).is_seller,
        )
    if refused is None:
        return view
    return replace(
        view,
        typed={**view.typed, **(typed or {})},
        error=failure(page_request, refused),
        error_field=getattr(refused, "field", None) or "",
    )


# ── the operator's ───────────────────────────────────────────────────────────────────────────────────────────────────


@page(addresses.payouts.BATCHES, PAYS)
def show_batches(page_request: Given[PageRequest]) -> Answer:
    """What waits, what is under way, and what banks said."""
    return page_request.render(_batches(page_request))


@form_post(addresses.payouts.BATCHES, PAYS)
def draft(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put what waits in a currency into a batch. Pressed twice, the second finds that nothing waits."""
    command = drafting(page_request.request, form.text("currency", most=3))
    try:
        batch_id = page_request.transact(lambda uow: draft_batch(uow, command))
    except DomainError as refused:
        return page_request.render(_batches(page_request, refused), status=refused.status)
    if batch_id is None:
        return page_request.redirect(addresses.payouts.BATCHES, notice="payout_batch_none_left")
    return page_request.redirect(addresses.payouts.batch(batch_id), notice="payout_batch_drafted")


@page("/operator/payout-batches/{batch_id:uuid}", PAYS)
def show_batch(batch_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One batch with its payouts."""
    return page_request.render(_batch(page_request, batch_id))


@form_post("/operator/payout-batches/{batch_id:uuid}", PAYS)
def decide(batch_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Approve it, hand it over for the bank, or discard it. Pressed twice, the second finds it done."""
    try:
        if form.text("act", most=20) not in _ACTS:
            raise Invalid("validation_failed", field="act")
        act, notice = _ACTS[form.text("act", most=20)]
        page_request.transact(lambda uow: act(uow, batch_id))
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(_batch(page_request, batch_id, refused), status=refused.status)
    return page_request.redirect(addresses.payouts.batch(batch_id), notice=notice)


@form_post(addresses.payouts.REPORTS, PAYS, file_bytes=MAX_BYTES)
def take_bank_report(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a bank's file, or say what would follow from it."""
    dry_run = form.text("act", most=20) == "check"
    try:
        found = take_report(page_request.request, form.file("file"), dry_run=dry_run)
    except DomainError as refused:
        return page_request.render(_batches(page_request, refused), status=refused.status)
    if dry_run or found.report_id is None:
        return page_request.render(presenter.checked(found, form.file("file").filename))
    notice = "payout_report_taken" if found.is_new else "payout_report_known"
    return page_request.redirect(addresses.payouts.report(found.report_id), notice=notice)


@page("/operator/payout-reports/{payout_report_id:uuid}", PAYS)
def show_report(payout_report_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A bank's file, line by line."""
    with page_request.work() as uow:
        row, lines = get_report(uow, payout_report_id)
    return page_request.render(
        PayoutReportView(
            row.kind, row.file_name, tuple(presenter.report_line(line) for line in lines), dry_run=False, is_new=True
        )
    )


@form_post("/operator/payout-accounts/{account_id:uuid}/confirm-holder", PAYS)
def confirm(account_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take an account of another name for its party's own. Pressed twice, it was taken once."""
    del form
    page_request.transact(lambda uow: confirm_holder(uow, account_id))
    return page_request.redirect(addresses.OPERATOR, notice="payout_holder_confirmed")


def _batches(page_request: PageRequest, refused: DomainError | None = None) -> PayoutBatchesView:
    with page_request.work() as uow:
        found = list_batches(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
        return presenter.batches(
            list_waiting(uow),
            found.items,
            list_reports(uow, limit=_PAGE).items,
            addresses.next_page(addresses.payouts.BATCHES, found.next_cursor),
            failure(page_request, refused) if refused else None,
        )


def _batch(page_request: PageRequest, batch_id: UUID, refused: DomainError | None = None) -> PayoutBatchView:
    with page_request.work() as uow:
        row, payouts = get_batch(uow, batch_id)
        names = {org_id: get_party(uow, org_id).display_name for org_id in {one.org_id for one in payouts}}
    view = presenter.batch(page_request, row, payouts, names)
    return replace(view, error=failure(page_request, refused)) if refused else view


routes = [
    show_settings,
    save_schedule,
    save_gateway_account,
    show_batches,
    draft,
    show_batch,
    decide,
    take_bank_report,
    show_report,
    confirm,
]
