"""The client: one call, one connection, one outcome."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import certifi
import httpcore

from kernel.outbound.endpoints import Endpoints
from kernel.outbound.errors import OutboundError, OutboundFailed, OutboundRefused, OutboundTimeout
from kernel.outbound.network import CallRecord, GuardedNetwork, Resolver, system_resolver
from kernel.outbound.policy import OutboundPolicy
from kernel.outbound.urls import Target, check_url

# The client alone decides these; a caller (whose header values may hold a seller's text) cannot.
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade", "expect"}
)
_UNHEALTHY_STATUS: Final = 500


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """A whole answer. Header names are lower case; repeated ones are joined by ", ". 3xx is an answer like others."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int


class OutboundClient:
    """Calls addresses that others supplied, within a policy. Thread safe; make one per process.

    Follows no redirect, reads no proxy from the environment, keeps no cookie, reuses no connection, asks for no
    compression (a small compressed answer may unpack to any size) and never retries: whoever calls owns the retry.
    """

    def __init__(self, policy: OutboundPolicy, resolver: Resolver = system_resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._endpoints = Endpoints(policy)
        self._ssl = ssl.create_default_context(cafile=policy.ca_file or certifi.where())
        self._ssl.minimum_version = ssl.TLSVersion.TLSv1_2

    def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> OutboundResponse:
        """POST; see :meth:`request`."""
        return self.request("POST", url, content, headers, timeout_s)

    def request(
        self,
        method: str,
        url: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> OutboundResponse:
        """Make one call and return its answer, whatever its status.

        ``timeout_s`` bounds everything, look-up and body included; it can shorten the policy's limit, not lengthen it.

        Raises:
            OutboundRefused: the policy forbids it; nothing was sent, do not repeat.
            BreakerOpen, EndpointBusy: the endpoint rests or is full; nothing was sent, repeat later.
            OutboundTimeout, OutboundFailed: look at ``never_sent``; when False the other side may have acted.
        """
        target = check_url(url, self._policy)
        request = self._build(method, target, content, headers or {})
        limit_s = self._policy.total_timeout_s if timeout_s is None else min(timeout_s, self._policy.total_timeout_s)
        call = CallRecord(limit_s)
        with self._endpoints.enter(target.endpoint, wait_s=min(self._policy.queue_wait_s, limit_s)) as passage:
            try:
                response = self._send(request, target, call)
            except OutboundRefused:
                raise
            except OutboundError:
                passage.healthy = False
                raise
            passage.healthy = response.status < _UNHEALTHY_STATUS
            return response

    def _build(self, method: str, target: Target, content: bytes, headers: Mapping[str, str]) -> httpcore.Request:
        if len(content) > self._policy.max_request_bytes:
            raise OutboundRefused("request_too_large")
        if any(name.lower() in _OWN_HEADERS for name in headers):
            raise OutboundRefused("header_not_allowed")
        all_headers = {"user-agent": self._policy.user_agent}
        all_headers |= {name.lower(): value for name, value in headers.items()}
        all_headers |= {"host": target.host_header, "accept-encoding": "identity", "connection": "close"}
        if content or method in {"POST", "PUT", "PATCH"}:
            all_headers["content-length"] = str(len(content))
        read_s, connect_s = self._policy.read_timeout_s, self._policy.connect_timeout_s
        try:
            return httpcore.Request(
                method.encode("ascii"),
                httpcore.URL(
                    scheme=target.scheme.encode("ascii"),
                    host=target.host.encode("ascii"),
                    port=target.port,
                    target=target.request_target.encode("ascii"),
                ),
                headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in all_headers.items()],
                content=content,
                extensions={"timeout": {"connect": connect_s, "read": read_s, "write": read_s, "pool": connect_s}},
            )
        except UnicodeEncodeError:
            raise OutboundRefused("header_not_ascii") from None

    def _send(self, request: httpcore.Request, target: Target, call: CallRecord) -> OutboundResponse:
        network = GuardedNetwork(self._policy, self._resolver, call, target)
        pool = httpcore.ConnectionPool(
            ssl_context=self._ssl, max_connections=1, max_keepalive_connections=0, retries=0, network_backend=network
        )
        try:
            with pool:
                response = pool.handle_request(request)
                try:
                    body = self._read_body(response)
                finally:
                    response.close()
        except httpcore.TimeoutException as error:
            reason = "read_timeout" if call.request_started else "connect_timeout"
            raise OutboundTimeout(reason, never_sent=not call.request_started) from error
        except httpcore.LocalProtocolError as error:
            # h11 refuses e.g. a line break in a header value before anything is written.
            if call.request_started:
                raise OutboundFailed("protocol_error", never_sent=False) from error
            raise OutboundRefused("malformed_request") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            reason = "connection_lost" if call.request_started else "connect_failed"
            raise OutboundFailed(reason, never_sent=not call.request_started) from error
        return OutboundResponse(response.status, _joined(response.headers), body, call.elapsed_ms())

    def _read_body(self, response: httpcore.Response) -> bytes:
        received = bytearray()
        for chunk in response.iter_stream():
            received += chunk
            if len(received) > self._policy.max_response_bytes:
                raise OutboundFailed("response_too_large", never_sent=False, status=response.status)
        return bytes(received)


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii", "replace").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
