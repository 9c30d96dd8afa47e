"""The address of a meeting: what is kept is one that every browser and calendar reads the same way."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.pages.leads.meeting_provider import host_of, provider_of
from kernel.errors import Invalid
from marketplace.demos.meeting import checked_meeting_url
from marketplace.demos.models import MOST_OF_MEETING_URL

LONG = "https://meet.example/" + "a" * (MOST_OF_MEETING_URL - 21)
TYPED = st.one_of(
    st.text(max_size=80),
    st.text(max_size=80).map("https://".__add__),
    st.text(max_size=60).map("https://meet.example/".__add__),
    st.text("ab.:/?#[]@%\\xn--1ｅü\n ", max_size=60).map("https://".__add__),
)


@given(TYPED)
@example("https://[::1")
@example("https://a.example:port/")
@example("https://a.example:99999/")
@example("https://" + "ü" * 300 + ".example")
def test_what_passes_is_one_address_and_what_does_not_is_said_so(typed: str) -> None:
    try:
        found = checked_meeting_url(typed)
    except Invalid:
        return
    assert found.startswith("https://")
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    assert len(found) <= MOST_OF_MEETING_URL
    pieces = urlsplit(found)
    assert pieces.hostname
    assert pieces.username is None
    assert checked_meeting_url(found) == found


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  https://meeting.tencent.com/dm/3kX?x=1,2 ", "https://meeting.tencent.com/dm/3kX?x=1,2"),
        ("HTTPS://Meet.Example", "https://meet.example"),
        ("https://bücher.example/ä?x=ü#f", "https://xn--bcher-kva.example/%C3%A4?x=%C3%BC#f"),
        ("https://例え.テスト:8443/a", "https://xn--r8jz45g.xn--zckzah:8443/a"),
        ("https://ｅxample.com/", "https://example.com/"),
        (
            "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d",
            "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d",
        ),
        (LONG, LONG),
    ],
)
def test_addresses_that_are_kept(typed: str, kept: str) -> None:
    assert checked_meeting_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "meeting.tencent.com/dm/1",
        "http://meeting.tencent.com/dm/1",
        "javascript:alert(1)",
        "javascript://meet.example/%0aalert(1)",
        "data:text/html,x",
        "https:meet.example",
        "https:///dm/1",
        "https://user@meet.example/",
        "https://user:secret@meet.example/",
        "https://@meet.example/",
        "https://meet.example\\@evil.example/",
        "https://meet.example/a b",
        "https://meet.example/a\u3000b",
        "https://meet.example/a\nb",
        "https://meet.example/a\u202eb",
        "https://meet.example/\x00",
        "https://meet.example/\ud800",
        "https://meet..example/",
        "https://me_et.example/",
        "https://meet.example:0/",
        "https://meet.example:65536/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://intranet/",
        LONG + "a",
        "https://meet.example/" + "ü" * 100,
    ],
)
def test_addresses_that_are_none(typed: str) -> None:
    with pytest.raises(Invalid, match="meeting_url_invalid") as refused:
        checked_meeting_url(typed)
    assert refused.value.field == "meeting_url"


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://meeting.tencent.com/dm/1", "tencent"),
        ("https://meeting.dingtalk.com/j/1", "dingtalk"),
        ("https://work.weixin.qq.com/meeting/1", "wecom"),
        ("https://vc.feishu.cn/j/1", "feishu"),
        ("https://us02web.zoom.us/j/1", "zoom"),
        ("https://teams.microsoft.com/l/1", "teams"),
        ("https://teams.live.com:443/meet/1", "teams"),
        ("https://evil-zoom.us/j/1", ""),
        ("https://zoom.us.evil.example/j/1", ""),
        ("https://meet.example/zoom.us", ""),
    ],
)
def test_a_provider_is_known_by_its_host(url: str, provider: str) -> None:
    assert provider_of(url) == provider
    assert host_of(url) in url
