"""The limits of outbound calls, as one frozen value made from the settings."""

from dataclasses import dataclass

DEFAULT_PORTS = frozenset({443, 8443})


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Limits and permissions of :class:`kernel.outbound.OutboundClient`. Times in seconds, sizes in bytes.

    ``allow_loopback`` belongs to development and tests alone: it admits 127.0.0.0/8 and ::1, there also over plain http
    and on any port. It admits nothing else.
    ``permitted`` holds ``host:port`` pairs that an operator named: exactly these may have loopback or private
    (RFC 1918, RFC 4193) addresses, any port and plain http. Link-local and metadata addresses stay refused even there.
    ``keep_alive_s`` is how long an idle connection is kept for the next call, less where the other side announces less;
    0 makes a connection for every call.
    ``max_in_flight_per_endpoint`` counts what is called in one name at one address, ``max_in_flight_per_address`` all that
    is called there: many may share a relay, and none of them takes it from the others.
    ``ca_file`` names a PEM bundle to trust instead of the bundled public roots.
    """

    allow_loopback: bool = False
    permitted: frozenset[str] = frozenset()
    allowed_ports: frozenset[int] = DEFAULT_PORTS
    ca_file: str | None = None
    user_agent: str = "channel-market/1"
    max_request_bytes: int = 256 * 1024
    max_response_bytes: int = 64 * 1024
    resolve_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0
    total_timeout_s: float = 30.0
    keep_alive_s: float = 30.0
    max_idle_connections: int = 64
    max_in_flight_per_endpoint: int = 8
    max_in_flight_per_address: int = 64
    queue_wait_s: float = 1.0
    breaker_failures: int = 5
    breaker_open_s: float = 15.0
    breaker_max_open_s: float = 300.0
    max_endpoints_tracked: int = 10_000
