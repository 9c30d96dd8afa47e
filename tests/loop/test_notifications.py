"""People are told what happened: those whom it concerns, once, and nobody who left."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.scheduler import run_sweep
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.jobs.kinds import sweeps
from kernel.principal import SYSTEM, Principal
from marketplace.access.members import remove_member
from marketplace.access.models import Member
from marketplace.mail.models import Mail
from marketplace.notifications.models import Notification
from marketplace.notifications.notification_text import notification_text
from marketplace.notifications.preferences import save_preferences
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.notifications.notify_of_events import MAILED_WITHIN, NOTIFY, notify_past
from tests.factories_marketplace import acting
from tests.loop_stage import Stage


def kinds_of(stage: Stage, person: Principal) -> list[str]:
    wanted = select(Notification.kind).where(Notification.person_id == person.person())
    return sorted(stage.rows(wanted))


def mails_to(stage: Stage, person: Principal) -> list[Mail]:
    wanted = select(Mail).where(Mail.person_id == person.person(), Mail.kind == "notification")
    return stage.rows(wanted.order_by(Mail.id))


def buy(stage: Stage, **how: Any) -> UUID:
    order_id = stage.buy(**how)
    stage.run()
    return order_id


def needs_approval(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow, acting(uow, stage.buyer.owner):
        set_rule(uow, SetRule("CNY", 0))


def test_a_checkout_is_told_to_whom_it_concerns_and_once(stage: Stage) -> None:
    order_id = buy(stage)
    for _ in range(3):
        stage.tick(NOTIFY)
    # The purchaser holds the role of finance as well.
    assert kinds_of(stage, stage.purchaser) == ["invoice_issued", "order_active", "order_paid"]
    assert kinds_of(stage, stage.approver) == []
    assert kinds_of(stage, stage.seller.owner).count("order_received") == 1
    assert kinds_of(stage, stage.buyer.owner) == ["invoice_issued"]
    # What was seen happening is not mailed, an invoice goes into the digest.
    [mail] = mails_to(stage, stage.purchaser)
    assert mail.params["path"] == f"/orders/{order_id}"
    assert mail.sent_at is not None


def test_a_purchase_that_waits_is_put_before_those_who_may_decide(stage: Stage) -> None:
    needs_approval(stage)
    purchase_id = stage.purchase_of(stage.buy()).id
    stage.tick(NOTIFY)
    assert kinds_of(stage, stage.approver) == ["approval_asked"]
    assert kinds_of(stage, stage.purchaser) == []
    decision = DecidePurchase(purchase_id, "rejected", "too dear")
    transact(stage.services.db, stage.approver, partial(decide_purchase, command=decision))
    stage.tick(NOTIFY)
    assert kinds_of(stage, stage.purchaser) == ["purchase_rejected"]
    [mail] = mails_to(stage, stage.purchaser)
    assert "too dear" in mail.params["text"]


def test_who_was_removed_is_told_nothing_more(stage: Stage) -> None:
    needs_approval(stage)
    stage.purchase_of(stage.buy())
    with unit_of_work(stage.services.db, SYSTEM) as uow, acting(uow, stage.buyer.owner):
        member = select(Member.id).where(Member.person_id == stage.approver.person())
        remove_member(uow, uow.session.scalars(member).one())
    stage.tick(NOTIFY)
    assert kinds_of(stage, stage.approver) == ["membership_ended"]
    assert kinds_of(stage, stage.buyer.owner) == ["approval_asked"]


def test_a_mail_on_its_way_to_who_was_removed_does_not_go_out(stage: Stage) -> None:
    needs_approval(stage)
    stage.buy()
    run_sweep(stage.services.db, next(item for item in sweeps() if item.name == NOTIFY))
    assert [mail.sent_at for mail in mails_to(stage, stage.approver)] == [None]
    with unit_of_work(stage.services.db, SYSTEM) as uow, acting(uow, stage.buyer.owner):
        member = select(Member.id).where(Member.person_id == stage.approver.person())
        remove_member(uow, uow.session.scalars(member).one())
    stage.run()
    assert mails_to(stage, stage.approver) == []


def test_a_level_is_respected(stage: Stage) -> None:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        save_preferences(uow, stage.purchaser.person(), {"orders": "none", "invoices": "mail"})
    buy(stage)
    stage.tick(NOTIFY)
    assert kinds_of(stage, stage.purchaser) == ["invoice_issued"]
    assert [mail.params["path"] for mail in mails_to(stage, stage.purchaser)] == ["/invoices"]


def test_a_delivery_that_fails_is_told_to_both_sides(stage: Stage) -> None:
    stage.seller_app.behave(mode="fail_permanently")
    buy(stage)
    stage.tick(NOTIFY)
    assert {"delivery_failed", "refund_sent"} <= set(kinds_of(stage, stage.purchaser))
    assert "run_failed" in kinds_of(stage, stage.seller.owner)


def test_statement_and_payout_reach_the_sellers_finance(stage: Stage) -> None:
    buy(stage)
    stage.settle()
    stage.pay_out(stage.statements(stage.seller)[0].id)
    stage.tick(NOTIFY)
    assert {"statement_closed", "payout_sent", "invoice_issued"} <= set(kinds_of(stage, stage.seller.owner))


def test_the_past_is_told_without_mails(stage: Stage) -> None:
    buy(stage)
    began = clock.now()
    clock.advance(MAILED_WITHIN * 2)
    notify_past(partial(transact, stage.services.db, SYSTEM), began - MAILED_WITHIN, clock.now())
    stage.run()
    assert "order_active" in kinds_of(stage, stage.purchaser)
    assert mails_to(stage, stage.purchaser) == []


def test_every_notification_has_words_in_both_languages(stage: Stage) -> None:
    buy(stage)
    stage.tick(NOTIFY)
    rows: list[Notification] = stage.rows(
        select(Notification).where(Notification.person_id == stage.purchaser.person())
    )
    for row in rows:
        said = {locale: notification_text(row.kind, row.params, locale) for locale in ("zh-CN", "en")}
        assert said["zh-CN"].title != said["en"].title
        assert "{" not in said["en"].title + said["en"].text
