"""One corruption for every other rule: orders, delivery, histories, jobs, isolation, catalogue."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World

REJECTED = "(SELECT id FROM orders.\"order\" WHERE state = 'rejected' LIMIT 1)"
REJECTED_LINE = f"(SELECT id FROM orders.order_line WHERE order_id = {REJECTED} LIMIT 1)"
OF_ORDER = "(SELECT id FROM orders.order_line WHERE order_id = :order)"


def orders_totals(p: Planter, _: World) -> None:
    p.change(
        f"UPDATE orders.order_line SET net_minor = net_minor - 1, tax_minor = tax_minor + 1 WHERE id = {REJECTED_LINE}"
    )


def orders_priced(p: Planter, _: World) -> None:
    """A part is said that nobody charged; of one figure nothing is to be said."""
    p.change(
        f"""UPDATE orders.order_line SET price_lines = '[{{"kind": "setup", "amount_minor": 1}}]'
            WHERE id = {REJECTED_LINE}"""
    )


def purchases_totals(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.quote SET net_minor = net_minor - 1, tax_minor = tax_minor + 1
           WHERE id = (SELECT quote_id FROM orders.purchase LIMIT 1)"""
    )


def lines_taxed(p: Planter, _: World) -> None:
    p.change(
        f"""UPDATE orders.purchase SET billing_profile = billing_profile || '{{"country": "HK"}}'
            WHERE id = (SELECT purchase_id FROM orders."order" WHERE id = (SELECT {REJECTED}))"""
    )


def lines_untaxed(p: Planter, _: World) -> None:
    """A price is said to be less its tax, and the tax was charged."""
    p.change(
        f"""UPDATE orders.order_line SET plan = plan || '{{"home_rate_ppm": 60000, "untaxed_price": "net"}}'
            WHERE id = {REJECTED_LINE}"""
    )


def purchases_orders(p: Planter, _: World) -> None:
    order_id = p.find(f"SELECT {REJECTED}")
    p.change("UPDATE orders.\"order\" SET state = 'cancelled' WHERE id = :id", id=order_id)
    p.forget("order", order_id, "pending_approval", "rejected")
    p.remember("order", order_id, "pending_approval", "cancelled")


def purchases_approved(p: Planter, _: World) -> None:
    # Not those that were answered outside: their answers would miss them, too.
    p.change(
        """
        DELETE FROM orders.approval d WHERE decision = 'approved'
          AND NOT EXISTS (SELECT FROM orders.outside_approval o WHERE o.purchase_id = d.purchase_id AND o.state = 'answered')
        """
    )


def orders_paid(p: Planter, world: World) -> None:
    p.change('UPDATE orders."order" SET paid_at = NULL WHERE id = :order', order=world.order_id)


def orders_charged(p: Planter, world: World) -> None:
    p.change(
        """UPDATE billing.charge SET payment_id = (
               -- Of the same days: what was sold in a year stays what it is.
               SELECT payment_id FROM orders."order" WHERE id <> :order AND payment_id IS NOT NULL AND paid_at IS NOT NULL
               ORDER BY abs(extract(epoch FROM paid_at - (SELECT paid_at FROM orders."order" WHERE id = :order))) LIMIT 1)
           WHERE group_reference = :order""",
        order=world.order_id,
    )


def orders_not_stuck(p: Planter, _: World) -> None:
    order_id = p.find(f"SELECT {REJECTED}")
    purchase_id = p.find('SELECT purchase_id FROM orders."order" WHERE id = :id', id=order_id)
    for machine, table, row_id in (("order", '"order"', order_id), ("purchase", "purchase", purchase_id)):
        p.change(
            f"UPDATE orders.{table} SET state = 'pending_approval', deadline_at = :at WHERE id = :id",
            at=clock.now() - timedelta(days=1),
            id=row_id,
        )
        p.forget(machine, row_id, "pending_approval", "rejected")


def orders_moved_on(p: Planter, _: World) -> None:
    order_id = p.find(
        """SELECT o.id FROM orders."order" o JOIN fulfillment.entitlement e ON e.group_reference = o.id
           WHERE o.state = 'active' AND e.state = 'active' AND o.subscription_id IS NULL
             AND NOT EXISTS (SELECT 1 FROM orders.milestone m WHERE m.order_id = o.id)
           ORDER BY o.created_at DESC LIMIT 1"""
    )
    p.change(
        """UPDATE orders."order" SET state = 'fulfilling', deadline_at = :soon WHERE id = :order""",
        soon=clock.now() + timedelta(hours=1),
        order=order_id,
    )
    p.forget("order", order_id, "fulfilling", "active")


