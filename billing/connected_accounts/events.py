"""Facts about the parties' accounts at gateways."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class GatewayAccountEnabled(Event):
    """A gateway pays out what is sent to a party's account, for the first time or again, and none of its payouts go there."""

    topic: ClassVar[str] = "billing.gateway_account_enabled.v1"
    account_id: UUID
    org_id: UUID
    gateway: str
