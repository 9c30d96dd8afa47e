"""Addresses as people type them, and as they are kept."""

from __future__ import annotations

import pytest

from kernel.errors import Invalid
from marketplace.input_text import checked_email


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Buyer@Firm.example ", "buyer@firm.example"),
        ("a+b@x.example", "a+b@x.example"),
        ("a@münchen.example", "a@xn--mnchen-3ya.example"),
        ("cai@例子.公司", "cai@xn--fsqu00a.xn--55qx5d"),
        ("a@b.example.test", "a@b.example.test"),
    ],
)
def test_kept(typed: str, kept: str) -> None:
    assert checked_email(typed) == kept
    assert checked_email(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "a", "a@", "@b.example", "a@b", "a@localhost", ".a@new.example", "a.@new.example", "a..b@new.example",
        "a@x-.example", "a@-x.example", "a@1.2.3.4", "a@[127.0.0.1]", "a b@new.example", "a@new.example\r\nBcc: x@y.example",
        "a\0@new.example", "<a@new.example>", "A <a@new.example>", "a@new.example, b@new.example", "用户@new.example",
        "a" * 65 + "@new.example", "a@" + "b" * 250 + ".example",
    ],
)  # fmt: skip
def test_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="email_invalid"):
        checked_email(typed)
