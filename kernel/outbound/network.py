"""Connecting to exactly the address that was checked, and never for longer than the call may last.

A name is looked up for every call and every answer judged; the connection goes to a judged address by number, so that a
name server which changes its mind between look and use ("rebinding") changes nothing. Host header, SNI and certificate
check keep the name.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import certifi

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


class GuardedNetwork:
    """Names to judged addresses, and judged addresses to connected sockets."""

    def __init__(self, policy: OutboundPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls_lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def find_addresses(self, target: Target, call: CallRecord) -> list[CheckedAddress]:
        """Look up and judge; what is a number already needs no look-up.

        Raises:
            OutboundRefused: any one of the name's addresses is refused (a mixed answer is an attack or a mistake).
            OutboundTimeout, OutboundFailed: no answer; nothing was sent.
        """
        answers = [target.host] if _is_number(target.host) else self._look_up(target.host, target.port, call)
        return self._judge(answers, target)

    def connect(
        self, target: Target, addresses: Sequence[CheckedAddress], call: CallRecord
    ) -> tuple[socket.socket, CheckedAddress]:
        """A connected socket, with TLS where the target has it, and the address it goes to.

        Raises:
            OutboundRefused: the peer is another one than was asked for.
            OutboundTimeout, OutboundFailed: no connection; nothing was sent.
        """
        failure: Exception | None = None
        for address in addresses[:_MAX_ADDRESSES_TRIED]:
            limit_s = call.left_s(self._policy.connect_timeout_s)
            try:
                connected = socket.create_connection((address.text, target.port), limit_s)
            except OSError as error:
                failure = error
                continue
            try:
                # A request is one small write that nothing follows: waiting to fill a packet would only delay it.
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _check_peer(connected, address)
                return (self._secure(connected, target, call) if target.scheme == "https" else connected), address
            except BaseException:
                connected.close()
                raise
        if isinstance(failure, TimeoutError):
            raise OutboundTimeout("connect_timeout", never_sent=True) from failure
        raise OutboundFailed("connect_failed", never_sent=True) from failure

    def _secure(self, connected: socket.socket, target: Target, call: CallRecord) -> ssl.SSLSocket:
        connected.settimeout(call.left_s(self._policy.connect_timeout_s))
        try:
            return self._tls_context().wrap_socket(connected, server_hostname=target.host)
        except TimeoutError as error:
            raise OutboundTimeout("connect_timeout", never_sent=True) from error
        except (OSError, ValueError) as error:
            raise OutboundFailed("connect_failed", never_sent=True) from error

    def _tls_context(self) -> ssl.SSLContext:
        """Made when first needed: the public roots take time and memory that many processes never need."""
        with self._tls_lock:
            if self._tls is None:
                context = ssl.create_default_context(cafile=self._policy.ca_file or certifi.where())
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                self._tls = context
            return self._tls

    def _look_up(self, host: str, port: int, call: CallRecord) -> Sequence[str]:
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
        thread.join(call.left_s(self._policy.resolve_timeout_s))
        if thread.is_alive():
            raise OutboundTimeout("resolve_timeout", never_sent=True)
        if not answers or not answers[0]:
            raise OutboundFailed("name_not_found", never_sent=True) from (failures[0] if failures else None)
        return answers[0]

    def _judge(self, answers: Sequence[str], target: Target) -> list[CheckedAddress]:
        is_permitted = target.is_permitted
        allow_loopback = self._policy.allow_loopback or is_permitted
        try:
            checked = [
                check_address(text, allow_loopback=allow_loopback, allow_private=is_permitted) for text in answers
            ]
        except RefusedAddress as refused:
            raise OutboundRefused(f"address_{refused.network}") from None
        if target.scheme == "http" and not all(address.is_inside for address in checked):
            raise OutboundRefused("scheme_not_allowed")
        return checked


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _check_peer(connected: socket.socket, address: CheckedAddress) -> None:
    if ip_address(connected.getpeername()[0]) != ip_address(address.text):
        raise OutboundRefused("peer_is_another_address")