def orders_entitled(p: Planter, world: World) -> None:
    entitlement_id = p.find(
        f"SELECT id FROM fulfillment.entitlement WHERE reference IN {OF_ORDER}", order=world.order_id
    )
    p.change(
        """UPDATE fulfillment.entitlement SET state = 'ended', valid_to = :at,
               data_kept_until = CAST(:at AS timestamptz) + make_interval(days => data_kept_days::int) WHERE id = :id""",
        at=clock.now(),
        id=entitlement_id,
    )
    p.remember("entitlement", entitlement_id, "active", "ended")


def orders_delivered_once(p: Planter, world: World) -> None:
    p.change(
        f"UPDATE fulfillment.entitlement SET seats = seats + 1 WHERE reference IN {OF_ORDER} AND seats > 0",
        order=world.order_id,
    )


def orders_given_back(p: Planter, _: World) -> None:
    order_id = p.find(
        """SELECT subject_id FROM kernel.state_history WHERE machine = 'order' AND to_state = 'delivery_failed' LIMIT 1"""
    )
    p.change("UPDATE orders.\"order\" SET state = 'delivery_failed' WHERE id = :id", id=order_id)
    p.forget("order", order_id, "delivery_failed", "refunded")
    p.change("UPDATE billing.refund SET reference = :other WHERE reference = :id", other=uuid7(), id=order_id)


def orders_refunded(p: Planter, _: World) -> None:
    subscription_id = p.find(
        """SELECT s.id FROM orders.subscription s JOIN orders.order_line l ON l.id = s.order_line_id
           JOIN orders."order" o ON o.id = l.order_id AND o.state = 'refunded' WHERE s.state = 'ended' LIMIT 1"""
    )
    p.change("UPDATE orders.subscription SET state = 'active' WHERE id = :id", id=subscription_id)
    p.forget("subscription", subscription_id, "active", "ended")


def orders_ended(p: Planter, _: World) -> None:
    order_id = p.find(
        """SELECT subject_id FROM kernel.state_history WHERE machine = 'order' AND to_state = 'delivery_failed' LIMIT 1"""
    )
    p.change("UPDATE orders.\"order\" SET state = 'delivery_failed' WHERE id = :id", id=order_id)
    p.forget("order", order_id, "delivery_failed", "refunded")


def lines_attributed(p: Planter, _: World) -> None:
    p.change(f"DELETE FROM orders.sale_terms WHERE order_line_id = {REJECTED_LINE}")


def attributions_shown(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.attribution SET rule = 'none'
           WHERE id = (SELECT id FROM orders.attribution WHERE video_id IS NOT NULL LIMIT 1)"""
    )


def attributions_brought(p: Planter, _: World) -> None:
    # A link of the buyer's own: whoever buys is never its promoter.
    link_id = p.find(
        """INSERT INTO marketplace.share_link (id, code, org_id, person_id, video_id, created_at)
           SELECT gen_random_uuid(), 'planted', a.buyer_org_id, m.person_id, a.video_id, now()
           FROM orders.attribution a JOIN marketplace.member m ON m.org_id = a.buyer_org_id
           WHERE a.video_id IS NOT NULL ORDER BY a.id, m.person_id LIMIT 1 RETURNING id"""
    )
    p.change(
        """UPDATE orders.attribution SET share_link_id = :link
           WHERE id = (SELECT a.id FROM orders.attribution a JOIN marketplace.share_link s
                       ON s.id = :link AND s.org_id = a.buyer_org_id AND s.video_id = a.video_id ORDER BY a.id LIMIT 1)""",
        link=link_id,
    )


def usage_once(p: Planter, _: World) -> None:
    p.change(
        "DELETE FROM fulfillment.usage_key WHERE id = (SELECT id FROM fulfillment.usage_event WHERE quantity > 0 LIMIT 1)"
    )


def usage_sums(p: Planter, _: World) -> None:
    p.change(
        """UPDATE fulfillment.usage_day SET quantity = quantity + 1 WHERE period_id = (
               SELECT id FROM fulfillment.usage_period WHERE state = 'open' LIMIT 1)"""
    )


def usage_corrected(p: Planter, _: World) -> None:
    # Its day goes along, so that nothing else is wrong.
    event = "(SELECT id FROM fulfillment.usage_event WHERE corrects_id IS NOT NULL ORDER BY id LIMIT 1)"
    p.change(
        f"""UPDATE fulfillment.usage_event SET corrects_id = (
                SELECT o.id FROM fulfillment.usage_event o JOIN fulfillment.usage_event c ON c.id = {event}
                WHERE o.quantity > 0 AND o.period_id <> c.period_id LIMIT 1) WHERE id = {event}"""
    )


def usage_closed(p: Planter, _: World) -> None:
    p.change("UPDATE fulfillment.usage_period SET amount_minor = amount_minor + 1 WHERE state <> 'open'")


def usage_rated(p: Planter, _: World) -> None:
    p.change("UPDATE fulfillment.metered_terms SET price = jsonb_set(price, '{components,0,included}', '1')")


def usage_charged(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders."order" SET usage_period_id = (SELECT id FROM fulfillment.usage_period WHERE state = 'open' LIMIT 1)
           WHERE id = (SELECT min(id::text)::uuid FROM orders."order" WHERE usage_period_id IS NOT NULL AND state = 'active')"""
    )


