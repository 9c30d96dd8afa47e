"""What the organization may use, who of it, and the way in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.entitlements.views import (
    AllocatedItem,
    EntitlementItem,
    EntitlementsView,
    EntitlementView,
    MemberChoice,
    SeatItem,
    SubscriptionPanel,
)
from api.pages.frame import addresses, group_addresses
from api.pages.frame.payment_methods import methods, parse_method
from api.pages.frame.phrases import failure
from api.pages.frame.prices import term_key
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404, redirect
from fulfillment.courses.queries import courses_among
from fulfillment.entitlements.queries import entitlements_of_buyer, get_entitlement, launch_address
from fulfillment.entitlements.seats import assign_seat, revoke_seat
from fulfillment.entitlements.views import EntitlementDetail
from fulfillment.entitlements.views import EntitlementRow as Found
from fulfillment.seat_allocations.queries import OwnAllocationRow, list_own_allocations
from fulfillment.usage.terms import is_metered
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, NotFound
from kernel.money import Money
from marketplace.access.members import MemberRow, list_members
from orders.checkout.approval_reasons import BUY
from orders.order.completed_services import completed_services
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.queries import SubscriptionView, subscription_of_line
from orders.subscriptions.trial_conversion import ConvertTrial, convert_trial

PAGE = 30
ASSIGN = "seats.assign"


@page(addresses.ENTITLEMENTS, "entitlements.read")
def list_entitlements(page_request: Given[PageRequest]) -> Response[str]:
    """Everything the organization may use, newest first."""
    with page_request.work() as uow:
        found = entitlements_of_buyer(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
        done = _completed(uow, found.items)
        allocated = list_own_allocations(uow, limit=PAGE, running=True).items
    more = addresses.next_page(addresses.ENTITLEMENTS, found.next_cursor)
    rows = tuple(_row(page_request, one, done) for one in found.items)
    return page_request.render(EntitlementsView(rows, more, tuple(_allocated(page_request, one) for one in allocated)))


@page("/entitlements/{entitlement_id:uuid}", "entitlements.read")
def show_entitlement(entitlement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One entitlement with the holders of its seats."""
    return page_request.render(_view(page_request, entitlement_id))


