"""Approval outside: one contract, against DingTalk's, WeCom's and Feishu's protocols as a process of their own speaks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.pages.frame.approval_app_addresses import SETTINGS
from app.verify.approval_apps import RULES
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from marketplace.access.members import remove_member
from marketplace.access.models import Member
from marketplace.notifications.models import Notification
from orders.approval_apps.access import access_of
from orders.approval_apps.connect import disconnect_app
from orders.approval_apps.jobs import SWEEP
from orders.approval_apps.models import ApprovalApp, ApprovalCallback, OutsideApproval
from orders.approval_apps.ports import ProviderRefused
from orders.approval_apps.queries import app_members, last_callbacks, outside_approvals
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy
from orders.approval_rules.set_policy import set_steps
from orders.approval_rules.steps import ANY_APPROVER, ApprovalStep
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.loop import SWEEP_PURCHASES
from orders.notifications.notify_of_events import NOTIFY
from tests.adapters.approval_provider import KEY, SECRET, TOKEN, ApprovalProviders, Sent
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage
from tests.outside_stage import APPROVER, ASKER, Outside, command_for, connected_outside

PROVIDERS = ("dingtalk", "wecom", "feishu")


@pytest.fixture(scope="module")
def process() -> Iterator[ApprovalProviders]:
    started = ApprovalProviders()
    yield started
    started.stop()


@pytest.fixture(params=PROVIDERS)
def outside(stage: Stage, process: ApprovalProviders, request: pytest.FixtureRequest) -> Outside:
    return connected_outside(stage, process, request.param)


@pytest.fixture
def dingtalk(stage: Stage, process: ApprovalProviders) -> Outside:
    return connected_outside(stage, process, "dingtalk")


def callbacks(outside: Outside) -> int:
    count = select(func.count()).where(ApprovalCallback.app_id == outside.app_id)
    (found,) = outside.stage.rows(count)
    return int(found)


def told(outside: Outside, person_id: Any) -> set[str]:
    outside.stage.tick(NOTIFY)
    wanted = select(Notification.kind).where(
        Notification.org_id == outside.stage.buyer.id, Notification.person_id == person_id
    )
    return set(outside.stage.rows(wanted))


def broken(stage: Stage) -> list[Any]:
    """What the rules find, of all there is."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return [row for rule in RULES for row in uow.session.connection().exec_driver_sql(rule.sql).all()]


