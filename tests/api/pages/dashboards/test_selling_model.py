"""Who sells to the buyer is chosen with the words of a version, agreed to at the review, and told before the purchase."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.models import ListingVersion
from tests.api.pages.dashboards.conftest import Dashboards
from tests.api.pages.dashboards.test_listing_editor import TICKED, decided, save_text, written
from tests.platform_party import register_platform


def test_the_seller_proposes_it_and_the_operator_sees_what_changes(dashboards: Dashboards) -> None:
    register_platform(dashboards.stage.services.db)
    seller, path = dashboards.seller, written(dashboards)
    listing = path.rsplit("/", 1)[1]
    seller.post(f"{path}/submit")
    decided(dashboards, path, action="approve", **TICKED)
    seller.post(f"{path}/versions")
    assert save_text(seller, path, selling_model="nobody").status_code == 422
    assert save_text(seller, path, selling_model="reseller").status_code == 303
    assert '<option value="reseller" selected' in seller.get(f"{path}/edit").text
    assert seller.post(f"{path}/submit").status_code == 303
    desk = dashboards.operator.get(f"/operator/reviews/{listing}").text
    assert "Sold to the buyer by" in desk
    decided(dashboards, path, action="approve", **TICKED)
    versions = select(ListingVersion.selling_model).where(ListingVersion.listing_id == UUID(listing))
    assert dashboards.stage.rows(versions.order_by(ListingVersion.number)) == ["agency", "reseller"]
    shown = dashboards.buyer.get(f"/products/{listing}").text
    assert "频道集市（上海）网络科技有限公司" in shown
