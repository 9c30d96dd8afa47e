"""Which addresses of sellers may be called: the guarded client's policy, from the settings."""

from __future__ import annotations

from kernel.outbound import OutboundPolicy
from kernel.settings import Settings


def outbound_policy(settings: Settings) -> OutboundPolicy:
    """The policy under which addresses are accepted and called alike.

    Loopback is no exception of its own: the sandbox permits its sample seller by host and port, nothing else.
    """
    return OutboundPolicy(permitted=settings.allowed_outbound)