def usage_credited(p: Planter, _: World) -> None:
    p.define("ALTER TABLE fulfillment.usage_period DROP CONSTRAINT ck_usage_period_credited")
    p.change("UPDATE fulfillment.usage_period SET credited_minor = 1 WHERE state = 'open'")


def usage_returned(p: Planter, _: World) -> None:
    challenge_id = uuid7()
    p.change(
        """INSERT INTO fulfillment.usage_challenge (id, buyer_org_id, seller_org_id, line_id, state, question, answer,
               credit_minor, currency, deadline_at, decided_at, created_at, refund_id)
           SELECT :id, l.buyer_org_id, l.seller_org_id, l.id, 'corrected', 'q', 'a', 1, l.currency, now(), now(), now(), :id
           FROM fulfillment.usage_line l JOIN orders."order" o ON o.usage_period_id = l.period_id LIMIT 1""",
        id=challenge_id,
    )
    p.remember("usage_challenge", challenge_id, None, "open", "corrected")


def usage_asked_again(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.purchase SET next_try_at = :at WHERE id IN (
               SELECT purchase_id FROM orders."order" WHERE usage_period_id IS NOT NULL)""",
        at=clock.now() - timedelta(days=1),
    )


def runs_provisioned_once(p: Planter, _: World) -> None:
    p.change(
        """UPDATE fulfillment.run SET operation = 'change' WHERE id = (
               SELECT id FROM fulfillment.run WHERE operation = 'provision' AND state = 'succeeded' LIMIT 1)"""
    )


def runs_one_live(p: Planter, _: World) -> None:
    p.define("DROP INDEX fulfillment.uq_run_live")
    first = p.find("SELECT id FROM fulfillment.run WHERE state = 'succeeded' LIMIT 1")
    for _number in range(2):
        run_id = p.copy(
            "fulfillment.run",
            first,
            operation="change",
            state="waiting",
            tries=0,
            finished_at=None,
            deadline_at=clock.now() + timedelta(days=1),
        )
        p.remember("run", run_id, None, "queued", "calling", "waiting")


def runs_timely(p: Planter, _: World) -> None:
    p.change(
        """UPDATE fulfillment.run SET finished_at = NULL
           WHERE id = (SELECT id FROM fulfillment.run WHERE state = 'succeeded' LIMIT 1)"""
    )


def runs_recorded(p: Planter, _: World) -> None:
    p.change("UPDATE fulfillment.run SET tries = tries + 1 WHERE id = (SELECT id FROM fulfillment.run LIMIT 1)")


def entitlements_dated(p: Planter, world: World) -> None:
    p.change(
        f"UPDATE fulfillment.entitlement SET valid_from = NULL WHERE reference IN {OF_ORDER}", order=world.order_id
    )


def entitlements_data_kept(p: Planter, _: World) -> None:
    p.change(
        "UPDATE fulfillment.entitlement SET data_kept_until = NULL WHERE state = 'ended' AND data_kept_until IS NOT NULL"
    )


def customers_noted(p: Planter, world: World) -> None:
    p.change(
        "UPDATE marketplace.customer SET bought_name = 'x' WHERE seller_org_id = :seller AND bought_at IS NOT NULL",
        seller=world.seller.id,
    )


def seats_counted(p: Planter, world: World) -> None:
    p.change(
        f"UPDATE fulfillment.entitlement SET seats_used = seats_used + 1 WHERE reference IN {OF_ORDER} AND seats > 0",
        order=world.order_id,
    )


def states_legal(p: Planter, world: World) -> None:
    p.remember("order", world.order_id, "active", "active")


def states_walked(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.member SET state = 'removed' WHERE id = (SELECT id FROM marketplace.member LIMIT 1)")


def _job(p: Planter, state: str, **changes: object) -> None:
    values = {"id": uuid7(), "state": state, "run_at": clock.now(), "lease_until": None, "finished_at": None, **changes}
    p.change(
        """INSERT INTO kernel.job (id, kind, queue, dedupe_key, payload, state, run_at, lease_until, finished_at, created_at)
           VALUES (:id, 'planted', 'default', 'planted', '{}', :state, :run_at, :lease_until, :finished_at, :run_at)""",
        **values,
    )


def jobs_none_dead(p: Planter, _: World) -> None:
    _job(p, "dead", finished_at=clock.now())


def jobs_consistent(p: Planter, _: World) -> None:
    _job(p, "ready", lease_until=clock.now())


def jobs_timely(p: Planter, _: World) -> None:
    _job(p, "ready", run_at=clock.now() - timedelta(hours=1))


def inbox_processed(p: Planter, _: World) -> None:
    p.change(
        """INSERT INTO kernel.inbox (id, source, event_id, kind, body, state, received_at)
           VALUES (:id, 'sandbox', 'lost', 'payment', '{}', 'received', :at)""",
        id=uuid7(),
        at=clock.now() - timedelta(hours=1),
    )


def idempotency_answered(p: Planter, _: World) -> None:
    p.change("UPDATE kernel.idempotency_key SET status = 0 WHERE id = (SELECT id FROM kernel.idempotency_key LIMIT 1)")


def tenancy_rows_agree(p: Planter, world: World) -> None:
    for parent in ("order_line_id", "subscription_id"):
        p.define(
            "ALTER TABLE orders.subscription_term "
            f"DROP CONSTRAINT fk_subscription_term_buyer_org_id_seller_org_id_{parent}"
        )
    p.change(
        """UPDATE orders.subscription_term SET seller_org_id = :other
           WHERE id = (SELECT id FROM orders.subscription_term LIMIT 1)""",
        other=world.promoter.id,
    )


def tenancy_row_security(p: Planter, _: World) -> None:
    p.define('ALTER TABLE orders."order" NO FORCE ROW LEVEL SECURITY')


def tenancy_serving_role(p: Planter, _: World) -> None:
    p.define("GRANT SELECT ON fulfillment.run_attempt_default TO market_app")


def books_kept(p: Planter, _: World) -> None:
    p.define("GRANT UPDATE (amount_minor) ON billing.posting TO market_app")


def catalogue_published(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.listing l SET current_version_id = (
               SELECT o.current_version_id FROM marketplace.listing o WHERE o.org_id = l.org_id AND o.id <> l.id LIMIT 1)
           WHERE id = (SELECT id FROM marketplace.listing WHERE state = 'published' LIMIT 1)"""
    )


