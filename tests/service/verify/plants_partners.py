"""One corruption for every rule of partners."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def partners_linked(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.partner_link SET ended_at = accepted_at - interval '1 day' WHERE ended_at IS NOT NULL")


def partners_rated(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.tier_price SET discount_ppm = discount_ppm + 10000")


def partners_quantities(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.tier_price SET min_quantity = 2, quantity_step = 7 WHERE min_quantity = 2")


def partners_audience(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.listing SET partner_groups = ARRAY[gen_random_uuid()]")


def order_sheets_ordered(p: Planter, _: World) -> None:
    p.change("UPDATE orders.order_sheet SET rows = jsonb_set(rows, '{0,quantity}', '\"4\"') WHERE state = 'ordered'")


def partners_invited(p: Planter, _: World) -> None:
    """Counted once more than it made partners: one is made for it, as the sample need not have any."""
    tier = p.find("SELECT id FROM marketplace.partner_tier LIMIT 1")
    p.change(
        "INSERT INTO marketplace.partner_invitation (id, seller_org_id, tier_id, code, name, most_uses, uses, created_at,"
        " expires_at) SELECT gen_random_uuid(), seller_org_id, id, 'plant', 'x', 2, 1, now(), now() + interval '1 day'"
        " FROM marketplace.partner_tier WHERE id = :tier",
        tier=tier,
    )


def partners_listed(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.dealer_list SET rows = jsonb_set(rows, '{0,number}', '9') WHERE state = 'sent'")


def referrals_brought(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.referral_link SET created_at = created_at + interval '1 day'")


def offers_of_tier(p: Planter, _: World) -> None:
    p.change("UPDATE orders.offer SET terms = 'For this one alone.' WHERE tier_offer_id IS NOT NULL")


def subscriptions_change_priced(p: Planter, _: World) -> None:
    """Of the change and its line alike: what a change in the same term would be measured by is not what it cost."""
    dearer = "jsonb_set({0}.price, '{{components,0,tiers,0,unit_micro}}', '123000000')"
    p.change(f"UPDATE orders.amendment m SET price = {dearer.format('m')} WHERE price IS NOT NULL")


def partners_territories(p: Planter, _: World) -> None:
    """Its partner has left."""
    p.change("UPDATE marketplace.partner_territory SET ended_at = NULL")
