"""One corruption for every rule of payouts by bank."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def payouts_one_rail(p: Planter, _: World) -> None:
    p.change("UPDATE billing.payout_batch SET sent_at = NULL, state = 'approved' WHERE state = 'settled'")
    batch_id = p.find("SELECT id FROM billing.payout_batch WHERE state = 'approved'")
    p.forget("payout_batch", batch_id, "approved", "sent")
    p.forget("payout_batch", batch_id, "sent", "settled")


def payout_batches_control_sum(p: Planter, _: World) -> None:
    p.change("UPDATE billing.payout_batch SET control_sum_minor = control_sum_minor + 1")


def payout_batches_approved(p: Planter, _: World) -> None:
    p.change("UPDATE billing.payout_batch SET approved_by = drafted_by")


def payouts_account_not_held(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.payout_account SET held_until = now() + interval '100 years'
           WHERE id IN (SELECT account_id FROM billing.payout)"""
    )


def payout_batches_state(p: Planter, _: World) -> None:
    batch_id = p.find("SELECT id FROM billing.payout_batch WHERE state = 'settled'")
    p.change("UPDATE billing.payout_batch SET state = 'partly' WHERE id = :id", id=batch_id)
    p.remember("payout_batch", batch_id, "settled", "partly")
