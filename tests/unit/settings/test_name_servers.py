"""Name servers are named by address; anything else is refused at the start."""

from __future__ import annotations

import pytest

from kernel.name_servers import parse_name_servers


def test_addresses_with_and_without_a_port() -> None:
    assert parse_name_servers("192.0.2.1, 192.0.2.2:5353,2001:db8::1 ,[2001:db8::2],[2001:db8::3]:5353") == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 53),
        ("2001:db8::3", 5353),
    ]
    assert parse_name_servers("") == []


@pytest.mark.parametrize(
    "text", ["dns.example", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:x", "[2001:db8::1", ":53"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_name_servers(text)
