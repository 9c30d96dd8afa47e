"""A postal address in its parts, as electronic invoices want it (EN 16931 BT-35 to BT-39, BT-50 to BT-54), and on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Invalid
from marketplace.input_text import optional_line

STREET_MOST: Final = 150
CITY_MOST: Final = 80
POST_CODE_MOST: Final = 20
SUBDIVISION_MOST: Final = 80
ADDRESS_PARTS: Final = ("street", "city", "post_code", "subdivision")
_LARGEST_FIRST: Final = frozenset(["CN", "HK", "JP", "KR", "MO", "TW"])
"""Countries whose addresses begin with the province and end with the house."""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """The parts of an address; the country stands beside it. All empty: it is known on one line at most."""

    street: str = ""
    """Street and house, and whatever else is needed there."""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    """Province, state, region."""

    @property
    def is_given(self) -> bool:
        """Whether any part is known."""
        return bool(self.street or self.city or self.post_code or self.subdivision)

    def on_one_line(self, country: str) -> str:
        """In the order of its country, which is shown apart."""
        if country in _LARGEST_FIRST:
            parts = (self.subdivision, self.city, self.street, self.post_code)
        else:
            parts = (self.street, self.post_code, self.city, self.subdivision)
        return " ".join(part for part in parts if part)


def checked_address(address: PostalAddress) -> PostalAddress:
    """The parts as they are stored. Any of them asks for the city, which every post office does.

    Raises: Invalid(`text_too_long`, `address_city_required`).
    """
    found = PostalAddress(
        optional_line("street", address.street, STREET_MOST),
        optional_line("city", address.city, CITY_MOST),
        optional_line("post_code", address.post_code, POST_CODE_MOST),
        optional_line("subdivision", address.subdivision, SUBDIVISION_MOST),
    )
    if found.is_given and not found.city:
        raise Invalid("address_city_required", field="city")
    return found
