"""Text records of the domain name system, asked of the resolvers that the installation names and of no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import dns.exception
import dns.nameserver
import dns.resolver

from kernel.errors import Unavailable

PATIENCE_S: Final = 4.0
"""For an answer, all resolvers together."""
MOST_RECORDS: Final = 100


class DnsTxtResolver:
    """Asks name servers by address, one after another."""

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]

    def find_txt(self, name: str) -> frozenset[str]:
        """As `kernel.name_servers.TxtResolver.find_txt`."""
        try:
            found = self._resolver.resolve(
                f"{name}.", "TXT", lifetime=PATIENCE_S, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return frozenset()
        except dns.exception.DNSException as error:
            raise Unavailable("dns_unavailable") from error
        records = list(found.rrset or ())[:MOST_RECORDS]
        return frozenset(b"".join(record.strings).decode("utf-8", "replace") for record in records)
