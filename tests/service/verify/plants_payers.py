"""One corruption for every rule of who pays for whom."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def payers_no_chain(p: Planter, _: World) -> None:
    """The later payer paid already while the one before still did."""
    p.change(
        "UPDATE marketplace.payer_agreement a SET accepted_at = b.accepted_at FROM marketplace.payer_agreement b"
        " WHERE b.org_id = a.org_id AND b.accepted_at < a.accepted_at"
    )
