"""Where a request comes from, for limits: the peer, or who the proxies of one's own say it was."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar import Request

IPV6_PREFIX = 64
"""What one subscriber gets at least (RFC 6177): counting single addresses of it would be counting nothing."""


def network_address(request: Request[Any, Any, Any], forwarded_hops: int) -> str | None:
    """The caller's IPv4 address or IPv6 network; None when it is not known (a Unix socket without a proxy's word).

    Only the last `forwarded_hops` entries of `X-Forwarded-For` were written by proxies of one's own; what stands before
    them was sent by the caller and is never believed.
    """
    if forwarded_hops:
        entries = ",".join(request.headers.getall("x-forwarded-for", [])).split(",")
        if len(entries) >= forwarded_hops and (found := _counted(entries[-forwarded_hops].strip())):
            return found
    return _counted(request.client.host) if request.client else None


def _counted(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False))
