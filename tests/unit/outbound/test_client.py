"""The client against real listeners on loopback: what it sends, what it accepts, what it knows when it fails."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kernel import clock
from kernel.outbound import (
    BreakerOpen,
    EndpointBusy,
    OutboundClient,
    OutboundFailed,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
)
from kernel.outbound.endpoints import Breaker

SANDBOX = OutboundPolicy(allow_loopback=True, connect_timeout_s=1, read_timeout_s=1, total_timeout_s=2)


class Handler(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str], bytes]]
    answer: Callable[["Handler"], None]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        type(self).answer(self)

    do_GET = do_POST

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def serving(
    answer: Callable[[Handler], None], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[tuple[str, dict[str, str], bytes]]]]:
    seen: list[tuple[str, dict[str, str], bytes]] = []
    handler = type("Answering", (Handler,), {"seen": seen, "answer": answer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_server(behave: Callable[[socket.socket], object]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    behave(connection)
                except OSError:
                    continue

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(1.5)


def speak_ssh(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-x\r\n\r\n")


def slow_name_server(_host: str, _port: int) -> list[str]:
    time.sleep(1.5)
    return ["1.1.1.1"]


def test_a_call_carries_body_headers_and_the_right_host() -> None:
    with serving(lambda h: h.reply(201, b'{"ok":true}', {"X-Thing": "a"})) as (port, seen):
        answer = OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/hook?x=1", b"{}", {"webhook-id": "m1"})
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (201, b'{"ok":true}', "a")
    assert answer.elapsed_ms >= 0
    path, headers, body = seen[0]
    assert (path, body) == ("/hook?x=1", b"{}")
    assert headers["host"] == f"127.0.0.1:{port}"
    assert headers["webhook-id"] == "m1"
    assert headers["accept-encoding"] == "identity"
    assert headers["content-length"] == "2"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    with serving(lambda h: h.reply(200)) as (inside, inside_seen):
        location = {"Location": f"http://127.0.0.1:{inside}/"}
        with serving(lambda h: h.reply(status, headers=location)) as (port, seen):
            answer = OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x")
    assert answer.status == status
    assert len(seen) == 1
    assert inside_seen == []


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda h: h.reply(200)) as (port, seen):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert OutboundClient(SANDBOX).request("GET", f"http://127.0.0.1:{port}/").status == 200
    assert len(seen) == 1


def test_nobody_listening_means_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutboundFailed) as failed:
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x")
    assert failed.value.never_sent
    assert failed.value.retryable


def test_a_connection_lost_after_the_request_is_an_unknown_outcome() -> None:
    with raw_server(lambda c: c.recv(65536)) as port, pytest.raises(OutboundFailed) as failed:
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x")
    assert not failed.value.never_sent


def test_silence_after_the_request_is_an_unknown_outcome() -> None:
    with (
        raw_server(silent) as port,
        pytest.raises(OutboundTimeout) as late,
    ):
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x", timeout_s=0.3)
    assert not late.value.never_sent


def test_a_server_that_drips_bytes_is_cut_at_the_total_limit() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    with raw_server(drip) as port:
        started = time.monotonic()
        with pytest.raises(OutboundTimeout, match=r"total_time_limit|read_timeout") as late:
            OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x", timeout_s=0.5)
        assert time.monotonic() - started < 3
    assert not late.value.never_sent


def test_a_body_is_accepted_to_the_limit_and_not_beyond() -> None:
    limit = SANDBOX.max_response_bytes
    with serving(lambda h: h.reply(200, b"a" * limit)) as (port, _):
        assert len(OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x").body) == limit
    with (
        serving(lambda h: h.reply(200, b"a" * (limit + 1))) as (port, _),
        pytest.raises(OutboundFailed, match="response_too_large") as failed,
    ):
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x")
    assert failed.value.status == 200
    assert not failed.value.never_sent


def test_an_answer_that_is_not_http_is_an_unknown_outcome() -> None:
    with (
        raw_server(speak_ssh) as port,
        pytest.raises(OutboundFailed) as failed,
    ):
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x")
    assert not failed.value.never_sent


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"Content-Length": "9"}, {"Transfer-Encoding": "chunked"},
                                     {"X-A": "a\r\nX-B: b"}, {"X A": "a"}, {"X-A": "中"}])  # fmt: skip
def test_a_header_that_would_change_the_message_is_refused_before_anything_is_sent(headers: dict[str, str]) -> None:
    with serving(lambda h: h.reply(200)) as (port, seen), pytest.raises(OutboundRefused):
        OutboundClient(SANDBOX).post(f"http://127.0.0.1:{port}/", b"x", headers)
    assert seen == []


def test_a_slow_name_server_is_not_waited_for() -> None:
    policy = OutboundPolicy(resolve_timeout_s=0.2)
    client = OutboundClient(policy, resolver=slow_name_server)
    with pytest.raises(OutboundTimeout, match="resolve_timeout") as late:
        client.post("https://seller.example/", b"x")
    assert late.value.never_sent


def test_an_unknown_name_is_a_failure_that_sent_nothing() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(OutboundFailed, match="name_not_found") as failed:
        OutboundClient(OutboundPolicy(), resolver=unknown).post("https://seller.example/", b"x")
    assert failed.value.never_sent


def _certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context


def test_tls_keeps_the_name_while_the_connection_goes_to_the_checked_address(tmp_path: Path) -> None:
    pem, context = _certificate(tmp_path, "seller.example")
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with serving(lambda h: h.reply(200), tls=context) as (port, seen):
        policy = OutboundPolicy(allow_loopback=True, allowed_ports=frozenset({port}), ca_file=str(pem))
        client = OutboundClient(policy, resolver=lambda _h, _p: ["127.0.0.1"])
        assert client.post(f"https://seller.example:{port}/hook", b"x").status == 200
        assert names == ["seller.example"]
        assert seen[0][1]["host"] == f"seller.example:{port}"
        with pytest.raises(OutboundFailed) as other_name:
            client.post(f"https://other.example:{port}/hook", b"x")
        assert other_name.value.never_sent
    assert len(seen) == 1


def test_an_untrusted_certificate_is_refused_before_the_request(tmp_path: Path) -> None:
    _, context = _certificate(tmp_path, "seller.example")
    with serving(lambda h: h.reply(200), tls=context) as (port, seen):
        policy = OutboundPolicy(allow_loopback=True, allowed_ports=frozenset({port}))
        client = OutboundClient(policy, resolver=lambda _h, _p: ["127.0.0.1"])
        with pytest.raises(OutboundFailed) as failed:
            client.post(f"https://seller.example:{port}/hook", b"secret")
    assert failed.value.never_sent
    assert seen == []


def test_the_breaker_rests_a_failing_endpoint_and_leaves_others_alone() -> None:
    policy = OutboundPolicy(allow_loopback=True, breaker_failures=3)
    client = OutboundClient(policy)
    with serving(lambda h: h.reply(503)) as (dead, dead_seen), serving(lambda h: h.reply(200)) as (alive, _):
        for _ in range(3):
            assert client.post(f"http://127.0.0.1:{dead}/", b"x").status == 503
        with pytest.raises(BreakerOpen) as resting:
            client.post(f"http://127.0.0.1:{dead}/", b"x")
        assert resting.value.never_sent
        assert resting.value.retry_after_s > 0
        assert len(dead_seen) == 3
        assert client.post(f"http://127.0.0.1:{alive}/", b"x").status == 200


def test_the_breaker_probes_once_then_closes_or_rests_twice_as_long() -> None:
    now_s = 0.0
    breaker = Breaker(OutboundPolicy(breaker_failures=2, breaker_open_s=10, breaker_max_open_s=25), lambda: now_s)
    for _ in range(2):
        breaker.admit()
        breaker.record(healthy=False)
    with pytest.raises(BreakerOpen):
        breaker.admit()
    now_s = 10.0
    breaker.admit()
    with pytest.raises(BreakerOpen):
        breaker.admit()  # a second caller while the probe is out
    breaker.record(healthy=False)
    now_s = 29.9
    with pytest.raises(BreakerOpen):
        breaker.admit()
    now_s = 30.0
    breaker.admit()
    breaker.record(healthy=None)  # the probe never reached the endpoint: the next call probes again
    breaker.admit()
    breaker.record(healthy=True)
    breaker.admit()
    breaker.admit()  # closed: no longer one at a time


def test_no_more_calls_than_allowed_are_in_flight() -> None:
    inside, release = threading.Semaphore(0), threading.Event()

    def hold(handler: Handler) -> None:
        inside.release()
        release.wait(5)
        handler.reply(200)

    policy = OutboundPolicy(allow_loopback=True, max_in_flight_per_endpoint=2, queue_wait_s=0.1)
    client = OutboundClient(policy)
    with serving(hold) as (port, seen):
        callers = [threading.Thread(target=client.post, args=(f"http://127.0.0.1:{port}/", b"x")) for _ in range(2)]
        for caller in callers:
            caller.start()
        assert inside.acquire(timeout=5)
        assert inside.acquire(timeout=5)
        with pytest.raises(EndpointBusy) as busy:
            client.post(f"http://127.0.0.1:{port}/", b"x")
        assert busy.value.never_sent
        release.set()
        for caller in callers:
            caller.join(5)
        assert client.post(f"http://127.0.0.1:{port}/", b"x").status == 200
    assert len(seen) == 3


def test_one_that_fails_at_a_shared_address_stops_nobody_else() -> None:
    def answer(handler: Handler) -> None:
        handler.reply(503 if handler.path == "/broken" else 200)

    client = OutboundClient(OutboundPolicy(allow_loopback=True))
    with serving(answer) as (port, _):
        for _ in range(SANDBOX.breaker_failures):
            assert client.post(f"http://127.0.0.1:{port}/broken", b"x", in_name_of="broken").status == 503
        with pytest.raises(BreakerOpen):
            client.post(f"http://127.0.0.1:{port}/broken", b"x", in_name_of="broken")
        for name in ("healthy", "another", ""):
            assert client.post(f"http://127.0.0.1:{port}/", b"x", in_name_of=name).status == 200


def test_one_that_hangs_at_a_shared_address_takes_nobody_elses_slots_but_all_share_a_wide_limit() -> None:
    inside, release = threading.Semaphore(0), threading.Event()

    def hold(handler: Handler) -> None:
        if handler.path == "/slow":
            inside.release()
            release.wait(5)
        handler.reply(200)

    policy = OutboundPolicy(
        allow_loopback=True, max_in_flight_per_endpoint=2, max_in_flight_per_address=3, queue_wait_s=0.1
    )
    client = OutboundClient(policy)
    with serving(hold) as (port, _):
        slow, quick = f"http://127.0.0.1:{port}/slow", f"http://127.0.0.1:{port}/"
        callers = [
            threading.Thread(target=client.post, args=(slow, b"x"), kwargs={"in_name_of": name})
            for name in ("one", "one", "two")
        ]
        for caller in callers[:2]:
            caller.start()
            assert inside.acquire(timeout=5)
        with pytest.raises(EndpointBusy):
            client.post(quick, b"x", in_name_of="one")
        assert client.post(quick, b"x", in_name_of="two").status == 200
        callers[2].start()
        assert inside.acquire(timeout=5)
        with pytest.raises(EndpointBusy):
            client.post(quick, b"x", in_name_of="three")
        release.set()
        for caller in callers:
            caller.join(5)