class TestContract:
    def test_a_step_is_asked_of_whoever_may_take_it_and_an_answer_decides_it(self, outside: Outside) -> None:
        held = outside.hold()
        (created,) = outside.outside.seen()["created"]
        row = outside.asked(held)
        assert (row.state, row.instance_id, row.asked) == ("asked", created["instance"], 1)
        assert (created["approvers"], created["by"], created["any_of"]) == ([APPROVER], ASKER, True)
        assert created["field"] == "采购说明"
        for said in ("CNY", outside.stage.orders_of(held)[0].seller_name, "https://market.example/approvals", "20"):
            assert said in created["text"]
        sent = outside.said(held, "agree")
        for _ in range(3):
            taken = outside.deliver(sent)
            assert taken.status_code == 200
            words = outside.outside.understood(outside.provider, taken.content)
            assert words == ("ok" if outside.provider == "feishu" else "success")
        outside.stage.run()
        assert outside.deliver(sent).status_code == 200
        outside.stage.run()
        (decided,) = outside.decisions(held)
        assert (decided.decision, decided.decided_by) == ("approved", outside.stage.approver.person())
        assert outside.purchase(held).state == "paid"
        assert outside.answers(held) == [(APPROVER, "agreed", "counted", None)]
        assert (outside.asked(held).state, callbacks(outside)) == ("answered", 1)
        assert outside.outside.seen()["withdrawn"] == []
        assert broken(outside.stage) == []

    def test_a_refusal_ends_the_purchase_with_its_words(self, outside: Outside) -> None:
        held = outside.hold()
        outside.answer(held, "refuse", remark="预算不足 <b>& more")
        (decided,) = outside.decisions(held)
        words = "refused in the outside approval" if outside.provider == "feishu" else "预算不足 <b>& more"
        assert decided.decision == "rejected"
        assert words in (decided.reason or "")
        assert outside.purchase(held).state == "rejected"

    def test_the_address_is_checked_as_each_does_it_and_nothing_is_written(self, outside: Outside) -> None:
        taken = outside.deliver(outside.outside.said(outside.provider, act="check"))
        words = {"dingtalk": "success", "wecom": "5927782489442352469", "feishu": "ajls384kdjx98XX"}
        assert taken.status_code == 200
        assert outside.outside.understood(outside.provider, taken.content) == words[outside.provider]
        assert callbacks(outside) == 0

    def test_what_is_forged_is_refused_and_writes_nothing(self, outside: Outside) -> None:
        held = outside.hold()
        good = outside.said(held, "agree")
        other = outside.said(held, "agree", corp="somebody-else")
        wrong: list[Sent] = [
            other,
            replace(good, body=b"{}"),
            replace(good, body=b"\xff\x00 not json"),
            replace(good, body=b"<!DOCTYPE x [<!ENTITY e 'x'>]><xml><Encrypt>&e;</Encrypt></xml>"),
            replace(
                good, body=good.body.replace(b'"encrypt": "', b'"encrypt": "AAAA').replace(b"<Encrypt>", b"<Encrypt>A")
            ),
        ]
        if outside.provider == "feishu":
            wrong += [
                replace(good, headers={}),
                replace(good, headers=good.headers | {"X-Lark-Signature": "0" * 64}),
                replace(good, headers=good.headers | {"X-Lark-Request-Nonce": "other"}),
            ]
        else:
            wrong += [
                replace(good, query={}),
                replace(good, query=good.query | {"msg_signature": "0" * 40}),
                replace(good, query=good.query | {"nonce": "other"}),
            ]
        for sent in wrong:
            refused = outside.deliver(sent)
            assert (refused.status_code, refused.json()["code"]) == (422, "callback_refused"), sent
        assert outside.deliver(good, app_id=held).status_code == 404
        outside.stage.run()
        assert (callbacks(outside), outside.decisions(held), outside.purchase(held).state) == (
            0,
            [],
            "pending_approval",
        )

    def test_what_is_about_another_form_is_taken_and_forgotten(self, outside: Outside) -> None:
        held = outside.hold()
        outside.answer(held, "agree", template="ANOTHER")
        assert (callbacks(outside), outside.decisions(held)) == (0, [])

    def test_decided_inside_it_is_taken_back_and_a_late_answer_is_not_counted(self, outside: Outside) -> None:
        held = outside.hold()
        outside.decide(outside.stage.buyer.owner, held, "rejected")
        row = outside.asked(held)
        withdrawn = outside.outside.seen()["withdrawn"]
        if outside.provider == "wecom":
            assert (row.state, row.withdrawal, withdrawn) == ("withdrawn", "impossible", [])
        else:
            assert (row.state, row.withdrawal) == ("withdrawn", "done")
            assert withdrawn == [{"instance": row.instance_id, "by": ASKER}]
        outside.answer(held, "agree")
        assert outside.answers(held) == [(APPROVER, "agreed", "not_counted", "purchase_not_pending")]
        assert [one.decision for one in outside.decisions(held)] == ["rejected"]
        assert "outside_answer_not_counted" in told(outside, outside.stage.approver.person())
        assert broken(outside.stage) == []

    def test_an_answer_that_is_lost_is_not_asked_twice(self, outside: Outside) -> None:
        outside.outside.behave("lose")
        held = outside.hold()
        if outside.provider == "feishu":
            clock.advance(timedelta(minutes=2))
            outside.stage.run()
        row, created = outside.asked(held), outside.outside.seen()["created"]
        assert len(created) == 1
        if outside.provider == "feishu":
            assert (row.state, row.instance_id) == ("asked", created[0]["instance"])
        else:
            assert (row.state, row.reason) == ("failed", "answer_lost")
            assert "outside_approval_failed" in told(outside, outside.stage.buyer.owner.person())
        outside.decide(outside.stage.approver, held)
        assert outside.purchase(held).state == "paid"

    def test_what_the_provider_refuses_is_said_and_waits_inside(self, outside: Outside) -> None:
        outside.outside.behave("refuse")
        held = outside.hold()
        row = outside.asked(held)
        assert row.state == "failed"
        assert row.reason is not None
        assert row.reason.startswith("refused: ")
        assert outside.purchase(held).state == "pending_approval"

    def test_passing_on_and_taking_back_there_change_nothing_here(self, outside: Outside) -> None:
        held = outside.hold()
        outside.answer(held, "pass_on")
        outside.answer(held, "withdraw", user="asker")
        assert {(kind, outcome) for _, kind, outcome, _ in outside.answers(held)} == {
            ("passed_on", "noted"),
            ("withdrawn", "noted"),
        }
        assert outside.purchase(held).state == "pending_approval"
        outside.decide(outside.stage.approver, held)
        assert outside.purchase(held).state == "paid"

    def test_credentials_are_tried(self, outside: Outside) -> None:
        app = outside.stage.get(ApprovalApp, outside.app_id)
        access = access_of(outside.stage.services.secrets, app)
        provider = outside.providers[outside.provider]
        provider.check(access)
        with pytest.raises(ProviderRefused):
            provider.check(replace(access, client_secret="wrong"))


