"""What a robot posts says nothing in a provider's markup that is not ours, and fits; its address is its provider's alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Forbidden, Invalid
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from marketplace.access.permissions import EVERYTHING, ROLES
from marketplace.notifications.kinds import KINDS
from marketplace.robots.credentials import checked_secret, key_in
from marketplace.robots.message_text import (
    MOST_BYTES,
    RobotItem,
    as_text,
    dingtalk_body,
    feishu_body,
    how_many_fit,
    wecom_body,
)
from marketplace.robots.protocols import dingtalk_signature, feishu_signature
from marketplace.robots.topics import TOPIC_OF, TOPICS, checked_topics

BASE = {
    "dingtalk": "https://oapi.dingtalk.com",
    "wecom": "https://qyapi.weixin.qq.com",
    "feishu": "https://open.feishu.cn",
}
KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
GOOD = {
    "dingtalk": f"https://oapi.dingtalk.com/robot/send?access_token={KEY}",
    "wecom": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
    "feishu": f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}",
}
LINK = "https://market.example/seller/tickets/019ad000-0000-7000-8000-000000000001"
TEXTS = st.text(max_size=400) | st.text(alphabet="<>[]()*_`~@#&!|\\ at al 中\n", max_size=400)
ITEMS = st.lists(st.builds(RobotItem, TEXTS, TEXTS, TEXTS, st.just(LINK)), min_size=1, max_size=12)


@given(TEXTS, st.integers(1, 300))
def test_text_has_no_mark_of_a_provider_and_one_line(words: str, most: int) -> None:
    found = as_text(words, most)
    assert not set(found) & set("<>[]()*_`~@#&!|\\\n\r")
    assert len(found) <= most


@given(ITEMS)
def test_a_post_takes_one_at_least_and_fits(items: list[RobotItem]) -> None:
    count = how_many_fit(items)
    assert 1 <= count <= len(items)
    fitting = items[:count]
    assert len(wecom_body(fitting)["markdown"]["content"].encode()) <= 4_096
    assert count == 1 or len(wecom_body(fitting)["markdown"]["content"].encode()) <= MOST_BYTES
    for body in (dingtalk_body(fitting), feishu_body(fitting)):
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= 20_000


@given(ITEMS)
def test_only_our_pages_are_linked_and_nobody_is_called(items: list[RobotItem]) -> None:
    content = wecom_body(items)["markdown"]["content"]
    assert content.count("](") == content.count(f"]({LINK})") == len(items)
    card = feishu_body(items)["card"]
    assert [one["actions"][0]["url"] for one in card["elements"] if one["tag"] == "action"] == [LINK] * len(items)
    said = json.dumps([content, dingtalk_body(items), card], ensure_ascii=False)
    assert "<" not in said
    assert "@" not in said


def test_signatures_are_those_of_the_providers() -> None:
    # By `openssl dgst -sha256 -hmac`, over what each documentation says is signed, with what it says is the key.
    assert dingtalk_signature("this is secret", 1_700_000_000_000) == "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0="
    assert feishu_signature("this is secret", 1_700_000_000) == "OfGzRzoUICBOoc8wVra1e4A1hPfbZ9zqXozA8CWVUuY="


@pytest.mark.parametrize("provider", sorted(GOOD))
def test_the_key_is_taken_out_of_a_providers_own_address(provider: str) -> None:
    assert key_in(provider, f"  {GOOD[provider]} ", BASE[provider]) == KEY
    assert GOOD[provider].startswith(BASE[provider])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://oapi.dingtalk.com/robot/send?access_token=" + KEY,
        "https://oapi.dingtalk.com.evil.example/robot/send?access_token=" + KEY,
        "https://oapi.dingtalk.com@169.254.169.254/robot/send?access_token=" + KEY,
        "https://oapi.dingtalk.com:8443/robot/send?access_token=" + KEY,
        "https://oapi.dingtalk.com/robot/sendmore?access_token=" + KEY,
        "https://oapi.dingtalk.com/robot/send",
        "https://oapi.dingtalk.com/robot/send?access_token=short",
        "https://oapi.dingtalk.com/robot/send?access_token=" + KEY + "%0d%0aHost:x",
        "https://oapi.dingtalk.com/robot/send?access_token=" + "a" * 129,
        "https://[::1/robot/send?access_token=" + KEY,
        "https://oapi.dingtalk.com/robot/send?" + "a=1&" * 20 + "access_token=" + KEY,
        GOOD["feishu"],
        GOOD["wecom"],
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="robot_address_invalid"):
        key_in("dingtalk", address, BASE["dingtalk"])


def test_a_path_below_feishus_is_refused() -> None:
    with pytest.raises(Invalid, match="robot_address_invalid"):
        key_in("feishu", GOOD["feishu"] + "/../../other", BASE["feishu"])


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=200))
def test_no_text_is_worse_than_invalid(provider: str, address: str) -> None:
    with pytest.raises(Invalid):
        key_in(provider, address, BASE[provider])


def test_who_signs_needs_a_secret() -> None:
    assert checked_secret("wecom", "whatever") == ""
    assert checked_secret("dingtalk", " SEC12345678 ") == "SEC12345678"
    with pytest.raises(Invalid, match="robot_secret_required"):
        checked_secret("feishu", " ")
    with pytest.raises(Invalid, match="robot_secret_invalid"):
        checked_secret("dingtalk", "SEC 1234 5678")


def test_topics_hold_kinds_that_there_are_each_once() -> None:
    kinds = [kind for one in TOPICS.values() for kind in one.kinds]
    assert len(kinds) == len(set(kinds)) == len(TOPIC_OF)
    assert set(kinds) <= set(KINDS)
    assert {one.permission for one in TOPICS.values()} <= EVERYTHING


def test_a_topic_is_chosen_by_whoever_is_told_of_it() -> None:
    person = Principal(PrincipalKind.PERSON, uuid7(), uuid7(), ROLES["developer"])
    assert checked_topics(["sales", "purchases"], person) == ["sales", "purchases"]
    with pytest.raises(Forbidden):
        checked_topics(["tickets"], person)
    with pytest.raises(Invalid, match="robot_topic_unknown"):
        checked_topics(["salaries"], person)
    with pytest.raises(Invalid, match="robot_topics_required"):
        checked_topics([], person)
