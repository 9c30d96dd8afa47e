"""Which network addresses a caller-supplied name may lead to.

The table is our own because the standard library's flags let several through: on Python 3.11 to 3.13
``ipaddress`` calls 100.64.0.0/10 (one cloud's metadata service is 100.100.100.200), 192.0.0.192, 2002:7f00:1::,
fec0:: and 3fff:: neither private nor reserved, and ``is_global`` is True for 64:ff9b::7f00:1 and 224.0.0.1.

Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors). IPv4 is a list of
what is refused; IPv6 is the other way round: only global unicast (2000::/3) is considered, less what tunnels, documents
or tests, so that a range which is assigned tomorrow is refused today.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_REFUSED_V4: Final[tuple[tuple[str, str], ...]] = (
    ("0.0.0.0/8", "this_network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared_cgnat"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "cloud_metadata"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol_assignment"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "as112"),
    ("192.52.193.0/24", "amt"),
    ("192.88.99.0/24", "six_to_four_relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "as112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)

_GLOBAL_UNICAST_V6: Final = IPv6Network("2000::/3")

_REFUSED_V6: Final[tuple[tuple[str, str], ...]] = (
    ("2001::/23", "protocol_assignment"),  # Teredo, ORCHID, benchmarking, AMT
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "six_to_four"),
    ("2620:4f:8000::/48", "as112"),
    ("3ffe::/16", "returned_6bone"),
    ("3fff::/20", "documentation"),
)

# Outside global unicast everything is refused; these names only make the record readable.
_NAMES_V6: Final[tuple[tuple[str, str], ...]] = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "v4_mapped"),
    ("::/96", "v4_compatible"),
    ("64:ff9b::/96", "nat64"),
    ("64:ff9b:1::/48", "nat64"),
    ("100::/64", "discard"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link_local"),
    ("fec0::/10", "site_local"),
    ("ff00::/8", "multicast"),
)

_V4: Final = tuple((IPv4Network(cidr), name) for cidr, name in _REFUSED_V4)
_V6: Final = tuple((IPv6Network(cidr), name) for cidr, name in _REFUSED_V6)
_V6_NAMES: Final = tuple((IPv6Network(cidr), name) for cidr, name in _NAMES_V6)

_ISATAP_MARKS: Final = (0x00005EFE, 0x02005EFE)

Address = IPv4Address | IPv6Address


class RefusedAddress(Exception):
    """An address lies in a network that outbound calls may not reach; ``network`` names the kind of network."""

    def __init__(self, network: str) -> None:
        super().__init__(network)
        self.network = network


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address that passed; ``text`` is its one canonical form, the only one ever given to connect().

    ``is_inside`` marks loopback and private addresses that a permission admitted.
    """

    text: str
    is_inside: bool


def check_address(text: str, *, allow_loopback: bool = False, allow_private: bool = False) -> CheckedAddress:
    """Judge one address as the resolver returned it.

    Raises:
        RefusedAddress: the address is not a plain, globally reachable unicast address, and is not a loopback
            (127.0.0.0/8, ::1) or private (RFC 1918, RFC 4193) one that the caller has permission for.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise RefusedAddress("not_an_address") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise RefusedAddress("scoped")
    if allow_loopback and _is_plain_loopback(address):
        return CheckedAddress(str(address), is_inside=True)
    kind = _refused_kind(address)
    if kind == "private" and allow_private:
        return CheckedAddress(str(address), is_inside=True)
    if kind is not None:
        raise RefusedAddress(kind)
    return CheckedAddress(str(address), is_inside=False)


def _is_plain_loopback(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address in IPv4Network("127.0.0.0/8")
    return address == IPv6Address("::1")


def _refused_kind(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((name for network, name in _V4 if address in network), None)
    if address not in _GLOBAL_UNICAST_V6:
        return next((name for network, name in _V6_NAMES if address in network), "not_global_unicast")
    refused = next((name for network, name in _V6 if address in network), None)
    if refused is None and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        # RFC 5214: an ISATAP interface identifier carries an IPv4 address that a relay would deliver to.
        return "isatap"
    return refused
