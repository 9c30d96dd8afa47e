"""The writes of exhibition halls: opened, laid out, visited, a badge given, asked for, declined and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.halls.consent_text import CONSENT_VERSION

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def halls(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    _, seller, _ = world.member(stage.seller, "admin")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = str(uow.session.get_one(Plan, stage.seat_plan).listing_id)
    now = clock.now()
    dates = {"opens_at": (now - timedelta(hours=1)).isoformat(), "closes_at": (now + timedelta(days=1)).isoformat()}
    made = ask("POST /v1/organizer/halls", seller, {"title": "秋季云展会", **dates})
    hall: dict[str, Any] = {"hall_id": made["hall"]["id"]}
    ask("PUT /v1/organizer/halls/{hall_id}", seller, {"title": "云展会", "title_en": "Fair", **dates}, **hall)
    booth = ask("POST /v1/organizer/halls/{hall_id}/booths", seller, {"organization_id": str(stage.seller.id)}, **hall)
    at = {"booth_id": booth["id"]}
    ask("PUT /v1/seller/booths/{booth_id}", seller, {"listing_ids": [listing_id], "words": "欢迎"}, **at)
    item = {"starts_at": dates["opens_at"], "ends_at": dates["closes_at"], "title": "开幕"}
    ask("PUT /v1/organizer/halls/{hall_id}/agenda", seller, {"items": [item]}, **hall)
    ask("POST /v1/organizer/halls/{hall_id}/publication", seller, **hall)
    contact = {"name": "王芳", "company": "某某", "email": "wang@firm.example", "consent_version": CONSENT_VERSION}
    badge = ask("PUT /v1/halls/{hall_id}/badge", world.purchaser, contact, **hall)
    assert ask("POST /v1/booths/{booth_id}/visits", world.purchaser, **at)["counted"]
    scanned = ask("POST /v1/seller/booths/{booth_id}/scans", seller, {"code": badge["badge"]["code"]}, **at)
    one = {"badge_exchange_id": scanned["id"]}
    ask("POST /v1/badge-exchanges/{badge_exchange_id}/answer", world.purchaser, {"give": False}, **one)
    given = ask("POST /v1/booths/{booth_id}/badges", world.purchaser, {"consent_version": CONSENT_VERSION}, **at)
    one = {"badge_exchange_id": given["exchanges"][0]["id"]}
    ask("POST /v1/badge-exchanges/{badge_exchange_id}/revocation", world.purchaser, **one)
    ask("POST /v1/halls/{hall_id}/badge/withdrawal", world.purchaser, **hall)
    _removed(world, hall)
    ask("POST /v1/organizer/halls/{hall_id}/archive", seller, **hall)


def _removed(world: World, hall: dict[str, Any]) -> None:
    """The booth is answered once more, which changes nothing, and taken out."""
    ask, stage = world.walk.ask, world.stage
    _, seller, _ = world.member(stage.seller, "admin")
    (own,) = [
        one["id"]
        for one in ask("GET /v1/organizer/halls/{hall_id}", seller, **hall)["booths"]
        if one["state"] == "accepted"
    ]
    ask("POST /v1/seller/booths/{booth_id}/answer", seller, {"accept": True}, booth_id=own)
    ask("POST /v1/organizer/booths/{booth_id}/removal", seller, booth_id=own)
