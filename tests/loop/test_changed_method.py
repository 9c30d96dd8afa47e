"""What a subscription is charged to: its buyer sees it, a change stands in its line, and the buyer's finance people are told."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM, Principal
from marketplace.notifications.kinds import KINDS
from marketplace.notifications.models import Notification
from orders.checkout.request_payment import pay_again
from orders.notifications.notify_of_events import NOTIFY
from orders.order.models import Subscription
from orders.subscriptions.change_payment_method import ChangePaymentMethod, change_payment_method
from orders.subscriptions.queries import Side, get_subscription
from orders.subscriptions.timeline import subscription_timeline
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_member
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop_stage import Stage


def change(stage: Stage, subscription: Subscription, token: str) -> None:
    command = ChangePaymentMethod(subscription.id, "sandbox", token)
    transact(stage.services.db, stage.purchaser, lambda uow: change_payment_method(uow, command))


def changes(stage: Stage, subscription: Subscription, side: Side, by: Principal) -> list[str | None]:
    with unit_of_work(stage.services.db, by) as uow:
        line = subscription_timeline(uow, subscription.id, side)
    return [one.payment_method for one in line if one.kind == "method_changed"]


def told(stage: Stage) -> set[UUID]:
    stage.tick(NOTIFY)
    of_kind = select(Notification.person_id).where(Notification.kind == "payment_method_changed")
    return set(stage.rows(of_kind.where(Notification.org_id == stage.buyer.id)))


def test_a_changed_method_is_seen_by_all_and_named_to_its_buyer_alone(stage: Stage) -> None:
    _, subscription = subscribed(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        finance = make_member(uow, stage.buyer, "finance")
    for token in ("sbx_delayed", "sbx_delayed", "sbx_declined"):
        change(stage, subscription, token)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        shown = get_subscription(uow, subscription.id)
    assert (shown.gateway, shown.payment_method) == ("sandbox", "sbx_declined")
    assert changes(stage, subscription, "buyer", stage.purchaser) == ["sbx_delayed", "sbx_declined"]
    assert changes(stage, subscription, "seller", stage.seller.owner) == [None, None]
    assert changes(stage, subscription, "operator", OPERATOR_PRINCIPAL) == [None, None]
    assert told(stage) == {finance.person_id, stage.buyer.owner.person_id}
    assert KINDS["payment_method_changed"].group.essential


@pytest.mark.parametrize("token", ["sbx_ok", "sbx_declined"])
def test_a_renewal_paid_by_another_method_is_a_change_and_by_the_same_is_none(stage: Stage, token: str) -> None:
    _, subscription = subscribed(stage, method="sbx_declined")
    until(stage, subscription.ends_at)
    (renewal,) = renewals(stage, subscription)
    transact(
        stage.services.db,
        stage.purchaser,
        lambda uow: pay_again(uow, renewal.purchase_id, gateway="sandbox", method_token=token),
    )
    stage.run()
    expected = [] if token == "sbx_declined" else [token]
    assert changes(stage, subscription, "buyer", stage.purchaser) == expected
