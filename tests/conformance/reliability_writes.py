"""The write of a seller whose deliveries failed, and who has mended them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fulfillment.connectors.models import ConnectorRow
from fulfillment.reliability.models import LISTING_PAUSE, ListingPause
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.pause_listing import pause_listing
from marketplace.catalog.rate_listing import lock_listing
from tests.factories_marketplace import make_plans

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def mended(world: World) -> None:
    stage = world.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        (plan,) = make_plans(uow, stage.seller)
        connector = uow.session.get_one(ConnectorRow, stage.connector)
        plan.connector_id = connector.id
        listing = lock_listing(uow, plan.listing_id)
        pause = ListingPause(
            id=uuid7(), seller_org_id=listing.org_id, listing_id=listing.id, rule="in_row", failed=5, counted=5
        )
        pause.created_at = clock.now()
        LISTING_PAUSE.begin(uow, pause, org_ids=[listing.org_id])
        uow.add(pause)
        pause_listing(uow, listing, failed=5, counted=5)
        connector.test_asked_at = connector.tested_at = clock.now()
        connector.test_failure = None
    world.walk.ask("POST /v1/seller/listings/{listing_id}/confirm-mended", world.seller, listing_id=pause.listing_id)
