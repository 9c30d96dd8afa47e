"""Pages of metered usage: the buyer's own, and the seller's of its customers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import usage_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.usage.presenter import challenge_item, customer_item, usage_page
from api.pages.usage.views import ChallengeItem, SellerUsageView, UsagePage
from api.v1.usage import SELL
from fulfillment.usage.caps import remove_cap, set_cap
from fulfillment.usage.challenges import MAX_TEXT, AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.queries import challenges_to_answer, customers_usage, get_usage
from kernel.errors import DomainError, Invalid, NotFound
from kernel.money import exponent
from orders.usage.queries import orders_of_periods

READ, BUY, ANSWER = "entitlements.read", "orders.buy", "catalog.write"


@page("/entitlements/{entitlement_id:uuid}/usage", READ)
def show_usage(entitlement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """What the organization has used, of this very moment."""
    return page_request.render(_view(page_request, entitlement_id, sells=False))


@form_post("/entitlements/{entitlement_id:uuid}/usage/caps", BUY)
def change_cap(
    entitlement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """`action=remove` takes the cap of `dimension` away, anything else sets it."""
    dimension, kind, written = form.text("dimension"), form.text("kind"), form.text("quantity", most=40)
    removing = form.text("action") == "remove"
    try:
        if removing:
            page_request.transact(lambda uow: remove_cap(uow, entitlement_id, dimension))
        else:
            quantity = _decimal(written)
            if quantity is None:
                raise Invalid("usage_cap_invalid", field="quantity")
            page_request.transact(lambda uow: set_cap(uow, entitlement_id, dimension, kind, quantity))
    except Invalid as refused:
        view = _view(page_request, entitlement_id, sells=False)
        view = replace(
            view,
            error=failure(page_request, refused),
            typed_dimension=dimension,
            typed_quantity=written,
            typed_kind=kind,
        )
        return page_request.render(view, status=refused.status)
    address = usage_addresses.of_entitlement(str(entitlement_id))
    return page_request.redirect(address, notice="usage_cap_removed" if removing else "usage_cap_set")


@form_post("/entitlements/{entitlement_id:uuid}/usage/challenges", BUY)
def question_line(
    entitlement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Question the rated line `line_id`."""
    line_id, question = parse_uuid_or_404(form.text("line_id")), form.text("question", most=2 * MAX_TEXT)
    try:
        page_request.transact(lambda uow: challenge_line(uow, line_id, question))
    except NotFound:
        raise
    except DomainError as refused:
        view = _typed(_view(page_request, entitlement_id, sells=False), str(line_id), question)
        return page_request.render(replace(view, error=failure(page_request, refused)), status=refused.status)
    return page_request.redirect(usage_addresses.of_entitlement(str(entitlement_id)), notice="usage_questioned")


@page(usage_addresses.SELLER_USAGE, SELL)
def show_customers_usage(page_request: Given[PageRequest]) -> Response[str]:
    """What each customer uses, and what is to be answered."""
    require_seller(page_request)
    return page_request.render(_seller_view(page_request))


@page("/seller/usage/{entitlement_id:uuid}", SELL)
def show_customer_usage(entitlement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """What one customer has used of one entitlement."""
    require_seller(page_request)
    return page_request.render(_view(page_request, entitlement_id, sells=True))


@form_post("/seller/usage/challenges/{usage_challenge_id:uuid}", ANSWER)
def answer(
    usage_challenge_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """Let the line stand, or take `credit` of it back."""
    credit, said = form.text("credit", most=40), form.text("answer", most=2 * MAX_TEXT)
    try:
        minor = _minor(page_request, usage_challenge_id, credit)
        command = AnswerChallenge(usage_challenge_id, minor, said)
        page_request.transact(lambda uow: answer_challenge(uow, command))
    except NotFound:
        raise
    except DomainError as refused:
        view = _seller_view(page_request)
        wrong = failure(page_request, refused)
        challenges = tuple(
            replace(one, typed_credit=credit, typed_answer=said, error=wrong)
            if one.key == str(usage_challenge_id)
            else one
            for one in view.challenges
        )
        return page_request.render(replace(view, challenges=challenges), status=refused.status)
    return page_request.redirect(usage_addresses.SELLER_USAGE, notice="usage_answered")


def _view(page_request: PageRequest, entitlement_id: UUID, *, sells: bool) -> UsagePage:
    with page_request.work() as uow:
        found = get_usage(uow, entitlement_id)
        charged = orders_of_periods(uow, [one.id for one in found.periods])
    mine = found.seller_org_id if sells else found.buyer_org_id
    if mine != page_request.principal.org_id:
        raise NotFound("not_found")
    return usage_page(page_request, found, charged, sells=sells)


def _seller_view(page_request: PageRequest) -> SellerUsageView:
    may_answer = page_request.principal.may(ANSWER)
    with page_request.work() as uow:
        rows, challenges = customers_usage(uow), challenges_to_answer(uow)
    shown: tuple[ChallengeItem, ...] = tuple(
        challenge_item(page_request, one, answers=may_answer) for one in challenges
    )
    return SellerUsageView(tuple(customer_item(page_request, one) for one in rows), shown, may_answer)


def _typed(view: UsagePage, line_id: str, question: str) -> UsagePage:
    """What was typed is not lost."""
    periods = tuple(
        replace(
            period,
            lines=tuple(replace(line, typed=question) if line.id == line_id else line for line in period.lines),
        )
        for period in view.periods
    )
    return replace(view, periods=periods)


def _minor(page_request: PageRequest, challenge_id: UUID, written: str) -> int:
    """An amount of the challenge's currency in minor units, 0 where nothing is written."""
    with page_request.work() as uow:
        challenge = next((one for one in challenges_to_answer(uow) if one.id == challenge_id), None)
    if challenge is None or not written:
        return 0
    amount = _decimal(written)
    minor = amount.scaleb(exponent(challenge.currency)) if amount is not None else None
    if minor is None or minor != int(minor):
        raise Invalid("usage_credit_invalid", field="credit", most=challenge.amount_minor)
    return int(minor)


def _decimal(written: str) -> Decimal | None:
    """A number as people type it, at most twenty digits; None for anything else."""
    cleaned = written.replace(",", "").strip()
    if not cleaned.isascii() or len(cleaned) > 24 or not cleaned.replace(".", "", 1).isdigit():
        return None
    try:
        return Decimal(cleaned)
    except InvalidOperation:
        return None


routes = [
    show_usage,
    change_cap,
    question_line,
    show_customers_usage,
    show_customer_usage,
    answer,
]
