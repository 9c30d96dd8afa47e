"""The `none` connector: nothing to call; the entitlement itself, checked through our API, is the delivery."""

from __future__ import annotations

from fulfillment.connectors.ports import Answer, Exchange, RunRequest, Succeeded


class NoopConnector:
    """Every operation is done as soon as it is asked for."""

    def call(self, request: RunRequest) -> Answer:
        """See `Connector.call`."""
        return Succeeded(Exchange(request_excerpt=request.operation), external_id=str(request.run_id))
