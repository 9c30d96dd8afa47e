"""One corruption for every rule of transfers to parties' accounts at gateways."""

from __future__ import annotations

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def payouts_own_account(p: Planter, _: World) -> None:
    """A payout that was paid to the account of somebody else."""
    account_id = uuid7()
    p.change(
        """INSERT INTO billing.connected_account
               (id, org_id, gateway, reference, country, state, charges_enabled, payouts_enabled, capabilities, requirements,
                disabled_reason, balance, next_check_at, created_at)
           SELECT :id, o.id, t.gateway, t.destination, 'CN', 'enabled', true, true, '{}', '[]', '', '{}', :now, :now
           FROM billing.payout t JOIN marketplace.organization o ON o.id <> t.org_id
           WHERE t.gateway <> 'bank' ORDER BY t.id, o.id LIMIT 1""",
        id=account_id,
        now=clock.now(),
    )
    p.remember("connected_account", account_id, None, "opening", "enabled")


def payouts_reversed(p: Planter, _: World) -> None:
    """Something was taken back of a transfer, and its party has nothing of it."""
    reversal_id = uuid7()
    p.change(
        """INSERT INTO billing.transfer_reversal
               (id, org_id, payout_id, share_reversal_id, amount_minor, currency, state, tries, gateway_reference, created_at,
                ended_at)
           SELECT :id, v.org_id, t.id, v.id, v.amount_minor, v.currency, 'succeeded', 1, 'trr_planted', :now, :now
           FROM billing.share_reversal v JOIN billing.payout t ON t.org_id = v.org_id AND t.currency = v.currency
           WHERE v.amount_minor > 0 AND NOT EXISTS (
               SELECT 1 FROM billing.statement_adjustment a WHERE a.payout_id = t.id AND a.kind = 'returned')
           ORDER BY v.id, t.id LIMIT 1""",
        id=reversal_id,
        now=clock.now(),
    )
    p.remember("transfer_reversal", reversal_id, None, "sending", "succeeded")
