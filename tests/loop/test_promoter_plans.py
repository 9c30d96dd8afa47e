"""Promoter plans: who is let in, what a sale pins of them, five parties of a line, caps, and what goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.embedded.engines import Addresses
from app.verify.payments import COMPUTED, PINNED, SHARED
from app.verify.share_policies import RULES
from billing.payouts.balances import balances
from billing.promoter_plans.make_plan import LEAD, MakePlan, end_plan, make_plan
from billing.promoter_plans.memberships import (
    answer_membership,
    apply_as_promoter,
    end_membership,
    invite_promoter,
)
from billing.promoter_plans.models import PromoterMonth
from billing.promoter_plans.queries import list_offered_plans, list_own_plans
from billing.promoter_plans.take_from_month import TakeFromMonth, take_from_month
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.shares.queries import list_shares
from billing.shares.rules import PolicyRule
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.catalog.models import Plan
from marketplace.parties.models import Organization
from orders.share_policy.simulate import simulate_rules
from tests.emptied import empty
from tests.factories_billing import OPERATOR
from tests.factories_marketplace import Org, make_org
from tests.loop.test_outgoing_events import events_of, publish
from tests.loop.test_renewals import line_of
from tests.loop.test_share_policies import rates, terms_of
from tests.loop_stage import Stage


@pytest.fixture(autouse=True)
def _sales_of_its_own(addresses: Addresses) -> Iterator[None]:
    empty(addresses)
    yield
    empty(addresses)


def do(stage: Stage, who: Principal, work: Callable[[UnitOfWork], Any]) -> Any:
    return transact(stage.services.db, who, work)


def known(stage: Stage, org: Org) -> Org:
    """One whose identity the platform saw, so that it may be named."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        seen = update(Organization).where(Organization.id == org.id).values(tax_id_verified_at=clock.now())
        uow.session.execute(seen)
    return org


def organization(stage: Stage) -> Org:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        org = make_org(uow)
    return known(stage, org)


def listing_of(stage: Stage) -> UUID:
    return stage.get(Plan, stage.seat_plan).listing_id


def plan_of(stage: Stage, **changes: Any) -> UUID:
    """A plan for what the stage sells, in force from now on."""
    command = replace(MakePlan(listing_of(stage), "general", 100_000), **changes)
    plan_id: UUID = do(stage, stage.seller.owner, lambda uow: make_plan(uow, command).id)
    clock.advance(LEAD)
    return plan_id


def bought(stage: Stage, quantity: int = 20) -> UUID:
    order_id = stage.buy(quantity=quantity)
    stage.run()
    return order_id


def amounts(stage: Stage, order_id: UUID) -> dict[str, int]:
    return {kind: share.amount_minor for kind, share in stage.shares(order_id).items()}


def violations(stage: Stage) -> list[str]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return [rule.name for rule in (*RULES, COMPUTED, PINNED, SHARED) if rule.find(uow).violations]