class TestRights:
    def test_nobody_has_more_rights_there_than_here(self, dingtalk: Outside) -> None:
        stage = dingtalk.stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        dingtalk.name(viewer, "u-viewer")
        dingtalk.name(stage.buyer.owner, "u-owner")
        held = dingtalk.hold(principal=stage.buyer.owner)
        assert dingtalk.outside.seen()["created"][-1]["approvers"] == [APPROVER]
        for user, reason in (
            ("u-viewer", "not_your_step"),
            ("u-owner", "self_approval"),
            ("u-nobody", "nobody_mapped"),
        ):
            dingtalk.answer(held, "agree", user=user)
            assert dingtalk.answers(held)[-1] == (user, "agreed", "not_counted", reason)
        assert dingtalk.purchase(held).state == "pending_approval"
        assert "outside_answer_not_counted" in told(dingtalk, viewer.person())

    def test_rights_are_those_of_now(self, dingtalk: Outside) -> None:
        stage = dingtalk.stage
        held = dingtalk.hold()
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            remove_member(
                uow, uow.session.scalars(select(Member.id).where(Member.person_id == stage.approver.person())).one()
            )
        dingtalk.answer(held, "agree")
        assert dingtalk.answers(held) == [(APPROVER, "agreed", "not_counted", "not_a_member")]

    def test_a_deputy_is_asked_and_decides_in_somebodys_place(self, dingtalk: Outside) -> None:
        stage, today = dingtalk.stage, clock.today("Asia/Shanghai")
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            deputy = make_member(uow, stage.buyer, "viewer")
        with unit_of_work(stage.services.db, stage.approver) as uow:
            appoint_deputy(uow, AppointDeputy(deputy.person(), today, today))
        dingtalk.name(deputy, "u-deputy")
        held = dingtalk.hold()
        assert dingtalk.outside.seen()["created"][-1]["approvers"] == [APPROVER, "u-deputy"]
        dingtalk.answer(held, "agree", user="u-deputy")
        (decided,) = dingtalk.decisions(held)
        assert (decided.decided_by, decided.decided_for) == (deputy.person(), stage.approver.person())

    def test_each_step_is_asked_and_an_answer_is_about_its_own(self, dingtalk: Outside) -> None:
        stage = dingtalk.stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            finance = make_member(uow, stage.buyer, "finance")
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_steps(uow, [ANY_APPROVER, ApprovalStep("finance")])
        dingtalk.name(finance, "u-finance")
        held = dingtalk.hold()
        first = dingtalk.said(held, "agree")
        dingtalk.decide(stage.approver, held)
        assert (dingtalk.asked(held).state, dingtalk.asked(held, 2).state) == ("withdrawn", "asked")
        dingtalk.deliver(first)
        dingtalk.stage.run()
        assert dingtalk.answers(held) == [(APPROVER, "agreed", "not_counted", "step_decided")]
        dingtalk.answer(held, "agree", user="u-finance", step=2)
        assert dingtalk.purchase(held).state == "paid"
        assert [one.decided_by for one in dingtalk.decisions(held)] == [stage.approver.person(), finance.person()]

    def test_where_nobody_has_a_user_id_nothing_is_asked_and_it_is_said(self, dingtalk: Outside) -> None:
        with unit_of_work(dingtalk.stage.services.db, dingtalk.stage.buyer.owner) as uow:
            set_steps(uow, [ApprovalStep("finance")])
        stage = dingtalk.stage
        # The only one with billing.manage and a user id asked for it.
        held = dingtalk.hold()
        assert (dingtalk.asked(held).state, dingtalk.asked(held).reason) == ("failed", "nobody_mapped")
        assert dingtalk.outside.seen()["created"] == []
        assert "outside_approval_failed" in told(dingtalk, stage.buyer.owner.person())


