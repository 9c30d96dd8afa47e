"""Signatures and encryption of approval providers: published vectors, and properties."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import uuid7
from orders.approval_apps.dingtalk import DingTalk
from orders.approval_apps.feishu import Feishu
from orders.approval_apps.form_text import LONGEST, FormContent, form_text
from orders.approval_apps.message_crypto import (
    MessageUnreadable,
    feishu_signature_of,
    is_message_key,
    open_feishu_message,
    open_message,
    require_signature,
    seal_message,
    signature_of,
)
from orders.approval_apps.ports import Access, IncomingCallback
from orders.approval_apps.wecom import WeCom

KEY = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"
V1 = (
    "0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t"
    "8SB/qk4ROMu3"
)
V2 = (
    "1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7"
    "XM/ZpulX8NEQis44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ=="
)
VECTORS = (
    (
        ("mryue", "1608001896814", "WL4PK6yA", "03044561471240d4a14bb09372dfcfd4fd0e40cb"),
        (KEY, "ding6ccabc44d2c8d38b", '{"EventType":"check_url"}'),
        V1,
    ),
    (
        ("123456", "1445827045067", "nEXhMP4r", "5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0"),
        (
            "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
            "suite4xxxxxxxxxxxxxxx",
            '{"EventType":"check_create_suite_url","Random":"LPIdSnlF","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}',
        ),
        V2,
    ),
)
PADDING_TRAP = (
    "ZC5MWOE8inNkJRbUw3ay9OXl27bnd0SLqXTwfAIqgir",
    "JVjyp8Sgojp6I1oLHA96uc8i/sXsvpmvyVjkxh6jwbP20m2IeoJCkAt/60k80IrqhiPi2ZEobPL+VZa14lj0mw==",
)
"""The length of its message is the byte of its padding."""


@pytest.mark.parametrize(("signed", "sealed", "encrypted"), VECTORS, ids=["V1", "V2"])
def test_published_messages_are_read(signed: tuple[str, ...], sealed: tuple[str, ...], encrypted: str) -> None:
    token, stamp, nonce, signature = signed
    key, receiver, message = sealed
    assert signature_of(token, stamp, nonce, encrypted) == signature
    opened = open_message(key, encrypted)
    assert (opened.message.decode(), opened.receiver) == (message, receiver)


def test_padding_is_told_by_the_last_byte_alone() -> None:
    opened = open_message(*PADDING_TRAP)
    assert (opened.message, opened.receiver) == (b"heollo world", "ding02323e3f1d13ae10")


@given(message=st.binary(max_size=300), receiver=st.text(st.characters(codec="ascii", min_codepoint=33), max_size=40))
def test_what_is_sealed_is_opened_again(message: bytes, receiver: str) -> None:
    sealed = seal_message(KEY, message, receiver)
    assert "\n" not in sealed
    opened = open_message(KEY, sealed)
    assert (opened.message, opened.receiver) == (message, receiver)


@given(content=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.hex()))
def test_what_is_no_message_is_refused_and_nothing_else_is_raised(content: str) -> None:
    for read in (lambda: open_message(KEY, content), lambda: open_feishu_message(KEY, content)):
        try:
            read()
        except MessageUnreadable:
            continue


def test_feishu_reads_its_own_documents_example() -> None:
    # From its documentation: encrypt key `test key`.
    assert open_feishu_message("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=") == b"hello world"


def test_signatures_are_the_same_or_are_refused() -> None:
    signed = feishu_signature_of("key", "1", "n", b"{}")
    require_signature(signed, signed)
    for other in ("", signed[:-1], signed.upper(), signed + "0", "签名"):
        with pytest.raises(MessageUnreadable):
            require_signature(other, signed)


@pytest.mark.parametrize("key", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "钥" * 43])
def test_keys_have_43_letters_or_digits(key: str) -> None:
    assert not is_message_key(key)
    assert is_message_key(KEY)


@given(body=st.binary(max_size=300), value=st.text(max_size=60))
def test_no_callback_raises_anything_but_its_refusal(body: bytes, value: str) -> None:
    access = Access("corp", "app", "T", "f", "n", "secret", "token", KEY)
    query = dict.fromkeys(("msg_signature", "signature", "timestamp", "nonce", "echostr"), value)
    bodies = (body, json.dumps({"encrypt": value}).encode(), b"<xml><Encrypt>" + value.encode() + b"</Encrypt></xml>")
    incoming = [
        IncomingCallback(method, query, {"x-lark-signature": value}, content)
        for method in ("GET", "POST")
        for content in bodies
    ]
    for provider in (DingTalk(None, ""), WeCom(None, ""), Feishu(None, "")):  # type: ignore[arg-type] # nobody is called
        for one in incoming:
            with pytest.raises(MessageUnreadable):
                provider.read(access, one)
        assert list(provider.said_in(body)) == []


@given(
    products=st.lists(st.text(max_size=80), max_size=60), requester=st.text(max_size=40), minor=st.integers(0, 10**15)
)
def test_the_form_is_short_enough_and_ends_with_its_link(products: list[str], requester: str, minor: int) -> None:
    link = f"https://market.example/approvals?{uuid7()}"
    made = form_text(FormContent(minor, "CNY", ("卖方",), tuple(products), requester, 1, 2, (), "PO-7", link))
    assert len(made) <= LONGEST
    assert made.endswith(link)
    assert "CNY" in made
