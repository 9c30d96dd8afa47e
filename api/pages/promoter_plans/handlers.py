"""What promotion of a listing gets, on pages: a seller's plans and promoters, and what a promoter may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.typed_numbers import typed_ppm
from api.pages.promoter_plans.views import (
    PromoterItem,
    PromoterPlanItem,
    PromoterPlansView,
    SellerPromoterPlansView,
    TypedPromoterPlan,
)
from api.pages.videos.presenter import named_organization
from api.schema import run_command
from api.v1.promoter_plans import PromoterPlanIn, PromoterPlanOut
from billing.promoter_plans.make_plan import PERMISSION, MakePlan, end_plan, make_plan
from billing.promoter_plans.memberships import (
    PROMOTES,
    answer_membership,
    apply_as_promoter,
    end_membership,
    invite_promoter,
)
from billing.promoter_plans.queries import (
    MembershipRow,
    PromoterPlanRow,
    get_plan,
    list_offered_plans,
    list_own_plans,
)
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.catalog.queries import list_own_listings

Answer = Response[str] | Response[bytes]
PAGE: Final = 20
LISTINGS: Final = 100
KINDS: Final = ("general", "targeted", "exclusive")


@page(addresses.policies.SELLER_PLANS, PERMISSION)
def show_own_plans(page_request: Given[PageRequest]) -> Answer:
    """The seller's plans, and the form of another."""
    require_seller(page_request)
    return page_request.render(_own(page_request))


