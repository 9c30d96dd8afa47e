"""Reading a caller-supplied URL so strictly that no two parsers could disagree about where it leads."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from kernel.outbound.addresses import RefusedAddress, check_address
from kernel.outbound.errors import OutboundRefused
from kernel.outbound.policy import OutboundPolicy

MAX_URL_LENGTH: Final = 2048
DEFAULT_PORT: Final = {"https": 443, "http": 80}

# RFC 3986 characters only. No fragment, no userinfo, no backslash, no control character can match.
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The last label of a name is never a number; anything of this look is some reader's IPv4 address (WHATWG URL, 3.5).
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# RFC 6761, 6762, 7686, 8375 and the reserved private-use name .internal: never names of a public service.
_LOCAL_SUFFIXES: Final = frozenset(
    {"arpa", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "onion"}
)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL after the check, in pieces: later steps use the pieces and never parse text again."""

    scheme: str
    host: str
    port: int
    request_target: str
    is_permitted: bool = False

    @property
    def endpoint(self) -> str:
        """What breakers and limits call the address: scheme, host and port."""
        return f"{self.scheme}://{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """Value of the Host header (RFC 9110 §7.2): the port only where it is not the scheme's own."""
        return self._bracketed if DEFAULT_PORT[self.scheme] == self.port else f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def check_url(url: str, policy: OutboundPolicy) -> Target:
    """Check a URL without any look-up; forms call it to refuse a bad address when it is typed.

    Raises:
        OutboundRefused: with a reason such as ``scheme_not_allowed``, ``userinfo``, ``port_not_allowed``,
            ``host_not_allowed`` or ``address_<kind>``.
    """
    if len(url) > MAX_URL_LENGTH:
        raise OutboundRefused("url_too_long")
    match = _URL.fullmatch(url)
    if match is None:
        raise OutboundRefused(_why_malformed(url))
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORT:
        raise OutboundRefused("scheme_not_allowed")
    port = int(match["port"]) if match["port"] else DEFAULT_PORT[scheme]
    if not 0 < port < 65536:
        raise OutboundRefused("port_not_allowed")
    is_permitted = f"{match['host'].lower()}:{port}" in policy.permitted
    host = _check_host(match["host"], policy, is_permitted=is_permitted)
    is_near = is_permitted or (policy.allow_loopback and (host == "localhost" or _is_loopback_literal(host)))
    if scheme != "https" and not is_near:
        raise OutboundRefused("scheme_not_allowed")
    if port not in policy.allowed_ports and not is_near:
        raise OutboundRefused("port_not_allowed")
    return Target(scheme, host, port, (match["path"] or "/") + (match["query"] or ""), is_permitted)


def _why_malformed(url: str) -> str:
    authority = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#\\]*)", url)
    if authority and "@" in authority[1]:
        return "userinfo"
    if not url.isascii():
        return "not_ascii"
    if "#" in url:
        return "fragment"
    return "malformed_url"


def _check_host(raw: str, policy: OutboundPolicy, *, is_permitted: bool) -> str:
    if raw.startswith("["):
        return _check_literal(_parse_v6(raw[1:-1]), policy, is_permitted=is_permitted)
    host = raw.lower()
    labels = host.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]) or (not labels[-1] and len(labels) > 1 and labels[-2].isdigit()):
        return _check_literal(_parse_v4(host), policy, is_permitted=is_permitted)
    if is_permitted or (host == "localhost" and policy.allow_loopback):
        return host
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise OutboundRefused("malformed_host")
    if len(labels) < 2 or labels[-1] in _LOCAL_SUFFIXES:
        raise OutboundRefused("host_not_allowed")
    return host


def _check_literal(text: str, policy: OutboundPolicy, *, is_permitted: bool) -> str:
    try:
        allow_loopback = policy.allow_loopback or is_permitted
        return check_address(text, allow_loopback=allow_loopback, allow_private=is_permitted).text
    except RefusedAddress as refused:
        raise OutboundRefused(f"address_{refused.network}") from None


def _parse_v4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        # 127.1, 0x7f000001, 2130706433, 0177.0.0.1: readable to getaddrinfo, so refused here by their look.
        raise OutboundRefused("address_not_dotted_decimal") from None


def _parse_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise OutboundRefused("malformed_host") from None


def _is_loopback_literal(host: str) -> bool:
    return host == "::1" or (host.startswith("127.") and host.replace(".", "").isdigit())