def claims_kept(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.claim SET value_int = value_int + 1")


def touchpoints_once(p: Planter, _: World) -> None:
    p.change(
        """INSERT INTO marketplace.touchpoint
           SELECT (jsonb_populate_record(t, jsonb_build_object('occurred_at', t.occurred_at + interval '1 second',
                                                               'received_at', CAST(:now AS timestamptz)))).*
           FROM marketplace.touchpoint t LIMIT 1""",
        now=clock.now(),
    )


def events_published(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.outgoing_event SET fact_id = gen_random_uuid()
           WHERE fact_id = (SELECT fact_id FROM marketplace.outgoing_event
                            WHERE type = 'order.paid' ORDER BY occurred_at LIMIT 1)"""
    )


def events_positions(p: Planter, world: World) -> None:
    p.change(
        "UPDATE marketplace.event_log SET last_position = last_position + 1 WHERE org_id = :org", org=world.buyer.id
    )


def deliveries_attempted(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.webhook_delivery SET attempts = attempts + 1 WHERE state = 'delivered'")


def deliveries_due(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.webhook_delivery SET state = 'pending', next_attempt_at = :at
           WHERE id = (SELECT id FROM marketplace.webhook_delivery WHERE state = 'delivered' LIMIT 1)""",
        at=clock.now() - timedelta(hours=1),
    )