@page("/entitlements/{entitlement_id:uuid}/launch", "entitlements.read")
def launch(entitlement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[bytes]:
    """Go to the seller's product, while it may be used."""
    with page_request.work() as uow:
        address = launch_address(uow, entitlement_id)
    return redirect(address)


@form_post("/entitlements/{entitlement_id:uuid}/seats", ASSIGN)
def change_seats(
    entitlement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """`action=assign` gives the person `member_id` a seat, `action=revoke` takes the seat `member_id` back."""
    named = parse_uuid_or_404(form.text("member_id"))
    revoking = form.text("action") == "revoke"
    try:
        if revoking:
            page_request.transact(lambda uow: revoke_seat(uow, entitlement_id, named))
        else:
            page_request.transact(lambda uow: assign_seat(uow, entitlement_id, named))
    except DomainError as refused:
        return page_request.render(
            _view(page_request, entitlement_id, error=failure(page_request, refused)), status=refused.status
        )
    return page_request.redirect(
        addresses.entitlement(str(entitlement_id)), notice="seat_revoked" if revoking else "seat_assigned"
    )


@form_post("/entitlements/{entitlement_id:uuid}/auto-renew", BUY)
def switch_auto_renew(
    entitlement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """`wanted=on` lets its subscription go on after the paid term, anything else lets it end."""
    wanted = form.text("wanted") == "on"

    def work(uow: UnitOfWork) -> None:
        found = subscription_of_line(uow, get_entitlement(uow, entitlement_id).row.reference)
        if found is None:
            raise NotFound("not_found")
        set_auto_renew(uow, found.id, wanted=wanted)

    try:
        page_request.transact(work)
    except Conflict as refused:
        return page_request.render(
            _view(page_request, entitlement_id, error=failure(page_request, refused)), status=refused.status
        )
    return page_request.redirect(
        addresses.entitlement(str(entitlement_id)), notice="renewal_on" if wanted else "renewal_off"
    )


@form_post("/entitlements/{entitlement_id:uuid}/conversion", BUY)
def buy_tried(
    entitlement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Buy what follows a trial; `payment_method_id` where it began without a method. Leads to its order."""
    chosen = form.text("payment_method_id", most=200)
    bought: list[UUID] = []

    def work(uow: UnitOfWork) -> None:
        found = subscription_of_line(uow, get_entitlement(uow, entitlement_id).row.reference)
        if found is None:
            raise NotFound("not_found")
        gateway, token = parse_method(chosen) if chosen else ("", "")
        bought[:] = [convert_trial(uow, ConvertTrial(found.id, gateway, token))]

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return page_request.render(
            _view(page_request, entitlement_id, error=failure(page_request, refused)), status=refused.status
        )
    return page_request.redirect(addresses.order(str(bought[0])), notice="trial_bought")


def _view(page_request: PageRequest, entitlement_id: UUID, *, error: str | None = None) -> EntitlementView:
    may_assign = page_request.principal.may(ASSIGN)
    with page_request.work() as uow:
        detail = get_entitlement(uow, entitlement_id)
        members = list_members(uow) if may_assign else []
        subscription = subscription_of_line(uow, detail.row.reference)
        metered = is_metered(uow, entitlement_id)
        is_course = bool(courses_among(uow, [detail.row.listing_id]))
        done = _completed(uow, [detail.row])
    row = detail.row
    return EntitlementView(
        id=str(row.id),
        listing_id=str(row.listing_id),
        listing_name=page_request.pick(row.title, row.title_en),
        plan_name=page_request.pick(row.plan_name, row.plan_name_en),
        seller_name=row.seller_name,
        state="completed" if done else row.state_now,
        quantity=row.seats,
        valid_from=row.valid_from,
        valid_until=row.paid_until,
        data_kept_days=row.data_kept_days,
        data_kept_until=row.data_kept_until,
        data_are_gone=row.data_kept_until is not None and row.data_kept_until <= clock.now(),
        seats=tuple(SeatItem(str(one.id), one.name, one.email, one.assigned_at) for one in detail.seats),
        candidates=_candidates(detail, members),
        may_assign=may_assign and row.is_usable and row.end_customer is None,
        may_launch=row.is_usable and row.launch_url is not None,
        order_id=row.order_id or "",
        subscription=_subscription(page_request, subscription) if subscription else None,
        is_metered=metered,
        is_course=is_course,
        allocated=row.seats_allocated,
        end_customer=row.end_customer or "",
        error=error,
    )


def _subscription(page_request: PageRequest, found: SubscriptionView) -> SubscriptionPanel:
    price, is_trial = None, found.state == "trial"
    if found.next_gross_minor is not None and found.next_currency is not None:
        price = page_request.formats.money(Money(found.next_gross_minor, found.next_currency))
    return SubscriptionPanel(
        id=str(found.id),
        state=found.state,
        auto_renew=found.auto_renew,
        ends_at=found.ends_at,
        renews_at=found.renews_at,
        price=price,
        renewal_order_id=str(found.renewal_order_id) if found.renewal_order_id else None,
        may_switch=page_request.principal.may(BUY) and (found.state == "active" or (is_trial and found.converts)),
        term=page_request.t(f"term.{term_key(found.term_months)}", n=found.term_months),
        may_buy=page_request.principal.may(BUY) and is_trial and found.renewal_order_id is None,
        methods=methods(page_request, page_request.services.gateways) if is_trial and not found.converts else (),
    )


def _candidates(detail: EntitlementDetail, members: list[MemberRow]) -> tuple[MemberChoice, ...]:
    seated = {seat.person_id for seat in detail.seats}
    return tuple(
        MemberChoice(str(one.person_id), one.name, one.email)
        for one in members
        if one.state == "active" and one.person_id not in seated
    )


def _completed(uow: UnitOfWork, rows: Sequence[Found]) -> set[UUID]:
    """The lines of those that are over with their service: it opens nothing, and is delivered."""
    opens_nothing = [one for one in rows if one.is_usable and one.valid_to is None and one.launch_url is None]
    watched = courses_among(uow, [one.listing_id for one in opens_nothing]) if opens_nothing else ()
    return completed_services(uow, [one.reference for one in opens_nothing if one.listing_id not in watched])


def _allocated(page_request: PageRequest, row: OwnAllocationRow) -> AllocatedItem:
    return AllocatedItem(
        address=group_addresses.allocated(row.id),
        what=page_request.pick(row.title, row.title_en),
        hq=row.hq_name,
        state=row.state,
        used=row.seats_used,
        quantity=row.seats,
        until=row.valid_to,
        launch=group_addresses.allocated(row.id, "/launch") if row.may_launch else "",
    )


def _row(page_request: PageRequest, row: Found, done: Collection[UUID]) -> EntitlementItem:
    return EntitlementItem(
        id=str(row.id),
        listing_name=page_request.pick(row.title, row.title_en),
        plan_name=page_request.pick(row.plan_name, row.plan_name_en),
        seller_name=row.seller_name,
        state="completed" if row.reference in done else row.state_now,
        used_seats=row.seats_used,
        quantity=row.seats,
        valid_until=row.paid_until,
        may_launch=row.is_usable and row.launch_url is not None,
    )


routes = [list_entitlements, show_entitlement, launch, change_seats, switch_auto_renew, buy_tried]
