"""The jobs and sweeps of outgoing events, with the ports they work through; registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import call, sweep
from kernel.outbound import OutboundClient
from kernel.secrets import SecretBox
from marketplace.webhooks.deliver import DeliverWebhooks
from marketplace.webhooks.purge_events import BATCH, purge_old_events
from marketplace.webhooks.record_events import DELIVER
from marketplace.webhooks.wake_due import wake_due

WAKE = "marketplace.webhooks.wake"
RETENTION_SWEEP = "marketplace.webhooks.retention"


def register(client: OutboundClient, box: SecretBox, *, public_url: str) -> None:
    """Register what sends, what looks for what is due, and what forgets."""
    call(DELIVER)(DeliverWebhooks(client, box, public_url))

    @sweep(WAKE, every=timedelta(seconds=1))
    def look(transact: Transact) -> None:
        transact(wake_due)

    @sweep(RETENTION_SWEEP, every=timedelta(hours=6))
    def purge(transact: Transact) -> None:
        while transact(purge_old_events) == BATCH:
            continue
