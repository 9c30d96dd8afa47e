"""Who decides purchases in which order, and what may be bought: seen by who buys, set by who manages members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given

from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.approval_words import who_decides
from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from api.pages.frame.named_product import named_product
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.purchase_policy.views import Allowed, PolicyView, StepTyped
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.money import to_decimal
from marketplace.access.members import list_members
from marketplace.access.permissions import holds
from orders.approval_rules.models import PurchasePolicy
from orders.approval_rules.queries import allowed_listings, allowed_sellers, find_policy
from orders.approval_rules.set_policy import (
    MOST_PERSONS,
    MOST_STEPS,
    READS,
    AllowEntry,
    SetAllowList,
    change_allow_list,
    set_allow_list,
    set_steps,
)
from orders.approval_rules.steps import ApprovalStep, NamedPerson, steps_from

Answer = Response[str] | Response[bytes]
MANAGE = "members.manage"


@page(addresses.PURCHASE_POLICY, "orders.read")
def show_policy(page_request: Given[PageRequest]) -> Answer:
    """The steps in words, and the list."""
    return page_request.render(replace(_view(page_request), product=page_request.query("product", most=200)))


@form_post(f"{addresses.PURCHASE_POLICY}/steps", MANAGE)
def save_steps(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Replace the steps; slots that name nobody are left out."""
    typed = tuple(_typed(form, number) for number in range(1, MOST_STEPS + 1))
    try:
        steps = [_step(one) for one in typed if one.who]
        page_request.transact(lambda uow: set_steps(uow, steps))
    except DomainError as refused:
        chosen = [one for one in typed if one.who]
        shown = (*chosen, StepTyped(len(chosen) + 1))
        return _refused(page_request, refused, "steps", typed=shown[:MOST_STEPS])
    return page_request.redirect(addresses.PURCHASE_POLICY, notice="purchase_policy_set")


@form_post(f"{addresses.PURCHASE_POLICY}/allow-list", MANAGE)
def save_mode(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """What becomes of what is not on the list."""
    mode = form.text("mode", most=10)

    def work(uow: UnitOfWork) -> None:
        policy = find_policy(uow)
        sellers, listings = (policy.allowed_sellers, policy.allowed_listings) if policy else ([], [])
        set_allow_list(uow, SetAllowList(mode, tuple(sellers), tuple(listings)))

    try:
        page_request.transact(work)
    except DomainError as refused:
        return _refused(page_request, refused, "mode")
    return page_request.redirect(addresses.PURCHASE_POLICY, notice="purchase_policy_set")


@form_post(f"{addresses.PURCHASE_POLICY}/allow-list/add", MANAGE)
def allow(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put a product, or everything of its seller, on the list."""
    typed, kind = form.text("product", most=500), form.text("kind", most=10)

    def work(uow: UnitOfWork) -> None:
        product = named_product(uow, typed)
        entry = AllowEntry(product.org_id) if kind == "seller" else AllowEntry(listing_id=product.id)
        change_allow_list(uow, entry, allowed=True)

    try:
        page_request.transact(work)
    except DomainError as refused:
        return _refused(page_request, refused, "product", product=typed)
    return page_request.redirect(addresses.PURCHASE_POLICY, notice="purchase_policy_set")


@form_post(f"{addresses.PURCHASE_POLICY}/allow-list/remove", MANAGE)
def disallow(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take an entry off the list; done twice, it stays off."""
    entry_id = parse_uuid_or_404(form.text("id", most=36))
    entry = AllowEntry(entry_id) if form.text("kind", most=10) == "seller" else AllowEntry(listing_id=entry_id)
    page_request.transact(lambda uow: change_allow_list(uow, entry, allowed=False))
    return page_request.redirect(addresses.PURCHASE_POLICY, notice="purchase_policy_set")


def _typed(form: Form, number: int) -> StepTyped:
    persons = tuple(form.text(f"person_{number}_{place}", most=36) for place in range(1, MOST_PERSONS + 1))
    return StepTyped(
        number,
        form.text(f"who_{number}", most=10),
        persons,
        form.text(f"above_{number}", most=40),
        form.text(f"currency_{number}", most=3) or "CNY",
    )


def _step(typed: StepTyped) -> ApprovalStep:
    if typed.who not in ("approver", "finance", "persons"):
        raise Invalid("validation_failed", field="steps")
    above = typed_amount(typed.above, typed.currency, field="steps")
    named = dict.fromkeys(one for one in typed.persons if one) if typed.who == "persons" else {}
    try:
        persons = tuple(NamedPerson(UUID(one), "") for one in named)
    except ValueError as error:
        raise Invalid("person_may_not_decide", field="steps") from error
    return ApprovalStep(typed.who, persons, above, typed.currency if above is not None else None)  # type: ignore[arg-type]  # just looked at


def _refused(page_request: PageRequest, refused: DomainError, field: str, **typed: Any) -> Answer:
    """The page with what was typed where it was typed."""
    if isinstance(refused, NotFound):
        raise refused
    view = replace(_view(page_request), error=failure(page_request, refused), error_field=field, **typed)
    return page_request.render(view, status=refused.status)


def _view(page_request: PageRequest) -> PolicyView:
    with page_request.work() as uow:
        policy = find_policy(uow)
        may_change = page_request.principal.may(MANAGE)
        colleagues = tuple(
            Choice(str(one.person_id), one.name)
            for one in (list_members(uow) if may_change else ())
            if one.state == "active" and holds(one.roles, READS)
        )
        allowed = _allowed(page_request, uow, policy) if policy else ()
    steps = steps_from(policy.steps) if policy else ()
    slots = (*(_slot(number, one) for number, one in enumerate(steps, 1)), StepTyped(len(steps) + 1))
    return PolicyView(
        steps=tuple(_sentence(page_request, one) for one in steps),
        typed=slots[:MOST_STEPS],
        colleagues=colleagues,
        currencies=COMMON_CURRENCIES,
        mode=policy.allow_mode if policy else "off",
        allowed=allowed,
        may_change=may_change,
    )


def _allowed(page_request: PageRequest, uow: UnitOfWork, policy: PurchasePolicy) -> tuple[Allowed, ...]:
    sellers, listings = allowed_sellers(uow, policy), allowed_listings(uow, policy)
    unnamed = page_request.t("purchase_policy.gone")
    return (
        *(Allowed("seller", str(one), sellers.get(one, unnamed)) for one in policy.allowed_sellers),
        *(
            Allowed("listing", str(one), page_request.pick(*listings[one]), addresses.product(str(one)))
            if one in listings
            else Allowed("listing", str(one), unnamed)
            for one in policy.allowed_listings
        ),
    )


def _slot(number: int, step: ApprovalStep) -> StepTyped:
    persons = (*(str(one.id) for one in step.persons), *("",) * MOST_PERSONS)[:MOST_PERSONS]
    if step.above_minor is None or step.currency is None:
        return StepTyped(number, step.who, persons)
    return StepTyped(number, step.who, persons, f"{to_decimal(step.above_minor, step.currency):,f}", step.currency)


def _sentence(page_request: PageRequest, step: ApprovalStep) -> str:
    who = who_decides(page_request, step)
    if step.above_minor is None or step.currency is None:
        return who
    amount = page_request.formats.price(money(step.above_minor, step.currency))
    return page_request.t("purchase_policy.only_above", who=who, amount=amount)


routes = [show_policy, save_steps, save_mode, allow, disallow]
