"""Facts about endpoints."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class WebhookDisabled(Event):
    """Nothing more is sent to an endpoint: it took nothing for days (`failures`), or said that it is `gone`."""

    topic: ClassVar[str] = "marketplace.webhook_disabled.v1"
    endpoint_id: UUID
    org_id: UUID
    disabled_for: str
