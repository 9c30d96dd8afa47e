"""Which addresses a live room may show a stream from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Invalid
from kernel.outbound import OutboundPolicy
from marketplace.live.streams import LEAST_MINUTES, MOST_MINUTES, NO_STREAMS, StreamHosts, stream_length_ms

NAMED = StreamHosts({"live.example.com", "cdn.example.com:8443"})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://live.example.com/a/index.m3u8", "https://live.example.com"),
        ("https://LIVE.example.com:443/a.m3u8?key=x.y", "https://live.example.com"),
        ("https://cdn.example.com:8443/a.m3u8", "https://cdn.example.com:8443"),
    ],
)
def test_a_playlist_of_a_host_that_was_named_may_be_shown(url: str, origin: str) -> None:
    assert NAMED.require(f" {url} ") == url
    assert NAMED.find_origin(url) == origin


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://live.example.com/a.m3u8", "scheme_not_allowed"),
        ("https://live.example.com:8443/a.m3u8", "host_not_allowed"),
        ("https://cdn.example.com/a.m3u8", "host_not_allowed"),
        ("https://other.example.com/a.m3u8", "host_not_allowed"),
        ("https://live.example.com.evil.example/a.m3u8", "host_not_allowed"),
        ("https://live.example.com@evil.example/a.m3u8", "userinfo"),
        ("https://live.example.com/a.mp4", "not_a_playlist"),
        ("https://live.example.com/a?x=.m3u8", "not_a_playlist"),
        ("https://live.example.com/a.m3u8#x", "fragment"),
        ("https://live.example.com/a.m3u8;script-src *", "malformed_url"),
        ("javascript:alert(1)//a.m3u8", "malformed_url"),
        ("https://127.0.0.1/a.m3u8", "address_loopback"),
        ("https://169.254.169.254/a.m3u8", "address_link_local"),
        ("rtmp://live.example.com/a.m3u8", "scheme_not_allowed"),
    ],
)
def test_no_other_address_may_be(url: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        NAMED.require(url)
    assert (refused.value.code, refused.value.params["reason"]) == ("live_stream_refused", reason)
    assert NAMED.find_origin(url) is None


def test_a_private_address_is_shown_only_where_the_operator_named_it_twice() -> None:
    url, hosts = "http://10.0.0.7:8080/a.m3u8", {"10.0.0.7:8080"}
    assert StreamHosts(hosts).find_origin(url) is None
    permitted = OutboundPolicy(permitted=frozenset(hosts))
    assert StreamHosts(hosts, permitted).find_origin(url) == "http://10.0.0.7:8080"
    assert StreamHosts((), permitted).find_origin(url) is None


def test_without_hosts_there_are_no_streams() -> None:
    with pytest.raises(Invalid) as refused:
        NO_STREAMS.require("https://live.example.com/a.m3u8")
    assert refused.value.code == "live_streams_off"


@given(st.text(max_size=80))
def test_an_origin_is_one_word_of_a_policy(text: str) -> None:
    """What goes into a header is what was named, whatever was typed."""
    for url in (text, f"https://live.example.com/{text}.m3u8", f"https://{text}/a.m3u8"):
        assert NAMED.find_origin(url) in (None, "https://live.example.com", "https://cdn.example.com:8443")


@given(st.integers(-10, 1_000))
def test_a_stream_has_a_length(minutes: int) -> None:
    if LEAST_MINUTES <= minutes <= MOST_MINUTES:
        assert stream_length_ms(minutes) == minutes * 60_000
        return
    with pytest.raises(Invalid) as refused:
        stream_length_ms(minutes)
    assert refused.value.code == "live_stream_length"
