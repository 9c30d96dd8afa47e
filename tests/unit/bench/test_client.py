"""The client of the benches against a server of a few lines: kept-alive connections, sessions, refusals, a lost connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bench.client import Client, Refused, repeat
from tests.event_loop import run_async

Handler = Callable[[str, dict[str, str], bytes], bytes]


@dataclass
class Server:
    """Answers each request by `handler`, which gives the whole answer; an empty one closes the connection."""

    handler: Handler
    connections: int = 0
    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((first, headers, body))
                answer = self.handler(first, headers, body)
                if not answer:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


def answer(content: object, *, status: str = "200 OK", extra: str = "") -> bytes:
    body = json.dumps(content).encode()
    return f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def against(handler: Handler, work: Callable[[Server], Awaitable[None]]) -> Server:
    server = Server(handler)

    async def both() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        await work(server)
        listening.close()

    run_async(both())
    return server


def test_one_connection_serves_many_requests() -> None:
    async def work(server: Server) -> None:
        client = Client("127.0.0.1", server.port)
        assert [await client.ask("GET", f"/{number}") for number in range(5)] == [
            f"GET /{n} HTTP/1.1" for n in range(5)
        ]
        client.close()

    server = against(lambda first, _headers, _body: answer(first), work)
    assert server.connections == 1


def test_a_session_is_carried_by_every_later_request() -> None:
    def handler(first: str, _headers: dict[str, str], _body: bytes) -> bytes:
        if "/v1/session" in first:
            return answer({"csrf": "c-1"}, status="201 Created", extra="Set-Cookie: session=s-1; HttpOnly; Path=/\r\n")
        return answer({"fine": True})

    async def work(server: Server) -> None:
        client = Client("127.0.0.1", server.port)
        await client.sign_in("a@b.example", "secret")
        await client.ask("POST", "/v1/quotes", {"quantity": 3}, key=True)
        await client.ask("POST", "/v1/quotes", {"quantity": 3}, key=True)

    server = against(handler, work)
    _, headers, body = server.requests[1]
    assert (headers["cookie"], headers["x-csrf-token"]) == ("session=s-1", "c-1")
    assert (headers["content-type"], json.loads(body)) == ("application/json", {"quantity": 3})
    assert headers["idempotency-key"] != server.requests[2][1]["idempotency-key"]
    assert "cookie" not in server.requests[0][1]


def test_chunks_and_interim_answers_are_read_as_one_answer() -> None:
    raw = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n": 1\r\n1\r\n}\r\n0\r\n\r\n'
    )

    async def work(server: Server) -> None:
        assert await Client("127.0.0.1", server.port).ask("GET", "/") == {"a": 1}

    against(lambda *_: raw, work)


def test_no_success_ends_the_bench() -> None:
    async def work(server: Server) -> None:
        client = Client("127.0.0.1", server.port)
        with pytest.raises(ExceptionGroup) as failed:
            await repeat([lambda: client.fetch("GET", "/busy")], times=3)
        assert failed.group_contains(Refused, match="GET /busy: 503")

    server = against(lambda *_: answer({"code": "busy"}, status="503 Service Unavailable"), work)
    assert len(server.requests) == 1


def test_a_lost_connection_is_an_error_and_the_next_request_opens_another() -> None:
    async def work(server: Server) -> None:
        client = Client("127.0.0.1", server.port)
        with pytest.raises(ConnectionError):
            await client.fetch("GET", "/lost")
        assert await client.ask("GET", "/found") == "found"

    server = against(lambda first, *_: b"" if "lost" in first else answer("found"), work)
    assert server.connections == 2


def test_every_step_is_done_so_many_times_and_timed() -> None:
    done = [0, 0]

    def step(place: int) -> Callable[[], Awaitable[None]]:
        async def count() -> None:
            done[place] += 1
            await asyncio.sleep(0)

        return count

    durations = run_async(repeat([step(0), step(1)], times=7))
    assert done == [7, 7]
    assert len(durations) == 14
    assert all(duration >= 0 for duration in durations)


def test_no_time_left_is_no_work() -> None:
    async def never() -> None:
        raise AssertionError("done after its time")

    assert run_async(repeat([never], seconds=-1.0)) == []
