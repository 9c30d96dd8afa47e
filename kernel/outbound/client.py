"""The client: one call, one outcome."""

import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import h11

from kernel.outbound.connection import Connection
from kernel.outbound.connection_pool import ConnectionPool
from kernel.outbound.endpoints import Endpoints
from kernel.outbound.errors import OutboundError, OutboundRefused
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

    Follows no redirect, reads no proxy from the environment, keeps no cookie, asks for no compression (a small
    compressed answer may unpack to any size) and never sends a request twice: whoever calls owns the retry.

    Connections are kept alive per scheme, host, port and judged address. One that its server has ended meanwhile is
    noticed before anything is written and replaced by a new one; one that ends later is an unknown outcome as ever.
    """

    def __init__(
        self,
        policy: OutboundPolicy,
        resolver: Resolver = system_resolver,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._endpoints = Endpoints(policy, monotonic)
        self._network = GuardedNetwork(policy, resolver)
        self._connections = ConnectionPool(policy)
        weakref.finalize(self, self._connections.close)

    def post(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        *,
        in_name_of: str = "",
    ) -> OutboundResponse:
        """POST; see :meth:`request`."""
        return self.request("POST", url, content, headers, timeout_s, in_name_of=in_name_of)

    def request(
        self,
        method: str,
        url: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        *,
        in_name_of: str = "",
    ) -> OutboundResponse:
        """Make one call and return its answer, whatever its status.

        ``timeout_s`` bounds everything, look-up and body included; it can shorten the policy's limit, not lengthen it.
        ``in_name_of`` is whose call it is: failures and slots are counted for each apart, even at one address.

        Raises:
            OutboundRefused: the policy forbids it; nothing was sent, do not repeat.
            BreakerOpen, EndpointBusy: the endpoint rests or is full; nothing was sent, repeat later.
            OutboundTimeout, OutboundFailed: look at ``never_sent``; when False the other side may have acted.
        """
        target = check_url(url, self._policy)
        request = self._build(method, target, content, headers or {})
        limit_s = self._policy.total_timeout_s if timeout_s is None else min(timeout_s, self._policy.total_timeout_s)
        call = CallRecord(limit_s)
        wait_s = min(self._policy.queue_wait_s, limit_s)
        with self._endpoints.enter(target.endpoint, in_name_of, wait_s=wait_s) as passage:
            try:
                response = self._send(request, content, target, call)
            except OutboundRefused:
                raise
            except OutboundError:
                passage.healthy = False
                raise
            passage.healthy = response.status < _UNHEALTHY_STATUS
            return response

    def _build(self, method: str, target: Target, content: bytes, headers: Mapping[str, str]) -> h11.Request:
        if len(content) > self._policy.max_request_bytes:
            raise OutboundRefused("request_too_large")
        if any(name.lower() in _OWN_HEADERS for name in headers):
            raise OutboundRefused("header_not_allowed")
        all_headers = {"host": target.host_header, "user-agent": self._policy.user_agent}
        all_headers |= {name.lower(): value for name, value in headers.items()}
        all_headers |= {"accept-encoding": "identity"}
        if content or method in {"POST", "PUT", "PATCH"}:
            all_headers["content-length"] = str(len(content))
        try:
            return h11.Request(
                method=method.encode("ascii"),
                target=target.request_target.encode("ascii"),
                headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in all_headers.items()],
            )
        except UnicodeEncodeError:
            raise OutboundRefused("header_not_ascii") from None
        except h11.LocalProtocolError as error:
            # E.g. a line break in a header value.
            raise OutboundRefused("malformed_request") from error

    def _send(self, request: h11.Request, content: bytes, target: Target, call: CallRecord) -> OutboundResponse:
        addresses = self._network.find_addresses(target, call)
        kept = self._connections.take(target, addresses)
        if kept is None:
            connected, address = self._network.connect(target, addresses, call)
            connection = Connection(connected, self._policy)
        else:
            connection, address = kept
        try:
            response, body = connection.exchange(request, content, call)
        except BaseException:
            connection.close()
            raise
        self._connections.keep(target, address, connection)
        return OutboundResponse(response.status_code, _joined(response.headers), body, call.elapsed_ms())


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii", "replace").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