def test_five_parties_get_their_parts_are_settled_and_give_back(stage: Stage) -> None:
    distributor, service = organization(stage), organization(stage)
    before = bought(stage)
    plan_of(
        stage,
        rate_ppm=90_000,
        distributor_org_id=distributor.id,
        distributor_ppm=20_000,
        service_org_id=service.id,
        service_ppm=10_000,
    )
    order_id = bought(stage)
    found, line = stage.shares(order_id), line_of(stage, order_id)
    assert rates(stage, order_id) == (150_000, 90_000, 7)
    assert {kind: share.org_id for kind, share in found.items() if kind not in {"seller", "commission"}} == {
        "promoter": stage.promoter.id,
        "distributor": distributor.id,
        "service_provider": service.id,
    }
    got = amounts(stage, order_id)
    assert sum(got.values()) == line.gross_minor
    side = got["promoter"] + got["distributor"] + got["service_provider"]
    assert side == (line.net_minor * 90_000 + 500_000) // 1_000_000
    assert [found[kind].rate_ppm for kind in ("promoter", "distributor", "service_provider")] == [
        60_000,
        20_000,
        10_000,
    ]
    # What was sold before has no chain.
    assert set(amounts(stage, before)) == {"seller", "commission", "promoter"}
    with unit_of_work(stage.services.db, distributor.owner) as uow:
        assert [one.amount_minor for one in list_shares(uow, "promoter").items] == [got["distributor"]]
    stage.refund(order_id, line.gross_minor // 3)
    stage.run()
    stage.settle()
    for org in (distributor, service):
        stage.close(org)
    (statement,) = stage.statements(distributor)
    left = stage.shares(order_id)["distributor"]
    assert statement.net_minor == left.amount_minor - left.reversed_minor > 0
    (of_seller,) = stage.statements(stage.seller)
    others = [stage.shares(one) for one in (before, order_id)]
    kept = sum(
        share.amount_minor - share.reversed_minor for of in others for kind, share in of.items() if kind == "seller"
    )
    assert of_seller.net_minor == kept
    payment_id, left_minor = stage.order(order_id).payment_id, line.gross_minor - line.gross_minor // 3
    assert payment_id is not None
    goodwill = RequestRefund(order_id, payment_id, "goodwill", automatic=False, amount_minor=left_minor)
    do(stage, OPERATOR, lambda uow: request_refund(uow, goodwill))
    stage.run()
    shares = stage.shares(order_id)
    assert all(share.reversed_minor == share.amount_minor for share in shares.values())
    # Settled before: what is taken back is a line of the next statement.
    assert shares["distributor"].state == "in_statement"
    with unit_of_work(stage.services.db, distributor.owner) as uow:
        (balance,) = balances(uow, "promoter")
    assert balance.available_minor == 0
    assert violations(stage) == []


def test_a_targeted_plan_counts_while_its_promoter_takes_part(stage: Stage) -> None:
    plan_of(stage, rate_ppm=60_000)
    targeted = plan_of(stage, kind="targeted", rate_ppm=200_000)
    starts_at = clock.now()
    general = bought(stage)
    assert rates(stage, general)[1] == 60_000
    known(stage, stage.promoter)
    member = do(stage, stage.promoter.owner, lambda uow: apply_as_promoter(uow, targeted).id)
    with pytest.raises(Conflict, match="promoter_asked_already"):
        do(stage, stage.seller.owner, lambda uow: invite_promoter(uow, targeted, stage.promoter.id))
    with pytest.raises(Conflict, match="promoter_not_asked"):
        do(stage, stage.promoter.owner, lambda uow: answer_membership(uow, member, accept=True))
    do(stage, stage.seller.owner, lambda uow: answer_membership(uow, member, accept=True).id)
    # A minute passes before it counts, so that "in force then" has one answer.
    assert rates(stage, bought(stage))[1] == 60_000
    clock.advance(LEAD)
    chosen = bought(stage)
    assert rates(stage, chosen)[1] == 200_000
    pinned = terms_of(stage, chosen).promotion
    assert pinned is not None
    assert pinned["plan_id"] == str(targeted)
    do(stage, stage.promoter.owner, lambda uow: end_membership(uow, member).id)
    clock.advance(LEAD)
    assert rates(stage, bought(stage))[1] == 60_000
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        drafted = (PolicyRule("saas", 150_000, 50_000, 7), PolicyRule("service", 150_000, 50_000, 7))
        rows = simulate_rules(uow, drafted, starts_at, clock.now())
    # The policy as it is, the plans as they are: nobody gets anything else.
    assert rows
    assert {one.difference_minor for one in rows} == {0}
    assert violations(stage) == []


def test_both_sides_systems_are_told_of_a_place_in_a_plan_and_nobody_elses(stage: Stage) -> None:
    plan_id = plan_of(stage, kind="exclusive")
    promoter = known(stage, stage.promoter)
    asked = do(stage, stage.seller.owner, lambda uow: invite_promoter(uow, plan_id, promoter.id).id)
    do(stage, promoter.owner, lambda uow: answer_membership(uow, asked, accept=True).id)
    publish(stage)
    sides = {org.id: told_of(stage, org.owner) for org in (stage.seller, promoter, stage.buyer)}
    assert sides[stage.seller.id] == sides[promoter.id] == [("promoter.asked", asked), ("promoter.accepted", asked)]
    assert sides[stage.buyer.id] == []


def told_of(stage: Stage, who: Principal) -> list[tuple[str, UUID]]:
    """Which events of promoters, and of which place in a plan."""
    found = [one for one in events_of(stage, who) if str(one["type"]).startswith("promoter.")]
    return [(one["type"], UUID(str(one["data"]["promoter_membership_id"]))) for one in found]


def test_an_exclusive_plan_leaves_others_nothing_and_says_so(stage: Stage) -> None:
    chosen = organization(stage)
    exclusive = plan_of(stage, kind="exclusive", rate_ppm=120_000)
    member = do(stage, stage.seller.owner, lambda uow: invite_promoter(uow, exclusive, chosen.id).id)
    do(stage, chosen.owner, lambda uow: answer_membership(uow, member, accept=True).id)
    clock.advance(LEAD)
    order_id = bought(stage)
    promoter = stage.shares(order_id)["promoter"]
    assert (promoter.amount_minor, promoter.rate_ppm, promoter.conflict) == (0, 0, "not_chosen")
    for kind in ("general", "exclusive", "targeted"):
        with pytest.raises(Conflict, match="promoter_plan"):
            plan_of(stage, kind=kind)
    do(stage, stage.seller.owner, lambda uow: end_plan(uow, exclusive).id)
    clock.advance(LEAD)
    assert rates(stage, bought(stage))[1] == 50_000
    assert violations(stage) == []


def test_caps_of_a_line_and_of_a_month_are_never_exceeded(stage: Stage) -> None:
    plan_id = plan_of(stage, rate_ppm=500_000, order_cap_minor=40_000, month_cap_minor=90_000, currency="CNY")
    orders = [bought(stage) for _ in range(3)]
    assert [amounts(stage, order_id)["promoter"] for order_id in orders] == [40_000, 40_000, 10_000]
    stage.refund(orders[0])
    stage.run()
    # What goes back gives the month nothing back.
    assert amounts(stage, bought(stage))["promoter"] == 0
    (month,) = stage.rows(select(PromoterMonth).where(PromoterMonth.plan_id == plan_id))
    assert month.used_minor == 90_000
    assert violations(stage) == []


def test_charges_at_the_same_time_share_what_a_month_has_left(stage: Stage) -> None:
    plan_id = plan_of(stage, month_cap_minor=1_000, currency="CNY")
    wanted = TakeFromMonth(plan_id, stage.seller.id, stage.promoter.id, clock.now(), "CNY", 1_000)

    def take(minor: int) -> int:
        return transact(stage.services.db, SYSTEM, lambda uow: take_from_month(uow, wanted, minor))

    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(take, [300, 250, 199, 400, 3, 150]))
    assert sum(given) == 1_000
    (month,) = stage.rows(select(PromoterMonth).where(PromoterMonth.plan_id == plan_id))
    assert month.used_minor == 1_000


