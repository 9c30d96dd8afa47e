"""Connections kept alive: when one is used again, when it must not be, and what is known when it breaks."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from kernel.outbound import OutboundClient, OutboundFailed, OutboundPolicy, OutboundRefused

SANDBOX = OutboundPolicy(allow_loopback=True, connect_timeout_s=5, read_timeout_s=5, total_timeout_s=10)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WAIT_S = 10.0


class Server:
    """Answers each request of each connection with what `answers` says; None ends the connection instead."""

    def __init__(self, answers: Callable[[int, int], bytes | None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.requests: list[tuple[int, bytes]] = []
        self.ended = threading.Semaphore(0)
        self._answers = answers
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, len(self._open)), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        # A client that closes on bytes it did not read resets the connection.
        with connection, suppress(ConnectionResetError):
            asked = 0
            # One recv, one request: head and body come in one write.
            while request := connection.recv(65536):
                asked += 1
                self.requests.append((number, request))
                answer = self._answers(number, asked)
                if answer is None:
                    break
                connection.sendall(answer)
        self.ended.release()

    def send_unasked(self, content: bytes) -> None:
        self._open[-1].sendall(content)

    def end_connections(self) -> None:
        for connection in self._open:
            connection.shutdown(socket.SHUT_RDWR)
            assert self.ended.acquire(timeout=WAIT_S)

    def connections_used(self) -> list[int]:
        return [number for number, _ in self.requests]

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(answers: Callable[[int, int], bytes | None]) -> Iterator[Server]:
    server = Server(answers)
    try:
        yield server
    finally:
        server.close()


def always_ok(_connection: int, _asked: int) -> bytes:
    return OK


def post(client: OutboundClient, server: Server, times: int = 1) -> None:
    for _ in range(times):
        assert client.post(server.url, b'{"n":1}').body == b"ok"


def test_calls_to_one_endpoint_share_a_connection_and_each_request_is_one_write() -> None:
    with serving(always_ok) as server:
        post(OutboundClient(SANDBOX), server, times=3)
    assert server.connections_used() == [1, 1, 1]
    for _, request in server.requests:
        assert request.startswith(b"POST /hook HTTP/1.1\r\n")
        assert request.endswith(b'\r\n\r\n{"n":1}')


def test_without_keep_alive_every_call_has_its_own_connection() -> None:
    with serving(always_ok) as server:
        post(OutboundClient(OutboundPolicy(allow_loopback=True, keep_alive_s=0)), server, times=2)
    assert server.connections_used() == [1, 2]


def test_a_connection_that_its_server_ended_is_replaced_before_anything_is_written() -> None:
    client = OutboundClient(SANDBOX)
    with serving(always_ok) as server:
        post(client, server)
        server.end_connections()
        post(client, server)
    assert server.connections_used() == [1, 2]


def test_a_kept_connection_that_breaks_after_the_request_is_an_unknown_outcome_and_nothing_is_sent_twice() -> None:
    client = OutboundClient(SANDBOX)
    with serving(lambda _, asked: OK if asked == 1 else None) as server:
        post(client, server)
        with pytest.raises(OutboundFailed, match="connection_lost") as lost:
            client.post(server.url, b"x")
        assert not lost.value.never_sent
        assert server.connections_used() == [1, 1]
        post(client, server)
    assert server.connections_used() == [1, 1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=1, max=5\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ],
    ids=["says it closes", "HTTP/1.0", "closes at once", "answers what was not asked"],
)
def test_an_answer_after_which_the_connection_is_not_kept(answer: bytes) -> None:
    with serving(lambda connection, _: answer if connection == 1 else OK) as server:
        post(OutboundClient(SANDBOX), server, times=2)
    assert server.connections_used() == [1, 2]


def test_bytes_that_come_unasked_are_not_taken_for_the_next_answer() -> None:
    client = OutboundClient(SANDBOX)
    with serving(always_ok) as server:
        post(client, server)
        server.send_unasked(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        post(client, server)
    assert server.connections_used() == [1, 2]


def test_a_connection_idle_for_too_long_is_not_used() -> None:
    client = OutboundClient(OutboundPolicy(allow_loopback=True, keep_alive_s=0.05))
    with serving(always_ok) as server:
        post(client, server)
        time.sleep(0.1)
        post(client, server)
        assert server.ended.acquire(timeout=WAIT_S)
    assert server.connections_used() == [1, 2]


def test_no_more_connections_are_kept_than_allowed_the_longest_idle_goes_first() -> None:
    client = OutboundClient(OutboundPolicy(allow_loopback=True, max_idle_connections=1))
    with serving(always_ok) as one, serving(always_ok) as other:
        post(client, one)
        post(client, other)
        assert one.ended.acquire(timeout=WAIT_S)
        post(client, other)
        post(client, one)
    assert (one.connections_used(), other.connections_used()) == ([1, 2], [1, 1])


def test_a_kept_connection_serves_its_own_name_only() -> None:
    with serving(always_ok) as server:
        policy = OutboundPolicy(allow_loopback=True, permitted=frozenset({f"a:{server.port}", f"b:{server.port}"}))
        client = OutboundClient(policy, resolver=lambda _h, _p: ["127.0.0.1"])
        for name in ("a", "b", "a"):
            assert client.post(f"http://{name}:{server.port}/hook", b"x").status == 200
    assert server.connections_used() == [1, 2, 1]


@pytest.mark.parametrize("later", [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"]])
def test_a_kept_connection_is_no_way_round_the_judgement_of_the_name(later: list[str]) -> None:
    answers: list[Sequence[str]] = [["127.0.0.1"], later]
    with serving(always_ok) as server:
        policy = OutboundPolicy(allow_loopback=True, permitted=frozenset({f"seller:{server.port}"}))
        client = OutboundClient(policy, resolver=lambda _h, _p: answers.pop(0))
        assert client.post(f"http://seller:{server.port}/hook", b"x").status == 200
        with pytest.raises(OutboundRefused, match="address_link_local"):
            client.post(f"http://seller:{server.port}/hook", b"x")
    assert len(server.requests) == 1


def test_a_name_that_moved_is_followed_and_not_held_to_the_kept_address() -> None:
    answers: list[Sequence[str]] = [["127.0.0.1"], ["127.0.0.2"]]
    with serving(always_ok) as server:
        policy = OutboundPolicy(allow_loopback=True, permitted=frozenset({f"seller:{server.port}"}))
        client = OutboundClient(policy, resolver=lambda _h, _p: answers.pop(0))
        assert client.post(f"http://seller:{server.port}/hook", b"x").status == 200
        # Nobody listens at the new address.
        with pytest.raises(OutboundFailed, match="connect_failed") as failed:
            client.post(f"http://seller:{server.port}/hook", b"x")
    assert failed.value.never_sent
    assert len(server.requests) == 1


def test_an_address_is_not_looked_up() -> None:
    def forbidden(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError("asked for an address that is one already")

    with serving(always_ok) as server:
        post(OutboundClient(SANDBOX, resolver=forbidden), server)
    assert server.connections_used() == [1]
