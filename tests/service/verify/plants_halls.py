"""One corruption for every rule of halls."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def halls_exchanged(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.hall_exchange SET given_at = given_at - interval '30 days' WHERE state = 'given'")


def halls_revoked(p: Planter, _: World) -> None:
    p.change(
        "UPDATE marketplace.lead SET contact_email = 'left@behind.example' WHERE id IN "
        "(SELECT lead_id FROM marketplace.hall_exchange WHERE state = 'revoked')"
    )


def halls_agenda(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.hall_agenda_item SET ends_at = ends_at + interval '30 days'")
