"""The one guarded way out: HTTP calls to addresses that others gave us.

Everything that calls a seller's system goes through :class:`OutboundClient`; nothing else in the program opens a
connection to an address that a person typed. See ``addresses`` for which networks are refused and why.
"""

from kernel.outbound.addresses import RefusedAddress, check_address
from kernel.outbound.client import OutboundClient, OutboundResponse
from kernel.outbound.errors import (
    BreakerOpen,
    EndpointBusy,
    OutboundError,
    OutboundFailed,
    OutboundRefused,
    OutboundTimeout,
)
from kernel.outbound.policy import OutboundPolicy
from kernel.outbound.urls import Target, check_url

__all__ = [
    "BreakerOpen",
    "EndpointBusy",
    "OutboundClient",
    "OutboundError",
    "OutboundFailed",
    "OutboundPolicy",
    "OutboundRefused",
    "OutboundResponse",
    "OutboundTimeout",
    "RefusedAddress",
    "Target",
    "check_address",
    "check_url",
]
