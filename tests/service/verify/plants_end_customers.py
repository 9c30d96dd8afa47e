"""One corruption for every rule of what dealers order for end customers."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def end_customers_used_by(p: Planter, _: World) -> None:
    """The order was its dealer's own, and somebody else uses what it delivers."""
    p.change("""UPDATE orders."order" SET end_customer_id = NULL, end_customer_org_id = NULL
                WHERE end_customer_id IS NOT NULL""")


def end_customers_in_territory(p: Planter, _: World) -> None:
    """The territory was another one."""
    with p.unguarded():
        p.change("UPDATE marketplace.partner_territory SET regions = ARRAY['SG']")