class TestEnds:
    def test_called_off_and_expired_it_is_taken_back(self, dingtalk: Outside) -> None:
        stage = dingtalk.stage
        called_off, expired = dingtalk.hold(), dingtalk.hold(quantity=5)
        transact(stage.services.db, stage.purchaser, lambda uow: cancel_purchase(uow, called_off))
        stage.run()
        late = dingtalk.said(expired, "agree")
        clock.advance(timedelta(days=8))
        dingtalk.deliver(late)
        stage.run()
        assert dingtalk.answers(expired) == [(APPROVER, "agreed", "not_counted", "approval_expired")]
        stage.tick(SWEEP_PURCHASES)
        assert {dingtalk.asked(one).withdrawal for one in (called_off, expired)} == {"done"}

    def test_what_ends_without_a_word_is_found_by_the_sweep(self, dingtalk: Outside) -> None:
        held = dingtalk.hold()
        with unit_of_work(dingtalk.stage.services.db, SYSTEM) as uow:
            purchase = find_locked_purchase(uow, held)
            assert purchase is not None
            close_unpaid(uow, purchase, "expired", reason="a_test")
        assert [row.purchase_id for row in (dingtalk.asked(held),)] == [held]
        dingtalk.stage.tick(SWEEP)
        assert (dingtalk.asked(held).state, dingtalk.asked(held).withdrawal) == ("withdrawn", "done")

    def test_disconnected_nothing_is_asked_and_no_callback_is_taken(self, dingtalk: Outside) -> None:
        stage, held = dingtalk.stage, dingtalk.hold()
        sent = dingtalk.said(held, "agree")
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            disconnect_app(uow)
        assert dingtalk.deliver(sent).status_code == 404
        assert stage.get(ApprovalApp, dingtalk.app_id).secrets_sealed is None
        later = dingtalk.hold(quantity=3)
        assert stage.rows(select(OutsideApproval).where(OutsideApproval.purchase_id == later)) == []
        dingtalk.decide(stage.approver, held)
        assert dingtalk.asked(held).withdrawal == "impossible"

    def test_an_answer_that_overtakes_its_question_is_counted_afterwards(self, dingtalk: Outside) -> None:
        held = dingtalk.hold()
        sent = dingtalk.said(held, "agree")
        row = dingtalk.asked(held)
        with unit_of_work(dingtalk.stage.services.db, SYSTEM) as uow:
            kept = uow.session.get_one(OutsideApproval, row.id)
            instance, kept.instance_id, kept.state = kept.instance_id, None, "asking"
        dingtalk.deliver(sent)
        dingtalk.stage.run()
        assert dingtalk.decisions(held) == []
        with unit_of_work(dingtalk.stage.services.db, SYSTEM) as uow:
            kept = uow.session.get_one(OutsideApproval, row.id)
            kept.instance_id, kept.state = instance, "asked"
        clock.advance(timedelta(seconds=5))
        dingtalk.stage.run()
        assert [one.decision for one in dingtalk.decisions(held)] == ["approved"]


@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["agree", "refuse", "pass_on", "withdraw"]),
            st.sampled_from([APPROVER, "u-owner", ASKER, "u-nobody"]),
            st.integers(1, 2),
        ),
        min_size=1,
        max_size=5,
    ),
    inside=st.integers(0, 5),
)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_in_whatever_order_a_step_is_decided_once(
    dingtalk: Outside, acts: list[tuple[str, str, int]], inside: int
) -> None:
    dingtalk.name(dingtalk.stage.buyer.owner, "u-owner")
    held = dingtalk.hold(quantity=1)
    for number, (act, user, times) in enumerate(acts):
        if number == inside and dingtalk.purchase(held).state == "pending_approval":
            dingtalk.decide(dingtalk.stage.approver, held)
        sent = dingtalk.said(held, act, user)
        for _ in range(times):
            assert dingtalk.deliver(sent).status_code == 200
        dingtalk.stage.run()
    answers = dingtalk.answers(held)
    counted = [one for one in answers if one[2] == "counted"]
    assert len(dingtalk.decisions(held)) <= 1
    assert len(counted) <= len(dingtalk.decisions(held))
    assert len({one[:2] for one in answers}) == len(answers)
    if counted:
        assert dingtalk.asked(held).state == "answered"
    assert broken(dingtalk.stage) == []


