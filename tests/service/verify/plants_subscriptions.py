"""Corruptions of subscriptions and trials, each named after the rule that must find it."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def subscriptions_terms(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.subscription_term SET number = 2
           WHERE id = (SELECT id FROM orders.subscription_term WHERE number = 1 LIMIT 1)"""
    )


def subscriptions_renewed(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.subscription_term SET revoked_at = :at WHERE number = 2 AND revoked_at IS NULL", at=clock.now()
    )


def subscriptions_dated(p: Planter, _: World) -> None:
    p.change(
        """UPDATE fulfillment.entitlement SET valid_to = valid_to + interval '1 day' WHERE reference IN (
               SELECT order_line_id FROM orders.subscription WHERE state = 'active') AND state = 'active'"""
    )


def subscriptions_steps(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.subscription SET next_step_at = :at WHERE state = 'past_due'", at=clock.now() - timedelta(days=1)
    )


def subscriptions_amended(p: Planter, _: World) -> None:
    p.change("UPDATE orders.subscription SET quantity = quantity + 1 WHERE state = 'active'")
    p.change(
        """UPDATE fulfillment.entitlement SET seats = seats + 1
           WHERE seats > 0 AND reference IN (SELECT order_line_id FROM orders.subscription WHERE state = 'active')"""
    )


def subscriptions_aligned(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.subscription_term SET priced_until = ends_at - interval '1 day'
           WHERE id = (SELECT t.id FROM orders.subscription_term t JOIN orders.subscription s ON s.id = t.subscription_id
                       WHERE s.state = 'active' AND t.revoked_at IS NULL ORDER BY t.id LIMIT 1)"""
    )


def subscriptions_contract(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.subscription SET contract_terms_left = 3
           WHERE id = (SELECT id FROM orders.subscription WHERE state = 'active' ORDER BY id LIMIT 1)"""
    )


def subscriptions_finished(p: Planter, _: World) -> None:
    order_id = p.find(
        """SELECT o.id FROM orders."order" o JOIN orders.subscription s ON s.id = o.subscription_id
           WHERE s.state = 'ended' AND o.state = 'completed' ORDER BY o.id LIMIT 1"""
    )
    p.change("""UPDATE orders."order" SET state = 'active' WHERE id = :id""", id=order_id)
    p.change("DELETE FROM kernel.state_history WHERE subject_id = :id AND to_state = 'completed'", id=order_id)


def subscriptions_changed(p: Planter, _: World) -> None:
    amendment_id = uuid7()
    p.change(
        """INSERT INTO orders.amendment (id, subscription_id, buyer_org_id, seller_org_id, order_line_id, state, quantity,
                   quantity_before, plan_id, plan_id_before, ends_at, applied_at, created_at)
           SELECT :id, s.id, s.buyer_org_id, s.seller_org_id, t.order_line_id, 'applied', s.quantity, s.quantity,
                  s.plan_id, s.plan_id, t.ends_at, :now, :now
           FROM orders.subscription s
           JOIN orders.subscription_term t ON t.subscription_id = s.id AND t.number = 2 AND t.revoked_at IS NULL
           WHERE s.state = 'active' ORDER BY s.id LIMIT 1""",
        id=amendment_id,
        now=clock.now(),
    )
    p.remember("amendment", amendment_id, None, "pending", "applied")
    provisioned = p.find(
        """SELECT r.id FROM fulfillment.run r JOIN fulfillment.entitlement e ON e.id = r.entitlement_id
           JOIN orders.subscription s ON s.order_line_id = e.reference JOIN orders.amendment m ON m.subscription_id = s.id
           WHERE m.id = :id AND r.operation = 'provision'""",
        id=amendment_id,
    )
    run_id = p.copy(
        "fulfillment.run", provisioned, operation="change", state="dead", tries=0, failure="deadline_missed",
        created_at=clock.now(), finished_at=clock.now(),
    )  # fmt: skip
    p.remember("run", run_id, None, "queued", "dead")


def trials_once(p: Planter, _: World) -> None:
    p.define("DROP INDEX orders.uq_trial_begun")
    p.change("UPDATE orders.trial SET listing_id = (SELECT listing_id FROM orders.trial ORDER BY id LIMIT 1)")


def trials_free(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.trial SET order_line_id = (
               SELECT id FROM orders.order_line WHERE term_months = 0 AND gross_minor > 0 LIMIT 1)
           WHERE NOT converts"""
    )


def trials_converted(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.trial SET full_line = full_line || '{"gross_minor": 1}' WHERE order_line_id IN (
               SELECT s.order_line_id FROM orders.subscription s
               JOIN orders.subscription_term t ON t.subscription_id = s.id AND t.number = 2)"""
    )
