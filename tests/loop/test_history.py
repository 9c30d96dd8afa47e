"""A short past, lived through: dated then, complete, never doubled, whatever stops it; nothing is left apart from workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.composition import register_jobs
from app.sample.catalogue import make_product
from app.sample.history import acts, arranging, buying, live, serving
from app.sample.history.live import APART, Past
from app.sample.history.world import PARTICIPANTS, World
from app.sample.products import SampleProduct
from app.scheduler import run_sweep
from billing.promoter_plans.queries import list_own_plans
from fulfillment.courses.models import EpisodeProgress
from fulfillment.runs.models import Run
from kernel import clock, sandbox_history
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs import kinds
from kernel.jobs.models import Job
from kernel.principal import SYSTEM, Principal
from kernel.sandbox_history import SandboxHistory
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import withdraw_plan
from marketplace.courses.models import CourseEpisode
from marketplace.parties.models import Organization
from marketplace.relations.tier_prices import shown_prices
from orders.checkout.models import Purchase
from orders.coupons.models import CouponUse
from orders.offers.queries import list_offers
from orders.order.milestones import OrderMilestone
from orders.order.models import Order
from orders.refunds.models import RefundCase
from tests.factories_marketplace import make_ready_video
from tests.loop_stage import RENDERERS, Stage

DAY = timedelta(days=1)
LONG = 100_000


@dataclass(frozen=True)
class Story:
    """When it begins, and the numbers of its two purchases."""

    starts_at: datetime
    bought: str
    refused: str


@pytest.fixture
def story(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A past of ten days is to be made: one seller and one buyer join, who buys twice; the second order is refused."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    now = clock.now()
    starts_at = now - 10 * DAY
    made = Story(starts_at, f"PO-{uuid7().hex[-12:]}", f"PO-{uuid7().hex[-12:]}")
    told: list[tuple[int, acts.Act]] = [
        (0, acts.Join("lanqiao")),
        (1, acts.Join("minghu")),
        (2, acts.Buy("minghu", made.bought, "docs", 8)),
        (3, acts.Behave("lanqiao", "refuses")),
        (4, acts.Buy("minghu", made.refused, "contract")),
        (5, acts.Behave("lanqiao", "well")),
        (6, acts.AskRefund("minghu", made.bought, 25, "too many")),
        (9, acts.Tick()),
    ]
    steps = [acts.Step(starts_at + days * DAY, act) for days, act in told]
    monkeypatch.setattr(live, "plan", lambda _: steps)
    monkeypatch.setattr(sandbox_history, "_seen", sandbox_history._Seen())
    transact(stage.services.db, SYSTEM, lambda uow: sandbox_history.begin(uow, starts_at, now))
    yield made
    transact(stage.services.db, SYSTEM, _forget)
    register_jobs(stage.services, RENDERERS)


def _forget(uow: UnitOfWork) -> None:
    uow.session.delete(uow.session.get_one(SandboxHistory, 1))
    uow.session.flush()


def past(stage: Stage, tmp_path: Path) -> Past:
    services = replace(stage.services)
    kinds.work_apart(APART)
    return Past(services, tmp_path, stage.seller_app.address, lambda _: None)


def bought(stage: Stage, po_number: str) -> list[Order]:
    own = select(Purchase.id).where(Purchase.po_number == po_number)
    return stage.rows(select(Order).where(Order.purchase_id.in_(own)))


def test_it_is_dated_then_and_complete(stage: Stage, story: Story, tmp_path: Path) -> None:
    past(stage, tmp_path).live()
    (order,) = bought(stage, story.bought)
    assert (order.state, order.created_at, order.paid_at) == (
        "active",
        story.starts_at + 2 * DAY,
        story.starts_at + 2 * DAY + timedelta(seconds=2),
    )
    assert order.active_at is not None
    assert order.active_at - order.created_at < timedelta(minutes=1)
    (invoice,), (credit,) = stage.papers(order.id), stage.papers(order.id, "credit_note")
    assert (invoice.issued_at, invoice.pdf_key) == (order.active_at, None)
    assert credit.gross_minor * 4 == invoice.gross_minor
    (refused,) = bought(stage, story.refused)
    assert refused.state == "refunded"
    progress = transact(stage.services.db, SYSTEM, sandbox_history.read)
    assert progress is not None
    assert progress.finished
    joined = stage.rows(select(Organization.created_at).where(Organization.tax_id == PARTICIPANTS["minghu"].tax_id))
    assert joined == [story.starts_at + DAY]
    apart = select(func.count()).where(Job.queue.in_((f"{APART}default", f"{APART}media")))
    assert stage.rows(apart) == [0]


def test_what_was_used_is_charged_when_its_period_is_over(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = f"PO-{uuid7().hex[-12:]}"
    told: list[tuple[int, acts.Act]] = [
        (49, acts.Join("shuzhou")),
        (48, acts.Join("songhu")),
        (47, acts.Buy("songhu", number, "data_api")),
        (41, acts.Use("data_api", number, "api_calls", 600_000)),
        (15, acts.Tick()),
        (14, acts.Tick()),
    ]
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    past(stage, tmp_path).live()
    first, usage = sorted(bought(stage, number), key=lambda order: order.created_at)
    assert (first.usage_period_id, first.gross_minor) == (None, 80_000)
    # 590,000 beyond what is included at 0.35 are 206,500; what exceeds the commitment costs nine tenths.
    assert (usage.state, usage.gross_minor) == ("completed", (206_500 - 80_000) * 9 // 10)
    assert usage.usage_period_id is not None


def test_money_asked_back_goes_its_ways(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, rejected, left = numbers = [f"PO-{uuid7().hex[-12:]}" for _ in range(3)]
    told: list[tuple[int, acts.Act]] = [(41, acts.Join("lanqiao")), (40, acts.Join("minghu"))]
    told += [(39, acts.Buy("minghu", number, "docs", 8)) for number in numbers]
    told += [(30, acts.AskBack("minghu", number, "docs", "ask", "not as shown", 50)) for number in numbers]
    told += [
        (29, acts.AskBack("minghu", given, "docs", "grant", "some of it", 25)),
        (29, acts.AskBack("minghu", rejected, "docs", "refuse", "as agreed")),
        (28, acts.AskBack("minghu", rejected, "docs", "escalate", "not as shown")),
        (27, acts.AskBack("minghu", rejected, "docs", "reject", "as agreed")),
        (27, acts.AskBack("minghu", left, "docs", "withdraw")),
    ]
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    past(stage, tmp_path).live()
    found = {
        case.state: case
        for number in numbers
        for order in bought(stage, number)
        for case in stage.rows(select(RefundCase).where(RefundCase.order_id == order.id))
    }
    assert sorted(found) == ["granted", "rejected", "withdrawn"]
    assert found["granted"].granted_minor == found["granted"].asked_minor // 2
    assert [one.state for one in stage.refunds(found["granted"].order_id)] == ["succeeded"]


def test_a_service_goes_milestone_by_milestone(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = f"PO-{uuid7().hex[-12:]}"
    serve = partial(acts.Serve, "minghu", number, "hardening")
    told: list[tuple[int, acts.Act]] = [
        (18, acts.Join("jinghe")),
        (17, acts.Join("minghu")),
        (16, acts.Buy("minghu", number, "hardening")),
        (15, serve(1, "take_on")),
        (13, serve(1, "deliver", "评估报告")),
        (11, serve(1, "accept")),
        (8, serve(2, "deliver", "加固完成")),
        (6, serve(2, "rework", "还差两台")),
        (2, serve(3, "deliver", "复测报告")),
    ]
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    past(stage, tmp_path).live()
    (order,) = bought(stage, number)
    found = select(OrderMilestone).where(OrderMilestone.order_id == order.id).order_by(OrderMilestone.position)
    assert [one.state for one in stage.rows(found)] == ["accepted", "rework", "delivered"]


def test_members_are_given_seats_of_a_course_and_come_so_far_in_it(stage: Stage) -> None:
    plan_id, context = stage.offer()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id, words = uow.session.get_one(Plan, plan_id).listing_id, {"title": "第一课", "title_en": "Lesson 1"}
        video_id = make_ready_video(uow, stage.seller, visibility="internal", duration_ms=LONG).id
        taught = {"org_id": stage.seller.id, "listing_id": listing_id, "video_id": video_id, "is_preview": False}
        uow.session.add(CourseEpisode(position=1, **taught, **words))
    order_id = stage.place(stage.quote(plan_id, 2, context=context))
    stage.run()
    known: Any = SimpleNamespace(
        chief=lambda _: stage.buyer.owner,
        somebody=lambda _, role: stage.purchaser if role == "purchaser" else stage.approver,
        listing_id=lambda _: listing_id,
    )
    number = stage.order(order_id).po_number or ""
    for act in (
        acts.GiveSeats("xinghe", number, ("purchaser", "approver")),
        acts.WatchLesson("xinghe", "course", "purchaser", 1, 100),
        acts.WatchLesson("xinghe", "course", "approver", 1, 45),
    ):
        who, work = serving.served(known, act)
        transact(stage.services.db, who, work)
    came = select(EpisodeProgress).where(EpisodeProgress.listing_id == listing_id)
    found = {one.person_id: (one.furthest_ms, one.completed_at is not None) for one in stage.rows(came)}
    assert found == {
        stage.purchaser.person_id: (LONG, True),
        stage.approver.person_id: (LONG * 45 // 100, False),
    }


def test_a_code_and_a_promotion_come_off_what_is_bought_with_them(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"PO-{uuid7().hex[-12:]}" for _ in range(3)]
    told: list[tuple[int, acts.Act]] = [
        (9, acts.Join("lanqiao")),
        (8, acts.Join("minghu")),
        (7, acts.Buy("minghu", numbers[0], "docs", 10)),
        (6, acts.Reduce("docs", "回馈", 200_000, 30, "HUIKUI-20", 3)),
        (5, acts.Reduce("docs", "年末优惠", 100_000, 30)),
        (4, acts.Buy("minghu", numbers[1], "docs", 10, coupon="HUIKUI-20")),
        (3, acts.Buy("minghu", numbers[2], "docs", 10)),
    ]
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    past(stage, tmp_path).live()
    orders = [bought(stage, number)[0] for number in numbers]
    listed, coded, promoted = (order.gross_minor for order in orders)
    assert (coded * 10, promoted * 10) == (listed * 8, listed * 9)
    uses = stage.rows(select(CouponUse.order_id).where(CouponUse.order_id.in_([order.id for order in orders])))
    assert len(uses) == 2


def test_stopped_anywhere_it_goes_on_and_doubles_nothing(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once between a step and what follows it, once before a step is counted."""

    class Killed(Exception):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    for stop_at in ("_follow", "_behave"):
        with monkeypatch.context() as once:
            once.setattr(Past, stop_at, killed)
            with pytest.raises(Killed):
                past(stage, tmp_path).live()
    past(stage, tmp_path).live()
    past(stage, tmp_path).live()
    (order,), (refused,) = bought(stage, story.bought), bought(stage, story.refused)
    assert (order.state, refused.state) == ("active", "refunded")
    assert len(stage.refunds(order.id)) == 1
    delivered = select(func.count()).where(Run.operation == "provision", Run.id == stage.delivery(order.id).id)
    assert stage.rows(delivered) == [1]
    with clock.frozen(story.starts_at + 20 * DAY):
        for item in kinds.sweeps():
            if item.name in live.SWEEPS:
                run_sweep(stage.services.db, item)
    assert bought(stage, story.bought)[0].state == "active"


