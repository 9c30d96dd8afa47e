"""The dealer reads what it earns on its order's page and in its trace; who else reads these does not."""

from __future__ import annotations

from tests.api.pages.dashboards.conftest import Dashboards, sign_in, text_of
from tests.loop.test_dealer_margin import in_gold


def test_the_margin_is_on_the_dealers_pages_alone(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    resale = in_gold(stage)
    order_id = resale.buy()
    assert "you earn ¥1,194.00, 30% of it" in text_of(dashboards.buyer.get(f"/orders/{order_id}"))
    trace = text_of(dashboards.buyer.get(f"/trace/{order_id}"))
    assert "Your margin at the plan's price" in trace
    assert "¥1,194.00" in trace
    for reader in (dashboards.seller, dashboards.operator):
        answer = reader.get(f"/trace/{order_id}")
        assert answer.status_code == 200
        assert "Your margin" not in text_of(answer)
        assert "¥1,194.00" not in text_of(answer)
    customer = sign_in(stage.services, dashboards.seller.client, resale.customer.owner)
    for path in (f"/orders/{order_id}", f"/trace/{order_id}"):
        assert customer.get(path).status_code == 404
