"""What happens is told to organizations' own systems: signed, in order, to both sides and to nobody else, until it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.notifications.models import Notification
from marketplace.webhooks import jobs as webhook_jobs
from marketplace.webhooks.event_types import event_types
from marketplace.webhooks.jobs import RETENTION_SWEEP, WAKE
from marketplace.webhooks.models import OutgoingEvent, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.purge_events import RETENTION
from marketplace.webhooks.queries import attempts_of, deliveries_of, get_endpoint, list_events
from marketplace.webhooks.replay import replay_delivery, replay_range
from marketplace.webhooks.replay import test_endpoint as send_test
from marketplace.webhooks.save_endpoint import (
    ChangeEndpoint,
    SavedEndpoint,
    SaveEndpoint,
    change_endpoint,
    remove_endpoint,
    rotate_endpoint_secret,
    save_endpoint,
    switch_endpoint,
)
from marketplace.webhooks.schedule import LONGEST_REST, MOST_TRIES
from orders.notifications.notify_of_events import NOTIFY
from orders.outgoing_events.facts import published_types
from orders.outgoing_events.publish_events import PUBLISH
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage
from tests.webhook_receiver import Receiver, receiver

URL = "https://market.example"
ORDER = ["order.placed", "order.paid", "order.active"]
LOCAL = OutboundPolicy(allow_loopback=True)


@pytest.fixture
def inbox(stage: Stage) -> Iterator[Receiver]:
    """A system that listens, and a client that may call it; what rests by the seconds of a clock does so by ours."""
    client = OutboundClient(LOCAL, monotonic=lambda: clock.now().timestamp())
    webhook_jobs.register(client, stage.services.secrets, public_url=URL)
    with receiver() as found:
        yield found


def endpoint(stage: Stage, inbox: Receiver, who: Principal, *types: str) -> SavedEndpoint:
    command, services = SaveEndpoint("our system", inbox.url, types or ORDER), stage.services
    saved = transact(services.db, who, lambda uow: save_endpoint(uow, command, box=services.secrets, policy=LOCAL))
    assert saved.secret is not None
    inbox.secret = saved.secret
    return saved


def publish(stage: Stage) -> None:
    stage.tick(PUBLISH)
    stage.tick(WAKE)


def events_of(stage: Stage, who: Principal) -> list[dict[str, Any]]:
    with unit_of_work(stage.services.db, who) as uow:
        return [dict(one) for one in list_events(uow, URL, limit=100).items]


def _lines(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return next(one["data"]["lines"] for one in events if one["type"] == "order.paid")


def test_every_type_has_its_entry_and_every_entry_its_facts() -> None:
    assert published_types() | {"webhook.test"} == set(event_types())
    for one in event_types().values():
        for side, sample in one.samples.items():
            schema = one.schema_of(side)
            assert set(sample.model_dump(mode="json")) == set(schema["properties"])


def test_both_sides_read_what_happened_in_order_and_each_its_own_side_of_it(stage: Stage) -> None:
    stage.buy()
    stage.run()
    for _ in range(2):
        publish(stage)
    bought, sold = events_of(stage, stage.buyer.owner), events_of(stage, stage.seller.owner)
    for events in (bought, sold):
        assert [one["position"] for one in events] == list(range(1, len(events) + 1))
        assert {"entitlement.pending", "entitlement.active", "subscription.started", "invoice.issued"} <= {
            one["type"] for one in events
        }
    assert [one["type"] for one in bought if str(one["type"]).startswith("order.")] == ORDER
    # An order is its seller's business from its payment on.
    assert [one["type"] for one in sold if str(one["type"]).startswith("order.")] == ORDER[1:]
    assert "commission" not in str(bought)
    assert [line["commission_ppm"] for line in _lines(sold)] == [150_000]
    assert "po_number" not in str(sold)
    assert events_of(stage, stage.promoter.owner) == []


def test_who_may_not_read_a_type_does_not_get_it(stage: Stage) -> None:
    stage.buy()
    stage.run()
    publish(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        developer = make_member(uow, stage.buyer, "developer")
    assert "invoice.issued" not in {one["type"] for one in events_of(stage, developer)}
    with receiver() as inbox, pytest.raises(Forbidden):
        endpoint(stage, inbox, developer, "invoice.issued")


def test_a_reader_goes_on_where_it_stopped(stage: Stage) -> None:
    stage.buy()
    stage.run()
    publish(stage)
    seen, after = [], 0
    for _ in range(50):
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            page = list_events(uow, URL, after=after, limit=2)
        seen += [one["position"] for one in page.items]
        after = page.after
        if not page.has_more:
            break
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 4
    stage.buy()
    publish(stage)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        assert next(one["position"] for one in list_events(uow, URL, after=after).items) == after + 1


def test_events_are_sent_signed_once_and_in_order(stage: Stage, inbox: Receiver) -> None:
    saved = endpoint(stage, inbox, stage.buyer.owner)
    stage.buy()
    stage.run()
    for _ in range(3):
        publish(stage)
    assert inbox.types == ORDER
    assert inbox.forged == 0
    assert [one["id"] for one in inbox.messages] == [
        one["id"] for one in events_of(stage, stage.buyer.owner) if one["type"] in ORDER
    ]
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        page = deliveries_of(uow, saved.id)
        assert [(one.state, one.attempts) for one in page.items] == [("delivered", 1)] * 3
        [attempt] = attempts_of(uow, page.items[0].id)
    assert (attempt.number, attempt.succeeded, attempt.status) == (1, True, 204)


def test_what_an_endpoint_refuses_is_tried_twelve_times_over_seven_days_then_it_is_disabled_and_its_owners_told(
    stage: Stage, inbox: Receiver
) -> None:
    saved = endpoint(stage, inbox, stage.buyer.owner, "order.placed")
    inbox.status, inbox.answer = 500, b"token=sk_live_4f9a8b7c6d5e4f3a2b1c no"
    began = clock.now()
    stage.buy()
    publish(stage)
    [delivery] = stage.rows(select(WebhookDelivery).where(WebhookDelivery.endpoint_id == saved.id))
    for _ in range(2 * MOST_TRIES):
        row = stage.get(WebhookDelivery, delivery.id)
        if row.next_attempt_at is None:
            break
        clock.advance(max(row.next_attempt_at - clock.now(), timedelta()) + timedelta(seconds=1))
        stage.tick(WAKE)
    row = stage.get(WebhookDelivery, delivery.id)
    assert (row.state, row.failure, row.tries, row.attempts) == ("failed", "exhausted", MOST_TRIES, MOST_TRIES)
    assert len(inbox.messages) == MOST_TRIES
    assert len({message["id"] for message in inbox.messages}) == 1
    assert timedelta(days=6.2) < clock.now() - began < timedelta(days=7.01)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        shown, attempts = get_endpoint(uow, saved.id), attempts_of(uow, delivery.id)
    assert (shown.state, shown.disabled_for) == ("disabled", "failures")
    assert [one.number for one in attempts] == list(range(MOST_TRIES, 0, -1))
    assert {one.reason for one in attempts} == {"http_500"}
    assert "4f9a8b7c" not in attempts[0].answered
    stage.tick(NOTIFY)
    kinds = select(Notification.kind).where(Notification.person_id == stage.buyer.owner.person())
    assert stage.rows(kinds).count("webhook_disabled") == 1


def test_the_way_back_sends_what_was_missed_once(stage: Stage, inbox: Receiver) -> None:
    saved, db, who = endpoint(stage, inbox, stage.buyer.owner, "order.placed"), stage.services.db, stage.buyer.owner
    transact(db, who, partial(switch_endpoint, endpoint_id=saved.id, on=False))
    off = clock.now()
    stage.buy()
    publish(stage)
    assert inbox.messages == []
    with pytest.raises(Conflict, match="webhook_endpoint_off"):
        transact(db, who, partial(send_test, endpoint_id=saved.id))
    transact(db, who, partial(switch_endpoint, endpoint_id=saved.id, on=True))
    until = clock.now() + timedelta(minutes=1)
    for expected in (1, 0):
        count = transact(db, who, lambda uow: replay_range(uow, saved.id, since=off, until=until))
        assert count == expected
        stage.run()
    assert inbox.types == ["order.placed"]
    count = transact(db, who, lambda uow: replay_range(uow, saved.id, since=off, until=until, also_delivered=True))
    stage.run()
    assert (count, inbox.types) == (1, ["order.placed"] * 2)
    assert inbox.messages[0]["id"] == inbox.messages[1]["id"]
    with pytest.raises(Invalid, match="webhook_range_empty"):
        transact(db, who, lambda uow: replay_range(uow, saved.id, since=off, until=off))


def test_one_delivery_is_sent_again(stage: Stage, inbox: Receiver) -> None:
    saved, db, who = endpoint(stage, inbox, stage.buyer.owner, "order.placed"), stage.services.db, stage.buyer.owner
    stage.buy()
    publish(stage)
    [delivery] = stage.rows(select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == saved.id))
    transact(db, who, lambda uow: replay_delivery(uow, saved.id, delivery))
    transact(db, who, lambda uow: replay_delivery(uow, saved.id, delivery))
    stage.run()
    assert inbox.types == ["order.placed"] * 2
    assert stage.get(WebhookDelivery, delivery).attempts == 2
    with pytest.raises(NotFound):
        transact(db, stage.seller.owner, lambda uow: replay_delivery(uow, saved.id, delivery))


def test_a_test_is_sent_and_pressed_twice_it_is_one(stage: Stage, inbox: Receiver) -> None:
    saved, db, who = endpoint(stage, inbox, stage.buyer.owner), stage.services.db, stage.buyer.owner
    first = transact(db, who, partial(send_test, endpoint_id=saved.id))
    assert transact(db, who, partial(send_test, endpoint_id=saved.id)) == first
    stage.run()
    assert transact(db, who, partial(send_test, endpoint_id=saved.id)) == first
    assert inbox.types == ["webhook.test"]
    clock.advance(timedelta(minutes=1))
    assert transact(db, who, partial(send_test, endpoint_id=saved.id)) != first


def test_after_a_rotation_both_secrets_sign_and_after_a_day_the_new_one_alone(stage: Stage, inbox: Receiver) -> None:
    saved, db, who = endpoint(stage, inbox, stage.buyer.owner), stage.services.db, stage.buyer.owner
    box = stage.services.secrets
    fresh = transact(db, who, lambda uow: rotate_endpoint_secret(uow, saved.id, box=box))
    assert fresh.secret is not None
    assert fresh.secret != saved.secret

    def verifies(secret: str) -> bool:
        inbox.secret, forged, taken = secret, inbox.forged, len(inbox.messages)
        clock.advance(timedelta(minutes=1))
        transact(db, who, partial(send_test, endpoint_id=saved.id))
        for _ in range(20):
            # On a machine that is busy a call may have had no time left in its batch.
            stage.run()
            if inbox.forged + len(inbox.messages) > forged + taken:
                break
            clock.advance(timedelta(seconds=1))
        assert inbox.forged + len(inbox.messages) > forged + taken
        return inbox.forged == forged

    assert verifies(saved.secret or "")
    assert verifies(fresh.secret)
    clock.advance(timedelta(hours=24))
    assert verifies(fresh.secret)
    assert not verifies(saved.secret or "")


def test_an_endpoint_that_is_gone_is_disabled_at_once(stage: Stage, inbox: Receiver) -> None:
    saved = endpoint(stage, inbox, stage.buyer.owner)
    inbox.status = 410
    transact(stage.services.db, stage.buyer.owner, partial(send_test, endpoint_id=saved.id))
    stage.run()
    row = stage.get(WebhookEndpoint, saved.id)
    assert (row.state, row.disabled_for) == ("disabled", "gone")


def test_an_endpoint_that_fails_rests_and_one_call_asks_whether_it_is_back(stage: Stage, inbox: Receiver) -> None:
    saved = endpoint(stage, inbox, stage.buyer.owner)
    inbox.status = 503
    for _ in range(3):
        stage.buy()
    stage.run()
    for _ in range(20):
        clock.advance(timedelta(seconds=5))
        publish(stage)
    called = len(inbox.messages)
    # Nine deliveries wait; alone they would have been tried two or three times each by now.
    assert 3 <= called <= 6
    row = stage.get(WebhookEndpoint, saved.id)
    assert row.rests_until is not None
    assert row.failures == called
    inbox.status, inbox.messages = 204, []
    clock.advance(LONGEST_REST)
    for _ in range(3):
        publish(stage)
        clock.advance(LONGEST_REST)
    assert sorted(inbox.types) == sorted(ORDER * 3)
    row = stage.get(WebhookEndpoint, saved.id)
    assert (row.failures, row.failing_since, row.rests_until) == (0, None, None)


def test_a_removed_endpoint_is_gone_for_everybody(stage: Stage, inbox: Receiver) -> None:
    saved, db, who = endpoint(stage, inbox, stage.buyer.owner), stage.services.db, stage.buyer.owner
    inbox.status = 503
    stage.buy()
    publish(stage)
    transact(db, who, partial(remove_endpoint, endpoint_id=saved.id))
    found = stage.rows(select(WebhookDelivery.failure).where(WebhookDelivery.endpoint_id == saved.id))
    assert set(found) == {"endpoint_removed"}
    for again in (partial(remove_endpoint, endpoint_id=saved.id), partial(send_test, endpoint_id=saved.id)):
        with pytest.raises(NotFound):
            transact(db, who, again)


def test_addresses_inside_and_plain_http_are_refused(stage: Stage) -> None:
    services, who = stage.services, stage.buyer.owner
    save = partial(save_endpoint, box=services.secrets, policy=services.outbound_policy)
    for url in ("http://shop.example/hook", "https://10.0.0.1/hook", "https://user:x@shop.example/", ""):
        with pytest.raises(Invalid, match="webhook_url"):
            transact(services.db, who, partial(save, command=SaveEndpoint("x", url, ORDER)))


def test_who_sends_it_elsewhere_may_read_it(stage: Stage, inbox: Receiver) -> None:
    saved = endpoint(stage, inbox, stage.seller.owner, "statement.closed")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        developer = make_member(uow, stage.seller, "developer")
    change = ChangeEndpoint(saved.id, url="https://elsewhere.example/")
    policy = stage.services.outbound_policy
    with pytest.raises(Forbidden):
        transact(stage.services.db, developer, lambda uow: change_endpoint(uow, change, policy=policy))
    transact(stage.services.db, stage.seller.owner, lambda uow: change_endpoint(uow, change, policy=policy))


def test_what_nobody_can_ask_for_any_more_is_forgotten_but_positions_go_on(stage: Stage, inbox: Receiver) -> None:
    saved = endpoint(stage, inbox, stage.buyer.owner)
    stage.buy()
    stage.run()
    publish(stage)
    last = len(events_of(stage, stage.buyer.owner))
    clock.advance(RETENTION + timedelta(days=1))
    stage.tick(RETENTION_SWEEP)
    assert events_of(stage, stage.buyer.owner) == []
    for model in (WebhookDelivery, WebhookAttempt, OutgoingEvent):
        assert stage.rows(select(model.id).where(model.org_id == stage.buyer.id)) == []
    send = partial(send_test, endpoint_id=saved.id)
    assert isinstance(transact(stage.services.db, stage.buyer.owner, send), UUID)
    assert events_of(stage, stage.buyer.owner)[0]["position"] == last + 1
