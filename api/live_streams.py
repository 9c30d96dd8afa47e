"""Streams of live sessions as this installation lets browsers fetch them."""

from __future__ import annotations

from collections.abc import Mapping

from api.context import Services
from api.headers import page_headers, payer_origins
from marketplace.live.queries import LiveSessionView
from marketplace.live.streams import StreamHosts


def stream_hosts(services: Services) -> StreamHosts:
    """The hosts whose streams may be shown."""
    return StreamHosts(frozenset(services.settings.live_stream_hosts), services.outbound_policy)


def live_stream(services: Services, row: LiveSessionView) -> str | None:
    """Where a session's picture is; None where it has none, may not be asked for by this reader, or its host is no more named."""
    if row.stream_url is None or stream_hosts(services).find_origin(row.stream_url) is None:
        return None
    return row.stream_url


def stream_headers(services: Services, stream_url: str, nonce: str) -> Mapping[str, str]:
    """What a page answers with that plays a stream: it fetches from that host, and from nowhere else but here."""
    origin = stream_hosts(services).find_origin(stream_url)
    return page_headers(nonce, payer_origins=payer_origins(services), stream_origin=origin or "")