@form_post(addresses.policies.SELLER_PLANS, PERMISSION)
def make(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make a plan; pressed twice, it is made once."""
    require_seller(page_request)
    typed = TypedPromoterPlan(**{name: form.text(name, most=200) for name in TypedPromoterPlan.__dataclass_fields__})
    try:
        command = _command(page_request, typed)
        asked = PromoterPlanIn.model_construct(
            **{name: getattr(command, name) for name in MakePlan.__dataclass_fields__}
        )

        def work(uow: UnitOfWork) -> PromoterPlanOut:
            return PromoterPlanOut.of(get_plan(uow, make_plan(uow, command).id))

        key = form.text("idempotency_key", most=255) or None
        run_command(page_request.request, key, asked, work, route=f"POST {addresses.policies.SELLER_PLANS}")
    except DomainError as refused:
        said, wrong = failure(page_request, refused), FIELDS.get(getattr(refused, "field", None) or "", "")
        view = replace(
            _own(page_request), typed=typed, error=said, error_field=wrong, field_error=said if wrong else ""
        )
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.policies.SELLER_PLANS, notice="promoter_plan_made")


@form_post("/seller/promoter-plans/{plan_id:uuid}/end", PERMISSION)
def end(plan_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """End a plan."""
    del form
    return _as_seller(page_request, lambda uow: end_plan(uow, plan_id), "promoter_plan_ended")


@form_post("/seller/promoter-plans/{plan_id:uuid}/promoters", PERMISSION)
def invite(plan_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Invite a promoter by its number, name or tax identifier."""
    who = form.text("partners", most=200)

    def work(uow: UnitOfWork) -> object:
        return invite_promoter(uow, plan_id, org_id)

    try:
        org_id = named_organization(page_request, who)
    except DomainError as refused:
        view = replace(_own(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return _as_seller(page_request, work, "promoter_invited")


@page(addresses.policies.PLANS, PROMOTES)
def show_offered_plans(page_request: Given[PageRequest]) -> Answer:
    """What may be promoted, under which terms."""
    return page_request.render(_offered(page_request))


@form_post("/promoter/plans/{plan_id:uuid}/application", PROMOTES)
def apply(plan_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask to be let into a plan."""
    del form
    return _as_promoter(page_request, lambda uow: apply_as_promoter(uow, plan_id), "promoter_applied")


@form_post("/promoter-memberships/{membership_id:uuid}/answer", SIGNED_IN)
def answer(membership_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say yes or no to whoever asked."""
    accept, act = form.text("answer", most=10) == "accept", _acting(form, page_request)
    return act(page_request, lambda uow: answer_membership(uow, membership_id, accept=accept), "promoter_answered")


@form_post("/promoter-memberships/{membership_id:uuid}/end", SIGNED_IN)
def leave(membership_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Leave a plan, put a promoter out, or take back what nobody answered."""
    act = _acting(form, page_request)
    return act(page_request, lambda uow: end_membership(uow, membership_id), "promoter_membership_ended")


def _acting(form: Form, page_request: PageRequest) -> Callable[..., Answer]:
    """On whose page the button stood."""
    sells = form.text("side", most=10) == "seller" and page_request.principal.may(PERMISSION)
    return _as_seller if sells else _as_promoter


def _as_seller(page_request: PageRequest, work: Callable[[UnitOfWork], Any], notice: str) -> Answer:
    return _act(page_request, work, notice, addresses.policies.SELLER_PLANS, _own)


def _as_promoter(page_request: PageRequest, work: Callable[[UnitOfWork], Any], notice: str) -> Answer:
    return _act(page_request, work, notice, addresses.policies.PLANS, _offered)


def _act(
    page_request: PageRequest,
    work: Callable[[UnitOfWork], Any],
    notice: str,
    path: str,
    view: Callable[[PageRequest], Any],
) -> Answer:
    try:
        page_request.transact(lambda uow: work(uow).id)
    except NotFound:
        raise
    except DomainError as refused:
        shown = replace(view(page_request), error=failure(page_request, refused))
        return page_request.render(shown, status=refused.status)
    return page_request.redirect(path, notice=notice)


FIELDS: Final = {
    "listing_id": "listing_id",
    "rate": "rate",
    "rate_ppm": "rate",
    "distributor_rate": "distributor_rate",
    "distributor_ppm": "distributor_rate",
    "service_rate": "service_rate",
    "order_cap": "order_cap",
    "month_cap": "month_cap",
    "currency": "currency",
}
"""Where on the form a field of the command was typed."""


def _command(page_request: PageRequest, typed: TypedPromoterPlan) -> MakePlan:
    chain = {
        name: (named_organization(page_request, who), typed_ppm(rate, f"{name}_rate")) if who else (None, 0)
        for name, who, rate in (
            ("distributor", typed.distributor, typed.distributor_rate),
            ("service", typed.service, typed.service_rate),
        )
    }
    caps = {name: typed_amount(getattr(typed, name), typed.currency, field=name) for name in ("order_cap", "month_cap")}
    return MakePlan(
        parse_uuid_or_404(typed.listing_id, "listing_not_found"),
        typed.kind if typed.kind in KINDS else KINDS[0],
        typed_ppm(typed.rate, "rate"),
        distributor_org_id=chain["distributor"][0],
        distributor_ppm=chain["distributor"][1],
        service_org_id=chain["service"][0],
        service_ppm=chain["service"][1],
        order_cap_minor=caps["order_cap"],
        month_cap_minor=caps["month_cap"],
        currency=typed.currency if any(cap is not None for cap in caps.values()) else None,
    )


def _own(page_request: PageRequest) -> SellerPromoterPlansView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = list_own_plans(uow, cursor=cursor, limit=PAGE)
        listings = list_own_listings(uow, limit=LISTINGS).items
    return SellerPromoterPlansView(
        rows=tuple(_item(page_request, row, sells=True) for row in found.items),
        listings=tuple(Choice(str(one.id), page_request.pick(one.title, one.title_en)) for one in listings),
        kinds=tuple(Choice(kind, page_request.t(f"promoter_plan.kind.{kind}")) for kind in KINDS),
        idempotency_key=str(uuid7()),
        next_address=addresses.next_page(addresses.policies.SELLER_PLANS, found.next_cursor),
    )


def _offered(page_request: PageRequest) -> PromoterPlansView:
    with page_request.work() as uow:
        found = list_offered_plans(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    return PromoterPlansView(
        rows=tuple(_item(page_request, row, sells=False) for row in found.items),
        next_address=addresses.next_page(addresses.policies.PLANS, found.next_cursor),
    )


def _item(page_request: PageRequest, row: PromoterPlanRow, *, sells: bool) -> PromoterPlanItem:
    at, plan_id = addresses.policies, str(row.id)
    takes_part = any(one.state in {"invited", "applied", "accepted"} for one in row.members)
    chain = (
        ("distributor", row.distributor_name or "", row.distributor_ppm),
        ("service_provider", row.service_name or "", row.service_ppm),
    )
    caps = [
        Money(minor, row.currency) if minor is not None and row.currency is not None else None
        for minor in (row.order_cap_minor, row.month_cap_minor)
    ]
    return PromoterPlanItem(
        id=plan_id,
        seller_name=row.seller_name,
        listing_name=page_request.pick(row.listing_name, row.listing_name_en),
        listing_address=addresses.product(str(row.listing_id)),
        kind=row.kind,
        rate_ppm=row.rate_ppm,
        promoter_ppm=row.promoter_ppm,
        chain=tuple(one for one in chain if one[2]),
        order_cap=caps[0],
        month_cap=caps[1],
        state="over" if row.is_over else "in_force",
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        members=tuple(_member(one, row) for one in row.members),
        invite=at.plan_act(plan_id, "promoters") if sells and row.kind != "general" and not row.is_over else "",
        end=at.plan_act(plan_id, "end") if sells and not row.is_over else "",
        apply="" if sells or row.kind == "general" or row.is_over or takes_part else at.application(plan_id),
    )


def _member(one: MembershipRow, row: PromoterPlanRow) -> PromoterItem:
    at, member_id = addresses.policies, str(one.id)
    return PromoterItem(
        member_id,
        one.promoter_name,
        one.state,
        one.counts_from if one.state == "accepted" else None,
        at.membership_act(member_id, "answer") if one.may_answer and not row.is_over else "",
        at.membership_act(member_id, "end") if one.state in {"invited", "applied", "accepted"} else "",
    )


routes = [show_own_plans, make, end, invite, show_offered_plans, apply, answer, leave]
