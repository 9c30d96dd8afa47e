"""Facts about connectors."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class ConnectorTestPassed(Event):
    """A seller's system answered the test of its connector as the protocol asks."""

    topic: ClassVar[str] = "fulfillment.connector_test_passed.v1"
    connector_id: UUID
    org_id: UUID
