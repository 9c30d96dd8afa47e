"""One corruption for every rule of purchases on account."""

from __future__ import annotations

from kernel.ids import uuid7
from tests.service.verify.planting import PLATFORM, Planter
from tests.verify_world import World


def on_account_limits(p: Planter, _: World) -> None:
    p.change("UPDATE billing.credit_line SET used_minor = used_minor - 1")


def on_account_held(p: Planter, _: World) -> None:
    p.change("UPDATE billing.credit_hold SET amount_minor = amount_minor + 1")


def on_account_owed(p: Planter, _: World) -> None:
    p.change(
        """INSERT INTO billing.transfer_credit (id, transfer_id, idempotency_key, amount_minor, currency, created_at)
           SELECT :id, id, 'planted', 1, currency, now() FROM billing.bank_transfer
           WHERE gateway = 'on_account' AND state = 'awaited' LIMIT 1""",
        id=uuid7(),
    )


def on_account_receivable(p: Planter, world: World) -> None:
    p.book((world.buyer.id, "receivable", 5), (PLATFORM, "gateway_fee", -5))


def on_account_letters(p: Planter, _: World) -> None:
    p.change("UPDATE billing.dunning_notice SET created_at = created_at - interval '1 day'")


def on_account_unpaid(p: Planter, _: World) -> None:
    of_seller = """SELECT s.{what} FROM billing.share s JOIN billing.charge c ON c.id = s.charge_id
        JOIN billing.bank_transfer t ON t.payment_id = c.payment_id
        WHERE t.gateway = 'on_account' AND t.state = 'awaited' AND s.kind = 'seller' AND s.state = 'pending'
        ORDER BY s.id LIMIT 1"""
    share_id, org_id = (p.find(of_seller.format(what=what)) for what in ("id", "org_id"))
    left = p.find("SELECT amount_minor - reversed_minor FROM billing.share WHERE id = :id", id=share_id)
    p.change(
        """UPDATE billing.share SET state = 'releasable', delivered_at = delivered_at - interval '90 days',
               releasable_at = releasable_at - interval '90 days' WHERE id = :id""",
        id=share_id,
    )
    p.remember("share", share_id, "pending", "releasable")
    p.book((org_id, "party_pending", left), (org_id, "party_available", -left))
