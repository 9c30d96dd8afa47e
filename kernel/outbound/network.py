"""Connecting to exactly the address that was checked, and never for longer than the call may last.

``httpcore`` asks its network backend for a connection by *name*. Ours looks the name up once, judges every answer,
and connects to a judged address by number, so that a name server which changes its mind between look and use
("rebinding") changes nothing. Host header, SNI and certificate check keep the name.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from kernel.outbound.addresses import CheckedAddress, RefusedAddress, check_address
from kernel.outbound.errors import OutboundFailed, OutboundRefused, OutboundTimeout
from kernel.outbound.policy import OutboundPolicy
from kernel.outbound.urls import Target

Resolver = Callable[[str, int], Sequence[str]]
_MAX_ADDRESSES_TRIED = 3


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses the system gives for a name, IPv4 and IPv6. Raises OSError when the name has none."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class CallRecord:
    """Deadline of one call and whether any byte of its request has been handed to a socket."""

    def __init__(self, total_s: float) -> None:
        self.started = time.monotonic()
        self._deadline = self.started + total_s
        self.request_started = False

    def left_s(self, at_most: float | None = None) -> float:
        """Seconds left, at most ``at_most``. Raises OutboundTimeout when none are."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OutboundTimeout("total_time_limit", never_sent=not self.request_started)
        return left if at_most is None else min(left, at_most)

    def elapsed_ms(self) -> int:
        """Whole milliseconds since the call began."""
        return round((time.monotonic() - self.started) * 1000)


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every step is capped by the call's deadline: a server that drips bytes gains nothing."""

    def __init__(self, inner: httpcore.NetworkStream, call: CallRecord) -> None:
        self._inner = inner
        self._call = call

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._call.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        timeout = self._call.left_s(timeout)
        # Set before the write: a write that fails half-way has still told the other side something.
        self._call.request_started = self._call.request_started or bool(buffer)
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._call.left_s(timeout))
        return _TimedStream(secured, self._call)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedNetwork(httpcore.NetworkBackend):
    """The network backend of one call."""

    def __init__(self, policy: OutboundPolicy, resolver: Resolver, call: CallRecord, target: Target) -> None:
        self._policy = policy
        self._resolver = resolver
        self._call = call
        self._target = target
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Look up, judge, connect.

        Raises:
            OutboundRefused: any one of the name's addresses is refused (a mixed answer is an attack or a mistake).
            OutboundTimeout, OutboundFailed: no connection; nothing was sent.
        """
        addresses = self._judge(self._look_up(host, port))
        failure: Exception | None = None
        for address in addresses[:_MAX_ADDRESSES_TRIED]:
            limit_s = self._call.left_s(timeout)
            try:
                stream = self._inner.connect_tcp(address.text, port, limit_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            self._check_peer(stream, address)
            return _TimedStream(stream, self._call)
        if isinstance(failure, httpcore.ConnectTimeout):
            raise OutboundTimeout("connect_timeout", never_sent=True) from failure
        raise OutboundFailed("connect_failed", never_sent=True) from failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """Never: an outbound call has no business with a local socket."""
        raise OutboundRefused("unix_socket")

    def _look_up(self, host: str, port: int) -> Sequence[str]:
        """Ask the resolver in a thread of its own.

        getaddrinfo has no time limit, and a pool of look-up threads could be filled by one slow name server.
        """
        answers: list[Sequence[str]] = []
        failures: list[Exception] = []

        def ask() -> None:
            try:
                answers.append(self._resolver(host, port))
            except (OSError, UnicodeError) as error:
                failures.append(error)

        thread = threading.Thread(target=ask, name="outbound-look-up", daemon=True)
        thread.start()
        thread.join(self._call.left_s(self._policy.resolve_timeout_s))
        if thread.is_alive():
            raise OutboundTimeout("resolve_timeout", never_sent=True)
        if not answers or not answers[0]:
            raise OutboundFailed("name_not_found", never_sent=True) from (failures[0] if failures else None)
        return answers[0]

    def _judge(self, answers: Sequence[str]) -> list[CheckedAddress]:
        is_permitted = self._target.is_permitted
        allow_loopback = self._policy.allow_loopback or is_permitted
        try:
            checked = [
                check_address(text, allow_loopback=allow_loopback, allow_private=is_permitted) for text in answers
            ]
        except RefusedAddress as refused:
            raise OutboundRefused(f"address_{refused.network}") from None
        if self._target.scheme == "http" and not all(address.is_inside for address in checked):
            raise OutboundRefused("scheme_not_allowed")
        return checked

    @staticmethod
    def _check_peer(stream: httpcore.NetworkStream, address: CheckedAddress) -> None:
        peer = stream.get_extra_info("server_addr")
        if ip_address(peer[0]) != ip_address(address.text):
            stream.close()
            raise OutboundRefused("peer_is_another_address")
