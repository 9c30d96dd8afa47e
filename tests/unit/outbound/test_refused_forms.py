"""More than two hundred ways to write an address inside, none of which may open a connection."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.outbound import OutboundClient, OutboundError, OutboundPolicy, OutboundRefused, check_address, check_url
from kernel.outbound.addresses import RefusedAddress

_CORPUS = json.loads(Path(__file__).with_name("refused.json").read_text())
REFUSED_V4: list[str] = _CORPUS["ipv4"]
REFUSED_V6: list[str] = _CORPUS["ipv6"]
REFUSED_URLS: list[str] = _CORPUS["urls"]

EDGES = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 169.253.255.255 192.0.1.0 198.17.255.255 198.20.0.0
223.255.255.255 2606:4700:4700::1111 240e::1 2a00:1450::1 2001:200::1 2003::1
"""

PERMITTED_URLS = {
    "https://seller.example/hook": "https://seller.example:443",
    "https://Seller.EXAMPLE/hook?a=1&b=%E4%B8%AD": "https://seller.example:443",
    "https://seller.example:8443": "https://seller.example:8443",
    "https://xn--fiqs8s.example/": "https://xn--fiqs8s.example:443",
    "https://93.184.216.34/hook": "https://93.184.216.34:443",
    "https://[2606:4700::1111]:8443/": "https://[2606:4700::1111]:8443",
    "https://0x7f000001.example/": "https://0x7f000001.example:443",
    "https://127.0.0.1.seller.example/": "https://127.0.0.1.seller.example:443",
}


