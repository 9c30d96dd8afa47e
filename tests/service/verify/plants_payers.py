"""One corruption for every rule of who pays for whom."""

from __future__ import annotations

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def payers_no_chain(p: Planter, _: World) -> None:
    """The payer before goes on paying while the later one does."""
    p.change(
        "UPDATE marketplace.payer_agreement SET ended_at = ended_at + interval '30 days' WHERE accepted_at IS NOT NULL"
    )


def payers_charged(p: Planter, _: World) -> None:
    """The payer approved less than what its method paid."""
    p.change("UPDATE orders.payer_charge SET amount_minor = amount_minor - 1 WHERE state = 'approved'")


def payers_limits(p: Planter, _: World) -> None:
    """The limit that held then was lower than what is ordered under it; every other check of the row stands aside."""
    p.define("ALTER TABLE orders.payer_charge DROP CONSTRAINT ck_payer_charge_limit")
    p.change("UPDATE orders.payer_charge SET limit_minor = 1 WHERE state = 'approved'")


def payers_by_right(p: Planter, _: World) -> None:
    """A headquarters goes on paying for an organization that left its group."""
    membership_id, agreement_id = p.find("SELECT id FROM marketplace.group_membership WHERE state = 'ended'"), uuid7()
    p.change(
        """INSERT INTO marketplace.payer_agreement (id, org_id, payer_org_id, org_name, payer_name, state, by_payer,
               membership_id, invoice_to, currency, created_at, accepted_at)
           SELECT :id, org_id, hq_org_id, org_name, hq_name, 'active', true, id, 'payer', 'CNY', :now, :now
           FROM marketplace.group_membership WHERE id = :membership""",
        id=agreement_id,
        membership=membership_id,
        now=clock.now(),
    )
    p.remember("payer_agreement", agreement_id, None, "active")
