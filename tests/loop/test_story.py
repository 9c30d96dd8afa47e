"""The demo's story: one purchase from the second of a video to the cents of a payout."""

from __future__ import annotations

from tests.loop_stage import Stage


class TestSubscriptionBoughtFromVideo:
    def test_order_becomes_active_and_is_provisioned_once(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        assert stage.order(order_id).state == "active"
        assert stage.entitlement(order_id).state == "active"
        assert stage.topics() == []