def test_both_sides_are_shown_to_the_organization_alone(dingtalk: Outside) -> None:
    held = dingtalk.hold()
    dingtalk.answer(held, "agree", user="u-nobody")
    with unit_of_work(dingtalk.stage.services.db, dingtalk.stage.buyer.owner) as uow:
        members = {one.user_id for one in app_members(uow)}
        (seen,) = last_callbacks(uow)
        (view,) = outside_approvals(uow, [held])[held]
    assert {APPROVER, ASKER, None} == members
    assert (seen.outcome, seen.reason, seen.purchase_id) == ("not_counted", "nobody_mapped", held)
    assert [one.reason for one in view.answers] == ["nobody_mapped"]
    with unit_of_work(dingtalk.stage.services.db, dingtalk.stage.seller.owner) as uow:
        assert outside_approvals(uow, [held]) == {}


class TestPages:
    def test_an_app_is_connected_tested_and_disconnected_on_its_page(self, dingtalk: Outside) -> None:
        owner = dingtalk.signed_in(dingtalk.stage.buyer.owner)
        shown = owner.get(SETTINGS)
        assert shown.status_code == 200
        assert f"https://market.example/hooks/approvals/{dingtalk.app_id}" in shown.text
        for secret in (SECRET, KEY, TOKEN):
            assert secret not in shown.text
        (member_id,) = dingtalk.stage.rows(
            select(Member.id).where(Member.person_id == dingtalk.stage.approver.person())
        )
        app = {name: value or "" for name, value in asdict(command_for("dingtalk")).items()}

        def post(act: str, **form: str) -> Any:
            csrf = owner.headers["x-csrf-token"]
            return owner.post(f"{SETTINGS}{act}", data={"csrf": csrf, **form}, follow_redirects=False)

        kept = app | dict.fromkeys(("client_secret", "callback_token", "callback_key"), "")
        assert post("", **kept).status_code == 303
        assert post("", **app | {"callback_key": "short"}).status_code == 422
        assert post("/test").status_code == 303
        assert post("/members", member_id=str(member_id), user_id=ASKER).status_code == 409
        assert post("/members", member_id=str(member_id), user_id="").status_code == 303
        assert post("/disconnect").status_code == 303
        assert dingtalk.stage.get(ApprovalApp, dingtalk.app_id).disconnected_at is not None
        assert post("/disconnect").status_code == 404
        viewer = dingtalk.signed_in(dingtalk.stage.purchaser)
        assert viewer.get(SETTINGS).status_code == 403

    def test_what_is_asked_outside_stands_on_the_approvals_the_order_and_in_the_api(self, dingtalk: Outside) -> None:
        held = dingtalk.hold()
        owner = dingtalk.signed_in(dingtalk.stage.buyer.owner)
        dingtalk.answer(held, "pass_on")
        order = dingtalk.stage.orders_of(held)[0].id
        for address in ("/approvals", f"/orders/{order}"):
            page = owner.get(address)
            assert page.status_code == 200
            assert "同时已发到钉钉" in page.text, address
            assert "在钉钉转交" in page.text, address
        (found,) = owner.get(f"/v1/purchases/{held}/outside-approvals").json()
        assert (found["state"], found["provider"], found["answers"][0]["kind"]) == ("asked", "dingtalk", "passed_on")
        (seen,) = owner.get("/v1/approval-app/callbacks").json()
        assert (seen["outcome"], seen["purchase_id"]) == ("noted", str(held))
        stranger = dingtalk.signed_in(dingtalk.stage.seller.owner)
        assert stranger.get(f"/v1/purchases/{held}/outside-approvals").status_code == 404
        assert stranger.get("/v1/approval-app/callbacks").status_code == 404
