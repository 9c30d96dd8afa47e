"""An exhibition for tests, made through the product's own verbs: an organizer, an exhibitor with a product, and a visitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.halls.booths import SaveBooth, answer_booth, invite_exhibitor, save_booth
from marketplace.halls.consent_text import CONSENT_VERSION
from marketplace.halls.exchange_badge import GiveBadge, give_badge
from marketplace.halls.register import Register, register_visitor
from marketplace.halls.save_hall import SaveHall, publish_hall, save_hall
from marketplace.halls.visitor_models import HallBadge, HallExchange
from marketplace.parties.models import Organization
from tests.factories_marketplace import Org, acting

HOURS = timedelta(hours=8)


@dataclass(frozen=True)
class Fair:
    """A published hall that opened an hour ago, with an accepted booth."""

    organizer: Org
    exhibitor: Org
    hall_id: UUID
    booth_id: UUID
    listing_id: UUID


def make_fair(uow: UnitOfWork, organizer: Org, exhibitor: Org, plan: Plan, *, visibility: str = "public") -> Fair:
    """It closes in seven hours."""
    now = clock.now()
    with acting(uow, SYSTEM):
        uow.session.get_one(Organization, exhibitor.id).tax_id_verified_at = now
    with acting(uow, organizer.owner):
        opens_at = now - timedelta(hours=1)
        hall = save_hall(uow, SaveHall("秋季云展会", opens_at, opens_at + HOURS, "Autumn fair", visibility=visibility))
        booth = invite_exhibitor(uow, hall.id, exhibitor.id)
        publish_hall(uow, hall.id)
    with acting(uow, exhibitor.owner):
        if booth.state == "invited":
            answer_booth(uow, booth.id, accept=True)
        save_booth(uow, SaveBooth(booth.id, listing_ids=[plan.listing_id], words="欢迎"))
    return Fair(organizer, exhibitor, hall.id, booth.id, plan.listing_id)


def register_at(uow: UnitOfWork, fair: Fair, visitor: Org, name: str = "王芳") -> HallBadge:
    """The owner of an organization as a visitor."""
    with acting(uow, visitor.owner):
        return register_visitor(
            uow, Register(fair.hall_id, name, "杭州某某", CONSENT_VERSION, "HR", "wang@firm.example", "+86 571 0000")
        )


def give(uow: UnitOfWork, fair: Fair, visitor: Org) -> HallExchange:
    """Its badge to the booth."""
    with acting(uow, visitor.owner):
        return give_badge(uow, GiveBadge(fair.booth_id, CONSENT_VERSION))