class Canary:
    """Listens on a loopback port and counts connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len({*REFUSED_V4, *REFUSED_V6, *REFUSED_URLS}) >= 200
    assert len(REFUSED_URLS) >= 150


@pytest.mark.parametrize("address", [*REFUSED_V4, *REFUSED_V6])
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(RefusedAddress):
        check_address(address)
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(OutboundRefused):
        check_url(f"https://{literal}/hook", OutboundPolicy())


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_of_doubtful_reading_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused) as refused:
        check_url(url, OutboundPolicy())
    assert refused.value.never_sent
    assert not refused.value.retryable


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_of_doubtful_reading_is_refused_in_the_sandbox_too_unless_it_is_loopback(url: str) -> None:
    policy = OutboundPolicy(allow_loopback=True)
    if url.lower() == "https://localhost/hook":
        assert check_url(url, policy).host == "localhost"
        return
    with pytest.raises(OutboundRefused):
        check_url(url, policy)


@pytest.mark.parametrize(("url", "endpoint"), PERMITTED_URLS.items())
def test_a_public_url_is_permitted(url: str, endpoint: str) -> None:
    assert check_url(url, OutboundPolicy()).endpoint == endpoint


@pytest.mark.parametrize("address", EDGES.split())
def test_the_table_does_not_spill_over_its_edges(address: str) -> None:
    assert check_address(address).text == address


def test_loopback_permission_admits_loopback_and_nothing_else() -> None:
    assert check_address("127.0.0.1", allow_loopback=True).is_inside
    assert check_address("::1", allow_loopback=True).is_inside
    for address in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.1", "::", "64:ff9b::7f00:1", "fe80::1"):
        with pytest.raises(RefusedAddress):
            check_address(address, allow_loopback=True)


def test_plain_http_is_for_loopback_in_the_sandbox_only() -> None:
    sandbox = OutboundPolicy(allow_loopback=True)
    assert check_url("http://127.0.0.1:9000/hook", sandbox).port == 9000
    assert check_url("http://[::1]:9000/hook", sandbox).host_header == "[::1]:9000"
    with pytest.raises(OutboundRefused, match="address_loopback"):
        check_url("http://127.0.0.1:9000/hook", OutboundPolicy())
    with pytest.raises(OutboundRefused, match="scheme_not_allowed"):
        check_url("http://seller.example/", sandbox)


@pytest.mark.parametrize("answer", [*REFUSED_V4, *REFUSED_V6])
def test_a_name_that_leads_inside_opens_no_connection(answer: str, canary: Canary) -> None:
    policy = OutboundPolicy(allowed_ports=frozenset({canary.port}))
    client = OutboundClient(policy, resolver=lambda _host, _port: [answer])
    with pytest.raises(OutboundRefused) as refused:
        client.post(f"https://seller.example:{canary.port}/hook", b"{}")
    assert refused.value.never_sent
    assert canary.connections == 0


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_no_doubtful_url_reaches_the_canary(url: str, canary: Canary) -> None:
    policy = OutboundPolicy(allowed_ports=frozenset({canary.port, 443}))
    client = OutboundClient(policy, resolver=lambda _host, _port: ["127.0.0.1"])
    for attempt in (url, url.replace("/hook", f":{canary.port}/hook")):
        with pytest.raises(OutboundRefused):
            client.post(attempt, b"{}")
    assert canary.connections == 0


@pytest.mark.parametrize(
    "answers",
    [
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2606:4700::1111", "::1"],
        ["93.184.216.34", "::ffff:127.0.0.1"],
        ["93.184.216.34", "not an address"],
    ],
)
def test_one_address_inside_among_several_spoils_the_name(answers: list[str], canary: Canary) -> None:
    policy = OutboundPolicy(allowed_ports=frozenset({canary.port}))
    client = OutboundClient(policy, resolver=lambda _host, _port: answers)
    with pytest.raises(OutboundRefused):
        client.post(f"https://seller.example:{canary.port}/hook", b"{}")
    assert canary.connections == 0


def test_a_name_server_that_changes_its_mind_reaches_nothing_inside(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public answer first, loopback at every later question: the name is asked once a call, and each answer judged."""
    questions: list[str] = []
    connected: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        questions.append(host)
        return ["1.1.1.1"] if len(questions) == 1 else ["127.0.0.1"]

    def note_only(address: tuple[str, int], *_: object) -> socket.socket:
        connected.append(address[0])  # the public address is somebody's: note the attempt, do not make it
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", note_only)
    client = OutboundClient(OutboundPolicy(allowed_ports=frozenset({canary.port})), resolver=rebinding)
    with pytest.raises(OutboundError) as first:
        client.post(f"https://seller.example:{canary.port}/hook", b"{}")
    assert first.value.never_sent
    assert questions == ["seller.example"]
    assert connected == ["1.1.1.1"]
    with pytest.raises(OutboundRefused, match="address_loopback"):
        client.post(f"https://seller.example:{canary.port}/hook", b"{}")
    assert connected == ["1.1.1.1"]
    assert canary.connections == 0


def test_a_named_pair_may_be_private_and_only_that_pair() -> None:
    policy = OutboundPolicy(permitted=frozenset({"127.0.0.1:8010", "seller:8080", "10.1.2.3:9000"}))
    for url in ("http://127.0.0.1:8010/hook", "http://seller:8080/", "https://10.1.2.3:9000/"):
        assert check_url(url, policy).is_permitted
    for url in ("http://127.0.0.1:8011/", "http://127.0.0.1:5432/", "http://127.0.0.2:8010/", "http://seller/",
                "https://10.1.2.3/", "https://10.1.2.4:9000/", "http://seller.example:8080/"):  # fmt: skip
        with pytest.raises(OutboundRefused):
            check_url(url, policy)


@pytest.mark.parametrize("answer", ["169.254.169.254", "100.100.100.200", "fe80::1", "8.8.8.8", "::ffff:10.0.0.1"])
def test_a_named_pair_does_not_open_metadata_addresses_nor_plain_http_to_the_world(answer: str) -> None:
    policy = OutboundPolicy(permitted=frozenset({"seller:8080"}))
    with pytest.raises(OutboundRefused):
        OutboundClient(policy, resolver=lambda _h, _p: [answer]).post("http://seller:8080/", b"x")
