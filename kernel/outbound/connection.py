"""One HTTP/1.1 connection to a judged address: a request in one write, its answer, and whether it may carry another."""

import select
import socket
import ssl
from typing import Final

import h11

from kernel.outbound.errors import OutboundFailed, OutboundTimeout
from kernel.outbound.network import CallRecord
from kernel.outbound.policy import OutboundPolicy

_MAX_HEAD_BYTES: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024


class Connection:
    """Used by one call at a time. `keep_s` says how long it may stay idle, 0 when it is of no further use."""

    def __init__(self, connected: socket.socket, policy: OutboundPolicy) -> None:
        self._socket = connected
        self._policy = policy
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self.keep_s = 0.0

    def exchange(self, request: h11.Request, content: bytes, call: CallRecord) -> tuple[h11.Response, bytes]:
        """Send a request and read its whole answer. Close the connection when it raises.

        Raises:
            OutboundTimeout, OutboundFailed: `never_sent` is False once the first byte may have left.
        """
        self.keep_s = 0.0
        try:
            self._write(request, content, call)
            response = self._read_head(call)
            body = self._read_body(response, call)
        except TimeoutError as error:
            raise OutboundTimeout("read_timeout", never_sent=not call.request_started) from error
        except (h11.ProtocolError, OSError) as error:
            raise OutboundFailed("connection_lost", never_sent=not call.request_started) from error
        self._prepare_next(response)
        return response, body

    def is_stale(self) -> bool:
        """Whether an idle connection was closed by the other side, or has something to read that nobody asked for."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        try:
            return bool(poll.poll(0)) or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0)
        except OSError:
            return True

    def close(self) -> None:
        """Close it, whatever state it is in."""
        self._socket.close()

    def _write(self, request: h11.Request, content: bytes, call: CallRecord) -> None:
        events: list[h11.Event] = [request, h11.EndOfMessage()]
        if content:
            events.insert(1, h11.Data(data=content))
        message = b"".join([self._protocol.send(event) or b"" for event in events])
        self._socket.settimeout(call.left_s(self._policy.read_timeout_s))
        # Set before the write: a write that fails half-way has still told the other side something.
        call.request_started = True
        self._socket.sendall(message)

    def _read_head(self, call: CallRecord) -> h11.Response:
        while True:
            event = self._next_event(call)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise OutboundFailed("connection_lost", never_sent=False)

    def _read_body(self, response: h11.Response, call: CallRecord) -> bytes:
        received = bytearray()
        while isinstance(event := self._next_event(call), h11.Data):
            received += event.data
            if len(received) > self._policy.max_response_bytes:
                raise OutboundFailed("response_too_large", never_sent=False, status=response.status_code)
        return bytes(received)

    def _next_event(self, call: CallRecord) -> h11.Event:
        while not isinstance(event := self._protocol.next_event(), h11.Event):
            # A server that drips bytes gains nothing: each read is capped by what is left of the call's time.
            self._socket.settimeout(call.left_s(self._policy.read_timeout_s))
            self._protocol.receive_data(self._socket.recv(_READ_BYTES))
        return event

    def _prepare_next(self, response: h11.Response) -> None:
        """Keep a connection whose exchange ended cleanly on both sides; what came beyond the answer is never the next one."""
        protocol = self._protocol
        if (
            protocol.our_state is h11.DONE
            and protocol.their_state is h11.DONE
            and protocol.trailing_data == (b"", False)
        ):
            protocol.start_next_cycle()
            self.keep_s = min(self._policy.keep_alive_s, _announced_s(response) - 1)


def _announced_s(response: h11.Response) -> float:
    """Seconds after which the other side says that it will close an idle connection (`Keep-Alive: timeout=5`)."""
    for name, value in response.headers:
        if name == b"keep-alive":
            for parameter in value.split(b","):
                key, _, number = parameter.strip().partition(b"=")
                if key.lower() == b"timeout" and number.isdigit():
                    return float(number[:9])
    return float("inf")
