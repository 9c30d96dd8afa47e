"""Purchases held to rules of sellers, categories and an allow-list, and decided in several steps, by deputies too."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.principal import SYSTEM, Principal
from marketplace.access.members import remove_member
from marketplace.access.models import Member
from marketplace.catalog.models import Listing, Plan
from marketplace.notifications.models import Notification
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy, list_deputies, revoke_deputy
from orders.approval_rules.jobs import SWEEP_DEPUTIES
from orders.approval_rules.set_policy import AllowEntry, SetAllowList, change_allow_list, set_allow_list, set_steps
from orders.approval_rules.set_rule import Scope, SetRule, remove_rule, set_rule
from orders.approval_rules.steps import ANY_APPROVER, ApprovalStep, NamedPerson
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.create_quote import QuoteItem
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.views import PurchaseView
from orders.loop import SWEEP_PURCHASES
from orders.notifications.notify_of_events import NOTIFY
from orders.queries import get_purchase, get_quote
from orders.waiting import count_waiting
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage

GROSS = 398_000
"""Twenty seats."""
FINANCE = ApprovalStep("finance")


def rule(stage: Stage, command: SetRule) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, command)


def steps(stage: Stage, *some: ApprovalStep) -> None:
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_steps(uow, some)


def member(stage: Stage, *roles: str) -> Principal:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return make_member(uow, stage.buyer, *roles)


def named(who: Principal) -> ApprovalStep:
    return ApprovalStep("persons", (NamedPerson(who.person(), ""),))


def view(stage: Stage, purchase_id: UUID) -> PurchaseView:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return get_purchase(uow, purchase_id)


def decide(
    stage: Stage, who: Principal, purchase_id: UUID, decision: str = "approved", step: int | None = None
) -> None:
    command = DecidePurchase(purchase_id, decision, "because", step=step)  # type: ignore[arg-type]
    transact(stage.services.db, who, lambda uow: decide_purchase(uow, command))


def waiting(stage: Stage, who: Principal) -> tuple[int, bool]:
    """How many purchases wait for them, and whether they stand in for anybody."""
    with unit_of_work(stage.services.db, who) as uow:
        found = count_waiting(uow)
        return found.approvals, found.stands_in


def told_of_deputies(stage: Stage, who: Principal) -> list[str]:
    mine = select(Notification.kind).where(Notification.person_id == who.person())
    return sorted(stage.rows(mine.where(Notification.kind.contains("deputy"))))


def deputy_of(stage: Stage, who: Principal, deputy: Principal, days: int = 3) -> UUID:
    today = clock.today("Asia/Shanghai")
    with unit_of_work(stage.services.db, who) as uow:
        return appoint_deputy(uow, AppointDeputy(deputy.person(), today, today + timedelta(days=days))).id


class TestRulesOfSellersAndCategories:
    def test_of_a_seller_its_own_part_of_a_purchase_is_measured(self, stage: Stage) -> None:
        other, plan_id, _ = stage.second_seller()
        rule(stage, SetRule("CNY", GROSS - 1, seller_org_id=other.id))
        assert view(stage, stage.purchase(stage.quote())).approval_reasons == ()
        both = stage.quote(lines=(QuoteItem(stage.seat_plan, 20), QuoteItem(plan_id, 20)))
        (reason,) = view(stage, stage.purchase(both)).approval_reasons
        assert (reason.code, reason.limit_minor) == ("seller_order_limit", GROSS - 1)
        assert reason.subject is not None

    def test_a_month_of_a_category_counts_what_was_bought_of_it(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            category = uow.session.scalars(
                select(Listing.category).join(Plan, Plan.listing_id == Listing.id).where(Plan.id == stage.seat_plan)
            ).one()
        rule(stage, SetRule("CNY", None, max_month_minor=GROSS, category=category))
        rule(stage, SetRule("CNY", None, max_month_minor=GROSS, seller_org_id=stage.seller.id))
        rule(stage, SetRule("CNY", 0, category="legal"))
        assert view(stage, stage.purchase(stage.quote())).approval_reasons == ()
        reasons = view(stage, stage.purchase(stage.quote(quantity=1))).approval_reasons
        assert {(one.code, one.limit_minor, one.spent_minor) for one in reasons} == {
            ("category_month_limit", GROSS, GROSS),
            ("seller_month_limit", GROSS, GROSS),
        }

    def test_each_scope_has_one_rule_and_goes_alone(self, stage: Stage) -> None:
        for limit in (1, 0):
            rule(stage, SetRule("CNY", limit, category="hr"))
            rule(stage, SetRule("CNY", None))
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            remove_rule(uow, Scope("CNY", category="hr"))
            with pytest.raises(NotFound):
                remove_rule(uow, Scope("CNY", category="hr"))
            remove_rule(uow, Scope("CNY"))

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"category": "hr", "self_approval": True}, "rule_scope_invalid"),
            ({"category": "bananas"}, "category_invalid"),
            ({"category": "hr", "seller_org_id": UUID(int=1)}, "rule_scope_invalid"),
            ({"seller_org_id": UUID(int=1)}, "seller_unknown"),
        ],
    )
    def test_what_is_no_scope_is_refused(self, stage: Stage, changes: dict[str, object], code: str) -> None:
        with pytest.raises(Invalid, match=code):
            rule(stage, SetRule("CNY", 1, **changes))  # type: ignore[arg-type]


class TestAllowList:
    def test_what_is_not_on_it_waits_or_cannot_be_bought(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_allow_list(uow, SetAllowList("ask"))
        quote_id = stage.quote()
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert [one["code"] for one in get_quote(uow, quote_id).approval_reasons] == ["not_on_allow_list"]
        assert view(stage, stage.purchase(quote_id)).state == "pending_approval"
        kept = stage.quote()
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_allow_list(uow, SetAllowList("refuse"))
        with pytest.raises(Forbidden, match="not_on_allow_list"):
            stage.quote()
        with pytest.raises(Forbidden, match="not_on_allow_list"):
            stage.purchase(kept)

    @pytest.mark.parametrize("kind", ["seller", "listing"])
    def test_a_seller_or_a_listing_on_it_goes_as_without_a_list(self, stage: Stage, kind: str) -> None:
        listing_id = stage.get(Plan, stage.seat_plan).listing_id
        entry = AllowEntry(stage.seller.id) if kind == "seller" else AllowEntry(listing_id=listing_id)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_allow_list(uow, SetAllowList("refuse"))
            for _ in range(2):
                change_allow_list(uow, entry, allowed=True)
        assert view(stage, stage.purchase(stage.quote())).state == "pending_payment"
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            change_allow_list(uow, entry, allowed=False)
        with pytest.raises(Forbidden):
            stage.quote()

    def test_what_does_not_exist_is_not_put_on_it(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            with pytest.raises(Invalid, match="seller_unknown"):
                change_allow_list(uow, AllowEntry(stage.buyer.id), allowed=True)
            with pytest.raises(Invalid, match="listing_unknown"):
                change_allow_list(uow, AllowEntry(listing_id=stage.seat_plan), allowed=True)


class TestSteps:
    @pytest.fixture(autouse=True)
    def _rule(self, stage: Stage) -> None:
        rule(stage, SetRule("CNY", 0))

    def test_each_is_taken_by_its_own_and_the_last_pays(self, stage: Stage) -> None:
        finance, cfo = member(stage, "finance"), member(stage, "viewer")
        steps(stage, ANY_APPROVER, FINANCE, named(cfo))
        held = stage.purchase(stage.quote())
        for early in (finance, cfo):
            with pytest.raises(Forbidden, match="not_your_step"):
                decide(stage, early, held)
        decide(stage, stage.approver, held)
        assert stage.payments(held) == []
        with pytest.raises(Forbidden, match="decided_before"):
            decide(stage, stage.approver, held)
        decide(stage, finance, held)
        decide(stage, cfo, held)
        stage.run()
        after = view(stage, held)
        assert (after.state, after.decision) == ("paid", "approved")
        assert [one.decision for one in after.approval_steps] == ["approved"] * 3
        assert [one.decided_by for one in after.approval_steps] == [
            who.person() for who in (stage.approver, finance, cfo)
        ]

    def test_whoever_rejects_ends_it_at_any_step(self, stage: Stage) -> None:
        finance = member(stage, "finance")
        steps(stage, ANY_APPROVER, FINANCE)
        held = stage.purchase(stage.quote())
        decide(stage, stage.approver, held)
        decide(stage, finance, held, "rejected")
        after = view(stage, held)
        assert (after.state, after.decision, after.decision_reason) == ("rejected", "rejected", "because")
        assert stage.payments(held) == []

    def test_each_step_has_its_own_time(self, stage: Stage) -> None:
        steps(stage, ANY_APPROVER, FINANCE)
        held = stage.purchase(stage.quote())
        clock.advance(timedelta(days=6))
        decide(stage, stage.approver, held)
        clock.advance(timedelta(days=6))
        stage.tick(SWEEP_PURCHASES)
        assert view(stage, held).state == "pending_approval"
        clock.advance(timedelta(days=1))
        stage.tick(SWEEP_PURCHASES)
        assert (view(stage, held).state, view(stage, held).decision) == ("expired", None)

    def test_what_waits_keeps_its_steps_and_what_comes_has_the_new_ones(self, stage: Stage) -> None:
        steps(stage, ANY_APPROVER, FINANCE)
        held = stage.purchase(stage.quote())
        steps(stage)
        decide(stage, stage.approver, held)
        assert view(stage, held).state == "pending_approval"
        later = stage.purchase(stage.quote())
        decide(stage, stage.approver, later)
        assert view(stage, later).state == "pending_payment"

    def test_a_step_for_great_amounts_is_left_out_of_small_ones(self, stage: Stage) -> None:
        steps(stage, ANY_APPROVER, ApprovalStep("finance", above_minor=GROSS - 1, currency="CNY"))
        assert len(view(stage, stage.purchase(stage.quote(quantity=1))).approval_steps) == 1
        assert len(view(stage, stage.purchase(stage.quote())).approval_steps) == 2

    def test_a_decision_is_about_the_step_that_was_seen(self, stage: Stage) -> None:
        steps(stage, ANY_APPROVER, ANY_APPROVER)
        held = stage.purchase(stage.quote())
        decide(stage, stage.approver, held, step=1)
        with pytest.raises(Conflict, match="step_decided"):
            decide(stage, stage.buyer.owner, held, step=1)
        assert view(stage, held).state == "pending_approval"

    def test_persons_must_be_members_who_may_see_purchases(self, stage: Stage) -> None:
        for stranger in (stage.seller.owner, member(stage, "catalog")):
            with pytest.raises(Invalid, match="person_may_not_decide"):
                steps(stage, named(stranger))
        with pytest.raises(Invalid, match="step_persons_required"):
            steps(stage, ApprovalStep("persons"))
        with pytest.raises(Invalid, match="too_many_steps"):
            steps(stage, *([ANY_APPROVER] * 6))

    def test_those_of_the_next_step_are_told_and_see_it_counted(self, stage: Stage) -> None:
        finance, deputy = member(stage, "finance"), member(stage, "viewer")
        deputy_of(stage, finance, deputy)
        steps(stage, ANY_APPROVER, FINANCE)
        held = stage.purchase(stage.quote())
        stage.tick(NOTIFY)

        def told() -> set[UUID]:
            kinds = select(Notification.person_id).where(Notification.org_id == stage.buyer.id)
            return set(stage.rows(kinds.where(Notification.kind == "approval_asked")))

        def counted(who: Principal) -> int:
            with unit_of_work(stage.services.db, who) as uow:
                return count_waiting(uow).approvals

        assert stage.approver.person() in told()
        assert not {finance.person(), deputy.person()} & told()
        assert (counted(stage.approver), counted(finance)) == (1, 0)
        decide(stage, stage.approver, held)
        stage.tick(NOTIFY)
        assert {finance.person(), deputy.person()} <= told()
        assert (counted(stage.approver), counted(finance)) == (0, 1)


class TestDeputies:
    @pytest.fixture
    def held(self, stage: Stage) -> UUID:
        rule(stage, SetRule("CNY", 0))
        return stage.purchase(stage.quote())

    def test_a_deputy_decides_in_somebodys_place_as_long_as_they_do(self, stage: Stage, held: UUID) -> None:
        deputy = member(stage, "viewer")
        with pytest.raises(Forbidden, match="not_your_step"):
            decide(stage, deputy, held)
        deputy_of(stage, stage.approver, deputy)
        decide(stage, deputy, held)
        (step,) = view(stage, held).approval_steps
        assert (step.decided_by, step.decided_for) == (deputy.person(), stage.approver.person())

    @pytest.mark.parametrize("ending", ["revoked", "over", "left"])
    def test_it_ends_with_its_days_by_a_word_or_with_the_membership(
        self, stage: Stage, held: UUID, ending: str
    ) -> None:
        deputy = member(stage, "viewer")
        delegation = deputy_of(stage, stage.approver, deputy, days=1)
        if ending == "over":
            clock.advance(timedelta(days=2))
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            if ending == "revoked":
                revoke_deputy(uow, delegation)
            if ending == "left":
                of = select(Member.id).where(Member.person_id == stage.approver.person())
                remove_member(uow, uow.session.scalars(of).one())
        with pytest.raises(Forbidden, match="not_your_step"):
            decide(stage, deputy, held)

    def test_a_deputy_is_no_way_round_the_second_pair_of_eyes(self, stage: Stage) -> None:
        rule(stage, SetRule("CNY", 0))
        steps(stage, ANY_APPROVER, ANY_APPROVER)
        deputy = member(stage, "viewer")
        own = stage.purchase(stage.quote(principal=stage.buyer.owner), principal=stage.buyer.owner)
        deputy_of(stage, stage.buyer.owner, deputy)
        with pytest.raises(Forbidden, match="not_your_step"):
            decide(stage, deputy, own)
        deputy_of(stage, stage.approver, deputy)
        decide(stage, stage.approver, own)
        with pytest.raises(Forbidden, match="not_your_step"):
            decide(stage, deputy, own)

    @pytest.mark.parametrize("ending", ["revoked", "over", "left"])
    def test_what_waits_is_counted_for_a_deputy_as_long_as_they_are_one(
        self, stage: Stage, held: UUID, ending: str
    ) -> None:
        deputy = member(stage, "viewer")
        assert waiting(stage, deputy) == (0, False)
        delegation = deputy_of(stage, stage.approver, deputy, days=1)
        assert waiting(stage, deputy) == (1, True)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            if ending == "revoked":
                revoke_deputy(uow, delegation)
            if ending == "left":
                of = select(Member.id).where(Member.person_id == stage.approver.person())
                remove_member(uow, uow.session.scalars(of).one())
        if ending == "over":
            clock.advance(timedelta(days=2))
        assert waiting(stage, deputy) == (0, False)
        assert view(stage, held).state == "pending_approval"

    def test_a_deputy_is_not_counted_what_either_of_the_two_asked_for(self, stage: Stage) -> None:
        rule(stage, SetRule("CNY", 0))
        deputy = member(stage, "purchaser")
        deputy_of(stage, stage.approver, deputy)
        stage.purchase(stage.quote(principal=deputy), principal=deputy)
        assert waiting(stage, deputy) == (0, True)

    @pytest.mark.parametrize("step", [FINANCE, "named"])
    def test_a_deputy_is_counted_the_step_of_whom_they_stand_in_for_alone(
        self, stage: Stage, step: ApprovalStep | str
    ) -> None:
        rule(stage, SetRule("CNY", 0))
        finance, viewer, other = member(stage, "finance"), member(stage, "viewer"), member(stage, "viewer")
        deputy_of(stage, finance, viewer)
        deputy_of(stage, stage.approver, other)
        steps(stage, named(finance) if step == "named" else FINANCE)
        stage.purchase(stage.quote())
        assert (waiting(stage, viewer), waiting(stage, other)) == ((1, True), (0, True))

    @pytest.mark.parametrize("ending", ["revoked", "over"])
    def test_both_are_told_of_its_begin_and_of_its_end_once(self, stage: Stage, ending: str) -> None:
        deputy = member(stage, "viewer")
        delegation = deputy_of(stage, stage.approver, deputy, days=1)
        stage.tick(NOTIFY)
        assert told_of_deputies(stage, deputy) == ["deputy_appointed"]
        assert told_of_deputies(stage, stage.approver) == ["own_deputy_appointed"]
        if ending == "revoked":
            transact(stage.services.db, stage.approver, lambda uow: revoke_deputy(uow, delegation))
        stage.tick(SWEEP_DEPUTIES)
        clock.advance(timedelta(days=2))
        for _ in range(2):
            stage.tick(SWEEP_DEPUTIES)
            stage.tick(NOTIFY)
        if ending == "over":
            assert told_of_deputies(stage, deputy) == ["deputy_appointed", "deputy_ended"]
            assert told_of_deputies(stage, stage.approver) == ["own_deputy_appointed", "own_deputy_ended"]

    def test_who_remains_is_told_that_it_ended_when_the_other_left(self, stage: Stage) -> None:
        deputy = member(stage, "viewer")
        deputy_of(stage, stage.approver, deputy)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            of = select(Member.id).where(Member.person_id == stage.approver.person())
            remove_member(uow, uow.session.scalars(of).one())
        for _ in range(2):
            stage.tick(SWEEP_DEPUTIES)
            stage.tick(NOTIFY)
        assert told_of_deputies(stage, deputy) == ["deputy_appointed", "deputy_ended"]
        assert "own_deputy_ended" not in told_of_deputies(stage, stage.approver)

    def test_nobody_passes_on_what_they_stand_in_for(self, stage: Stage, held: UUID) -> None:
        first, second = member(stage, "viewer"), member(stage, "viewer")
        deputy_of(stage, stage.approver, first)
        deputy_of(stage, first, second)
        with pytest.raises(Forbidden, match="not_your_step"):
            decide(stage, second, held)

    def test_only_a_member_who_sees_purchases_and_only_for_days_to_come(self, stage: Stage) -> None:
        today = clock.today("Asia/Shanghai")
        viewer = member(stage, "viewer").person()
        for unfit in (stage.approver.person(), stage.seller.owner.person(), member(stage, "catalog").person()):
            with pytest.raises(Invalid, match="deputy_unfit"), unit_of_work(stage.services.db, stage.approver) as uow:
                appoint_deputy(uow, AppointDeputy(unfit, today, today))
        for first, last in ((-3, -1), (2, 1), (0, 400)):
            days = (today + timedelta(days=first), today + timedelta(days=last))
            with (
                pytest.raises(Invalid, match="deputy_days_invalid"),
                unit_of_work(stage.services.db, stage.approver) as uow,
            ):
                appoint_deputy(uow, AppointDeputy(viewer, *days))

    def test_sent_twice_there_is_one_and_others_end_only_their_own(self, stage: Stage) -> None:
        deputy, colleague = member(stage, "viewer"), member(stage, "approver")
        delegation = deputy_of(stage, stage.approver, deputy)
        with pytest.raises(Conflict, match="deputy_exists"):
            deputy_of(stage, stage.approver, deputy)
        with pytest.raises(Forbidden), unit_of_work(stage.services.db, colleague) as uow:
            revoke_deputy(uow, delegation)
        for stranger in (stage.seller.owner, stage.promoter.owner):
            with pytest.raises(NotFound), unit_of_work(stage.services.db, stranger) as uow:
                revoke_deputy(uow, delegation)
        for who, seen in ((stage.approver, 1), (deputy, 1), (colleague, 0), (stage.buyer.owner, 1)):
            with unit_of_work(stage.services.db, who) as uow:
                assert len(list_deputies(uow)) == seen


def test_what_waited_before_there_were_steps_is_decided_by_one_approver(stage: Stage) -> None:
    rule(stage, SetRule("CNY", 0))
    held = stage.purchase(stage.quote())
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Purchase, held).approval_steps = []
    decide(stage, stage.approver, held)
    assert view(stage, held).state == "pending_payment"


def test_reasons_from_before_subjects_are_still_read() -> None:
    (kept,) = reasons_of([{"code": "order_limit", "limit_minor": 1, "spent_minor": None}])
    assert (kept.limit_minor, kept.subject) == (1, None)