def test_what_people_did_meanwhile_leaves_out_a_step_and_no_more(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of the story is taken off sale by hand before the past reaches its purchase: what rests on it is left out."""

    class Stopped(Exception):
        pass

    def stopped(*_: Any) -> None:
        raise Stopped

    with monkeypatch.context() as once:
        once.setattr(buying, "buy", stopped)
        with pytest.raises(Stopped):
            past(stage, tmp_path).live()
    with withdrawn(stage, "lanqiao", "docs"):
        past(stage, tmp_path).live()
    assert bought(stage, story.bought) == []
    (refused,) = bought(stage, story.refused)
    assert refused.state == "refunded"
    progress = transact(stage.services.db, SYSTEM, sandbox_history.read)
    assert progress is not None
    assert progress.finished


@contextmanager
def withdrawn(stage: Stage, seller: str, product: str) -> Iterator[None]:
    """A plan is off sale for a while. The tests of this file share it."""
    db, world = stage.services.db, World(stage.services.db)
    plan_id = world.plan_id(product)
    transact(db, world.owner(seller), lambda uow: withdraw_plan(uow, plan_id))
    yield
    transact(db, SYSTEM, lambda uow: uow.session.execute(update(Plan).where(Plan.id == plan_id).values(state="active")))


def test_a_second_plan_and_a_second_card_leave_the_past_its_own(
    stage: Stage, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People add to the sample while its past is made; the past goes on with what it began with."""

    def and_another(db: Database, owner: Principal, product: SampleProduct, connector_id: UUID) -> None:
        make_product(db, owner, product, connector_id)
        if product.scene == "docs":
            plan_id = World(db).plan_id("docs")
            transact(db, SYSTEM, lambda uow: _double(uow, plan_id))

    monkeypatch.setattr(live, "make_product", and_another)
    past(stage, tmp_path).live()
    (order,) = bought(stage, story.bought)
    assert order.state == "active"


def _double(uow: UnitOfWork, plan_id: UUID) -> None:
    """A plan beside the given one, alike in all but its code."""
    plan = uow.session.get_one(Plan, plan_id)
    alike = {column.key: getattr(plan, column.key) for column in Plan.__table__.columns}
    uow.session.add(Plan(**(alike | {"id": uuid7(), "code": f"{plan.code}-b"})))


@pytest.mark.usefixtures("story")
def test_a_partner_gets_its_tiers_price_and_what_the_tier_is_offered(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of these steps is left out: who is asked to be a partner is one that sellers find."""
    told: list[tuple[int, acts.Act]] = [(18, acts.Join("lanqiao")), (17, acts.Join("minghu"))]
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - days * DAY, act) for days, act in told])
    made = past(stage, tmp_path)
    made.live()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        buyer = uow.session.get_one(Organization, made.world.org_id("minghu"))
        buyer.tax_id_verified_at = clock.now()
    words = ("含培训。", "With training.")
    for act in (acts.Ally("docs", "minghu"), acts.Agree("minghu"), acts.OfferPartners("docs", 5, 250_000, 21, words)):
        who, work = arranging.arranged(made.world, act)
        transact(stage.services.db, who, work)
    with unit_of_work(stage.services.db, made.world.purchaser("minghu")) as uow:
        prices = shown_prices(uow, [made.world.listing_id("docs")]).values()
        newest = list_offers(uow, sells=False).items[0]
    assert {(one.tier_code, one.amount_minor * 20 - one.list_minor * 17) for one in prices} == {("GOLD", 0)}
    assert (newest.state, newest.lines[0].quantity) == ("open", 5)


@pytest.mark.usefixtures("story")
def test_promoters_are_asked_and_one_takes_part(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these steps is left out: the rates are within the platform's rules, and who is asked is found."""
    names = ("lanqiao", "diandian", "yunke")
    monkeypatch.setattr(live, "plan", lambda ends_at: [acts.Step(ends_at - 18 * DAY, acts.Join(one)) for one in names])
    made = past(stage, tmp_path)
    made.live()
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for one in names[1:]:
            uow.session.get_one(Organization, made.world.org_id(one)).tax_id_verified_at = clock.now()
    for act in (acts.AskPromoters("docs", names[1:]), acts.TakePart("diandian")):
        who, work = arranging.arranged(made.world, act)
        transact(stage.services.db, who, work)
    with unit_of_work(stage.services.db, made.world.seller("docs")) as uow:
        found = {plan.kind: [member.state for member in plan.members] for plan in list_own_plans(uow).items}
    assert found["general"] == []
    assert sorted(found["targeted"]) == ["accepted", "invited"]