def test_a_plan_is_within_the_policy_and_its_chain_within_its_rate(stage: Stage) -> None:
    other = organization(stage)
    for wrong, code in (
        ({"rate_ppm": 49_999}, "promoter_rate_out_of_policy"),
        ({"rate_ppm": 850_001}, "promoter_rate_out_of_policy"),
        ({"distributor_org_id": other.id}, "promoter_chain_invalid"),
        ({"distributor_org_id": other.id, "distributor_ppm": 100_000}, "promoter_chain_invalid"),
        (
            {"distributor_org_id": other.id, "distributor_ppm": 1, "service_org_id": other.id, "service_ppm": 1},
            "promoter_chain_invalid",
        ),
        ({"order_cap_minor": 1}, "promoter_caps_invalid"),
        ({"order_cap_minor": 0, "currency": "CNY"}, "promoter_caps_invalid"),
        ({"month_cap_minor": 1, "currency": "XYZ"}, "promoter_caps_invalid"),
    ):
        with pytest.raises(Invalid, match=code):
            plan_of(stage, **wrong)
    with pytest.raises(Conflict, match="promoter_plan_needs_general"):
        plan_of(stage, kind="targeted")
    general = plan_of(stage)
    with pytest.raises(Conflict, match="promoter_plan_open_to_all"):
        do(stage, stage.promoter.owner, lambda uow: apply_as_promoter(uow, general))
    with pytest.raises(Forbidden, match="own_promoter_plan"):
        do(stage, stage.seller.owner, lambda uow: apply_as_promoter(uow, general))
    targeted = plan_of(stage, kind="targeted")
    with pytest.raises(Conflict, match="promoter_plan_needs_general"):
        do(stage, stage.seller.owner, lambda uow: end_plan(uow, general))
    with pytest.raises(NotFound, match="promoter_plan_not_found"):
        do(stage, stage.promoter.owner, lambda uow: end_plan(uow, targeted))
    with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
        assert {row.id for row in list_offered_plans(uow).items} == {general, targeted}
        assert list_own_plans(uow).items == []
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        assert {row.id for row in list_own_plans(uow).items} == {general, targeted}
        assert list_offered_plans(uow).items == []
