"""Who is asked what a domain's owner has published, and the addresses of name servers as a setting names them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, Protocol

PORT: Final = 53


class TxtResolver(Protocol):
    """Whoever knows what a domain's owner has published."""

    def find_txt(self, name: str) -> frozenset[str]:
        """The text records of a name, empty where there are none. Raises Unavailable(`dns_unavailable`)."""
        ...


def parse_name_servers(text: str) -> list[tuple[str, int]]:
    """`192.0.2.1, 192.0.2.2:5353, [2001:db8::1]:53` as addresses and ports. Raises ValueError for anything else."""
    return [_parsed(one) for one in (part.strip() for part in text.split(",")) if one]


def _parsed(text: str) -> tuple[str, int]:
    """An IPv6 address with a port stands in brackets."""
    address, port = text, ""
    if text.startswith("[") or text.count(":") == 1:
        address, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    number = int(port) if port else PORT
    if not 0 < number < 65_536:
        raise ValueError(f"no port: {port}")
    return str(ip_address(address.removeprefix("[").removesuffix("]"))), number
