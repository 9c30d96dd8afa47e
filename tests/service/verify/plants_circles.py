"""One corruption for every rule of circles."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def circles_owned(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.circle_member SET role = 'moderator' WHERE role = 'owner'")


def circles_internal(p: Planter, _: World) -> None:
    p.change(
        "UPDATE marketplace.circle_member m SET member_org_id = m.org_id FROM marketplace.circle c "
        "WHERE c.org_id = m.org_id AND c.kind = 'internal'"
    )


def circles_sold(p: Planter, _: World) -> None:
    p.change("UPDATE orders.attribution SET circle_id = NULL WHERE circle_id IS NOT NULL")


def circles_marked(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.circle SET kind = 'exchange' WHERE kind = 'community'")
